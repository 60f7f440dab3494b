#pragma once
/// Floor 5. The whale cache (B5): mappings of freed direct blocks that wait for their next use, pages and all.
///
/// Bounded in places and in bytes, and these by a constant or by what is live, whichever is more: a program that works with
/// much memory has much on its way from one block to the next. What has waited for too long goes back to the system at the
/// next free or refill.

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
  /// What may be kept though it is more than that, in percent of the bytes of live direct mappings.
  void set_share(std::uint32_t percent) noexcept { share_.set(percent); }
  /// Time until a kept mapping goes back, in milliseconds; negative: never.
  void set_purge_delay(std::int64_t ms) noexcept { purge_delay_.set(ms); }

  /// Whether there is room for so many bytes at the moment. Any thread. \param live bytes of the live direct mappings
  [[nodiscard]] bool has_room(std::size_t bytes, std::uint64_t live) const noexcept {
    return held_bytes() + bytes <= most_bytes(live);
  }

  /// Keeps a mapping that the caller owns. Any thread. \param live as above
  /// \return false when it does not fit: the caller still owns it.
  [[nodiscard]] bool put(Os& os, Mapping& mapping, std::uint64_t live) noexcept {
    const std::size_t most = most_bytes(live);
    const std::size_t pages = mapping.bytes.get() / Os::kPageBytes;
    if (most == 0 || purge_delay_.get() == 0 || pages > CacheItem::kMaxSize) return false;
    return cache_.put({mapping.index.get(), pages, tick(os)}, most / Os::kPageBytes);
  }

  /// Takes the smallest mapping of `least` to `most` bytes. Any thread.
  /// \return whether there was one; `index` is its number then, and it is the caller's.
  [[nodiscard]] bool take(std::size_t least, std::size_t most, std::uint32_t& index) noexcept {
    if (max_bytes_.get() == 0) return false;
    return take_if([=](CacheItem item) { return bytes_of(item) >= least && bytes_of(item) <= most; }, index);
  }

  /// Takes the largest mapping of less than `bytes`. Any thread. \return as above
  [[nodiscard]] bool take_smaller(std::size_t bytes, std::uint32_t& index) noexcept {
    if (max_bytes_.get() == 0) return false;
    const auto is_larger = [](CacheItem a, CacheItem b) { return a.size > b.size; };
    return take_if([=](CacheItem item) { return bytes_of(item) < bytes; }, index, is_larger);
  }

  /// Takes a mapping for which `accepts(index, bytes)`. Any thread. \return as above
  template <class Accepts>
  [[nodiscard]] bool take_that(Accepts accepts, std::uint32_t& index) noexcept {
    return take_if([&](CacheItem item) { return accepts(number_of(item), bytes_of(item)); }, index);
  }

  /// A request was served from the cache, or not; while it is off nothing counts. Any thread. \param threads that use the
  /// heap
  void count(bool hit, unsigned threads) noexcept {
    if (max_bytes_.get() != 0) (hit ? hits_ : misses_)[bucket_of(threads)].add();
  }

  /// Takes a mapping that has waited for too long. Any thread.
  [[nodiscard]] bool take_old(Os& os, std::uint32_t& index) noexcept {
    const std::int64_t delay = purge_delay_.get();
    if (max_bytes_.get() == 0 || delay < 0) return false;
    const std::uint64_t now = tick(os);
    const auto limit = static_cast<std::uint64_t>(delay) / kMillisecondsPerTick;
    return take_if([=](CacheItem item) { return item.age(now) > limit; }, index);
  }

  /// Takes the mapping that has waited longest, of those of the same time the smallest, to make room for `bytes`. Any
  /// thread. \param live as above \return false also where there can be no room for them
  [[nodiscard]] bool take_oldest(Os& os, std::size_t bytes, std::uint64_t live, std::uint32_t& index) noexcept {
    if (bytes > most_bytes(live)) return false;
    const std::uint64_t now = tick(os);
    const auto is_older = [now](CacheItem a, CacheItem b) {
      return a.age(now) != b.age(now) ? a.age(now) > b.age(now) : a.size < b.size;
    };
    return take_if([](CacheItem) { return true; }, index, is_older);
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
  static std::size_t bytes_of(CacheItem item) noexcept { return item.size * Os::kPageBytes; }
  static std::uint32_t number_of(CacheItem item) noexcept { return static_cast<std::uint32_t>(item.id); }

  /// 0 when the cache is off.
  [[nodiscard]] std::size_t most_bytes(std::uint64_t live) const noexcept {
    const std::size_t most = max_bytes_.get();
    if (most == 0) return 0;
    const std::size_t share = live / 100 * share_.get();
    return share > most ? share : most;
  }

  template <class Accepts, class... IsBetter>
  bool take_if(Accepts accepts, std::uint32_t& index, IsBetter... is_better) noexcept {
    CacheItem item{};
    if (!cache_.take(item, accepts, is_better...)) return false;
    index = number_of(item);
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
  Tunable<Sync, std::uint32_t, Geometry::kWhaleShare> share_;
  Tunable<Sync, std::int64_t, Geometry::kPurgeDelayMs> purge_delay_;
  Counter<Sync> hits_[kThreadBuckets];
  Counter<Sync> misses_[kThreadBuckets];
};

}  // namespace hakmem
