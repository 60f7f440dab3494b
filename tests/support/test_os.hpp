#pragma once
/// The Os policy of the tests: TestMemory behind a pointer, because a heap copies its policy.

#include <cstdio>
#include <cstdlib>

#include "os/os_concept.hpp"
#include "support/test_memory.hpp"

namespace hakmem::test {

inline const char* name(Corruption what) {
  switch (what) {
    case Corruption::kForeignPointer: return "foreign pointer";
    case Corruption::kInteriorPointer: return "interior pointer";
    case Corruption::kDoubleFree: return "double free";
    case Corruption::kReleasedSlab: return "double free into a released slab";
    case Corruption::kOverflow: return "overflow";
    case Corruption::kWrittenAfterFree: return "written after free";
    case Corruption::kUsedAfterFree: return "used after free";
    case Corruption::kSizeMismatch: return "size mismatch";
    case Corruption::kAlignmentMismatch: return "alignment mismatch";
    case Corruption::kWriteBeyond: return "write beyond";
    case Corruption::kReadBeyond: return "read beyond";
  }
  return "?";
}

/// \tparam kBits the page map's window: TestMemory's address_bits, so that the map is small, or 47 for all addresses.
template <unsigned kBits>
class TestOs {
 public:
  static constexpr unsigned kAddressBits = kBits;
  static constexpr std::size_t kPageBytes = TestMemory::kPageBytes;

  [[nodiscard]] std::size_t page_bytes() const noexcept { return memory_->page_bytes(); }

  TestOs() noexcept = default;
  explicit TestOs(TestMemory& memory) noexcept : memory_(&memory) {}

  [[nodiscard]] void* reserve(std::size_t bytes, std::size_t alignment) noexcept {
    return memory_->reserve(bytes, alignment);
  }
  void release(void* p, std::size_t bytes) noexcept { memory_->release(p, bytes); }
  [[nodiscard]] bool decommit(void* p, std::size_t bytes) noexcept { return memory_->decommit(p, bytes); }
  [[nodiscard]] bool resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
    return memory_->resize(p, old_bytes, new_bytes);
  }
  [[nodiscard]] bool move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes) noexcept {
    return memory_->move(p, old_bytes, target, new_bytes);
  }

  /// For policies that derive from this one and have more.
  [[nodiscard]] TestMemory& memory() const noexcept { return *memory_; }

  /// Zero bytes stand for value-initialised objects, as in LinuxOs.
  template <class T>
  [[nodiscard]] T* metadata(std::size_t n) noexcept {
    return static_cast<T*>(memory_->metadata(n * sizeof(T), alignof(T)));
  }

  [[nodiscard]] std::uintptr_t address_base() const noexcept { return kBits >= 47 ? 0 : memory_->base(); }

  /// One line on standard error, then abort(): for death tests.
  [[noreturn]] static void fatal(Corruption what, const char* call, const void* p, const void*, std::size_t block_bytes,
                                 const BlockHistory& = {}) noexcept {
    std::fprintf(stderr, "TestOs: %s(%p): %s, block of %zu bytes\n", call, p, name(what), block_bytes);
    std::abort();
  }

 private:
  TestMemory* memory_ = nullptr;
};

/// The same, and it divides reservations.
template <unsigned kBits>
class DividingOs : public TestOs<kBits> {
 public:
  using TestOs<kBits>::TestOs;
  void split(void* p, std::size_t bytes, std::size_t first_bytes) noexcept {
    this->memory().split(p, bytes, first_bytes);
  }
  void join(void* p, std::size_t first_bytes, std::size_t bytes) noexcept {
    this->memory().join(p, first_bytes, bytes);
  }
};

static_assert(OsPolicy<TestOs<24>> && OsPolicy<TestOs<47>>);
static_assert(HasDivision<DividingOs<24>> && !HasDivision<TestOs<24>>);

}  // namespace hakmem::test
