#pragma once
/// Floor 5. What gives memory back that nobody asks for: what others have freed of a thread's slabs, what exited threads
/// have left, and what has only been kept for a while. Nothing waits for a thread that is gone or idle.

#include "heap/context_pool.hpp"
#include "heap/direct.hpp"
#include "heap/thread_cache.hpp"

namespace hakmem {

template <class Config>
class Reclaimer {
  using Sync = typename Config::Sync;
  using Os = typename Config::Os;
  using Classes = SizeClass<typename Config::Geometry>;
  using Context = ThreadContext<Config>;
  using Ops = SlabOps<Config>;
  using SlabT = Slab<Config>;

 public:
  constexpr Reclaimer() noexcept = default;
  constexpr explicit Reclaimer(const Os& os) noexcept : cache_(os) {}

  [[nodiscard]] ThreadCache<Config>& cache() noexcept { return cache_; }
  [[nodiscard]] const ThreadCache<Config>& cache() const noexcept { return cache_; }
  [[nodiscard]] DirectMappings<Config>& direct() noexcept { return direct_; }
  [[nodiscard]] ContextPool<Config>& contexts() noexcept { return contexts_; }

  /// Slots for a slab of a class, bound, the caller's alone. Any thread. \return nullptr when the system gives no memory.
  [[nodiscard]] SlabT* acquire_slab(unsigned size_class) noexcept {
    purge();
    SlabT* slab = find_slab(size_class);
    if (slab != nullptr) pool().judge_page_size(backend(), *slab);
    return slab;
  }

  /// Wakes the slabs that others have posted; those that came back empty are kept or given back. The context's owner.
  /// \return whether slabs have gone back to the pool
  [[gnu::noinline]] bool collect_inbox(Context& context) noexcept {
    bool released = false;
    for (SlabT* slab = context.inbox.collect(); slab != nullptr;) {
      SlabT* next = slab->inbox_next.get();
      Ops::wake_by_post(context.slabs[slab->size_class.get()], *slab);
      if (Ops::is_empty(*slab)) released |= cache_.retain_or_release(context, *slab);
      slab = next;
    }
    return released;
  }

  /// Everything that the context holds for itself goes back: the outbox, the detached lists, empty slabs. Its owner,
  /// attached or borrowing it.
  void sweep(Context& context) noexcept {
    context.outbox.flush_all();
    (void)cache_.put_back_lists(context);
    sweep_empty(context);
  }

  /// Slabs of a context have gone back to the pool: it is time to look what else goes back. The context's owner.
  void after_release(Context& context) noexcept {
    cache_.let_lists_follow(context);
    purge();
  }

  /// What is only kept goes back after a while; looked at when slabs come and go, and not more often than is useful. Any
  /// thread.
  void purge() noexcept {
    if constexpr (kHasClock<Os>) {
      constexpr std::uint64_t kPurgeIntervalMs = 64;
      const std::uint64_t now = milliseconds(os());
      if (now - purged_at_.get() < kPurgeIntervalMs) return;
      purged_at_.set(now);
      direct_.purge(os());
      if (pool().purge_delay() >= 0) reclaim_late(now, static_cast<std::uint64_t>(pool().purge_delay()));
      pool().purge(backend());
    }
  }

  /// Gives back to the system what no live block needs: parked contexts' empty slabs, those that others have freed and
  /// whose owner has not looked since, cached SuperSlabs, whales. Any thread. \return whether anything was given back
  bool trim() noexcept {
    (void)reclaim_parked();
    (void)reclaim_posted();
    const std::size_t bytes = direct_.trim(os()) + pool().trim(backend());
    return bytes != 0;
  }

 private:
  [[nodiscard]] Backend<Config>& backend() noexcept { return cache_.backend(); }
  [[nodiscard]] Os& os() noexcept { return backend().os; }
  [[nodiscard]] PageMap<Config>& map() noexcept { return backend().map; }
  [[nodiscard]] SharedPool<Config>& pool() noexcept { return cache_.pool(); }

  SlabT* find_slab(unsigned size_class) noexcept {
    if (SlabT* slab = pool().acquire_live(map(), size_class)) return slab;
    // Before memory is mapped, look what has come back meanwhile.
    if (reclaim_parked()) {
      if (SlabT* slab = pool().acquire_live(map(), size_class)) return slab;
    }
    if (reclaim_posted()) {
      if (SlabT* slab = pool().acquire_live(map(), size_class)) return slab;
    }
    return pool().acquire_fresh(backend(), size_class);
  }

  /// What exited threads have left goes back when no new thread has taken it over for a while. What others have freed
  /// of a thread's slabs, and the memory of slots that stay EMPTY, goes back once in a while.
  [[gnu::noinline]] void reclaim_late(std::uint64_t now, std::uint64_t delay) noexcept {
    if (now - reclaimed_at_.get() >= delay) {
      reclaimed_at_.set(now);
      (void)reclaim_posted();
      pool().decommit_aged(backend());
    }
    contexts_.visit_parked([&](Context& context) {
      if (now - context.parked_at.get() < delay) return;
      // Others may go on to free its blocks: it is looked at again.
      context.parked_at.set(now);
      sweep(context);
    });
  }

  /// Gives slabs back that are empty once what others have freed is taken up; the others are not touched.
  void sweep_empty(Context& context) noexcept {
    if (!context.inbox.looks_empty()) (void)collect_inbox(context);
    for (auto& list : context.slabs) {
      list.visit([&](SlabT& slab) {
        context.unretain(slab);
        // Every block that is out has come back from others: to take fewer up would walk their cold links for nothing.
        if (Ops::is_out(slab, slab.remote.count())) Ops::collect(slab);
        if (Ops::is_empty(slab)) cache_.release(context, slab);
      });
    }
  }

  /// Gives back the posted slabs of all contexts that others have freed to the last block: nothing waits for an owner
  /// that does nothing. A posted slab is in nobody's hands but the inbox's. Its owner may still free blocks of it, but
  /// then not all are others' frees. So who takes it from the inbox and finds that all are may do the owner's part: the
  /// owner's last use is its try_sleep, from where push_chain, post and collect lead here. Any thread.
  /// \return whether there was such a slab.
  bool reclaim_posted() noexcept {
    bool any = false;
    contexts_.visit_posts([&](Context& context) {
      if (context.inbox.looks_empty()) return;
      for (SlabT* slab = context.inbox.collect(); slab != nullptr;) {
        SlabT* next = slab->inbox_next.get();
        if (Ops::take_over(*slab)) {
          pool().release(backend(), *slab);
          any = true;
        } else {
          context.inbox.post(slab);
        }
        slab = next;
      }
    });
    return any;
  }

  /// Lets every parked context take up what others have freed, so that nothing waits for the next thread to adopt it.
  /// \return whether there was a parked context at all.
  bool reclaim_parked() noexcept {
    bool any = false;
    contexts_.visit_parked([&](Context& context) {
      sweep(context);
      any = true;
    });
    return any;
  }

  ThreadCache<Config> cache_;
  Tunable<Sync, std::uint64_t, 0> purged_at_;
  Tunable<Sync, std::uint64_t, 0> reclaimed_at_;
  DirectMappings<Config> direct_;
  ContextPool<Config> contexts_;
};

}  // namespace hakmem
