#pragma once
/// A simulated operating system for tests. It gives out real pages of a private window of address space and knows what
/// is reserved: what has been released faults when it is touched, a wrong release ends the process with a message, and
/// the n-th call of a kind can be refused.

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

namespace hakmem::test {

/// Kinds of calls that are counted; all but kRelease can be refused.
enum class OsCall : unsigned { kReserve, kRelease, kDecommit, kResize, kMove, kMetadata, kCount };

/// The state behind all copies of a TestOs. Thread-safe.
///
/// Released pages become inaccessible, and an address is given out again as late as possible. Addresses are the same in
/// every run where the system allows it, so that a run can be repeated.
class TestMemory {
 public:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::uint64_t kForEver = UINT64_MAX;

  /// \param address_bits 17..40: everything that is reserved lies in a window of 2^address_bits bytes, aligned to its
  /// size. Its first 64 KiB are never given out, so that no block shares a page map entry with nullptr.
  /// \param page_bytes of the simulated system, a power of two of at least kPageBytes.
  explicit TestMemory(unsigned address_bits, std::size_t page_bytes = kPageBytes);
  ~TestMemory();
  TestMemory(const TestMemory&) = delete;
  TestMemory& operator=(const TestMemory&) = delete;

  // The calls of an Os policy, see os/os_concept.hpp -----------------------------------------------------------------

  [[nodiscard]] void* reserve(std::size_t bytes, std::size_t alignment) noexcept;
  void release(void* p, std::size_t bytes) noexcept;
  /// What is refused, and what lies outside whole pages, is overwritten: nobody may rely on its contents.
  [[nodiscard]] bool decommit(void* p, std::size_t bytes) noexcept;
  [[nodiscard]] bool resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;
  [[nodiscard]] bool move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes) noexcept;
  // Of a policy that divides reservations, HasDivision.
  void split(void* p, std::size_t bytes, std::size_t first_bytes) noexcept;
  void join(void* p, std::size_t first_bytes, std::size_t bytes) noexcept;
  /// \return zero bytes followed by an inaccessible page, there until this object dies.
  [[nodiscard]] void* metadata(std::size_t bytes, std::size_t alignment) noexcept;
  [[nodiscard]] std::uintptr_t base() const noexcept { return base_; }
  [[nodiscard]] std::size_t page_bytes() const noexcept { return page_bytes_; }

  // Planted failures -------------------------------------------------------------------------------------------------

  /// The n-th call of a kind from now on (1 is the next one) and the following ones, `times` in all, are refused.
  void refuse(OsCall call, std::uint64_t nth = 1, std::uint64_t times = 1);
  /// No call is refused from now on.
  void grant_everything();

  // What has happened ------------------------------------------------------------------------------------------------

  [[nodiscard]] std::uint64_t calls(OsCall call) const;
  /// Calls that were refused: as planned, or because the window was full.
  [[nodiscard]] std::uint64_t refused() const;
  [[nodiscard]] std::size_t reservations() const;
  [[nodiscard]] std::size_t reserved_bytes() const;
  /// Whether [p, p + bytes) lies in one reservation.
  [[nodiscard]] bool is_reserved(const void* p, std::size_t bytes) const;

 private:
  struct Plan {
    std::uint64_t calls = 0;
    std::uint64_t first = 0;  ///< first call to refuse, counted from 1
    std::uint64_t times = 0;
  };

  [[nodiscard]] std::size_t in_pages(std::size_t bytes) const { return (bytes + page_bytes_ - 1) & ~(page_bytes_ - 1); }
  [[nodiscard]] bool count_and_decide(OsCall call);
  [[nodiscard]] std::uintptr_t find_gap(std::size_t bytes, std::size_t alignment) const;
  [[nodiscard]] void* reserve_locked(std::size_t bytes, std::size_t alignment);
  void release_locked(std::uintptr_t address, std::size_t bytes);
  void expect_reservation(const void* p, std::size_t bytes, const char* call) const;
  void* refusal() {
    ++refused_;
    return nullptr;
  }

  mutable std::mutex mutex_;
  std::size_t window_bytes_;
  std::size_t page_bytes_;
  std::uintptr_t base_ = 0;
  std::uintptr_t cursor_ = 0;  ///< where the search for the next reservation begins
  std::map<std::uintptr_t, std::size_t> reservations_;
  std::size_t reserved_bytes_ = 0;
  std::uintptr_t metadata_ = 0;
  std::size_t metadata_used_ = 0;
  Plan plans_[static_cast<unsigned>(OsCall::kCount)];
  std::uint64_t refused_ = 0;
};

}  // namespace hakmem::test
