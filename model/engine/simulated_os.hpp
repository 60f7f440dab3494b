#pragma once
/// The operating system of the model: pages that know whether they are mapped, mappings that can fail, descriptors
/// that live as long as the execution. See os/os_concept.hpp for what is asked of it.

#include <cstddef>
#include <cstdint>

#include "model/engine/faults.hpp"
#include "model/engine/relacy.hpp"
#include "model/engine/simulated_memory.hpp"
#include "model/engine/variable.hpp"
#include "model/engine/visibility.hpp"
#include "model/engine/where.hpp"
#include "os/os_concept.hpp"

namespace hakmem::model {

/// \tparam kBits log2 of the bytes of address space that there are: a small page map makes fast executions.
template <unsigned kBits>
class SimulatedOs {
  static constexpr std::size_t kSpace = std::size_t{1} << kBits;
  static_assert(kSpace <= SimulatedMemory::kPageBytes);

 public:
  static constexpr unsigned kAddressBits = kBits;
  static constexpr std::size_t kPageBytes = 2 * SimulatedMemory::kCellBytes;
  static constexpr unsigned kNever = ~0u;

  /// The `nth` call (1 = the next) of reserve, resize or metadata fails, and no other.
  void fail_at(unsigned nth) noexcept { calls_until_failure_ = nth; }

  /// Up to `times` calls fail: each of them is a choice that the search explores in both ways.
  void may_fail(unsigned times) noexcept { failures_left_ = times; }

  /// From now on each thread gets memory and descriptors in a place of its own, and no address twice. So calls of
  /// different threads commute, and a search is done sooner; that addresses are used again it does not see.
  void keep_threads_apart() noexcept {
    apart_ = true;
    SimulatedMemory::keep_threads_apart();
  }

  /// Reservations made and not released.
  [[nodiscard]] unsigned reservations() const noexcept { return reservations_; }

  [[nodiscard]] static std::uintptr_t address_base() noexcept { return SimulatedMemory::page_base(); }

  [[nodiscard]] void* reserve(std::size_t bytes, std::size_t alignment, Where where = Where::here()) noexcept {
    note_call();
    const std::uintptr_t p = fails() ? 0 : find_place(bytes, alignment);
    if (p == 0) return nullptr;
    SimulatedMemory::map(p, bytes, where);
    ++reservations_;
    return reinterpret_cast<void*>(p);
  }

  void release(void* p, std::size_t bytes, Where where = Where::here()) noexcept {
    note_call();
    SimulatedMemory::unmap(reinterpret_cast<std::uintptr_t>(p), bytes, where);
    --reservations_;
  }

  void decommit(void* p, std::size_t bytes, Where where = Where::here()) noexcept {
    SimulatedMemory::decommit(reinterpret_cast<std::uintptr_t>(p), bytes, where);
  }

  /// Always moves, which is the harder case.
  [[nodiscard]] void* resize(void* p, std::size_t old_bytes, std::size_t new_bytes, std::size_t alignment,
                             Where where = Where::here()) noexcept {
    note_call();
    const std::uintptr_t target = fails() ? 0 : find_place(new_bytes, alignment);
    if (target == 0) return nullptr;
    SimulatedMemory::move(reinterpret_cast<std::uintptr_t>(p), old_bytes, target, new_bytes, where);
    return reinterpret_cast<void*>(target);
  }

  template <class T>
  [[nodiscard]] T* metadata(std::size_t n) noexcept {
    note_call();
    return fails() ? nullptr : SimulatedMemory::make<T>(n);
  }

  /// A report of the heap about its user is a failure of the scenario.
  void fatal(Corruption what, const char*, const void*, const void*, std::size_t, const BlockHistory& = {},
             Where where = Where::here()) noexcept {
    rl::ctx().fail_test(text_of(what), rl::test_result_user_assert_failed, info_of(where));
  }

 private:
  static constexpr unsigned kMostThreads = 4;

  /// Calls whose order shows are no steps that commute.
  void note_call() noexcept {
    if (!apart_ || calls_until_failure_ != kNever) Visibility::note_system_call();
  }

  [[nodiscard]] std::uintptr_t find_place(std::size_t bytes, std::size_t alignment) noexcept {
    if (!apart_) return SimulatedMemory::find_unmapped(bytes, alignment, kSpace);
    // What was reserved before, for everybody, lies in the first part.
    constexpr std::size_t kPart = kSpace / (kMostThreads / 2 + 1);
    const auto thread = static_cast<std::size_t>(rl::ctx().threadx_->index_);
    std::size_t& used = used_[thread];
    const std::size_t start = ((thread + 1) * kPart + used + alignment - 1) & ~(alignment - 1);
    if (start + bytes > (thread + 2) * kPart || start + bytes > kSpace) return 0;
    used = start + bytes - (thread + 1) * kPart;
    return address_base() + start;
  }

  /// Whether this call fails. The system is no part of what is explored: its state is seen in execution order.
  bool fails() noexcept {
    if (calls_until_failure_ != kNever && --calls_until_failure_ == 0) {
      calls_until_failure_ = kNever;
      return true;
    }
    if (failures_left_ == 0 || !Faults::happens("[THE SYSTEM REFUSES]")) return false;
    --failures_left_;
    return true;
  }

  static const char* text_of(Corruption what) noexcept {
    switch (what) {
      case Corruption::kForeignPointer: return "heap reports: foreign pointer";
      case Corruption::kInteriorPointer: return "heap reports: interior pointer";
      case Corruption::kDoubleFree: return "heap reports: double free";
      case Corruption::kReleasedSlab: return "heap reports: block of a released slab";
      case Corruption::kOverflow: return "heap reports: overflow";
      case Corruption::kWrittenAfterFree: return "heap reports: written after free";
      case Corruption::kUsedAfterFree: return "heap reports: used after free";
      case Corruption::kSizeMismatch: return "heap reports: size mismatch";
      case Corruption::kAlignmentMismatch: return "heap reports: alignment mismatch";
    }
    return "heap reports a corruption";
  }

  unsigned calls_until_failure_ = kNever;
  unsigned failures_left_ = 0;
  unsigned reservations_ = 0;
  bool apart_ = false;
  std::size_t used_[kMostThreads] = {};
};

static_assert(OsPolicy<SimulatedOs<8>>);

}  // namespace hakmem::model
