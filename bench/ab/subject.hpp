#pragma once
/// A heap under measurement, and a thread's way into it.

#include <atomic>
#include <iterator>
#include <memory>
#include <string>

#include "ab/pair.hpp"
#include "heap/heap.hpp"
#include "os/linux_os.hpp"
#include "support/failure.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::bench {

/// Linux, with a count of the calls that map and unmap memory. What the kernel is asked for on the way to an aligned
/// mapping depends on chance and counts as one call.
class CountingOs : public LinuxOs {
 public:
  [[nodiscard]] void* reserve(std::size_t bytes, std::size_t alignment) noexcept {
    count();
    return LinuxOs::reserve(bytes, alignment);
  }
  void release(void* p, std::size_t bytes) noexcept {
    count();
    LinuxOs::release(p, bytes);
  }
  template <class T>
  [[nodiscard]] T* metadata(std::size_t n) noexcept {
    count();
    T* made = LinuxOs::metadata<T>(n);
    // Relaxed: every caller has a place of its own; they are read when no thread is at work.
    const std::size_t place = kept_.fetch_add(1, std::memory_order_relaxed);
    if (place < std::size(metadata_)) metadata_[place] = {made, n * sizeof(T)};
    return made;
  }
  /// Metadata is never given back by a heap; who ends one may do it. No descriptor may be used any more.
  void release_metadata() noexcept {
    for (const auto& [address, bytes] : metadata_) {
      if (address != nullptr) LinuxOs::release(address, (bytes + kPageBytes - 1) / kPageBytes * kPageBytes);
    }
  }
  [[nodiscard]] std::uint64_t mapping_calls() const noexcept {
    // Relaxed: a statistic.
    return calls_.load(std::memory_order_relaxed);
  }

 private:
  void count() noexcept {
    // Relaxed: a statistic.
    calls_.fetch_add(1, std::memory_order_relaxed);
  }

  struct Piece {
    void* address = nullptr;
    std::size_t bytes = 0;
  };

  std::atomic<std::uint64_t> calls_{0};
  std::atomic<std::size_t> kept_{0};
  Piece metadata_[64];
};

static_assert(OsPolicy<CountingOs>);

/// The shipping heap over another synchronisation policy or geometry.
template <class Sync, class Geometry = FullGeometry>
using MeasuredHeap = Heap<Config<Sync, CountingOs, Geometry>>;

template <class HeapT>
class Subject {
 public:
  Subject() { heap_.init(); }

  /// All threads have left and all blocks are free.
  ~Subject() {
    typename HeapT::Context stand_in;
    (void)heap_.trim(stand_in);
    heap_.os().release_metadata();
  }
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  /// Attached for its lifetime; used by one thread at a time.
  class Thread {
   public:
    explicit Thread(Subject& subject) : heap_(subject.heap_), context_(heap_.attach()) {
      if (context_ == nullptr) die("no memory for a thread context");
    }
    ~Thread() { heap_.detach(*context_); }
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;

    // Calls, as malloc and free are: what the compiler inlines where must not differ from side to side.

    /// As the library does it.
    [[nodiscard, gnu::noinline]] void* allocate(std::size_t bytes) noexcept {
      void* block = heap_.try_allocate(*context_, bytes);
      if (block != nullptr) [[likely]]
        return block;
      return allocate_slow(bytes);
    }
    [[gnu::noinline]] void release(void* block) noexcept { heap_.deallocate(*context_, block); }

   private:
    [[gnu::noinline]] void* allocate_slow(std::size_t bytes) noexcept {
      void* block = heap_.try_allocate_cached(*context_, bytes);
      if (block == nullptr) block = heap_.allocate(*context_, bytes);
      if (block == nullptr) die(("no memory for " + std::to_string(bytes) + " bytes").c_str());
      return block;
    }

    HeapT& heap_;
    typename HeapT::Context* context_;
  };

  [[nodiscard]] HeapT& heap() noexcept { return heap_; }

  /// What the heap has done so far; no thread is at work.
  [[nodiscard]] Counts counts() {
    std::uint64_t refills = 0;
    heap_.contexts().visit_all([&](const auto& context) {
      for (const auto& of_pool : context.refills) refills += of_pool.get();
    });
    return {{"superslabs", heap_.pool().superslabs().mapped()},
            {"mapping_calls", heap_.os().mapping_calls()},
            {"refills", refills}};
  }

 private:
  HeapT heap_;
};

/// A side of a comparison. Every run has a heap of its own, warmed up first: where its memory happens to lie differs
/// from round to round, and so is no part of the ratio of the rounds. \param configure is called with each heap
template <class HeapT, class Workload, class Configure>
Variant variant(std::string name, const Workload& workload, bool with_counts, Configure configure) {
  const auto fresh = [configure] {
    auto subject = std::make_unique<Subject<HeapT>>();
    configure(subject->heap());
    return subject;
  };
  Variant made;
  made.name = std::move(name);
  made.run = [fresh, workload] {
    const auto subject = fresh();
    (void)workload.a_quarter().run(*subject);
    return workload.run(*subject);
  };
  if (workload.threads() == 1) {
    made.instructions = [fresh, workload](std::uint64_t counted) { return workload.instructions(*fresh(), counted); };
  }
  if (with_counts) {
    made.counts = [fresh, workload] {
      const auto subject = fresh();
      (void)workload.run(*subject);
      return subject->counts();
    };
  }
  return made;
}

template <class HeapT, class Workload>
Variant variant(std::string name, const Workload& workload, bool with_counts = false) {
  return variant<HeapT>(std::move(name), workload, with_counts, [](HeapT&) {});
}

}  // namespace hakmem::bench
