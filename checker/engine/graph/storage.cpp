#include "engine/graph/storage.hpp"

#include <sys/mman.h>

#include <cstdint>
#include <new>

namespace check::graph {

namespace {

/// Far from what the system hands out, and from the simulated memory.
constexpr std::uintptr_t kWhere = 0x5ec000000000;

/// In front of each block.
struct alignas(16) Header {
  static constexpr std::uint64_t kLive = 0x5eedb10c, kGiven = 0x5eedfee1;

  std::uint64_t state;
};

}  // namespace

Storage::Storage() {
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
  void* const wanted = reinterpret_cast<void*>(kWhere);
  if (::mmap(wanted, kPlaces * kPlaceBytes, PROT_READ | PROT_WRITE, kFlags, -1, 0) != wanted) throw std::bad_alloc();
  base_ = static_cast<std::byte*>(wanted);
}

Storage::~Storage() { ::munmap(base_, kPlaces * kPlaceBytes); }

void Storage::begin() noexcept {
  for (std::size_t& used : used_) used = 0;
  live_ = 0;
}

void* Storage::take(std::size_t bytes) noexcept {
  std::size_t& used = used_[place_];
  if (bytes > kPlaceBytes - used) return nullptr;
  const std::size_t whole = sizeof(Header) + (bytes + sizeof(Header) - 1) / sizeof(Header) * sizeof(Header);
  if (whole > kPlaceBytes - used) return nullptr;
  auto* const header = ::new (static_cast<void*>(base_ + place_ * kPlaceBytes + used)) Header{Header::kLive};
  used += whole;
  ++live_;
  return header + 1;
}

Storage::Given Storage::give_back(void* p) noexcept {
  auto* const block = static_cast<std::byte*>(p);
  if (block < base_ || block >= base_ + kPlaces * kPlaceBytes) return Given::kForeign;
  Header& header = *(static_cast<Header*>(p) - 1);
  if (header.state == Header::kGiven) return Given::kTwice;
  if (header.state != Header::kLive) return Given::kForeign;
  header.state = Header::kGiven;
  --live_;
  return Given::kBack;
}

}  // namespace check::graph
