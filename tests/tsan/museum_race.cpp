/// Races of the museum (docs/reports/museum.md) on real threads: how soon two threads run into each, plainly and with
/// schedule noise. Each bug is a trial of a few steps, faulty or sound, which is repeated until its judge objects.
///
/// What was a plain variable in the bug is Careless: plain under ThreadSanitizer, which must report it; elsewhere a
/// relaxed atomic, which is the same on x86, and noise can strike at it.

#include "museum_race.hpp"

#include <chrono>
#include <memory>
#include <thread>

#include "stress/disturbed_sync.hpp"
#include "stress/random.hpp"

namespace hakmem::museum {

namespace {

using std::memory_order_acq_rel;
using std::memory_order_acquire;
using std::memory_order_relaxed;
using std::memory_order_release;
using stress::disturbance;
using stress::DisturbedSync;
using stress::Random;
using stress::StressSync;

constexpr unsigned kThreads = 2;

#ifdef __SANITIZE_THREAD__
template <class Sync, class T>
using Careless = StdSync::Plain<T>;
#else
template <class Sync, class T>
class Careless {
 public:
  constexpr Careless() noexcept = default;
  // Relaxed, both: there is no order in the bug.
  [[nodiscard]] T get() const noexcept { return value_.load(memory_order_relaxed); }
  void set(T value) noexcept { value_.store(value, memory_order_relaxed); }

 private:
  typename Sync::template Atomic<T> value_{};
};
#endif

template <class Sync>
struct Node {
  Careless<Sync, Node*> next;
};

template <class Sync>
unsigned length_of(Node<Sync>* node) {
  unsigned length = 0;
  for (; node != nullptr && length < 100; node = node->next.get()) ++length;
  return length;
}

/// A list that is pushed to by compare-and-swap.
template <class Sync>
struct List {
  using N = Node<Sync>;

  void push(N& node) {
    // Relaxed: the compare-and-swap decides; its release publishes the link to take_all's acquire.
    N* seen = head.load(memory_order_relaxed);
    do {
      node.next.set(seen);
      // Release: see above.
    } while (!head.compare_exchange_weak(seen, &node, memory_order_release, memory_order_relaxed));
  }
  N* take_all() {
    // Acquire: pairs with the release of push.
    return head.exchange(nullptr, memory_order_acquire);
  }

  typename Sync::template Atomic<N*> head{};
};

/// A list as if there were one thread.
template <class Sync>
struct PlainList {
  using N = Node<Sync>;

  void push(N& node) {
    node.next.set(head.get());
    head.set(&node);
  }
  N* pop() {
    N* first = head.get();
    if (first != nullptr) head.set(first->next.get());
    return first;
  }

  Careless<Sync, N*> head;
};

// The bugs, by their number in the museum. `thread` is one thread's part; `holds` judges when both have ended. --------

template <class Sync, bool kFaulty>
struct NoSynchronisation {
  void thread(unsigned index) { kFaulty ? plain.push(nodes[index]) : list.push(nodes[index]); }
  bool holds() { return length_of(plain.head.get()) + length_of(list.take_all()) == kThreads; }
  Node<Sync> nodes[kThreads];
  PlainList<Sync> plain;
  List<Sync> list;
};

template <class Sync, bool kFaulty>
struct PopAssumedToSucceed {
  PopAssumedToSucceed() { list.push(node); }
  void thread(unsigned index) {
    // Relaxed: a look; the exchange decides.
    if (list.head.load(memory_order_relaxed) == nullptr) return;
    Node<Sync>* mine = list.take_all();
    used_null[index] = kFaulty && mine == nullptr;
  }
  bool holds() const { return !used_null[0] && !used_null[1]; }
  Node<Sync> node;
  List<Sync> list;
  bool used_null[kThreads] = {};
};

template <class Sync, bool kFaulty>
struct LinkReadAfterHandout {
  void thread(unsigned index) {
    if (index == 0) {
      first.next.set(&second);
      if (!kFaulty) found = first.next.get();
      // Release: pairs with the acquire of who takes it.
      handed.store(&first, memory_order_release);
      // The bug.
      if (kFaulty) found = first.next.get();
      return;
    }
    // Acquire: pairs with the hand-over.
    if (Node<Sync>* block = handed.load(memory_order_acquire)) block->next.set(nullptr);
  }
  bool holds() const { return found == &second; }
  Node<Sync> first, second;
  Node<Sync>* found = nullptr;
  typename Sync::template Atomic<Node<Sync>*> handed{};
};

template <class Sync, bool kFaulty>
struct MarkClearedOverAPush {
  // Acquire and release throughout, as of hints: what is wrong is the missing second look.
  MarkClearedOverAPush() { mark.store(1, memory_order_release); }
  void thread(unsigned index) {
    if (index == 0) {
      list.push(node);
      mark.fetch_or(1, memory_order_acq_rel);
      return;
    }
    // The list looks empty, so its mark goes off.
    if (list.head.load(memory_order_acquire) != nullptr) return;
    mark.fetch_and(0, memory_order_acq_rel);
    // The second look.
    if (!kFaulty && list.head.load(memory_order_acquire) != nullptr) mark.fetch_or(1, memory_order_acq_rel);
  }
  bool holds() {
    // Relaxed: the threads have met.
    return mark.load(memory_order_relaxed) == 1;
  }
  Node<Sync> node;
  List<Sync> list;
  typename Sync::template Atomic<unsigned> mark{};
};

template <class Sync, bool kFaulty>
struct RetryLimit {
  static constexpr unsigned kEach = 16;
  void thread(unsigned index) {
    for (unsigned i = 0; i < kEach; ++i) kFaulty ? push(nodes[index][i]) : list.push(nodes[index][i]);
  }
  void push(Node<Sync>& node) {
    // Relaxed and release as in List::push.
    Node<Sync>* seen = list.head.load(memory_order_relaxed);
    for (unsigned tries = 0; tries < 2; ++tries) {
      node.next.set(seen);
      if (list.head.compare_exchange_strong(seen, &node, memory_order_release, memory_order_relaxed)) return;
    }
  }
  bool holds() { return length_of(list.take_all()) == kThreads * kEach; }
  Node<Sync> nodes[kThreads][kEach];
  List<Sync> list;
};

template <class Sync, bool kFaulty>
struct CompareAndSwapPop {
  CompareAndSwapPop() {
    for (auto& node : nodes) list.push(node);
  }
  Node<Sync>* pop() {
    if (!kFaulty) {
      Node<Sync>* all = list.take_all();
      Node<Sync>* rest = all == nullptr ? nullptr : all->next.get();
      while (rest != nullptr) {
        Node<Sync>& node = *rest;
        rest = node.next.get();
        list.push(node);
      }
      return all;
    }
    // Acquire: pairs with the push. The link may be another thread's by the time it is read.
    Node<Sync>* seen = list.head.load(memory_order_acquire);
    while (seen != nullptr) {
      Node<Sync>* next = seen->next.get();
      if (list.head.compare_exchange_strong(seen, next, memory_order_acquire, memory_order_acquire)) return seen;
    }
    return nullptr;
  }
  void thread(unsigned index) {
    held[index] = pop();
    if (index == 0) return;
    // The second thread takes two and puts the first back: the head is what it was.
    also_held = pop();
    if (held[1] != nullptr) list.push(*held[1]);
    held[1] = nullptr;
  }
  bool holds() const { return held[0] == nullptr || held[0] != also_held ? !is_listed(also_held) : false; }
  /// Whether a node that a thread holds is still on the list.
  bool is_listed(const Node<Sync>* held_one) const {
    unsigned steps = 0;
    // Relaxed: the threads have met.
    for (auto* node = list.head.load(memory_order_relaxed); node != nullptr && steps < 100; ++steps) {
      if (node == held_one) return true;
      node = node->next.get();
    }
    return false;
  }
  Node<Sync> nodes[3];
  List<Sync> list;
  Node<Sync>* held[kThreads] = {};
  Node<Sync>* also_held = nullptr;
};

template <class Sync, bool kFaulty>
struct ListOutlivesSuperSlab {
  ListOutlivesSuperSlab() { hints.push(hint); }
  static constexpr unsigned kRetired = 0, kLive = 1, kClaimed = 2;
  void thread(unsigned index) {
    if (index == 0) {
      // The last ACTIVE slot is released: the SuperSlab is retired, unless a slot of it has been claimed. Acquire and
      // release: who wins has it alone.
      unsigned expected = kLive;
      if (word.compare_exchange_strong(expected, kRetired, memory_order_acq_rel, memory_order_acquire)) {
        mapped.store(0, memory_order_release);
      }
      return;
    }
    if (hints.take_all() == nullptr) return;
    unsigned expected = kLive;
    // The claim that the bug leaves out.
    if (!kFaulty && !word.compare_exchange_strong(expected, kClaimed, memory_order_acq_rel, memory_order_acquire))
      return;
    touched_unmapped = mapped.load(memory_order_acquire) == 0;
  }
  bool holds() const { return !touched_unmapped; }
  Node<Sync> hint;
  List<Sync> hints;
  typename Sync::template Atomic<unsigned> word{kLive};
  typename Sync::template Atomic<unsigned> mapped{1};
  bool touched_unmapped = false;
};

template <class Sync, bool kFaulty>
struct ArrayMoves {
  void thread(unsigned index) {
    // Acquire and release throughout: what is wrong is that the first array goes.
    if (index == 0) {
      array.store(1, memory_order_release);
      if (kFaulty) mapped[0].store(0, memory_order_release);
      return;
    }
    const unsigned which = array.load(memory_order_acquire);
    // Between the two the array may have gone.
    touched_unmapped = mapped[which].load(memory_order_acquire) == 0;
  }
  bool holds() const { return !touched_unmapped; }
  typename Sync::template Atomic<unsigned> array{0};
  typename Sync::template Atomic<unsigned> mapped[2]{{1}, {1}};
  bool touched_unmapped = false;
};

template <class Sync, bool kFaulty>
struct FreeIntoACachedSlab {
  FreeIntoACachedSlab() { local.push(nodes[0]); }
  void thread(unsigned index) {
    if (index == 1) return kFaulty ? local.push(nodes[1]) : remote.push(nodes[1]);
    // The owner allocates from its slab.
    taken = local.pop();
  }
  bool holds() {
    const unsigned out = taken != nullptr ? 1 : 0;
    return out + length_of(local.head.get()) + length_of(remote.take_all()) == 2;
  }
  Node<Sync> nodes[2];
  PlainList<Sync> local;
  List<Sync> remote;
  Node<Sync>* taken = nullptr;
};

template <class Sync, bool kFaulty>
struct FirstUseOfAll {
  void thread(unsigned index) {
    if (kFaulty) {
      // Who finds nothing makes it.
      if (made_plainly.get() != 0) return;
      made_plainly.set(1);
      made_by[index] = true;
      return;
    }
    unsigned none = 0;
    // Acquire and release: who wins makes it.
    made_by[index] = made.compare_exchange_strong(none, 1, memory_order_acq_rel, memory_order_acquire);
  }
  bool holds() const { return made_by[0] != made_by[1]; }
  Careless<Sync, unsigned> made_plainly;
  typename Sync::template Atomic<unsigned> made{};
  bool made_by[kThreads] = {};
};

template <class Sync, bool kFaulty>
struct HeadAndCountApart {
  void thread(unsigned index) {
    if (index == 0) {
      for (auto& node : nodes) {
        list.push(node);
        // Release: pairs with the exchange; but the two are not one.
        if (kFaulty) count.fetch_add(1, memory_order_release);
      }
      return;
    }
    // Acquire: see above.
    const unsigned said = count.exchange(0, memory_order_acquire);
    const unsigned length = length_of(list.take_all());
    agrees = !kFaulty || said == length;
  }
  bool holds() const { return agrees; }
  Node<Sync> nodes[2];
  List<Sync> list;
  typename Sync::template Atomic<unsigned> count{};
  bool agrees = true;
};

// Trials --------------------------------------------------------------------------------------------------------------

/// Where two threads wait for each other.
class Meeting {
 public:
  void wait() noexcept {
    const unsigned turn = turn_.load(memory_order_acquire);
    // Acquire and release: what each has done before is known to both afterwards.
    if (arrived_.fetch_add(1, memory_order_acq_rel) + 1 == kThreads) {
      arrived_.store(0, memory_order_relaxed);
      turn_.store(turn + 1, memory_order_release);
      return;
    }
    // Acquire: pairs with the release of who came last.
    for (unsigned spins = 0; turn_.load(memory_order_acquire) == turn; ++spins) {
      if (spins > 200) std::this_thread::yield();
    }
  }

 private:
  std::atomic<unsigned> arrived_{0};
  std::atomic<unsigned> turn_{0};
};

/// Repeats a trial until its judge objects, where the search ends at that, or the time is over. A few steps of delay,
/// other ones each time, let the two threads meet in different ways; both ways of running have them.
template <class Trial>
Found repeat(const Search& search) {
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  Meeting meeting;
  std::unique_ptr<Trial> trial;
  Found found;
  bool over = false;
  const auto work = [&](unsigned index) {
    Random random(search.seed * kThreads + index);
    for (;;) {
      if (index == 0) trial = std::make_unique<Trial>();
      meeting.wait();
      for (std::size_t steps = random.below(50); steps != 0; --steps) StressSync::pause();
      trial->thread(index);
      meeting.wait();
      if (index == 0) {
        ++found.trials;
        found.found |= !trial->holds();
        over = (found.found && !search.past_findings) || spent() >= search.seconds;
      }
      meeting.wait();
      if (over) return;
    }
  };
  std::thread other(work, 1);
  work(0);
  other.join();
  found.seconds = spent();
  return found;
}

template <template <class, bool> class Trial, bool kFaulty>
Found run(const Search& search) {
  disturbance.noisy = search.noisy;
  return search.noisy ? repeat<Trial<DisturbedSync, kFaulty>>(search) : repeat<Trial<StressSync, kFaulty>>(search);
}

template <template <class, bool> class Trial>
constexpr Bug bug(unsigned number, const char* title, bool data_race = false) {
  return {number, title, data_race, run<Trial, true>, run<Trial, false>};
}

constexpr bool kDataRace = true;

constexpr Bug kBugs[] = {
    bug<NoSynchronisation>(1, "no synchronisation at all", kDataRace),
    bug<PopAssumedToSucceed>(5, "a pop is assumed to succeed"),
    bug<LinkReadAfterHandout>(6, "the link of a block that is handed out already", kDataRace),
    bug<MarkClearedOverAPush>(10, "a mark is cleared over a fresh push"),
    bug<RetryLimit>(11, "a retry limit that drops the block"),
    bug<CompareAndSwapPop>(13, "compare-and-swap pop over links in blocks", kDataRace),
    bug<ListOutlivesSuperSlab>(15, "a SuperSlab is freed while lists hold its slots"),
    bug<ArrayMoves>(16, "the array of descriptors grows by moving"),
    bug<FreeIntoACachedSlab>(17, "a free into a slab that another thread works on", kDataRace),
    bug<FirstUseOfAll>(20, "nothing for the first use", kDataRace),
    bug<HeadAndCountApart>(21, "head and count in two atomics"),
};

}  // namespace

std::span<const Bug> museum_bugs() noexcept { return kBugs; }

}  // namespace hakmem::museum
