#pragma once
/// Floor 5. What may be set while the heap is in use. Every setting takes effect at a thread's next slow path.

#include <cstdint>

#include "layout/size_class.hpp"
#include "sync/tunable.hpp"

namespace hakmem {

/// The ranges of block sizes that are cached by threads in ways of their own (B2 to B4).
enum class PoolKind : std::uint8_t { kSmall, kMid, kLarge, kCount };

template <class Config>
class Settings {
  using Sync = typename Config::Sync;
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;

 public:
  /// The pool of a size class.
  static constexpr PoolKind pool_of(unsigned size_class) noexcept {
    if (Classes::is_small(size_class)) return PoolKind::kSmall;
    return Classes::is_large(size_class) ? PoolKind::kLarge : PoolKind::kMid;
  }

  /// Whether threads cache blocks of a pool (B6).
  [[nodiscard]] bool caches(PoolKind pool) const noexcept {
    return kCachesByThread<Geometry> && caches_[static_cast<unsigned>(pool)].get() != 0;
  }
  void set_caches(PoolKind pool, bool on) noexcept { caches_[static_cast<unsigned>(pool)].set(on ? 1 : 0); }

  /// Blocks of a mid or large class that a thread keeps of what it has freed.
  [[nodiscard]] std::int32_t cap(unsigned size_class) const noexcept {
    return caches(pool_of(size_class)) ? cap_when_cached(size_class) : 0;
  }
  /// The same while the class's pool is cached, be it so now or not.
  [[nodiscard]] std::int32_t cap_when_cached(unsigned size_class) const noexcept {
    return Classes::layout(size_class).cache_blocks + cap_changes_[size_class - Classes::kSmallCount].get();
  }
  /// \param blocks 0..2^30
  void set_cap(unsigned size_class, std::int32_t blocks) noexcept {
    cap_changes_[size_class - Classes::kSmallCount].set(blocks - Classes::layout(size_class).cache_blocks);
  }

  /// W_MAX: how much larger than the request, in thousandths of it, a cached block of a larger mid class may be that
  /// serves it before the request's own class is refilled (E4). kNoWaste: none.
  static constexpr std::uint32_t kNoWaste = 1000;
  [[nodiscard]] std::uint32_t max_waste() const noexcept { return max_waste_.get(); }
  /// \param thousandths kNoWaste..16000
  void set_max_waste(std::uint32_t thousandths) noexcept { max_waste_.set(thousandths); }

  /// Blocks that are cut from a slab at a time at the most: a bound for small classes, for mid ones a multiple of what
  /// their layout says (C3, E1).
  [[nodiscard]] unsigned carve_blocks(unsigned size_class) const noexcept {
    const unsigned blocks = Classes::layout(size_class).carve;
    if (Classes::is_large(size_class)) return blocks;
    if (!Classes::is_small(size_class)) return blocks * refill_batch_.get();
    const unsigned most = refill_blocks_.get();
    return blocks < most ? blocks : most;
  }
  void set_refill_blocks(std::uint32_t blocks) noexcept { refill_blocks_.set(blocks); }
  void set_refill_batch(std::uint32_t batch) noexcept { refill_batch_.set(batch); }

  /// Frees to other threads between two flushes of the outbox (D9).
  [[nodiscard]] std::uint32_t drain_interval() const noexcept { return drain_interval_.get(); }
  void set_drain_interval(std::uint32_t frees) noexcept { drain_interval_.set(frees); }

 private:
  Tunable<Sync, std::uint32_t, 1> caches_[static_cast<unsigned>(PoolKind::kCount)];
  Tunable<Sync, std::int32_t, 0> cap_changes_[Classes::kCount - Classes::kSmallCount + 1];
  Tunable<Sync, std::uint32_t, kNoWaste> max_waste_;
  Tunable<Sync, std::uint32_t, Geometry::kRefillBlocks> refill_blocks_;
  Tunable<Sync, std::uint32_t, Geometry::kRefillBatch> refill_batch_;
  Tunable<Sync, std::uint32_t, Geometry::kOutboxInterval> drain_interval_;
};

}  // namespace hakmem
