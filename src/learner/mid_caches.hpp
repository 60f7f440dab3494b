#pragma once
/// Floor 6. The thread caches of a heap's mid classes (> kSmallMax … kMidMax), as a learner sees them.

#include "heap/heap.hpp"
#include "learner/learner.hpp"

namespace hakmem {

/// A LearnableCache over a heap, which must outlive it. Any thread; threads of the heap follow at their next slow path.
///
/// Waste is what W_MAX answers for: of a block that serves a smaller class, what lies above that class's block size.
/// The slack inside a class is the same whichever value is in force, so it counts for neither and costs no fast path
/// an addition.
template <class Config>
class MidCaches {
  using Classes = SizeClass<typename Config::Geometry>;
  using Geometry = typename Config::Geometry;

 public:
  static constexpr unsigned kFirst = Classes::kSmallCount;
  static constexpr unsigned kClasses = Classes::of(Geometry::kMidMax) + 1 - kFirst;

  explicit constexpr MidCaches(Heap<Config>& heap) noexcept : heap_(heap) {}

  /// Bytes of the blocks of a class.
  [[nodiscard]] static constexpr std::size_t block_bytes(unsigned c) noexcept {
    return Classes::block_bytes(kFirst + c);
  }

  /// \return the sums over all threads since the heap's start. A hit was served without a refill, be it by a block of
  /// its own class or by a larger one; a miss is a refill, whose other blocks are hits when their turn comes.
  [[nodiscard]] CacheCounters counters(unsigned c) const noexcept {
    CacheCounters sum;
    std::uint64_t own = 0;
    heap_.contexts().visit_all([&](const ThreadContext<Config>& context) {
      const auto& tally = context.tallies[c];
      const std::uint64_t borrowed = tally.borrowed.get();
      own += context.allowances[kFirst + c].hits();
      sum.hits += borrowed;
      sum.misses += tally.misses.get();
      sum.asked_bytes += borrowed * block_bytes(c);
      sum.served_bytes += tally.served_bytes.get();
    });
    sum.hits += own;
    sum.asked_bytes += own * block_bytes(c);
    sum.served_bytes += own * block_bytes(c);
    return sum;
  }

  [[nodiscard]] std::uint32_t cap(unsigned c) const noexcept {
    return static_cast<std::uint32_t>(heap_.settings().cap_when_cached(kFirst + c));
  }
  void set_cap(unsigned c, std::uint32_t blocks) noexcept {
    heap_.settings().set_cap(kFirst + c, static_cast<std::int32_t>(blocks));
  }

  /// \param factor 1 … 16
  void set_max_waste(double factor) noexcept {
    constexpr double kRound = 0.5;
    heap_.settings().set_max_waste(static_cast<std::uint32_t>(factor * Settings<Config>::kNoWaste + kRound));
  }

 private:
  Heap<Config>& heap_;
};

}  // namespace hakmem
