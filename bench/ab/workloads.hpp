#pragma once
/// What the heaps are put to: the loops of random_mixed and larson over any heap.

#include <algorithm>
#include <cstdint>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "ab/subject.hpp"
#include "support/random.hpp"
#include "support/step_counter.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {

struct Work {
  unsigned threads = 1;
  std::uint64_t operations = 0;  ///< per thread
  std::uint64_t live = 4096;     ///< places for blocks, per thread
  std::uint64_t min_bytes = 16;
  std::uint64_t max_bytes = 1040;
  std::uint64_t seed = 42;
};

namespace workload_detail {

/// Places for blocks, and the numbers that choose among them.
struct Places {
  Places(const Work& wanted, unsigned stream) : work(wanted), random(wanted.seed, stream), blocks(wanted.live) {}

  template <class Thread>
  void fill(Thread& thread, void*& place) {
    const std::size_t bytes = random.between(work.min_bytes, work.max_bytes);
    place = thread.allocate(bytes);
    // First and last byte are touched, as a program would.
    static_cast<volatile char*>(place)[0] = 1;
    static_cast<volatile char*>(place)[bytes - 1] = 2;
  }
  template <class Thread>
  void release_all(Thread& thread) {
    for (void*& place : blocks) {
      if (place != nullptr) thread.release(std::exchange(place, nullptr));
    }
  }

  Work work;
  Random random;
  std::vector<void*> blocks;
};

/// Random places: an empty one gets a block, an occupied one is freed.
struct MixedLoop {
  template <class Thread>
  static void run(Thread& thread, Places& places, std::uint64_t operations) {
    for (; operations != 0; --operations) {
      void*& place = places.blocks[places.random.below(places.work.live)];
      if (place == nullptr) {
        places.fill(thread, place);
      } else {
        thread.release(std::exchange(place, nullptr));
      }
    }
  }
};

/// Random places: whatever is there is replaced.
struct ReplaceLoop {
  template <class Thread>
  static void run(Thread& thread, Places& places, std::uint64_t operations) {
    for (; operations != 0; --operations) {
      void*& place = places.blocks[places.random.below(places.work.live)];
      if (place != nullptr) thread.release(place);
      places.fill(thread, place);
    }
  }
};

/// Calls `body(i)` in so many threads that start together. Each takes its own times: on a busy machine the thread that
/// waits for them may well not run before they have ended.
/// \return from the first one's start to the last one's end, and their processor time
template <class Body>
Elapsed in_threads(unsigned count, Body body) {
  struct Times {
    double start;
    double end;
    double cpu;
  };
  std::vector<Times> times(count);
  std::latch start(count);
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < count; ++i) {
    start_thread(threads, [&, i] {
      start.arrive_and_wait();
      const double cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
      times[i].start = clock_seconds(CLOCK_MONOTONIC);
      body(i);
      times[i].end = clock_seconds(CLOCK_MONOTONIC);
      times[i].cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
    });
  }
  threads.clear();
  Times all = times.front();
  for (unsigned i = 1; i < count; ++i) {
    all = {std::min(all.start, times[i].start), std::max(all.end, times[i].end), all.cpu + times[i].cpu};
  }
  return {all.end - all.start, all.cpu};
}

/// Instructions per operation of a loop that has run warm, on this thread.
template <class Loop, class Thread>
double instructions_of(Thread& thread, const Work& work, std::uint64_t counted) {
  Places places(work, 0);
  Loop::run(thread, places, std::max<std::uint64_t>(work.live * 4, counted));
  StepCounter counter;
  Loop::run(thread, places, counted);
  counter.stop();
  const auto steps = counter.steps();
  places.release_all(thread);
  return static_cast<double>(steps) / static_cast<double>(counted);
}

/// What all have in common: how much of it there is.
template <class Derived>
class Workload {
 public:
  explicit Workload(const Work& work) : work_(work) {}

  [[nodiscard]] unsigned threads() const noexcept { return work_.threads; }
  /// The same for a quarter of the time.
  [[nodiscard]] Derived a_quarter() const {
    Work less = work_;
    less.operations = std::max<std::uint64_t>(less.operations / 4, 1);
    return Derived(less);
  }

 protected:
  Work work_;
};

}  // namespace workload_detail

/// Every thread for itself, as in bench/random_mixed.
class RandomMixedWork : public workload_detail::Workload<RandomMixedWork> {
 public:
  using Workload::Workload;

  template <class SubjectT>
  Sample run(SubjectT& subject) const {
    const Elapsed elapsed = workload_detail::in_threads(work_.threads, [&](unsigned number) {
      typename SubjectT::Thread thread(subject);
      workload_detail::Places places(work_, number);
      workload_detail::MixedLoop::run(thread, places, work_.operations);
      places.release_all(thread);
    });
    return {work_.operations * work_.threads, elapsed};
  }

  template <class SubjectT>
  double instructions(SubjectT& subject, std::uint64_t counted) const {
    typename SubjectT::Thread thread(subject);
    return workload_detail::instructions_of<workload_detail::MixedLoop>(thread, work_, counted);
  }
};

/// As bench/larson: threads replace blocks, end, and leave their places to successors, here always to another thread's,
/// so that most blocks are freed by others than those who allocated them.
class LarsonWork : public workload_detail::Workload<LarsonWork> {
 public:
  using Workload::Workload;

  template <class SubjectT>
  Sample run(SubjectT& subject) const {
    std::vector<workload_detail::Places> places;
    for (unsigned i = 0; i < work_.threads; ++i) places.emplace_back(work_, i);
    const std::uint64_t operations = work_.operations / kGenerations;
    Elapsed sum;
    for (unsigned generation = 0; generation < kGenerations; ++generation) {
      const bool last = generation + 1 == kGenerations;
      const Elapsed elapsed = workload_detail::in_threads(work_.threads, [&](unsigned number) {
        typename SubjectT::Thread thread(subject);
        auto& mine = places[(number + generation) % work_.threads];
        workload_detail::ReplaceLoop::run(thread, mine, operations);
        if (last) mine.release_all(thread);
      });
      sum.seconds += elapsed.seconds;
      sum.cpu_seconds += elapsed.cpu_seconds;
    }
    return {operations * kGenerations * work_.threads, sum};
  }

  template <class SubjectT>
  double instructions(SubjectT& subject, std::uint64_t counted) const {
    typename SubjectT::Thread thread(subject);
    return workload_detail::instructions_of<workload_detail::ReplaceLoop>(thread, work_, counted);
  }

 private:
  static constexpr unsigned kGenerations = 4;
};

/// One context allocates and another one frees, a few thousand blocks at a time. Both belong to one thread, so that the
/// figures say what the way back costs and not how threads were scheduled.
class HandoffWork : public workload_detail::Workload<HandoffWork> {
 public:
  using Workload::Workload;

  template <class SubjectT>
  Sample run(SubjectT& subject) const {
    typename SubjectT::Thread producer(subject);
    typename SubjectT::Thread consumer(subject);
    workload_detail::Places places(work_, 0);
    const Stopwatch stopwatch;
    for (std::uint64_t done = 0; done < work_.operations; done += work_.live) hand_over(producer, consumer, places);
    return {(work_.operations + work_.live - 1) / work_.live * work_.live, stopwatch.elapsed()};
  }

  template <class SubjectT>
  double instructions(SubjectT& subject, std::uint64_t counted) const {
    typename SubjectT::Thread producer(subject);
    typename SubjectT::Thread consumer(subject);
    workload_detail::Places places(work_, 0);
    for (int i = 0; i < 16; ++i) hand_over(producer, consumer, places);
    Work fewer = work_;
    fewer.live = std::min(work_.live, 5 * counted);  // a whole round, unless few are wanted
    workload_detail::Places places_counted(fewer, 1);
    StepCounter counter;
    hand_over(producer, consumer, places_counted);
    counter.stop();
    return static_cast<double>(counter.steps()) / static_cast<double>(fewer.live);
  }

 private:
  template <class Thread>
  static void hand_over(Thread& producer, Thread& consumer, workload_detail::Places& places) {
    for (void*& place : places.blocks) places.fill(producer, place);
    places.release_all(consumer);
  }
};

/// "random_mixed 16-1040" and the like.
inline std::string described(const char* loop, const Work& work) {
  const auto bytes = [](std::uint64_t size) {
    if (size >= 1 << 20 && size % (1 << 20) == 0) return std::to_string(size >> 20) + "Mi";
    if (size >= 1 << 10 && size % (1 << 10) == 0) return std::to_string(size >> 10) + "Ki";
    return std::to_string(size);
  };
  return std::string(loop) + " " + bytes(work.min_bytes) + "-" + bytes(work.max_bytes);
}

}  // namespace hakmem::bench
