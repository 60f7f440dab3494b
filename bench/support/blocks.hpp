#pragma once

#include <malloc.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/failure.hpp"

/// Two ways to hold a block: bare, for timing, and marked, which notices whatever happens to its bytes.
namespace hakmem::bench {

/// Who takes and gives back blocks, and how many. One for each thread at a time.
struct BlockUser {
  explicit BlockUser(std::uint32_t thread_number) : thread(thread_number) {}

  std::uint32_t thread;
  std::uint32_t generation = 0;
  std::uint64_t acquired = 0;
  std::uint64_t released = 0;
};

[[noreturn]] inline void die_out_of_memory(std::size_t bytes, const BlockUser& user) {
  char text[160];
  std::snprintf(text, sizeof(text), "malloc(%zu) returned null to thread %" PRIu32, bytes, user.thread);
  die(text);
}

/// Only the address is kept; the first and the last byte are touched, as a program would.
struct BareBlock {
  static constexpr bool kChecked = false;

  unsigned char* address = nullptr;

  bool empty() const noexcept { return address == nullptr; }

  void acquire(std::size_t bytes, BlockUser& user) {
    address = static_cast<unsigned char*>(std::malloc(bytes));
    if (address == nullptr) die_out_of_memory(bytes, user);
    address[0] = 1;
    address[bytes - 1] = 2;
    // The compiler has to believe that the block is used.
    asm volatile("" : : "r"(address) : "memory");
  }

  void release(BlockUser&) noexcept {
    std::free(address);
    address = nullptr;
  }
};

/// Every byte carries a mark that is unique to this allocation: who made it and its serial number. The mark is kept
/// beside the block too, so that whatever else is written there (by a second owner of the same bytes, or by the
/// allocator) shows when the block is given back, in whichever thread that is.
class MarkedBlock {
 public:
  static constexpr bool kChecked = true;

  bool empty() const noexcept { return address_ == nullptr; }

  void acquire(std::size_t bytes, BlockUser& user) {
    address_ = static_cast<unsigned char*>(std::malloc(bytes));
    if (address_ == nullptr) die_out_of_memory(bytes, user);
    bytes_ = bytes;
    ++user.acquired;
    mark_ = (std::uint64_t{user.thread + 1} << 52) | (std::uint64_t{user.generation & 0xfffffU} << 32) |
            (user.acquired & 0xffffffffU);
    const std::size_t alignment = bytes < 16 ? 8 : 16;
    if (reinterpret_cast<std::uintptr_t>(address_) % alignment != 0) report("is misaligned", user);
    if (::malloc_usable_size(address_) < bytes) report("has a usable size below the wanted one", user);
    for (std::size_t at = 0; at < bytes; at += sizeof(mark_)) {
      std::memcpy(address_ + at, &mark_, std::min(sizeof(mark_), bytes - at));
    }
  }

  void release(BlockUser& user) {
    for (std::size_t at = 0; at < bytes_; at += sizeof(mark_)) {
      if (std::memcmp(address_ + at, &mark_, std::min(sizeof(mark_), bytes_ - at)) != 0) report_damage(at, user);
    }
    ++user.released;
    std::free(address_);
    address_ = nullptr;
  }

 private:
  [[noreturn]] void report(const char* what, const BlockUser& user) const {
    char text[256];
    std::snprintf(text, sizeof(text), "block %p of %zu bytes %s (thread %" PRIu32 ")", static_cast<void*>(address_),
                  bytes_, what, user.thread);
    die(text);
  }

  [[noreturn]] void report_damage(std::size_t at, const BlockUser& user) const {
    std::uint64_t found = 0;
    std::memcpy(&found, address_ + at, std::min(sizeof(found), bytes_ - at));
    const auto part = [](std::uint64_t mark, unsigned shift, unsigned width) {
      return (mark >> shift) & ((std::uint64_t{1} << width) - 1);
    };
    char text[512];
    std::snprintf(
        text, sizeof(text),
        "corrupted: block %p of %zu bytes, marked by thread %" PRIu64 " (generation %" PRIu64 ", allocation %" PRIu64
        "), holds 0x%016" PRIx64 " at byte %zu when thread %" PRIu32
        " gives it back; as a mark that would be thread %" PRIu64 ", generation %" PRIu64 ", allocation %" PRIu64,
        static_cast<void*>(address_), bytes_, part(mark_, 52, 12) - 1, part(mark_, 32, 20), part(mark_, 0, 32), found,
        at, user.thread, part(found, 52, 12) - 1, part(found, 32, 20), part(found, 0, 32));
    die(text);
  }

  unsigned char* address_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint64_t mark_ = 0;
};

}  // namespace hakmem::bench
