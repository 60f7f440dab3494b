#include <pthread.h>

#include <algorithm>

#include "child_thread.hpp"
#include "scenario.hpp"

namespace hakmem::stress {

namespace {

/// Hands a block over at some place, or frees it when the first few places tried are taken.
void give_or_free(Worker& worker, Slots& slots, std::size_t first, std::size_t count, const Held& held) {
  constexpr unsigned kTries = 3;
  for (unsigned i = 0; i < kTries; ++i) {
    if (worker.give(slots, first + worker.random.below(count), held)) return;
  }
  worker.free(held);
}

/// Takes a block from some place of a range. \return false when the first few places looked at are empty.
bool take_any(Worker& worker, Slots& slots, std::size_t first, std::size_t count, Held& held) {
  const std::size_t start = worker.random.below(count);
  const std::size_t looks = std::min<std::size_t>(count, 16);
  for (std::size_t i = 0; i < looks; ++i) {
    if (worker.take(slots, first + (start + i) % count, held)) return true;
  }
  return false;
}

Held remove_random(Worker& worker, std::vector<Held>& blocks) {
  std::swap(blocks[worker.random.below(blocks.size())], blocks.back());
  const Held held = blocks.back();
  blocks.pop_back();
  return held;
}

void free_all(Worker& worker, std::vector<Held>& blocks) {
  while (!blocks.empty()) {
    worker.free(blocks.back());
    blocks.pop_back();
  }
}

/// A generous measure of SuperSlab memory for threads with so many live bytes each: a SuperSlab is held by a single
/// block in it, so what is live and what threads keep at hand counts several times over. The number of rounds, and of
/// sizes used, does not come into it: memory that is not reused exceeds any such measure.
std::uint64_t bound_for(const Round& round, std::uint64_t live_bytes) {
  constexpr std::uint64_t kFactor = 4;
  return kFactor * round.threads * (live_bytes + round.limits.kept_by_thread);
}

/// Half of the threads allocate, the other half check and free: memory returns to the producers by remote frees alone.
class ProducerConsumer : public Scenario {
 public:
  explicit ProducerConsumer(const Round& round) : Scenario(64 * round.threads) {}

  void work(Worker& worker) override {
    worker.attach();
    if (worker.index < worker.round.threads / 2) {
      produce(worker);
    } else {
      consume(worker);
    }
    worker.exit();
  }

 private:
  void produce(Worker& worker) {
    while (worker.goes_on()) {
      const Held held = worker.allocate(worker.random_size(kSmallAndMid));
      while (!worker.give(slots(), worker.random.below(slots().count()), held)) {
        if (!worker.goes_on()) {
          worker.kept.push_back(held);
          return;
        }
        worker.wait();
      }
    }
  }

  void consume(Worker& worker) {
    free_all(worker, worker.kept);
    while (worker.goes_on()) {
      Held held;
      if (take_any(worker, slots(), 0, slots().count(), held)) {
        worker.free(held);
      } else {
        worker.wait();
      }
    }
  }
};

/// Blocks travel round a ring of threads; each checks and refills them, and some thread on the way frees them.
class RingHandoff : public Scenario {
 public:
  explicit RingHandoff(const Round& round) : Scenario(kLane * round.threads) {}

  void work(Worker& worker) override {
    const std::size_t from = kLane * worker.index;
    const std::size_t to = kLane * ((worker.index + 1) % worker.round.threads);
    worker.attach();
    free_all(worker, worker.kept);
    while (worker.goes_on()) {
      Held held;
      if (take_any(worker, slots(), from, kLane, held)) {
        worker.restamp(held);
        if (worker.random.one_in(8)) {
          worker.free(held);
          continue;
        }
      } else {
        held = worker.allocate(worker.random_size(kSmallAndMid));
      }
      give_or_free(worker, slots(), to, kLane, held);
    }
    worker.exit();
  }

 private:
  static constexpr std::size_t kLane = 32;
};

/// One step of an exchange of all with all.
void exchange_step(Worker& worker, Slots& slots, SizeSpread spread) {
  constexpr std::size_t kMostKept = 64;
  auto& kept = worker.kept;
  kept.push_back(worker.allocate(worker.random_size(spread)));
  Held held;
  if (worker.take(slots, worker.random.below(slots.count()), held)) {
    if (worker.random.one_in(2)) {
      kept.push_back(held);
    } else {
      worker.free(held);
    }
  }
  held = remove_random(worker, kept);
  if (!worker.give(slots, worker.random.below(slots.count()), held)) worker.free(held);
  if (kept.size() > kMostKept) worker.free(remove_random(worker, kept));
}

/// Every thread puts blocks into shared places, and keeps or frees what it finds there.
class RandomExchange : public Scenario {
 public:
  explicit RandomExchange(const Round& round) : Scenario(64 * round.threads) {}

  void work(Worker& worker) override {
    worker.attach();
    while (worker.goes_on()) exchange_step(worker, slots(), kSmallAndMid);
    worker.exit();
  }
};

/// Calls `child(Worker&)` in a short thread of its own and passes on what it has found.
template <class Child>
void run_child(ChildStack& stack, Worker& parent, Child child) {
  Worker worker(parent.round, parent.index, parent.random.next());
  worker.kept.swap(parent.kept);
  stack.run([&] {
    try {
      child(worker);
    } catch (const Failure& failure) {
      worker.abandon(failure);
    }
  });
  parent.kept.swap(worker.kept);
  parent.operations += worker.operations;
  if (!worker.failure.empty()) throw Failure(worker.failure);
}

/// Threads come and go: what one leaves behind is freed by others, and its context is adopted.
class ThreadChurn : public Scenario {
 public:
  explicit ThreadChurn(const Round& round) : Scenario(32 * round.threads) {}

  void work(Worker& worker) override {
    ChildStack stack;
    while (worker.goes_on()) {
      run_child(stack, worker, [this](Worker& child) {
        child.attach();
        for (std::size_t steps = child.random.between(1, 64); steps != 0 && child.goes_on(); --steps) {
          exchange_step(child, slots(), kSmallAndMid);
        }
        if (child.random.one_in(4)) free_all(child, child.kept);
        child.exit();
      });
    }
  }
};

/// Every thread fills some memory with one size, frees half of it and leaves half to its neighbour, and goes on to
/// another size: slots of every class have to serve the next ones.
class ClassDrift : public Scenario {
 public:
  explicit ClassDrift(const Round& round) : Scenario(kLane * round.threads) {}

  void work(Worker& worker) override {
    const std::size_t mine = kLane * worker.index;
    const std::size_t next = kLane * ((worker.index + 1) % worker.round.threads);
    worker.attach();
    free_all(worker, worker.kept);
    while (worker.goes_on()) {
      fill(worker);
      Held held;
      while (take_any(worker, slots(), mine, kLane, held)) worker.free(held);
      while (!worker.kept.empty()) {
        held = worker.kept.back();
        worker.kept.pop_back();
        if (worker.random.one_in(2)) {
          worker.free(held);
        } else {
          give_or_free(worker, slots(), next, kLane, held);
        }
      }
    }
    worker.exit();
  }

  std::optional<std::uint64_t> memory_bound(const Round& round) const override {
    return bound_for(round, bytes_per_thread(round.limits) + kLane * round.limits.mid_max);
  }

 private:
  static constexpr std::size_t kLane = 16;

  static std::size_t bytes_per_thread(const SizeLimits& limits) { return 8 * limits.mid_max; }

  static void fill(Worker& worker) {
    constexpr std::size_t kMostBlocks = 512;
    const SizeLimits& limits = worker.round.limits;
    const std::size_t size = worker.random.between(1, worker.random.one_in(2) ? limits.small_max : limits.mid_max);
    const std::size_t blocks = std::clamp<std::size_t>(bytes_per_thread(limits) / size, 1, kMostBlocks);
    for (std::size_t i = 0; i < blocks && worker.goes_on(); ++i) worker.kept.push_back(worker.allocate(size));
  }
};

/// Blocks grow and shrink through all ranges of sizes, and change hands in between.
class ReallocStorm : public Scenario {
 public:
  explicit ReallocStorm(const Round& round) : Scenario(4 * round.threads) {}

  void work(Worker& worker) override {
    constexpr std::size_t kBlocks = 16;
    auto& kept = worker.kept;
    worker.attach();
    while (kept.size() < kBlocks) kept.push_back(worker.allocate(worker.random_size(kSmallOnly)));
    while (worker.goes_on()) {
      Held& held = kept[worker.random.below(kept.size())];
      const std::size_t bytes =
          worker.random.one_in(2) ? worker.random_size(kAllSizes) : held.bytes / 2 + worker.random.below(held.bytes);
      worker.resize(held, std::clamp<std::size_t>(bytes, 1, 2 * worker.round.limits.large_max));
      if (worker.random.one_in(4)) swap_with_others(worker, held);
    }
    worker.exit();
  }

 private:
  void swap_with_others(Worker& worker, Held& held) {
    if (!worker.give(slots(), worker.random.below(slots().count()), held)) return;
    if (take_any(worker, slots(), 0, slots().count(), held)) return;
    held = worker.allocate(worker.random_size(kSmallOnly));
  }
};

/// Owners allocate, hand everything out and do nothing until others have freed it all. What comes back in the owner's
/// absence must serve its next allocations: the waiting is made of relaxed operations, so only the allocator orders it.
class IdleOwner : public Scenario {
 public:
  explicit IdleOwner(const Round& round)
      : Scenario(kLane * owners(round)), out_(std::make_unique<Count[]>(owners(round))) {}

  void work(Worker& worker) override {
    worker.attach();
    if (worker.index < owners(worker.round)) {
      own(worker);
    } else {
      help(worker);
    }
    worker.exit();
  }

  std::optional<std::uint64_t> memory_bound(const Round& round) const override {
    return bound_for(round, kLane * round.limits.small_max + round.limits.mid_max);
  }

 private:
  using Count = test::TestSync::Atomic<std::uint32_t>;
  static constexpr std::size_t kLane = 256;

  static unsigned owners(const Round& round) { return std::max(1U, round.threads / 4); }

  void own(Worker& worker) {
    Count& out = out_[worker.index];
    const std::size_t lane = kLane * worker.index;
    while (worker.goes_on()) {
      const std::size_t size = worker.random_size(worker.random.one_in(4) ? kSmallAndMid : kSmallOnly);
      const std::size_t blocks = std::min(kLane, kLane * worker.round.limits.small_max / size);
      for (std::size_t i = 0; i < blocks; ++i) {
        const Held held = worker.allocate(size);
        // Relaxed: a count for the wait below, which orders nothing.
        out.fetch_add(1, std::memory_order_relaxed);
        if (worker.give(slots(), lane + i, held)) continue;
        worker.free(held);
        // Relaxed: as above.
        out.fetch_sub(1, std::memory_order_relaxed);
      }
      // Relaxed: that the blocks are free again must become known by allocating, not by waiting.
      while (out.load(std::memory_order_relaxed) != 0 && worker.goes_on()) worker.wait();
    }
  }

  void help(Worker& worker) {
    while (worker.goes_on()) {
      const std::size_t lane = worker.random.below(owners(worker.round));
      Held held;
      if (!take_any(worker, slots(), kLane * lane, kLane, held)) {
        worker.wait();
        continue;
      }
      worker.free(held);
      if (worker.random.one_in(1024)) worker.trim();  // what the owner does not look at is given back meanwhile
      // Relaxed: see own.
      out_[lane].fetch_sub(1, std::memory_order_relaxed);
    }
  }

  std::unique_ptr<Count[]> out_;
};

/// Everything at once: all sizes, all kinds of requests, resizing, hand-overs and trimming.
class MixedSizes : public Scenario {
 public:
  explicit MixedSizes(const Round& round) : Scenario(32 * round.threads) {}

  void work(Worker& worker) override {
    worker.attach();
    while (worker.goes_on()) step(worker);
    worker.exit();
  }

 private:
  void step(Worker& worker) {
    constexpr std::size_t kMostKept = 48;
    auto& kept = worker.kept;
    Held held;
    switch (kept.empty() ? 0 : worker.random.below(10)) {
      case 0:
      case 1:
      case 2: kept.push_back(worker.allocate(worker.random_size(kAllSizes), random_request(worker))); break;
      case 3:
      case 4: worker.free(remove_random(worker, kept)); break;
      case 5:
      case 6: give_or_free(worker, slots(), 0, slots().count(), remove_random(worker, kept)); break;
      case 7:
      case 8:
        if (take_any(worker, slots(), 0, slots().count(), held)) kept.push_back(held);
        break;
      default: worker.resize(kept[worker.random.below(kept.size())], worker.random_size(kAllSizes)); break;
    }
    if (kept.size() > kMostKept) worker.free(remove_random(worker, kept));
    if (worker.random.one_in(4096)) worker.trim();
  }

  static Request random_request(Worker& worker) {
    const std::size_t choice = worker.random.below(8);
    if (choice == 0) return Request::kZeroed;
    return choice == 1 ? Request::kAligned : Request::kPlain;
  }
};

/// Threads go on allocating and freeing in destructors that run after the allocator's own exit handler.
class LateFrees : public Scenario {
 public:
  explicit LateFrees(const Round& round) : Scenario(32 * round.threads) {
    // The allocator makes its key first, so its destructor comes first.
    round.allocator.attach().reset();
    if (::pthread_key_create(&key_, late) != 0) throw Failure("no key for thread-specific data");
  }
  ~LateFrees() override { ::pthread_key_delete(key_); }

  void work(Worker& worker) override {
    ChildStack stack;
    while (worker.goes_on()) {
      Late last{this, nullptr};
      run_child(stack, worker, [&](Worker& child) {
        child.attach();
        for (std::size_t steps = child.random.between(1, 48); steps != 0 && child.goes_on(); --steps) {
          exchange_step(child, slots(), kSmallOnly);
        }
        last.worker = &child;
        if (::pthread_setspecific(key_, &last) != 0) throw Failure("no memory for thread-specific data");
        child.exit();
      });
    }
  }

 private:
  struct Late {
    LateFrees* scenario;
    Worker* worker;
  };

  static void late(void* data) {
    const Late& last = *static_cast<Late*>(data);
    Worker& worker = *last.worker;
    try {
      worker.attach_after_exit();
      for (std::size_t steps = worker.kept.size() / 2; steps != 0; --steps) {
        worker.free(remove_random(worker, worker.kept));
        if (worker.random.one_in(4)) exchange_step(worker, last.scenario->slots(), kSmallOnly);
      }
      worker.exit();
    } catch (const Failure& failure) {
      worker.abandon(failure);
    }
  }

  pthread_key_t key_{};
};

/// Settings are changed, caches switched, the learner started, stopped and given windows, and children born, while the
/// other threads exchange blocks and use blocks of one size in bursts.
class Retuning : public Scenario {
 public:
  explicit Retuning(const Round& round) : Scenario(32 * round.threads), tuner_(round.allocator.tuner()) {}

  void work(Worker& worker) override {
    worker.attach();
    while (worker.goes_on()) {
      if (worker.index == 0 && tuner_ != nullptr) tuner_->change(worker.random);
      if (worker.random.one_in(64)) burst(worker);
      exchange_step(worker, slots(), kMostlyMid);
    }
    worker.exit();
  }

 private:
  static constexpr SizeSpread kMostlyMid{40, 50, 9};

  static void burst(Worker& worker) {
    std::vector<Held> blocks;
    const SizeLimits& limits = worker.round.limits;
    const std::size_t size = worker.random.between(std::min(limits.small_max + 1, limits.mid_max), limits.mid_max);
    for (std::size_t i = worker.random.between(1, 64); i != 0; --i) blocks.push_back(worker.allocate(size));
    free_all(worker, blocks);
  }

  std::unique_ptr<Tuner> tuner_;
};

template <class S>
std::unique_ptr<Scenario> make(const Round& round) {
  return std::make_unique<S>(round);
}

constexpr ScenarioEntry kScenarios[] = {
    {"producer_consumer", "half of the threads allocate, the other half free", make<ProducerConsumer>},
    {"ring_handoff", "blocks travel round a ring of threads", make<RingHandoff>},
    {"random_exchange", "all threads exchange blocks with all", make<RandomExchange>},
    {"thread_churn", "short threads leave blocks and contexts behind", make<ThreadChurn>},
    {"class_drift", "all memory moves from size to size", make<ClassDrift>},
    {"realloc_storm", "blocks grow and shrink through all sizes", make<ReallocStorm>},
    {"idle_owner", "others free everything while the owner does nothing", make<IdleOwner>},
    {"mixed_sizes", "all sizes, requests and operations at once", make<MixedSizes>},
    {"late_frees", "frees and allocations after the thread's exit handler", make<LateFrees>},
    // The last one: of the process's heap, caps that were learned stay.
    {"retuning", "settings change and the learner works under use", make<Retuning>},
};

}  // namespace

std::span<const ScenarioEntry> all_scenarios() noexcept { return kScenarios; }

}  // namespace hakmem::stress
