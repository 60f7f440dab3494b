#pragma once
/// Floor 3. The backend: what a heap gets its memory from, and the map that says whose an address is.

#include "layout/page_map.hpp"
#include "os/os_concept.hpp"

namespace hakmem {

/// One for each heap; what all floors above it ask for pages and for owners.
template <class Config>
struct Backend {
  using Os = typename Config::Os;

  constexpr Backend() noexcept = default;
  constexpr explicit Backend(const Os& system) noexcept : os(system) {}

  /// Before any other use, once.
  void init() noexcept { map.init(os); }

  /// First: its root is then where the heap is, which saves the path of free an addition.
  PageMap<Config> map;
  [[no_unique_address]] Os os{};
};

}  // namespace hakmem
