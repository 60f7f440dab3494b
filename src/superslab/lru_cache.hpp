#pragma once
/// Floor 4. Retired SuperSlabs that stay mapped for their next use.

#include "layout/descriptors.hpp"
#include "lockfree/slot_cache.hpp"

namespace hakmem {

/// Bounded by Geometry::kCachedSuperSlabs; what does not fit is the caller's to unmap.
template <class Config>
class LruCache {
  using SuperSlabT = SuperSlab<Config>;

 public:
  /// Puts a retired SuperSlab the caller owns. Any thread. \return false when full: the caller still owns it.
  [[nodiscard]] bool put(SuperSlabT& superslab) noexcept { return cache_.put(&superslab); }

  /// Takes a retired SuperSlab. Any thread. \return it, the caller's alone, or nullptr.
  [[nodiscard]] SuperSlabT* take() noexcept { return cache_.take(); }

 private:
  SlotCache<typename Config::Sync, SuperSlabT, Config::Geometry::kCachedSuperSlabs> cache_;
};

}  // namespace hakmem
