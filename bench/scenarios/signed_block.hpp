#pragma once

#include <cstdlib>
#include <cstring>

#include "scenarios/scenario.hpp"

namespace hakmem::bench {

/// A block whose first and last eight bytes hold a number of its own. Whatever else is written there, by a second owner of
/// the same bytes or by the allocator, shows when it is given back. The owner has to give it back.
class SignedBlock {
 public:
  static constexpr std::size_t kSmallest = 2 * sizeof(std::uint64_t);

  bool empty() const noexcept { return address_ == nullptr; }
  unsigned char* address() const noexcept { return address_; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// `bytes` is at least kSmallest.
  void acquire(std::size_t bytes, std::uint64_t number) {
    address_ = static_cast<unsigned char*>(std::malloc(bytes));
    demand(address_ != nullptr, "malloc returned null");
    bytes_ = bytes;
    number_ = number;
    std::memcpy(address_, &number, sizeof(number));
    std::memcpy(address_ + bytes - sizeof(number), &number, sizeof(number));
  }

  /// Writes to all that lies between the signatures.
  void fill() noexcept {
    std::memset(address_ + sizeof(number_), static_cast<int>(number_ & 0xffU), bytes_ - kSmallest);
  }

  /// Frees the block. Returns what it adds to a checksum.
  std::uint64_t release() {
    demand(std::memcmp(address_, &number_, sizeof(number_)) == 0 &&
               std::memcmp(address_ + bytes_ - sizeof(number_), &number_, sizeof(number_)) == 0,
           "a block was overwritten");
    std::free(address_);
    address_ = nullptr;
    return number_ * (2 * bytes_ + 1);
  }

 private:
  unsigned char* address_ = nullptr;
  std::size_t bytes_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace hakmem::bench
