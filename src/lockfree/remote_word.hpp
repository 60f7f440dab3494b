#pragma once
/// Floor 2. The remote word: one slab's frees by threads that do not own it, and the slab's sleep bit.
///
/// One 64-bit atomic holds everything that must agree (words are truth): the chain of blocks freed by others, its
/// length, and whether the owner has put the slab to sleep. Pushers add chains; one thread at a time takes, and takes
/// all. So nobody reads the link of a block it does not own: no ABA, no racy read, no read after unmap (A5).
///
///     63            32 31             1   0
///     | head index + 1 |  block count   | ASLEEP |      head index in granules from the slab's base; 0 = no chain
///
/// A slab with nothing left to allocate sleeps: 0 -> ASLEEP, which fails if a free has just arrived. The push that
/// clears ASLEEP makes its thread the only waker (I3), and the waker posts the slab on its owner's inbox.

#include <cstdint>

#include "sync/sync_concept.hpp"

namespace hakmem {

/// \tparam kGranuleShift log2 of the smallest distance between two blocks; every block address is base + n granules.
template <class Sync, unsigned kGranuleShift>
class RemoteWord {
 public:
  /// A chain of `count` blocks linked from `head`; {nullptr, 0} when there is none.
  struct Chain {
    void* head;
    std::uint32_t count;
  };

  struct Nothing {
    void operator()() const noexcept {}
  };

  /// Adds the chain first..last of `count` blocks (last's link is overwritten). Any thread, once per handed-out block.
  /// \param on_retry called whenever another thread was faster, for statistics
  /// \return true when the slab slept and this push woke it: the caller, and nobody else, must post it to its owner.
  template <class OnRetry = Nothing>
  [[nodiscard]] bool push_chain(std::uintptr_t base, void* first, void* last, std::uint32_t count,
                                OnRetry on_retry = {}) noexcept {
    // Relaxed: only a guess for the CAS; the head it names is stored as a link, never followed here.
    std::uint64_t seen = word_.load(std::memory_order_relaxed);
    for (;;) {
      Sync::store_link(last, decode(base, seen));
      const std::uint64_t next = encode(base, first, count_of(seen) + count);
      // Release pairs with take_all's exchange: links and contents written before the free are visible to the owner.
      // Acquire pairs with try_sleep: a waker writes the slab's inbox link after the owner's last look at it.
      // Failure relaxed: the value is only the next guess.
      if (word_.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_relaxed)) {
        return (seen & kAsleep) != 0;
      }
      on_retry();
      Sync::pause();
    }
  }

  /// Whether `block` heads the chain at the moment: whoever is about to push it frees it a second time. Any thread that
  /// has been given the block; then the answer is no older than the handoff, so a stale head cannot be taken for it.
  [[nodiscard]] bool is_head(std::uintptr_t base, const void* block) const noexcept {
    // Relaxed: coherence after the handoff is all that is asked for.
    return decode(base, word_.load(std::memory_order_relaxed)) == block;
  }

  /// Cheap look whether take_all would find something; may be out of date either way. Owner.
  [[nodiscard]] bool has_chain() const noexcept {
    // Relaxed: a hint; the exchange in take_all decides and synchronises.
    return (word_.load(std::memory_order_relaxed) >> kHeadShift) != 0;
  }

  /// How many blocks take_all would find; may be out of date. Any thread.
  [[nodiscard]] std::uint32_t count() const noexcept {
    // Relaxed: a hint, as in has_chain.
    return count_of(word_.load(std::memory_order_relaxed));
  }

  /// Takes every block that was pushed. Only the owner, and only while the slab is awake; or who has the slab from its
  /// owner's inbox.
  [[nodiscard]] Chain take_all(std::uintptr_t base) noexcept {
    // Acquire pairs with the release of every push in the chain (each push continues the release sequence).
    const std::uint64_t taken = word_.exchange(0, std::memory_order_acquire);
    return {decode(base, taken), count_of(taken)};
  }

  /// Puts the slab to sleep. Only the owner, when it has nothing left to allocate from it.
  /// \return false when blocks have arrived: take them instead.
  [[nodiscard]] bool try_sleep() noexcept {
    std::uint64_t expected = 0;
    // Release pairs with the waking push: what the owner has done with the slab, also with its inbox link, comes before
    // what the waker does, and who has the slab from it.
    // Failure relaxed: the owner goes on to take_all, which acquires.
    return word_.compare_exchange_strong(expected, kAsleep, std::memory_order_release, std::memory_order_relaxed);
  }

  /// Wakes the owner's own sleeping slab, when the owner itself has freed a block of it. Only the owner.
  /// \return false when a pusher has woken it first; the slab will arrive in the inbox.
  [[nodiscard]] bool try_wake() noexcept {
    std::uint64_t expected = kAsleep;
    // Relaxed: success means that nobody has pushed since the owner's own try_sleep, so there is nothing to see;
    // on failure the inbox's take_all synchronises with the waker.
    return word_.compare_exchange_strong(expected, 0, std::memory_order_relaxed, std::memory_order_relaxed);
  }

  /// Makes the word empty and awake. Only while no other thread can reach the slab: before its first block goes out.
  void reset() noexcept {
    // Relaxed: the block's handoff to its freer publishes this store (handoff lemma).
    word_.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint64_t kAsleep = 1;
  static constexpr unsigned kCountShift = 1;
  static constexpr unsigned kHeadShift = 32;
  static constexpr std::uint64_t kCountMask = (std::uint64_t{1} << (kHeadShift - kCountShift)) - 1;

  static std::uint32_t count_of(std::uint64_t word) noexcept {
    return static_cast<std::uint32_t>((word >> kCountShift) & kCountMask);
  }

  static void* decode(std::uintptr_t base, std::uint64_t word) noexcept {
    const std::uint64_t head = word >> kHeadShift;
    return head == 0 ? nullptr : reinterpret_cast<void*>(base + ((head - 1) << kGranuleShift));
  }

  static std::uint64_t encode(std::uintptr_t base, const void* first, std::uint32_t count) noexcept {
    const std::uint64_t head = ((reinterpret_cast<std::uintptr_t>(first) - base) >> kGranuleShift) + 1;
    return head << kHeadShift | std::uint64_t{count} << kCountShift;
  }

  static_assert(kCountShift == 1 && kHeadShift == 32, "ASLEEP, count and head tile the word");

  typename Sync::template Atomic<std::uint64_t> word_{};
};

}  // namespace hakmem
