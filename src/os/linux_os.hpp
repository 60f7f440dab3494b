#pragma once
/// Floor 1. Linux: pages by mmap, messages by write.

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "machine/machine.hpp"
#include "os/os_concept.hpp"

namespace hakmem {

namespace linux_detail {

/// The system's page, a power of two: 4 KiB, and on other machines than x86-64 also 16 or 64 KiB. The C library has it at
/// hand from the start of the process on.
inline std::size_t page_bytes() noexcept { return ::getauxval(AT_PAGESZ); }

// ThreadSanitizer sees mmap and munmap, but not that mremap gives an address to another thread.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kMremapIsSeen = false;
#else
inline constexpr bool kMremapIsSeen = true;
#endif

/// mmap and munmap must leave errno alone: free() may not change it.
class KeepErrno {
 public:
  KeepErrno() noexcept : saved_(errno) {}
  ~KeepErrno() { errno = saved_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  int saved_;
};

/// The calls that change mappings, counted: the price of memory that comes and goes.
enum class MappingCall : std::uint8_t { kMmap, kMunmap, kMadvise, kMremap, kCount };
inline constinit std::atomic<std::uint64_t> mapping_calls[static_cast<unsigned>(MappingCall::kCount)]{};

inline void count(MappingCall call) noexcept {
  // Relaxed: a statistic.
  mapping_calls[static_cast<unsigned>(call)].fetch_add(1, std::memory_order_relaxed);
}

inline int unmap(void* p, std::size_t bytes) noexcept {
  count(MappingCall::kMunmap);
  return ::munmap(p, bytes);
}

/// Drops the contents of whole pages. \return whether it could be done: not with locked ones, or where a filter of
/// system calls forbids
inline bool forget(void* p, std::size_t bytes) noexcept {
  count(MappingCall::kMadvise);
  return ::madvise(p, bytes, MADV_DONTNEED) == 0;
}

/// Advice about the pages of a range, which the system is free to refuse.
inline void advise(void* p, std::size_t bytes, int advice) noexcept {
  count(MappingCall::kMadvise);
  (void)::madvise(p, bytes, advice);
}

/// \return whether it could be done
inline bool remap(void* p, std::size_t old_bytes, std::size_t new_bytes, int flags, void* target) noexcept {
  count(MappingCall::kMremap);
  return ::mremap(p, old_bytes, new_bytes, flags, target) != MAP_FAILED;
}

inline void* map(void* where, std::size_t bytes, int flags) noexcept {
  count(MappingCall::kMmap);
  void* p = ::mmap(where, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

inline bool is_aligned(const void* p, std::size_t alignment) noexcept {
  return (reinterpret_cast<std::uintptr_t>(p) & (alignment - 1)) == 0;
}

/// Maps more than needed and gives the ends back.
inline void* map_aligned(std::size_t bytes, std::size_t alignment) noexcept {
  std::size_t padded;
  if (__builtin_add_overflow(bytes, alignment - page_bytes(), &padded)) return nullptr;
  char* p = static_cast<char*>(map(nullptr, padded, 0));
  if (p == nullptr) return nullptr;
  const std::size_t head = (alignment - (reinterpret_cast<std::uintptr_t>(p) & (alignment - 1))) & (alignment - 1);
  const std::size_t tail = padded - head - bytes;
  if (head != 0) unmap(p, head);
  if (tail != 0) unmap(p + head + bytes, tail);
  return p + head;
}

// The C library may end the calling thread in these calls, where it has been cancelled: it would be lost in the middle of
// malloc. So they are made past it. Results and errno as there.

inline long write_some(int file_descriptor, const void* bytes, std::size_t count) noexcept {
  return ::syscall(SYS_write, file_descriptor, bytes, count);
}
inline long read_some(int file_descriptor, void* bytes, std::size_t count) noexcept {
  return ::syscall(SYS_read, file_descriptor, bytes, count);
}
/// O_CLOEXEC is added.
inline int open_file(const char* path, int flags, unsigned mode = 0) noexcept {
  return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, mode));
}
inline void close_file(int file_descriptor) noexcept { (void)::syscall(SYS_close, file_descriptor); }

/// Whether the system uses large pages where nobody has asked for them.
inline bool large_pages_are_the_rule() noexcept {
  const int file = open_file("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY);
  if (file < 0) return false;
  char text[64];
  const long length = read_some(file, text, sizeof text);
  close_file(file);
  constexpr char kAlways[] = "[always]";
  return length >= static_cast<long>(sizeof kAlways) && std::memcmp(text, kAlways, sizeof kAlways - 1) == 0;
}

/// Writes all of a text, signals or not. \return false with errno of the failed write.
inline bool write_all(int file_descriptor, const char* text, std::size_t bytes) noexcept {
  while (bytes != 0) {
    const auto written = write_some(file_descriptor, text, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

/// Takes the lines that the library says: `line` has no end of line and is ended by a null byte.
using MessageCallback = void (*)(const char* line);
/// Null: standard error.
inline constinit std::atomic<MessageCallback> message_callback{nullptr};

/// Text without allocation or stdio, cut off at `kBytes`. Async-signal-safe.
template <std::size_t kBytes>
class Text {
 public:
  Text& operator<<(const char* text) noexcept {
    while (*text != '\0' && length_ < sizeof buffer_) buffer_[length_++] = *text++;
    return *this;
  }
  Text& operator<<(std::size_t value) noexcept { return number(value, 10); }
  Text& operator<<(const void* p) noexcept { return (*this << "0x").number(reinterpret_cast<std::uintptr_t>(p), 16); }
  /// Blanks up to a column that counts from 0 at `start`, a former size().
  Text& blanks_to(std::size_t start, std::size_t column) noexcept {
    while (length_ < start + column && length_ < sizeof buffer_) buffer_[length_++] = ' ';
    return *this;
  }
  [[nodiscard]] const char* data() const noexcept { return buffer_; }
  [[nodiscard]] std::size_t size() const noexcept { return length_; }
  /// \return false with errno of the failed write.
  bool write_to(int file_descriptor) const noexcept { return write_all(file_descriptor, buffer_, length_); }
  /// A line for the user: to who has asked for the messages, else to standard error. The end of the line has room always.
  void print() noexcept {
    if (length_ == sizeof buffer_) --length_;
    // Acquire: pairs with the exchange in hak_message_callback_set; what the callback needs was made before.
    if (const MessageCallback callback = message_callback.load(std::memory_order_acquire)) {
      buffer_[length_] = '\0';
      return callback(buffer_);
    }
    buffer_[length_++] = '\n';
    // Nothing is left to do if standard error is closed.
    (void)write_some(STDERR_FILENO, buffer_, length_);
  }

 private:
  Text& number(std::uintptr_t value, unsigned radix) noexcept {
    char digits[24];
    unsigned n = sizeof digits;
    digits[--n] = '\0';
    do {
      digits[--n] = "0123456789abcdef"[value % radix];
      value /= radix;
    } while (value != 0);
    return *this << digits + n;
  }

  char buffer_[kBytes];
  std::size_t length_ = 0;
};

using Line = Text<256>;

}  // namespace linux_detail

/// Stateless. All calls are thread-safe and async-signal-safe, and allocate nothing.
class LinuxOs {
 public:
  static constexpr unsigned kAddressBits = machine::kAddressBits;
  static constexpr std::uintptr_t kAddressBase = 0;
  static constexpr std::size_t kPageBytes = 4096;

  [[nodiscard]] static std::size_t page_bytes() noexcept { return linux_detail::page_bytes(); }
  [[nodiscard]] static constexpr std::uintptr_t address_base() noexcept { return kAddressBase; }

  [[nodiscard]] static void* reserve(std::size_t bytes, std::size_t alignment) noexcept;
  static void release(void* p, std::size_t bytes) noexcept;
  [[nodiscard]] static bool decommit(void* p, std::size_t bytes) noexcept;
  [[nodiscard]] static std::uint64_t milliseconds() noexcept;
  [[nodiscard]] static bool resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept;
  [[nodiscard]] static bool move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes) noexcept;
  // The kernel unmaps, grows and moves any pages of a mapping: to it, the halves have been reservations all along.
  static void split(void*, std::size_t, std::size_t) noexcept {}
  static void join(void*, std::size_t, std::size_t) noexcept {}

  static void keep_pages_small(void* p, std::size_t bytes) noexcept;
  static void let_pages_be_large(void* p, std::size_t bytes) noexcept;

  /// How often a call that changes mappings was made by this process so far, whether it succeeded or not.
  [[nodiscard]] static std::uint64_t calls(linux_detail::MappingCall call) noexcept {
    // Relaxed: a statistic.
    return linux_detail::mapping_calls[static_cast<unsigned>(call)].load(std::memory_order_relaxed);
  }

  /// Zero pages, not counted against a commit limit until touched. T's all-zero bytes must be T's initial state.
  template <class T>
  [[nodiscard]] static T* metadata(std::size_t n) noexcept {
    static_assert(alignof(T) <= kPageBytes);
    if (n > SIZE_MAX / sizeof(T)) return nullptr;
    return static_cast<T*>(map_lazily(n * sizeof(T)));
  }

  /// Random from the kernel, never 0. Does not block.
  [[nodiscard]] static std::uint64_t secret() noexcept;

  /// One line on standard error, then abort().
  [[noreturn]] static void fatal(Corruption what, const char* call, const void* p, const void* block,
                                 std::size_t block_bytes, const BlockHistory& history = {}) noexcept;

 private:
  static void* map_lazily(std::size_t bytes) noexcept;
};

static_assert(OsPolicy<LinuxOs>);

/// \return a mapping aligned to `alignment`, which the kernel often gives without help.
inline void* LinuxOs::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  const linux_detail::KeepErrno keep;
  void* p = linux_detail::map(nullptr, bytes, 0);
  if (p == nullptr || linux_detail::is_aligned(p, alignment)) return p;
  linux_detail::unmap(p, bytes);
  return linux_detail::map_aligned(bytes, alignment);
}

inline void LinuxOs::release(void* p, std::size_t bytes) noexcept {
  const linux_detail::KeepErrno keep;
  // Fails only when the kernel cannot split a mapping (too many mappings); then the pages at least are given back.
  if (linux_detail::unmap(p, bytes) != 0) (void)linux_detail::forget(p, bytes);
}

inline bool LinuxOs::decommit(void* p, std::size_t bytes) noexcept {
  const linux_detail::KeepErrno keep;
  const std::size_t page = page_bytes();
  // The kernel would round the end up: into a neighbour's memory.
  const auto first = (reinterpret_cast<std::uintptr_t>(p) + page - 1) & ~(page - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(p) + bytes) & ~(page - 1);
  return first >= end || linux_detail::forget(reinterpret_cast<void*>(first), end - first);
}

/// The coarse clock: a read of memory, exact to a few milliseconds.
inline std::uint64_t LinuxOs::milliseconds() noexcept {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

inline bool LinuxOs::resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const linux_detail::KeepErrno keep;
  // Like this also where mremap is refused.
  if (new_bytes <= old_bytes) {
    return new_bytes == old_bytes || linux_detail::unmap(static_cast<char*>(p) + new_bytes, old_bytes - new_bytes) == 0;
  }
  return linux_detail::kMremapIsSeen && linux_detail::remap(p, old_bytes, new_bytes, 0, nullptr);
}

/// Moves the pages, not the bytes.
inline bool LinuxOs::move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes) noexcept {
  const linux_detail::KeepErrno keep;
  if (linux_detail::kMremapIsSeen) {
    // Replaces the target. Fails for a reservation that is more than one mapping by now: where the program has given
    // advice about a part of it, or protected it.
    return linux_detail::remap(p, old_bytes, new_bytes, MREMAP_MAYMOVE | MREMAP_FIXED, target);
  }
  std::memcpy(target, p, old_bytes);
  release(p, old_bytes);
  return true;
}

inline void* LinuxOs::map_lazily(std::size_t bytes) noexcept {
  const linux_detail::KeepErrno keep;
  const std::size_t size = (bytes + page_bytes() - 1) & ~(page_bytes() - 1);
  void* p = linux_detail::map(nullptr, size, MAP_NORESERVE);
  if (p != nullptr) keep_pages_small(p, size);
  return p;
}

/// Where large pages are the rule, the first touch would take 2 MiB.
inline void LinuxOs::keep_pages_small(void* p, std::size_t bytes) noexcept {
  const linux_detail::KeepErrno keep;
  linux_detail::advise(p, bytes, MADV_NOHUGEPAGE);
}

/// Undoes keep_pages_small; it is no wish for large pages where they are not the rule.
inline void LinuxOs::let_pages_be_large(void* p, std::size_t bytes) noexcept {
  const linux_detail::KeepErrno keep;
  if (linux_detail::large_pages_are_the_rule()) linux_detail::advise(p, bytes, MADV_HUGEPAGE);
}

inline std::uint64_t LinuxOs::secret() noexcept {
  const linux_detail::KeepErrno keep;
  std::uint64_t value = 0;
  constexpr unsigned kNonBlocking = 1;  // GRND_NONBLOCK
  if (::syscall(SYS_getrandom, &value, sizeof value, kNonBlocking) == sizeof value && value != 0) return value;
  // Early in the boot: the 16 bytes that the kernel gave this process serve too.
  if (const auto* bytes = reinterpret_cast<const unsigned char*>(::getauxval(AT_RANDOM))) {
    std::memcpy(&value, bytes + 8, sizeof value);
  }
  return value | 1;
}

namespace linux_detail {

/// "by thread 3 at site 4", as far as known.
inline void add_author(Line& line, const char* verb, std::uint32_t thread, std::uint32_t site) noexcept {
  if (thread == 0 && site == 0) return;
  line << ", " << verb;
  if (thread != 0) line << " by thread " << std::size_t{thread};
  if (site != 0) line << " at site " << std::size_t{site};
}

}  // namespace linux_detail

inline void LinuxOs::fatal(Corruption what, const char* call, const void* p, const void* block, std::size_t block_bytes,
                           const BlockHistory& history) noexcept {
  linux_detail::Line line;
  line << "hakmem: " << call << "(" << p << "): ";
  switch (what) {
    case Corruption::kForeignPointer:
      if (reinterpret_cast<std::uintptr_t>(p) >> kAddressBits != 0) {
        line << "invalid pointer: no address of this heap has bits above the lower " << std::size_t{kAddressBits}
             << " (a tag that the program has put there is not taken off)";
        break;
      }
      line << "invalid pointer: no block of this heap starts there (never allocated here, or already freed)";
      break;
    case Corruption::kInteriorPointer:
      line << "invalid pointer: not the start of a block, but inside the " << block_bytes << "-byte block " << block;
      break;
    case Corruption::kDoubleFree: line << "double free of the " << block_bytes << "-byte block " << block; break;
    case Corruption::kReleasedSlab:
      line << "double free: every block of the slab of " << block_bytes << "-byte blocks there is already free";
      break;
    case Corruption::kOverflow:
      line << "overflow: bytes behind the end of the " << block_bytes << "-byte block " << block << " were written";
      break;
    case Corruption::kWrittenAfterFree:
      line << "the " << block_bytes << "-byte block " << block << " was written to after it was freed";
      break;
    case Corruption::kUsedAfterFree: line << "use after free of the " << block_bytes << "-byte block " << block; break;
    case Corruption::kSizeMismatch:
      line << "size mismatch: " << history.given << " bytes given for the " << block_bytes << "-byte block " << block;
      break;
    case Corruption::kAlignmentMismatch:
      line << "alignment mismatch: the " << block_bytes << "-byte block " << block << " is not aligned to "
           << history.given;
      break;
    case Corruption::kWriteBeyond:
    case Corruption::kReadBeyond:
      line << "out of bounds: a " << (what == Corruption::kWriteBeyond ? "write" : "read") << " of " << history.given
           << " bytes from there is not within the " << block_bytes << "-byte block " << block;
      break;
  }
  linux_detail::add_author(line, "allocated", history.allocated_by, history.allocated_at);
  linux_detail::add_author(line, "freed", history.freed_by, history.freed_at);
  line.print();
  std::abort();
}

}  // namespace hakmem
