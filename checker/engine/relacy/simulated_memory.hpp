#pragma once
/// The memory of the checked program: pages that it maps and unmaps, and objects that live as long as the execution.
///
/// Three ranges at fixed addresses, so that a trace reads the same in every process. *Pages* are never really touched:
/// each granule of 16 bytes has a cell, which exists while its page is mapped, holds the first word of the granule and
/// whether the second one is a mark, and is checked for races. Touching a granule that is not mapped ends the run.
/// *Descriptors* are real objects, built inside the execution and destroyed at its end, and so is the scenario.

#include <cstddef>
#include <cstdint>

#include "core/where.hpp"

namespace check {

class SimulatedMemory {
 public:
  static constexpr std::size_t kCellBytes = 16;
  static constexpr std::size_t kPageBytes = std::size_t{1} << 14;
  static constexpr std::size_t kDescriptorBytes = std::size_t{20} << 20;

  /// Where the pages begin; aligned to kPageBytes. The same in every process.
  static constexpr std::uintptr_t page_base() noexcept { return 0x5eed00000000; }
  /// Where the scenario itself lives: kScenarioBytes, aligned to a page. To be used between begin() and end().
  static void* scenario_memory() noexcept { return reinterpret_cast<void*>(page_base() + kPageBytes); }

  // Executions ------------------------------------------------------------------------------------------------------

  /// Before an execution: nothing is mapped, no object exists. Whatever a failed execution has left is forgotten.
  static void begin() noexcept;
  /// At the end of an execution, inside it: destroys objects, newest first, then cells.
  static void end();

  // Pages -----------------------------------------------------------------------------------------------------------

  /// Maps [p, p + bytes): every cell is uninitialised.
  static void map(std::uintptr_t p, std::size_t bytes, const Where& where);
  /// Ends the run unless all of [p, p + bytes) is mapped, and is used by nobody at the same time.
  static void unmap(std::uintptr_t p, std::size_t bytes, const Where& where);
  /// The contents are gone; the pages stay mapped.
  static void decommit(std::uintptr_t p, std::size_t bytes, const Where& where);
  /// Carries the contents of a range over to another, which is mapped, and unmaps the first.
  static void move(std::uintptr_t from, std::size_t bytes, std::uintptr_t to, const Where& where);
  /// The lowest unmapped range in the first `space` bytes, or 0. \param alignment a power of two of at least a cell
  static std::uintptr_t find_unmapped(std::size_t bytes, std::size_t alignment,
                                      std::size_t space = kPageBytes) noexcept;

  /// The first word of the granule at `block`. \param what for the trace
  static std::uintptr_t read(const void* block, const char* what, const Where& where);
  static void write(const void* block, std::uintptr_t value, const char* what, const Where& where);

  /// Whether the granule's second word is the mark that tells one state of it from all others. Any other word is none,
  /// also one that nobody has written.
  static bool read_mark(const void* block, const Where& where);
  static void write_mark(const void* block, bool is_marked, const Where& where);

  /// For the rest of the execution each thread makes its descriptors in a place of its own.
  static void keep_threads_apart() noexcept;

  // Descriptors -----------------------------------------------------------------------------------------------------

  /// `n` objects of T; they live until the execution ends.
  template <class T>
  static T* make(std::size_t n) {
    T* objects = static_cast<T*>(take(n * sizeof(T), alignof(T)));
    for (std::size_t i = 0; i < n; ++i) ::new (static_cast<void*>(objects + i)) T{};
    at_end(objects, n, [](void* first, std::size_t count) {
      while (count-- != 0) static_cast<T*>(first)[count].~T();
    });
    return objects;
  }

 private:
  static void* take(std::size_t bytes, std::size_t alignment);
  static void at_end(void* first, std::size_t count, void (*destroy)(void*, std::size_t));
};

}  // namespace check
