#pragma once
/// Floor 5. The outbox: frees into other threads' slabs, gathered per slab and sent as one chain with one CAS.

#include <bit>

#include "heap/thread_context_fwd.hpp"
#include "layout/descriptors.hpp"
#include "os/event.hpp"
#include "sync/counter.hpp"

namespace hakmem {

/// Sends the chain first..last of `count` blocks to their slab; the only waker posts the slab to its owner. Any thread.
/// \param on_retry called whenever another thread was faster
template <class Config, class OnRetry>
void send_remote(Slab<Config>& slab, void* first, void* last, std::uint32_t count, OnRetry on_retry) noexcept {
  if (!slab.remote.push_chain(slab.base.get(), first, last, count, on_retry)) return;
  // Relaxed: handoff lemma. The context is type-stable; it may be parked by now, its next user collects the inbox.
  // The slab cannot be given back before its owner has got this post, so the owner is still the right one.
  inbox_of(*unmarked_owner(slab.owner.load(std::memory_order_relaxed))).post(&slab);
}

/// A small direct-mapped table of chains under way. Its owner only.
template <class Config>
class Outbox {
  using Sync = typename Config::Sync;
  using Geometry = typename Config::Geometry;
  using Classes = SizeClass<Geometry>;
  using SlabT = Slab<Config>;
  template <class T>
  using Plain = typename Sync::template Plain<T>;

 public:
  /// What an offered block has come to.
  enum class Offer : std::uint8_t { kTaken, kDoubleFree };

  /// Takes a block that belongs to another thread's slab and sends it on, now or with later ones.
  /// \param interval calls after which everything is sent
  [[nodiscard]] Offer add(SlabT& slab, void* block, std::uint32_t interval) noexcept {
    Entry& entry = entries_[place_of(slab)];
    const unsigned limit = Classes::layout(slab.size_class.get()).outbox_blocks;
    if (entry.slab.get() == &slab) {
      // Where blocks are marked, who offers one has looked at that before.
      if (entry.first.get() == block) return Offer::kDoubleFree;
      Sync::store_link(block, entry.first.get());
      entry.first.set(block);
      entry.count.set(entry.count.get() + 1);
    } else {
      flush(entry);
      Sync::store_link(block, nullptr);
      entry.slab.set(&slab);
      entry.first.set(block);
      entry.last.set(block);
      entry.count.set(1);
    }
    if (entry.count.get() >= limit) flush(entry);
    if (frees_.get() + 1 < interval) {
      frees_.set(frees_.get() + 1);
    } else {
      flush_all();
    }
    return Offer::kTaken;
  }

  /// Sends a block that is not worth gathering with others.
  void send_at_once(SlabT& slab, void* block) noexcept {
    singles_.add();
    send_remote(slab, block, block, 1, [this] { retries_.add(); });
  }

  /// Sends everything.
  void flush_all() noexcept {
    tell<typename Config::Os>(EventKind::kOutboxDrain, [&] {
      std::size_t chains = 0;
      for (const Entry& entry : entries_) chains += entry.slab.get() != nullptr ? 1u : 0u;
      return Event{EventKind::kOutboxDrain, nullptr, 0, 0, 0, chains};
    });
    drains_.add();
    for (Entry& entry : entries_) flush(entry);
    frees_.set(0);
  }

  /// Statistics, which any thread may read: chains sent, blocks in them, blocks sent alone, how often everything was
  /// sent, and how often sending had to be tried again because another thread was faster.
  [[nodiscard]] std::uint64_t chains() const noexcept { return chains_.get(); }
  [[nodiscard]] std::uint64_t blocks() const noexcept { return blocks_.get(); }
  [[nodiscard]] std::uint64_t singles() const noexcept { return singles_.get(); }
  [[nodiscard]] std::uint64_t drains() const noexcept { return drains_.get(); }
  [[nodiscard]] std::uint64_t retries() const noexcept { return retries_.get(); }

 private:
  struct Entry {
    Plain<SlabT*> slab{};
    Plain<void*> first{};
    Plain<void*> last{};
    Plain<std::uint32_t> count{};
  };

  static constexpr unsigned kEntries = Geometry::kOutboxEntries;

  static unsigned place_of(const SlabT& slab) noexcept {
    if constexpr (kEntries == 1) {
      return 0;
    } else {
      // Fibonacci hashing of the descriptor's address: descriptors are two cache lines apart.
      const auto key = reinterpret_cast<std::uintptr_t>(&slab) >> 7;
      return static_cast<unsigned>((key * 0x9e3779b97f4a7c15u) >> (64 - std::countr_zero(kEntries)));
    }
  }

  void flush(Entry& entry) noexcept {
    SlabT* slab = entry.slab.get();
    if (slab == nullptr) return;
    entry.slab.set(nullptr);
    const std::uint32_t count = entry.count.get();
    chains_.add();
    blocks_.add(count);
    tell<typename Config::Os>(EventKind::kOutboxSend, [&] {
      return Event{EventKind::kOutboxSend, nullptr, slab->size_class.get(), slab->base.get(), 0, count};
    });
    send_remote(*slab, entry.first.get(), entry.last.get(), count, [this] { retries_.add(); });
  }

  Entry entries_[kEntries];
  Plain<std::uint32_t> frees_{};
  OwnerCounter<Sync> chains_;
  OwnerCounter<Sync> blocks_;
  OwnerCounter<Sync> singles_;
  OwnerCounter<Sync> drains_;
  OwnerCounter<Sync> retries_;
};

}  // namespace hakmem
