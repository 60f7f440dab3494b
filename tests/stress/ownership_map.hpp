#pragma once
/// Who holds which piece of memory, kept outside the blocks: a mark for every 16 bytes of address space.
///
/// Holding a block means having one's id on its marks. A claim that finds another id on one has caught an overlap or a
/// double hand-out at once. All marks are relaxed atomics: they order nothing, so a race detector sees the allocator's
/// synchronisation and not the map's.

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "failure.hpp"
#include "os/linux_os.hpp"
#include "support/test_sync.hpp"

namespace hakmem::stress {

class OwnershipMap {
  template <class T>
  using Atomic = test::TestSync::Atomic<T>;
  using Mark = Atomic<std::uint32_t>;

 public:
  OwnershipMap() : regions_(LinuxOs::metadata<Region>(kRegions)) {
    if (regions_ == nullptr) throw Failure("the harness has no memory for its ownership map");
  }
  ~OwnershipMap() {
    for (std::size_t i = 0; i < kRegions; ++i) {
      // Relaxed: every thread that has used the map has been joined.
      Mark* marks = regions_[i].marks.load(std::memory_order_relaxed);
      if (marks != nullptr) LinuxOs::release(marks, kRegionMarks * sizeof(Mark));
    }
    LinuxOs::release(regions_, kRegions * sizeof(Region));
  }
  OwnershipMap(const OwnershipMap&) = delete;
  OwnershipMap& operator=(const OwnershipMap&) = delete;

  /// The calling thread has been given a block. \param id not 0. \throws Failure when somebody holds a part of it.
  void claim(const void* block, std::size_t bytes, std::uint32_t id) {
    each_mark(block, bytes, [&](Mark& mark, std::size_t offset) {
      // Relaxed: of two claimers of one mark one sees the other's id, whatever the order.
      const std::uint32_t before = mark.exchange(id, std::memory_order_relaxed);
      if (before != 0) {
        throw Failure(
            fmt::format("block {} of {} bytes (id {:#x}) was handed out while it is still held: "
                        "offset {} belongs to id {:#x}",
                        block, bytes, id, offset, before));
      }
    });
  }

  /// The calling thread is about to free a block. \throws Failure when it is not the one with this id.
  void release(const void* block, std::size_t bytes, std::uint32_t id) {
    each_mark(block, bytes, [&](Mark& mark, std::size_t offset) {
      // Relaxed: as in claim. The allocator orders this before the next claim.
      const std::uint32_t before = mark.exchange(0, std::memory_order_relaxed);
      if (before != id) {
        throw Failure(fmt::format("block {} of {} bytes (id {:#x}) is about to be freed, but offset {} belongs to {}",
                                  block, bytes, id, offset, before == 0 ? "nobody" : fmt::format("id {:#x}", before)));
      }
    });
  }

  /// The id on the first mark of a block, 0 if nobody holds it.
  [[nodiscard]] std::uint32_t holder(const void* block) {
    // Relaxed: the block's handoff has made the claim visible.
    return mark_at(reinterpret_cast<std::uintptr_t>(block)).load(std::memory_order_relaxed);
  }

 private:
  static constexpr unsigned kGranuleShift = 4;
  static constexpr unsigned kRegionShift = 21;
  static constexpr std::size_t kRegionMarks = std::size_t{1} << (kRegionShift - kGranuleShift);
  static constexpr std::size_t kRegions = std::size_t{1} << 16;
  /// Of a long block only so many marks are used, evenly spaced, and the last one.
  static constexpr std::size_t kMarksPerBlock = 64;

  /// 2 MiB of address space; a place in a hash table of them. All-zero is a free place.
  struct Region {
    Atomic<std::uintptr_t> key;
    Atomic<Mark*> marks;
  };

  template <class Visit>
  void each_mark(const void* block, std::size_t bytes, Visit visit) {
    const std::size_t granules = (bytes + (std::size_t{1} << kGranuleShift) - 1) >> kGranuleShift;
    const std::size_t step = (granules + kMarksPerBlock - 1) / kMarksPerBlock;
    const auto base = reinterpret_cast<std::uintptr_t>(block);
    const auto visit_granule = [&](std::size_t granule) {
      const std::size_t offset = granule << kGranuleShift;
      visit(mark_at(base + offset), offset);
    };
    std::size_t granule = 0;
    for (; granule < granules; granule += step) visit_granule(granule);
    if (granule - step != granules - 1) visit_granule(granules - 1);
  }

  Mark& mark_at(std::uintptr_t address) {
    Mark* marks = marks_of(address >> kRegionShift);
    return marks[(address & ((std::uintptr_t{1} << kRegionShift) - 1)) >> kGranuleShift];
  }

  Mark* marks_of(std::uintptr_t number) {
    const std::size_t start = static_cast<std::size_t>(number * 0x9e3779b97f4a7c15u >> 48);
    for (std::size_t i = 0; i < kRegions; ++i) {
      Region& region = regions_[(start + i) % kRegions];
      if (!is_or_becomes(region, number)) continue;
      // Acquire pairs with add_marks: the marks' initial state is visible.
      Mark* marks = region.marks.load(std::memory_order_acquire);
      return marks != nullptr ? marks : add_marks(region);
    }
    throw Failure("the harness's ownership map is full: more than 65536 regions of 2 MiB have been used");
  }

  static bool is_or_becomes(Region& region, std::uintptr_t number) noexcept {
    const std::uintptr_t key = number + 1;
    // Relaxed: a key never changes once it is set, and stands for nothing else.
    std::uintptr_t seen = region.key.load(std::memory_order_relaxed);
    if (seen == key) return true;
    if (seen != 0) return false;
    // Relaxed: as above.
    return region.key.compare_exchange_strong(seen, key, std::memory_order_relaxed, std::memory_order_relaxed) ||
           seen == key;
  }

  static Mark* add_marks(Region& region) {
    Mark* fresh = LinuxOs::metadata<Mark>(kRegionMarks);
    if (fresh == nullptr) throw Failure("the harness has no memory for its ownership map");
    Mark* expected = nullptr;
    // Release pairs with marks_of, as does the acquire on failure, when another thread was first.
    if (region.marks.compare_exchange_strong(expected, fresh, std::memory_order_release, std::memory_order_acquire)) {
      return fresh;
    }
    LinuxOs::release(fresh, kRegionMarks * sizeof(Mark));
    return expected;
  }

  Region* regions_;
};

}  // namespace hakmem::stress
