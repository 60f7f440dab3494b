#pragma once
/// The operating system of the model: pages that know whether they are mapped, mappings that can fail, descriptors
/// that live as long as the execution. See os/os_concept.hpp for what is asked of it.

#include <cstddef>
#include <cstdint>

#include "check/execution.hpp"
#include "check/memory.hpp"
#include "model/check.hpp"
#include "os/os_concept.hpp"

namespace hakmem::model {

/// What does not depend on the size of the address space.
class SimulatedSystem {
 public:
  static constexpr std::size_t kPageBytes = 2 * SimulatedMemory::kCellBytes;
  [[nodiscard]] static constexpr std::size_t page_bytes() noexcept { return kPageBytes; }
  static constexpr unsigned kNever = ~0u;

  /// The `nth` call (1 = the next) of reserve, decommit, move or metadata fails, and no other.
  void fail_at(unsigned nth) noexcept { calls_until_failure_ = nth; }

  /// Up to `times` calls fail: each of them is a choice that the search explores in both ways.
  void may_fail(unsigned times) noexcept {
    failures_left_ = times;
    may_fail_ = true;
  }

  /// From now on each thread gets memory and descriptors in a place of its own, and no address twice. So calls of
  /// different threads commute, and a search is done sooner; that addresses are used again it does not see.
  void keep_threads_apart() noexcept;

  /// Reservations made and not released.
  [[nodiscard]] unsigned reservations() const noexcept { return reservations_; }

  [[nodiscard]] static std::uintptr_t address_base() noexcept { return SimulatedMemory::page_base(); }

  [[nodiscard]] void* reserve(std::size_t bytes, std::size_t alignment, Where where = Where::here()) noexcept;
  void release(void* p, std::size_t bytes, Where where = Where::here()) noexcept;
  [[nodiscard]] bool decommit(void* p, std::size_t bytes, Where where = Where::here()) noexcept;

  /// Never in its place: to move is the harder case.
  [[nodiscard]] bool resize(void*, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    return old_bytes == new_bytes;
  }
  [[nodiscard]] bool move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes,
                          Where where = Where::here()) noexcept;

  template <class T>
  [[nodiscard]] T* metadata(std::size_t n) noexcept {
    return refuses(check::SystemCall::kOther) ? nullptr : SimulatedMemory::make<T>(n);
  }

  /// A report of the heap about its user is a failure of the scenario.
  void fatal(Corruption what, const char*, const void*, const void*, std::size_t, const BlockHistory& = {},
             Where where = Where::here()) noexcept;

 protected:
  /// \param space bytes of addresses that there are
  explicit SimulatedSystem(std::size_t space) noexcept : space_(space) {}

  void count_reservations(int change) noexcept { reservations_ += static_cast<unsigned>(change); }

 private:
  static constexpr unsigned kMostThreads = 4;

  /// Calls whose order shows are no steps that commute.
  void note_call(check::SystemCall call) noexcept;
  [[nodiscard]] std::uintptr_t find_place(std::size_t bytes, std::size_t alignment) noexcept;
  /// Whether a call fails that now takes its place among all calls: what it does comes before the next one of any thread.
  [[nodiscard]] bool refuses(check::SystemCall call) noexcept;

  std::size_t space_;
  unsigned calls_until_failure_ = kNever;
  unsigned failures_left_ = 0;
  bool may_fail_ = false;
  unsigned reservations_ = 0;
  bool apart_ = false;
  std::size_t used_[kMostThreads] = {};
};

/// \tparam kBits log2 of the bytes of address space that there are: a small page map makes fast executions.
template <unsigned kBits>
class SimulatedOs : public SimulatedSystem {
  static constexpr std::size_t kSpace = std::size_t{1} << kBits;
  static_assert(kSpace <= SimulatedMemory::kPageBytes);

 public:
  static constexpr unsigned kAddressBits = kBits;

  SimulatedOs() noexcept : SimulatedSystem(kSpace) {}
};

/// The same, and it divides reservations: they are pages, and know nothing of each other.
template <unsigned kBits>
class DividingOs : public SimulatedOs<kBits> {
 public:
  void split(void*, std::size_t, std::size_t) noexcept { this->count_reservations(1); }
  void join(void*, std::size_t, std::size_t) noexcept { this->count_reservations(-1); }
};

static_assert(OsPolicy<SimulatedOs<8>> && !HasDivision<SimulatedOs<8>> && HasDivision<DividingOs<8>>);

}  // namespace hakmem::model
