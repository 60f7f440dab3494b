#pragma once
/// What the scenarios ask of an allocator, so that the heap with explicit contexts, the C API and any malloc can be
/// stressed alike, and faults can be planted in between.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "failure.hpp"
#include "tuner.hpp"

namespace hakmem::stress {

/// The ranges of sizes that an allocator treats differently: up to small_max, mid_max, large_max, and above.
struct SizeLimits {
  std::size_t small_max;
  std::size_t mid_max;
  std::size_t large_max;
  /// SuperSlab memory that one thread may keep at hand for sizes up to mid_max: of every class a slab and a cache, and
  /// some empty slabs.
  std::uint64_t kept_by_thread;
};

/// What an allocator has needed at once at the most; of a process-wide one, what it has needed more than before.
struct Footprint {
  std::uint64_t superslabs;
  std::uint64_t superslab_bytes;  ///< of one
  std::uint64_t contexts;
};

/// One thread's way into an allocator. Used by one thread; its end is the thread's exit. Functions that return a block
/// return nullptr when there is no memory.
class ThreadAllocator {
 public:
  ThreadAllocator() = default;
  virtual ~ThreadAllocator() = default;
  ThreadAllocator(const ThreadAllocator&) = delete;
  ThreadAllocator& operator=(const ThreadAllocator&) = delete;

  [[nodiscard]] virtual void* allocate(std::size_t bytes) = 0;
  [[nodiscard]] virtual void* allocate_zeroed(std::size_t bytes) = 0;
  [[nodiscard]] virtual void* allocate_aligned(std::size_t bytes, std::size_t alignment) = 0;
  [[nodiscard]] virtual void* reallocate(void* block, std::size_t bytes) = 0;
  virtual void deallocate(void* block) = 0;
  [[nodiscard]] virtual std::size_t usable_size(void* block) = 0;
  /// Gives unused memory back to the system.
  virtual void trim() = 0;
};

/// An allocator under test. Thread-safe.
class Allocator {
 public:
  Allocator() = default;
  virtual ~Allocator() = default;
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /// The calling thread's way in. \throws Failure when there is no memory.
  [[nodiscard]] virtual std::unique_ptr<ThreadAllocator> attach() = 0;
  /// The way in of a thread whose exit the allocator has already seen.
  [[nodiscard]] virtual std::unique_ptr<ThreadAllocator> attach_after_exit() = 0;

  [[nodiscard]] virtual SizeLimits limits() const = 0;

  /// What can be changed while threads are at work; nullptr when there is nothing. One at a time.
  [[nodiscard]] virtual std::unique_ptr<Tuner> tuner() { return nullptr; }

  // While no thread is attached. An allocator without books answers nothing.

  /// Blocks that are out, as the allocator counts them. \throws Failure when its books contradict each other.
  [[nodiscard]] virtual std::optional<std::uint64_t> blocks_out() { return std::nullopt; }
  [[nodiscard]] virtual std::optional<Footprint> footprint() { return std::nullopt; }
  /// Every block has been freed. \throws Failure unless all memory has gone back to the system.
  virtual void check_reclaimed() {}
};

}  // namespace hakmem::stress
