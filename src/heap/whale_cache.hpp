#pragma once
/// Floor 5. The whale cache (B5): mappings of freed direct blocks that wait for their next use, pages and all.
///
/// Bounded in bytes and in places; what has waited for too long goes back to the system at the next free or refill.

#include <bit>
#include <cstdint>

#include "layout/descriptors.hpp"
#include "lockfree/bounded_cache.hpp"
#include "os/os_concept.hpp"
#include "sync/counter.hpp"
#include "sync/tunable.hpp"

namespace hakmem {

template <class Config>
class WhaleCache {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using Geometry = typename Config::Geometry;
  using Mapping = DirectMapping<Config>;
  static constexpr std::uint64_t kMillisecondsPerTick = 64;

 public:
  /// Hits and misses are counted by how many threads use the heap: 1, 2, 3-4, 5-8, 9-16, more.
  static constexpr unsigned kThreadBuckets = 6;
  [[nodiscard]] static constexpr unsigned bucket_of(unsigned threads) noexcept {
    if (threads <= 1) return 0;
    const auto bucket = static_cast<unsigned>(std::bit_width(threads - 1));
    return bucket < kThreadBuckets ? bucket : kThreadBuckets - 1;
  }

  // Settings, of which each takes effect at the next free or allocation above kLargeMax.
  /// Bytes that are kept at the most; 0 switches the cache off: what it holds then stays until it is trimmed.
  void set_max_bytes(std::size_t bytes) noexcept { max_bytes_.set(bytes); }
  /// Time until a kept mapping goes back, in milliseconds; negative: never.
  void set_purge_delay(std::int64_t ms) noexcept { purge_delay_.set(ms); }

  /// Keeps a mapping that the caller owns. Any thread. \return false when it does not fit: the caller still owns it.
  [[nodiscard]] bool put(Os& os, Mapping& mapping) noexcept {
    const std::size_t most = max_bytes_.get();
    const std::size_t pages = mapping.bytes.get() / Os::kPageBytes;
    if (most == 0 || purge_delay_.get() == 0 || pages > CacheItem::kMaxSize) return false;
    return cache_.put({mapping.index.get(), pages, tick(os)}, most / Os::kPageBytes);
  }

  /// Takes the smallest mapping of `least` to `most` bytes. Any thread.
  /// \param threads that use the heap, for statistics
  /// \return whether there was one; `index` is its number then, and it is the caller's.
  [[nodiscard]] bool take(std::size_t least, std::size_t most, std::uint32_t& index, unsigned threads = 1) noexcept {
    if (max_bytes_.get() == 0) return false;
    const auto fits = [least, most](CacheItem item) {
      const std::size_t bytes = item.size * Os::kPageBytes;
      return bytes >= least && bytes <= most;
    };
    const bool hit = take_if(fits, index);
    (hit ? hits_ : misses_)[bucket_of(threads)].add();
    return hit;
  }

  /// Takes a mapping that has waited for too long. Any thread.
  [[nodiscard]] bool take_old(Os& os, std::uint32_t& index) noexcept {
    const std::int64_t delay = purge_delay_.get();
    if (max_bytes_.get() == 0 || delay < 0) return false;
    const std::uint64_t now = tick(os);
    const auto limit = static_cast<std::uint64_t>(delay) / kMillisecondsPerTick;
    return take_if([=](CacheItem item) { return item.age(now) > limit; }, index);
  }

  /// Takes any mapping. Any thread.
  [[nodiscard]] bool take_any(std::uint32_t& index) noexcept {
    return take_if([](CacheItem) { return true; }, index);
  }

  /// Bytes kept at the moment, and how often a request was served from the cache or not. Any thread.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return cache_.held() * Os::kPageBytes; }
  [[nodiscard]] std::uint64_t hits() const noexcept { return sum_of(hits_); }
  [[nodiscard]] std::uint64_t misses() const noexcept { return sum_of(misses_); }
  /// The same of one bucket of thread counts.
  [[nodiscard]] std::uint64_t hits(unsigned bucket) const noexcept { return hits_[bucket].get(); }
  [[nodiscard]] std::uint64_t misses(unsigned bucket) const noexcept { return misses_[bucket].get(); }

 private:
  template <class Accepts>
  bool take_if(Accepts accepts, std::uint32_t& index) noexcept {
    CacheItem item{};
    if (!cache_.take(item, accepts)) return false;
    index = static_cast<std::uint32_t>(item.id);
    return true;
  }

  static std::uint64_t sum_of(const Counter<Sync> (&counters)[kThreadBuckets]) noexcept {
    std::uint64_t sum = 0;
    for (const auto& counter : counters) sum += counter.get();
    return sum;
  }

  static std::uint64_t tick(Os& os) noexcept { return milliseconds(os) / kMillisecondsPerTick; }

  BoundedCache<Sync, Geometry::kWhalePlaces> cache_;
  Tunable<Sync, std::size_t, Geometry::kWhaleBytes> max_bytes_;
  Tunable<Sync, std::int64_t, Geometry::kPurgeDelayMs> purge_delay_;
  Counter<Sync> hits_[kThreadBuckets];
  Counter<Sync> misses_[kThreadBuckets];
};

}  // namespace hakmem
