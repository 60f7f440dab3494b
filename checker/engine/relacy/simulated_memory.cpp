#include "engine/relacy/simulated_memory.hpp"

#include <fmt/core.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "core/scenario.hpp"
#include "core/subject.hpp"
#include "engine/graph/native.hpp"
#include "engine/relacy/execution.hpp"
#include "engine/relacy/relacy.hpp"
#include "engine/relacy/variable.hpp"

namespace check {

namespace {

constexpr std::size_t kCells = SimulatedMemory::kPageBytes / SimulatedMemory::kCellBytes;
constexpr unsigned kMostObjects = 256;

/// One granule of a mapped page.
struct Cell {
  RaceCheck check;
  std::uintptr_t value = 0;
  bool initialised = false;
  bool marked = false;
};

struct Objects {
  void* first;
  std::size_t count;
  void (*destroy)(void*, std::size_t);
};

alignas(Cell) std::byte storage[kCells][sizeof(Cell)];
bool mapped[kCells];
std::size_t cells_in_use = 0;
constexpr unsigned kArenas = 5;  // one for all, then one for each thread
std::size_t descriptor_bytes[kArenas];
bool apart = false;
Objects objects[kMostObjects];
unsigned object_count = 0;

/// Pages, scenario, descriptors: once per process.
void reserve() noexcept {
  static bool done = false;
  if (done) return;
  void* const wanted = reinterpret_cast<void*>(SimulatedMemory::page_base());
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  constexpr std::size_t kBytes = SimulatedMemory::kPageBytes + kScenarioBytes + SimulatedMemory::kDescriptorBytes;
  if (::mmap(wanted, kBytes, PROT_READ | PROT_WRITE, kFlags, -1, 0) != wanted) {
    say_problem(fmt::format("cannot reserve the simulated memory: {}", std::strerror(errno)));
    std::abort();
  }
  done = true;
}

Cell& cell(std::size_t index) noexcept { return *std::launder(reinterpret_cast<Cell*>(storage[index])); }

[[noreturn]] void fail(const char* what, const Where& where) {
  if (auto* const native = graph::Native::running) native->fail(Ending::kFreedMemory, what, where);
  rl::ctx().fail_test(what, rl::test_result_access_to_freed_memory, info_of(where));
  __builtin_unreachable();
}

/// The cell of an address; ends the run when it is not mapped.
std::size_t index_of(std::uintptr_t address, const Where& where) {
  const std::uintptr_t offset = address - SimulatedMemory::page_base();
  if (offset >= SimulatedMemory::kPageBytes) fail("I4 mapped: touch outside all memory", where);
  const std::size_t index = offset / SimulatedMemory::kCellBytes;
  if (!mapped[index]) fail("I4 mapped: touch of memory that is not mapped", where);
  return index;
}

/// Checks an access to a cell.
void access(const Cell& target, const void* block, const char* what, std::uintptr_t value, bool is_write,
            const Where& where) {
  target.check.access({block, what, value, is_write, value >= SimulatedMemory::page_base()}, where);
}

void destroy_cell(std::size_t index) {
  cell(index).~Cell();
  mapped[index] = false;
  --cells_in_use;
}

}  // namespace

void SimulatedMemory::begin() noexcept {
  reserve();
  if (cells_in_use != 0) {
    for (bool& is_mapped : mapped) is_mapped = false;
  }
  cells_in_use = 0;
  apart = false;
  for (std::size_t& bytes : descriptor_bytes) bytes = 0;
  object_count = 0;
}

void SimulatedMemory::end() {
  while (object_count != 0) {
    const Objects& last = objects[--object_count];
    last.destroy(last.first, last.count);
  }
  for (std::size_t i = 0; cells_in_use != 0; ++i) {
    if (mapped[i]) destroy_cell(i);
  }
}

void SimulatedMemory::map(std::uintptr_t p, std::size_t bytes, const Where& where) {
  const std::size_t first = (p - page_base()) / kCellBytes;
  for (std::size_t i = first; i < first + bytes / kCellBytes; ++i) {
    if (mapped[i]) fail("I4 mapped: mapped twice", where);
    // The mapping thread hands out zeros: who touches the memory must have synchronised with it.
    (::new (static_cast<void*>(storage[i])) Cell)->check.initialise();
    mapped[i] = true;
    ++cells_in_use;
  }
}

void SimulatedMemory::unmap(std::uintptr_t p, std::size_t bytes, const Where& where) {
  for (std::uintptr_t address = p; address < p + bytes; address += kCellBytes) {
    const std::size_t index = index_of(address, where);
    cell(index).check.access({reinterpret_cast<void*>(address), "page (unmap)", 0, true, false, true}, where);
    destroy_cell(index);
  }
}

void SimulatedMemory::decommit(std::uintptr_t p, std::size_t bytes, const Where& where) {
  for (std::uintptr_t address = p; address < p + bytes; address += kCellBytes) {
    Cell& target = cell(index_of(address, where));
    access(target, reinterpret_cast<void*>(address), "page (decommit)", 0, true, where);
    target.initialised = false;
    target.marked = false;
  }
}

void SimulatedMemory::move(std::uintptr_t from, std::size_t bytes, std::uintptr_t to, const Where& where) {
  for (std::size_t offset = 0; offset < bytes; offset += kCellBytes) {
    const Cell& source = cell(index_of(from + offset, where));
    Cell& target = cell(index_of(to + offset, where));
    target.value = source.value;
    target.initialised = source.initialised;
    target.marked = source.marked;
  }
  unmap(from, bytes, where);
}

std::uintptr_t SimulatedMemory::find_unmapped(std::size_t bytes, std::size_t alignment, std::size_t space) noexcept {
  for (std::size_t offset = 0; offset + bytes <= space; offset += alignment) {
    std::size_t i = offset / kCellBytes;
    const std::size_t end = (offset + bytes) / kCellBytes;
    while (i < end && !mapped[i]) ++i;
    if (i == end) return page_base() + offset;
  }
  return 0;
}

std::uintptr_t SimulatedMemory::read(const void* block, const char* what, const Where& where) {
  const Cell& target = cell(index_of(reinterpret_cast<std::uintptr_t>(block), where));
  access(target, block, what, target.value, false, where);
  if (!target.initialised) {
    static constexpr const char* kWhat = "memory that nobody has written since it was mapped";
    if (auto* const native = graph::Native::running) native->fail(Ending::kUninitialised, kWhat, where);
    rl::ctx().fail_test(kWhat, rl::test_result_unitialized_access, info_of(where));
  }
  return target.value;
}

void SimulatedMemory::write(const void* block, std::uintptr_t value, const char* what, const Where& where) {
  Cell& target = cell(index_of(reinterpret_cast<std::uintptr_t>(block), where));
  access(target, block, what, value, true, where);
  target.value = value;
  target.initialised = true;
}

bool SimulatedMemory::read_mark(const void* block, const Where& where) {
  const Cell& target = cell(index_of(reinterpret_cast<std::uintptr_t>(block), where));
  access(target, block, "mark", target.marked, false, where);
  return target.marked;
}

void SimulatedMemory::write_mark(const void* block, bool is_marked, const Where& where) {
  Cell& target = cell(index_of(reinterpret_cast<std::uintptr_t>(block), where));
  access(target, block, "mark", is_marked, true, where);
  target.marked = is_marked;
}

void SimulatedMemory::keep_threads_apart() noexcept { apart = true; }

void* SimulatedMemory::take(std::size_t bytes, std::size_t alignment) {
  constexpr std::size_t kArenaBytes = kDescriptorBytes / kArenas & ~std::size_t{4095};
  const std::size_t arena = apart ? 1 + std::size_t{running_thread()} : 0;
  const std::size_t start = (descriptor_bytes[arena] + alignment - 1) & ~(alignment - 1);
  if (start + bytes > kArenaBytes) {
    say_problem("more descriptors than SimulatedMemory::kDescriptorBytes; make it larger");
    std::abort();
  }
  descriptor_bytes[arena] = start + bytes;
  return reinterpret_cast<void*>(page_base() + kPageBytes + kScenarioBytes + arena * kArenaBytes + start);
}

void SimulatedMemory::at_end(void* first, std::size_t count, void (*destroy)(void*, std::size_t)) {
  if (object_count == kMostObjects) {
    say_problem("more groups of descriptors than kMostObjects; make it larger");
    std::abort();
  }
  objects[object_count++] = {first, count, destroy};
}

}  // namespace check
