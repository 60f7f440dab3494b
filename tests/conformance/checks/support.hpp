#pragma once
/// What checks share: sizes worth trying, patterns that show damage, the members of the family, memory in use.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace hakmem::conformance {

/// Hides a value from the optimiser, which knows what malloc promises and would check for itself.
template <class T>
[[nodiscard]] T opaque(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;
inline constexpr std::size_t kGiB = 1024 * kMiB;

/// Sizes around every 16-byte step up to 1 KiB and around every quarter of a doubling up to `last`: there allocators
/// change class. Ascending, without 0.
std::vector<std::size_t> edge_sizes(std::size_t last = 4 * kMiB);

/// A few sizes of every kind: small, mid, large, mapped; and one either side of the usual thresholds.
inline constexpr std::array<std::size_t, 20> kSizesOfEveryKind = {
    1,     15,    16,    17,    100,    1023,   1024,     1025, 5000,     32 * kKiB - 1,
    32768, 32769, 65536, 65537, 130000, 300000, kMiB - 1, kMiB, kMiB + 1, 3 * kMiB};

/// Sizes that no system has, but that a careless sum or product makes small.
std::span<const std::size_t> impossible_sizes();

/// Whether the address is a multiple of the alignment, a power of two.
[[nodiscard]] bool is_aligned(const void* block, std::size_t alignment);

/// The strictest alignment of any type that fits into so many bytes, at most that of max_align_t.
[[nodiscard]] std::size_t alignment_of_what_fits(std::size_t bytes);
/// The strictest alignment of any type of exactly so many bytes, at most that of max_align_t.
[[nodiscard]] std::size_t alignment_of_what_fills(std::size_t bytes);

/// Writes a sequence of bytes that differs for every seed.
void fill(void* block, std::size_t bytes, std::uint64_t seed);

inline constexpr std::size_t kIntact = SIZE_MAX;

/// \return the offset of the first byte that `fill` did not leave there, or kIntact.
[[nodiscard]] std::size_t first_damage(const void* block, std::size_t bytes, std::uint64_t seed);
[[nodiscard]] std::size_t first_non_zero(const void* block, std::size_t bytes);

/// A live block with its pattern, or the lack of one.
struct Filled {
  void* block = nullptr;
  std::size_t bytes = 0;
  std::uint64_t seed = 0;

  /// Whether there is a block and every byte is as it was written.
  [[nodiscard]] bool is_whole() const { return block != nullptr && first_damage(block, bytes, seed) == kIntact; }
  /// What is wrong, or "".
  [[nodiscard]] std::string damage() const;
};

/// \param block nullptr gives the lack of a block
Filled filled(void* block, std::size_t bytes, std::uint64_t seed);

/// A member of the family that allocates, brought to one form.
struct Member {
  const char* name;
  /// \return nullptr on failure, whatever the member itself does (posix_memalign, new)
  void* (*allocate)(std::size_t bytes);
  /// What frees its blocks.
  void (*release)(void* block);
  bool is_operator_new = false;
  bool is_aligned = false;
};

/// malloc, calloc, realloc of null, reallocarray of null and the aligned members (with an alignment of 64). Without
/// those aligned members that the malloc under test leaves to the C library: their blocks come from another heap, which
/// is a fault that one check reports (Family.ComesFromOneLibrary) and that would hide all others.
std::span<const Member> c_members();
/// Every form of operator new.
std::span<const Member> new_members();
/// All of them.
std::span<const Member> all_members();

/// Bytes of address space, and of resident memory, that the process uses now. Allocates nothing.
[[nodiscard]] std::size_t address_space();
[[nodiscard]] std::size_t resident_memory();

/// Limits the address space to what is in use now plus `more` bytes until destroyed.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(std::size_t more);
  ~AddressSpaceLimit() { lift(); }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;
  void lift();

 private:
  std::uint64_t before_;
};

/// Allocates several blocks of every edge size up to `last` side by side: the alignment of one alone may be luck.
/// \return what is wrong with the first block that is not aligned as wished, or ""
[[nodiscard]] std::string first_misaligned(const std::function<void*(std::size_t bytes)>& allocate,
                                           const std::function<std::size_t(std::size_t bytes)>& alignment,
                                           std::size_t last, const std::function<void(void*)>& release = std::free);
/// An alignment for any type, whatever the size.
[[nodiscard]] std::size_t alignment_of_any_type(std::size_t bytes);

/// Against hanging only, and far beyond what anybody's patience with a check is.
inline constexpr unsigned kHangSeconds = 1800;

/// Runs `body` in a forked child, which ends with 0 when it returns true.
/// \return "" if the child ended with 0 within `seconds`, else what became of it; it is killed after that.
[[nodiscard]] std::string fault_in_child(const std::function<bool()>& body, unsigned seconds = kHangSeconds);

/// \return "" if the process ended by itself with exit code 0, else how it did; -1 stands for one that did not start.
[[nodiscard]] std::string fault_of_child(int pid, unsigned seconds = kHangSeconds);

/// Starts this program once more, with one option and nothing on standard output. \return the process or -1
[[nodiscard]] int start_own_program(const char* option);

inline constexpr const char* kOrigins = "--origins";                        ///< ends well if malloc is the right one
inline constexpr const char* kWithoutMainThread = "--without-main-thread";  ///< runs the function below

/// The process's main thread ends; another allocates and ends the process with 0 if all was well.
int go_on_without_main_thread();

/// The folder of the running program, with a slash at its end.
[[nodiscard]] const char* program_folder();

/// A generator that allocates nothing.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  [[nodiscard]] std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ * 0x2545f4914f6cdd1dULL >> 16;
  }
  [[nodiscard]] std::size_t below(std::size_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace hakmem::conformance

/// There is a block, and its bytes are as `fill` has left them.
#define EXPECT_INTACT(filled) EXPECT_EQ((filled).damage(), "")
#define ASSERT_INTACT(filled) ASSERT_EQ((filled).damage(), "")
