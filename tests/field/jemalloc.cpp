/// What programs expect that are built for jemalloc: its own names beside the standard's, mixed with these.

#include <dlfcn.h>
#include <malloc.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "case.hpp"

namespace hakmem::field {

namespace {

constexpr int kZero = 0x40;

/// The flag for an alignment of 2^shift.
constexpr int aligned_to(int shift) { return shift; }

/// A function under a name that the program is not linked with; ends the case where nobody has it.
template <class Function>
Function* named(const char* name) {
  void* found = ::dlsym(RTLD_DEFAULT, name);
  expect(found != nullptr, "nobody has %s", name);
  return reinterpret_cast<Function*>(found);
}

struct Names {
  void* (*mallocx)(std::size_t, int) = named<void*(std::size_t, int)>("mallocx");
  void* (*rallocx)(void*, std::size_t, int) = named<void*(void*, std::size_t, int)>("rallocx");
  std::size_t (*xallocx)(void*, std::size_t, std::size_t,
                         int) = named<std::size_t(void*, std::size_t, std::size_t, int)>("xallocx");
  std::size_t (*sallocx)(const void*, int) = named<std::size_t(const void*, int)>("sallocx");
  void (*dallocx)(void*, int) = named<void(void*, int)>("dallocx");
  void (*sdallocx)(void*, std::size_t, int) = named<void(void*, std::size_t, int)>("sdallocx");
  std::size_t (*nallocx)(std::size_t, int) = named<std::size_t(std::size_t, int)>("nallocx");
};

constexpr std::size_t kSizes[] = {1, 15, 16, 17, 100, 1024, 5000, 40'000, 530'000, 900'000, 1 << 20, 3'300'000};

bool is_aligned(const void* block, int shift) {
  return (reinterpret_cast<std::uintptr_t>(block) & ((std::uintptr_t{1} << shift) - 1)) == 0;
}

/// A block that somebody has written to before, all over.
void leave_dirty(std::size_t bytes) {
  void* used = std::malloc(bytes);
  soil(used, bytes);
  std::free(used);
}

void blocks_are_as_asked_for(const Names& names) {
  for (const std::size_t bytes : kSizes) {
    for (int shift = 0; shift <= 21; ++shift) {
      leave_dirty(bytes);
      void* block = names.mallocx(bytes, aligned_to(shift) | kZero);
      expect(block != nullptr && is_aligned(block, shift), "%zu bytes at 2^%d: %p", bytes, shift, block);
      const std::size_t usable = ::malloc_usable_size(block);
      expect(dirty(block, usable) == 0, "%zu bytes at 2^%d are not zero", bytes, shift);
      expect(names.sallocx(block, 0) == usable && usable >= bytes, "%zu bytes: %zu are usable", bytes, usable);
      const std::size_t promised = names.nallocx(bytes, aligned_to(shift));
      const bool may_have_more = bytes > 1 << 20 || shift > 16;  // as a mapping that was kept
      expect(may_have_more ? promised >= bytes && promised <= usable : promised == usable,
             "%zu bytes: %zu are promised, %zu usable", bytes, promised, usable);
      expect(names.xallocx(block, bytes, 0, 0) >= bytes, "what holds %zu bytes does not", bytes);
      soil(block, usable);
      shift % 2 == 0 ? names.dallocx(block, aligned_to(shift)) : names.sdallocx(block, bytes, aligned_to(shift));
    }
  }
}

void resizing_keeps(const Names& names, std::size_t from, std::size_t to, int shift) {
  leave_dirty(to);
  void* old = names.mallocx(from, aligned_to(shift));
  const std::size_t before = names.sallocx(old, 0);
  std::memset(old, 7, before);
  void* resized = names.rallocx(old, to, aligned_to(shift) | kZero);
  expect(resized != nullptr && is_aligned(resized, shift), "%zu to %zu bytes at 2^%d: %p", from, to, shift, resized);
  const auto* block = static_cast<unsigned char*>(resized);
  const std::size_t now = names.sallocx(block, 0);
  expect(now >= to, "%zu bytes are %zu", to, now);
  for (std::size_t i = 0; i < before && i < to; ++i)
    expect(block[i] == 7, "%zu to %zu bytes: %zu is lost", from, to, i);
  if (now > before) expect(dirty(block + before, now - before) == 0, "%zu to %zu bytes: no zeroes", from, to);
  names.dallocx(resized, 0);
}

/// From half of the usable size on; an alignment that the block has costs no move.
void fitting_blocks_stay(const Names& names) {
  for (const int shift : {0, 6, 12}) {
    void* block = names.mallocx(5000, aligned_to(shift));
    const std::size_t usable = names.sallocx(block, 0);
    expect(names.rallocx(block, usable, aligned_to(shift)) == block, "what fits at 2^%d has moved", shift);
    if (shift == 0) continue;  // as realloc does it, which is a library's own affair
    expect(names.rallocx(block, usable / 2, aligned_to(shift)) == block, "half of it at 2^%d has moved", shift);
  }
}

}  // namespace

void blocks_of_jemalloc() {
  const Names names;
  blocks_are_as_asked_for(names);
  fitting_blocks_stay(names);
  for (const std::size_t from : kSizes) {
    for (const std::size_t to : kSizes) {
      for (const int shift : {0, 4, 5, 12}) resizing_keeps(names, from, to, shift);
    }
  }
  // Each family frees what the other has given out.
  std::free(names.mallocx(100, 0));
  std::free(names.mallocx(100, aligned_to(12)));
  names.dallocx(std::malloc(100), 0);
  std::free(names.rallocx(std::malloc(100), 5000, 0));
  names.dallocx(std::realloc(names.mallocx(100, 0), 5000), 0);

  constexpr int kTooMuch = 63;
  void* block = names.mallocx(100, 0);
  expect(names.mallocx(PTRDIFF_MAX, 0) == nullptr && names.mallocx(100, aligned_to(kTooMuch)) == nullptr,
         "too much is given out");
  expect(names.mallocx(PTRDIFF_MAX, aligned_to(12) | kZero) == nullptr, "too much is given out");
  expect(names.rallocx(block, PTRDIFF_MAX, 0) == nullptr, "a block grows too far");
  expect(names.rallocx(block, 100, aligned_to(kTooMuch)) == nullptr, "a block is aligned too far");
  expect(names.nallocx(std::size_t{PTRDIFF_MAX} + 1, 0) == 0 && names.nallocx(100, aligned_to(kTooMuch)) == 0,
         "too much is promised");
  names.dallocx(block, 0);
}

namespace {

using Mallctl = int(const char*, void*, std::size_t*, void*, std::size_t);

template <class Figure>
int ask(Mallctl* mallctl, const char* name, Figure& figure) {
  std::size_t bytes = sizeof figure;
  return mallctl(name, &figure, &bytes, nullptr, 0);
}

void memory_in_use_is_told(Mallctl* mallctl) {
  constexpr std::size_t kBlocks = 1000, kBytes = 1000, kLarge = 5 << 20;
  static void* blocks[kBlocks];
  std::size_t before = 0, during = 0, mapped = 0;
  expect(ask(mallctl, "stats.allocated", before) == 0, "nobody knows what is in use");
  for (void*& block : blocks) block = std::malloc(kBytes);
  void* large = std::malloc(kLarge);
  expect(ask(mallctl, "stats.allocated", during) == 0 && during >= before + kBlocks * kBytes + kLarge,
         "%zu bytes in use, and %zu before", during, before);
  for (const char* name : {"stats.active", "stats.mapped", "stats.resident"}) {
    expect(ask(mallctl, name, mapped) == 0 && mapped >= during, "%s is %zu; %zu bytes are in use", name, mapped,
           during);
    expect(mapped < during + (64 << 20), "%s is %zu; %zu bytes are in use", name, mapped, during);
  }
  std::free(large);
  for (void* block : blocks) std::free(block);
}

}  // namespace

void questions_of_jemalloc() {
  auto* mallctl = named<Mallctl>("mallctl");
  // A program's own arena and thread cache, as redis makes them for its scripts.
  for (const char* name : {"arenas.create", "arenas.narenas", "tcache.create"}) {
    unsigned number = UINT_MAX;
    expect(ask(mallctl, name, number) == 0 && number != UINT_MAX, "%s: %u", name, number);
    std::size_t wide = 0;
    expect(ask(mallctl, name, wide) == EINVAL, "%s gives a number of another size", name);
    expect(mallctl(name, nullptr, nullptr, nullptr, 0) == 0, "%s wants to be heard", name);
    expect(mallctl(name, &number, nullptr, nullptr, 0) == 0, "%s writes where it does not know how much", name);
  }
  unsigned one = 1;
  for (const char* name :
       {"epoch", "tcache.flush", "tcache.destroy", "thread.tcache.flush", "arena.0.purge", "arena.4096.decay"}) {
    expect(mallctl(name, nullptr, nullptr, &one, sizeof one) == 0, "%s is refused", name);
  }
  for (const char* name : {"arenas.nbins", "arenas.nlextents", "stats.arenas.4096.pmuzzy", "stats.retained"}) {
    std::uint64_t figure = 7;
    unsigned narrow = 7;
    unsigned char no_figure = 7;
    expect(ask(mallctl, name, figure) == 0 && figure == 0, "%s is not 0", name);
    expect(ask(mallctl, name, narrow) == 0 && narrow == 0, "%s is not 0", name);
    expect(ask(mallctl, name, no_figure) == EINVAL && no_figure == 7, "%s fits into a byte", name);
    expect(mallctl(name, &narrow, nullptr, nullptr, 0) == 0, "%s writes where it does not know how much", name);
    expect(mallctl(name, nullptr, nullptr, nullptr, 0) == 0, "%s wants to be heard", name);
  }
  std::size_t page = 0;
  expect(ask(mallctl, "arenas.page", page) == 0 && page == 4096, "a page has %zu bytes", page);
  for (const char* name : {"thread.allocatedp", "stats", "arena.0.dss", "arena.", ".purge", "purge", ""}) {
    std::size_t figure = 0;
    expect(ask(mallctl, name, figure) == ENOENT, "%s is known", name);
  }
  memory_in_use_is_told(mallctl);

  std::size_t parts[4], count = 4;
  expect(named<int(const char*, std::size_t*, std::size_t*)>("mallctlnametomib")("epoch", parts, &count) == ENOENT,
         "there are mibs");
  auto* by_mib = named<int(const std::size_t*, std::size_t, void*, std::size_t*, void*, std::size_t)>("mallctlbymib");
  expect(by_mib(parts, 1, nullptr, nullptr, nullptr, 0) == ENOENT, "there are mibs");

  auto* print = named<void(void (*)(void*, const char*), void*, const char*)>("malloc_stats_print");
  std::size_t written = 0;
  print([](void* sum, const char* text) { *static_cast<std::size_t*>(sum) += std::strlen(text); }, &written, nullptr);
  expect(written != 0, "nothing is told");
}

}  // namespace hakmem::field
