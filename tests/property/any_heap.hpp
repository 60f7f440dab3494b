#pragma once
/// A heap as the heap property sees it: the core on simulated memory, the public API, or one with a planted fault.

#include <cstdint>
#include <set>
#include <vector>

#include "support/property.hpp"
#include "support/test_memory.hpp"

namespace hakmem::test {

/// Sizes in bytes from which requests are made.
struct Dimensions {
  std::vector<std::size_t> class_bytes;  ///< block sizes of all classes
  std::size_t small_max;
  std::size_t large_max;
  std::size_t granule;
  std::size_t page;
  std::size_t largest_alignment;
  std::size_t most_blocks;  ///< in one command
  std::size_t most_bytes;   ///< in one command, if that is more than one block
  std::size_t most_live;    ///< at a time: as much can be had when no call is refused
};

/// One thread with several contexts stands for several threads, so that what happens between threads is deterministic.
class AnyHeap {
 public:
  static constexpr unsigned kContexts = 4;
  /// Stands for a thread that has no context: before its first allocation, or after its exit handler.
  static constexpr unsigned kStandIn = kContexts;
  static constexpr std::size_t kMaxBytes = static_cast<std::size_t>(PTRDIFF_MAX);

  AnyHeap() = default;
  virtual ~AnyHeap() = default;
  AnyHeap(const AnyHeap&) = delete;
  AnyHeap& operator=(const AnyHeap&) = delete;

  [[nodiscard]] virtual Dimensions dimensions() const = 0;

  /// A context that does not exist yet is attached. \return nullptr also when that is refused.
  [[nodiscard]] virtual void* allocate(unsigned context, std::size_t bytes) = 0;
  [[nodiscard]] virtual void* allocate_zeroed(unsigned context, std::size_t bytes) = 0;
  [[nodiscard]] virtual void* allocate_aligned(unsigned context, std::size_t bytes, std::size_t alignment) = 0;
  [[nodiscard]] virtual void* reallocate(unsigned context, void* block, std::size_t bytes) = 0;
  /// A context that does not exist is stood in for.
  virtual void deallocate(unsigned context, void* block) = 0;
  virtual void trim(unsigned context) = 0;
  virtual void detach(unsigned context) = 0;
  [[nodiscard]] virtual std::size_t usable_size(const void* block) = 0;

  virtual void refuse(OsCall call, std::uint64_t nth, std::uint64_t times) = 0;
  virtual void grant_everything() = 0;
  /// Calls to the system that have been refused so far.
  [[nodiscard]] virtual std::uint64_t refused() const = 0;

  /// Checks what must hold at any time between the heap's own words and the blocks that are live.
  virtual void inspect(const std::set<void*>& live, Coverage& coverage) = 0;
  /// Checks that nothing is left when all blocks are free and all contexts detached (I8).
  virtual void expect_nothing_left(Coverage& coverage) = 0;
};

}  // namespace hakmem::test
