#pragma once
/// Floor 7. The call-site id of the call that a thread is in (B7): kept by builds whose heap records it.

#include "api/process_config.hpp"

namespace hakmem {

/// For the length of one call of the API.
class AtSite {
 public:
#ifdef HAKMEM_HARDENED
  explicit AtSite(std::uint32_t site) noexcept { ProcessCallSite::value = site; }
  ~AtSite() { ProcessCallSite::value = 0; }
#else
  explicit AtSite(std::uint32_t) noexcept {}
#endif
  AtSite(const AtSite&) = delete;
  AtSite& operator=(const AtSite&) = delete;
};

}  // namespace hakmem
