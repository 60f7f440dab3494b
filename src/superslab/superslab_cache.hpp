#pragma once
/// Floor 4. Retired SuperSlabs that stay mapped for their next use.

#include "layout/descriptors.hpp"
#include "lockfree/pointer_cache.hpp"
#include "sync/tunable.hpp"

namespace hakmem {

/// Bounded by Geometry::kCachedSuperSlabs or what is set; what does not fit is the caller's to unmap.
template <class Config>
class SuperSlabCache {
  using SuperSlabT = SuperSlab<Config>;
  static constexpr std::size_t kPlaces = Config::Geometry::kCachedSuperSlabs;

 public:
  /// Bounds the number of SuperSlabs that are kept; threads that put at the same moment may together go beyond it.
  void set_most(std::size_t superslabs) noexcept { most_.set(superslabs); }

  /// Puts a retired SuperSlab the caller owns. Any thread. \return false when full: the caller still owns it.
  [[nodiscard]] bool put(SuperSlabT& superslab) noexcept {
    const std::size_t most = most_.get();
    if (most < kPlaces && cache_.count() >= most) return false;
    return cache_.put(&superslab);
  }

  /// Takes a retired SuperSlab. Any thread. \return it, the caller's alone, or nullptr.
  [[nodiscard]] SuperSlabT* take() noexcept { return cache_.take(); }

  /// Takes all that were retired before a moment of the policy's clock, calls `unmap(SuperSlab&)` for each, and for
  /// those that do not fit in any more. Any thread.
  template <class Unmap>
  void purge(std::uint64_t before, Unmap unmap) noexcept {
    SuperSlabT* kept[kPlaces];
    std::size_t count = 0;
    while (count < kPlaces) {
      SuperSlabT* superslab = cache_.take();
      if (superslab == nullptr) break;
      if (superslab->retired_at.get() < before) {
        unmap(*superslab);
      } else {
        kept[count++] = superslab;
      }
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (!put(*kept[i])) unmap(*kept[i]);
    }
  }

  /// SuperSlabs that are kept at the moment. Any thread.
  [[nodiscard]] std::size_t count() const noexcept { return cache_.count(); }

 private:
  PointerCache<typename Config::Sync, SuperSlabT, kPlaces> cache_;
  Tunable<typename Config::Sync, std::size_t, kPlaces> most_;
};

}  // namespace hakmem
