#include "support/test_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace hakmem::test {

namespace {

constexpr std::size_t kUnusedBytes = std::size_t{64} << 10;
constexpr std::size_t kMetadataBytes = std::size_t{1} << 36;

/// Far from where the system puts mappings of its own accord. Only wishes: the kernel gives another place when one is
/// taken or, under a sanitizer, not for the program.
constexpr std::uintptr_t kWindowWish = 0x2000'0000'0000;
constexpr std::uintptr_t kMetadataWish = 0x2800'0000'0000;

[[noreturn]] void die(const char* what, const void* p, std::size_t bytes) {
  std::fprintf(stderr, "TestMemory: %s (%p, %zu bytes)\n", what, p, bytes);
  std::abort();
}

void* at(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

std::uintptr_t round_up(std::uintptr_t n, std::size_t alignment) { return (n + alignment - 1) & ~(alignment - 1); }

std::uintptr_t map_inaccessible(std::uintptr_t wish, std::size_t bytes) {
  void* p = ::mmap(at(wish), bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) die("no address space for the test", nullptr, bytes);
  return reinterpret_cast<std::uintptr_t>(p);
}

/// Inaccessible address space aligned to its size.
std::uintptr_t map_window(std::uintptr_t wish, std::size_t bytes) {
  const std::uintptr_t lucky = map_inaccessible(wish, bytes);
  if ((lucky & (bytes - 1)) == 0) return lucky;
  ::munmap(at(lucky), bytes);
  const std::uintptr_t wide = map_inaccessible(0, 2 * bytes);
  const std::uintptr_t base = round_up(wide, bytes);
  if (base != wide) ::munmap(at(wide), base - wide);
  const std::uintptr_t end = wide + 2 * bytes;
  if (base + bytes != end) ::munmap(at(base + bytes), end - (base + bytes));
  return base;
}

void make_accessible(std::uintptr_t address, std::size_t bytes) {
  if (::mprotect(at(address), bytes, PROT_READ | PROT_WRITE) != 0) die("mprotect fails", at(address), bytes);
}

/// Drops contents and access.
void make_inaccessible(std::uintptr_t address, std::size_t bytes) {
  if (::madvise(at(address), bytes, MADV_DONTNEED) != 0 || ::mprotect(at(address), bytes, PROT_NONE) != 0) {
    die("mprotect fails", at(address), bytes);
  }
}

}  // namespace

TestMemory::TestMemory(unsigned address_bits, std::size_t page_bytes)
    : window_bytes_(std::size_t{1} << address_bits), page_bytes_(page_bytes) {
  const auto least = static_cast<std::size_t>(::getpagesize());
  if (page_bytes < kPageBytes || (page_bytes & (page_bytes - 1)) != 0)
    die("not the size of a page", nullptr, page_bytes);
  page_bytes_ = std::max(page_bytes_, least);
  if (address_bits < 17 || address_bits > 40) die("address_bits must be 17..40", nullptr, address_bits);
  base_ = map_window(kWindowWish, window_bytes_);
  cursor_ = base_ + kUnusedBytes;
  metadata_ = map_inaccessible(kMetadataWish, kMetadataBytes);
}

TestMemory::~TestMemory() {
  ::munmap(at(base_), window_bytes_);
  ::munmap(at(metadata_), kMetadataBytes);
}

bool TestMemory::count_and_decide(OsCall call) {
  Plan& plan = plans_[static_cast<unsigned>(call)];
  ++plan.calls;
  return plan.calls < plan.first || plan.calls - plan.first >= plan.times;
}

/// The first free place at or after the cursor, then before it; 0 if there is none.
std::uintptr_t TestMemory::find_gap(std::size_t bytes, std::size_t alignment) const {
  const auto search = [&](std::uintptr_t from, std::uintptr_t end) -> std::uintptr_t {
    auto next = reservations_.lower_bound(from);
    if (next != reservations_.begin()) {
      const auto previous = std::prev(next);
      from = std::max(from, previous->first + previous->second);
    }
    for (;; ++next) {
      const std::uintptr_t start = round_up(from, alignment);
      const std::uintptr_t limit = next == reservations_.end() ? end : std::min(end, next->first);
      if (start <= limit && limit - start >= bytes) return start;
      if (next == reservations_.end() || next->first >= end) return 0;
      from = next->first + next->second;
    }
  };
  const std::uintptr_t end = base_ + window_bytes_;
  if (const std::uintptr_t found = search(cursor_, end)) return found;
  return search(base_ + kUnusedBytes, end);
}

void* TestMemory::reserve_locked(std::size_t bytes, std::size_t alignment) {
  if (bytes == 0 || bytes % kPageBytes != 0) die("reserve of a size that is not whole pages", nullptr, bytes);
  if (alignment < 16 || (alignment & (alignment - 1)) != 0) die("reserve with an odd alignment", nullptr, alignment);
  alignment = std::max(alignment, page_bytes_);
  bytes = in_pages(bytes);
  if (bytes > window_bytes_ || alignment > window_bytes_) return refusal();
  const std::uintptr_t start = find_gap(bytes, alignment);
  if (start == 0) return refusal();
  make_accessible(start, bytes);
  reservations_.emplace(start, bytes);
  reserved_bytes_ += bytes;
  cursor_ = start + bytes;
  return at(start);
}

void TestMemory::release_locked(std::uintptr_t address, std::size_t bytes) {
  bytes = in_pages(bytes);
  make_inaccessible(address, bytes);
  reservations_.erase(address);
  reserved_bytes_ -= bytes;
}

void TestMemory::expect_reservation(const void* p, std::size_t bytes, const char* call) const {
  const auto found = reservations_.find(reinterpret_cast<std::uintptr_t>(p));
  if (found == reservations_.end()) die((std::string(call) + " of what is not reserved").c_str(), p, bytes);
  if (found->second != in_pages(bytes)) die((std::string(call) + " of a part of a reservation").c_str(), p, bytes);
}

void* TestMemory::reserve(std::size_t bytes, std::size_t alignment) noexcept {
  const std::lock_guard lock(mutex_);
  return count_and_decide(OsCall::kReserve) ? reserve_locked(bytes, alignment) : refusal();
}

void TestMemory::release(void* p, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  (void)count_and_decide(OsCall::kRelease);
  expect_reservation(p, bytes, "release");
  release_locked(reinterpret_cast<std::uintptr_t>(p), bytes);
}

bool TestMemory::decommit(void* p, std::size_t bytes) noexcept {
  if (!is_reserved(p, bytes)) die("decommit of what is not reserved", p, bytes);
  const std::lock_guard lock(mutex_);
  const bool granted = count_and_decide(OsCall::kDecommit);
  if (!granted) (void)refusal();
  constexpr int kRubbish = 0xa5;
  // Stricter than the real system: where it leaves the contents alone, which is outside whole pages, they are lost.
  std::memset(p, kRubbish, bytes);
  const auto first = (reinterpret_cast<std::uintptr_t>(p) + page_bytes_ - 1) & ~(page_bytes_ - 1);
  const auto end = (reinterpret_cast<std::uintptr_t>(p) + bytes) & ~(page_bytes_ - 1);
  if (granted && first < end) std::memset(reinterpret_cast<void*>(first), 0, end - first);
  return granted;
}

bool TestMemory::resize(void* p, std::size_t old_bytes, std::size_t new_bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const bool granted = count_and_decide(OsCall::kResize);
  expect_reservation(p, old_bytes, "resize");
  if (new_bytes == 0 || new_bytes % kPageBytes != 0) die("resize to a size that is not whole pages", p, new_bytes);
  old_bytes = in_pages(old_bytes);
  new_bytes = in_pages(new_bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  const auto next = reservations_.upper_bound(address);
  const std::uintptr_t end = next == reservations_.end() ? base_ + window_bytes_ : next->first;
  if (!granted) (void)refusal();
  if (!granted || end - address < new_bytes) return false;
  if (new_bytes < old_bytes) make_inaccessible(address + new_bytes, old_bytes - new_bytes);
  if (new_bytes > old_bytes) make_accessible(address + old_bytes, new_bytes - old_bytes);
  reservations_[address] = new_bytes;
  reserved_bytes_ += new_bytes - old_bytes;
  cursor_ = std::max(cursor_, address + new_bytes);
  return true;
}

bool TestMemory::move(void* p, std::size_t old_bytes, void* target, std::size_t new_bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const bool granted = count_and_decide(OsCall::kMove);
  expect_reservation(p, old_bytes, "move");
  expect_reservation(target, new_bytes, "move");
  if (!granted) {
    (void)refusal();
    return false;
  }
  std::memcpy(target, p, old_bytes);
  release_locked(reinterpret_cast<std::uintptr_t>(p), old_bytes);
  return true;
}

void TestMemory::split(void* p, std::size_t bytes, std::size_t first_bytes) noexcept {
  const std::lock_guard lock(mutex_);
  expect_reservation(p, bytes, "split");
  if (first_bytes == 0 || first_bytes % page_bytes_ != 0 || first_bytes >= bytes)
    die("split in no two", p, first_bytes);
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  reservations_[address + first_bytes] = in_pages(bytes) - first_bytes;
  reservations_[address] = first_bytes;
}

void TestMemory::join(void* p, std::size_t first_bytes, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  expect_reservation(p, first_bytes, "join");
  expect_reservation(at(address + first_bytes), bytes - first_bytes, "join");
  reservations_.erase(address + first_bytes);
  reservations_[address] = in_pages(bytes);
}

void* TestMemory::metadata(std::size_t bytes, std::size_t alignment) noexcept {
  const std::lock_guard lock(mutex_);
  if (!count_and_decide(OsCall::kMetadata)) return refusal();
  const std::size_t pages = in_pages(bytes);
  if (pages < bytes || pages + page_bytes_ > kMetadataBytes - metadata_used_) return refusal();
  const std::uintptr_t start = metadata_ + metadata_used_;
  make_accessible(start, pages);
  metadata_used_ += pages + page_bytes_;
  // At the end of its pages, before the inaccessible one.
  return at(start + pages - round_up(bytes, alignment));
}

void TestMemory::refuse(OsCall call, std::uint64_t nth, std::uint64_t times) {
  const std::lock_guard lock(mutex_);
  Plan& plan = plans_[static_cast<unsigned>(call)];
  plan.first = plan.calls + nth;
  plan.times = times;
}

void TestMemory::grant_everything() {
  const std::lock_guard lock(mutex_);
  for (Plan& plan : plans_) plan.times = 0;
}

std::uint64_t TestMemory::calls(OsCall call) const {
  const std::lock_guard lock(mutex_);
  return plans_[static_cast<unsigned>(call)].calls;
}

std::uint64_t TestMemory::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

std::size_t TestMemory::reservations() const {
  const std::lock_guard lock(mutex_);
  return reservations_.size();
}

std::size_t TestMemory::reserved_bytes() const {
  const std::lock_guard lock(mutex_);
  return reserved_bytes_;
}

bool TestMemory::is_reserved(const void* p, std::size_t bytes) const {
  const std::lock_guard lock(mutex_);
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  auto next = reservations_.upper_bound(address);
  if (next == reservations_.begin()) return false;
  const auto& [start, size] = *std::prev(next);
  return address - start <= size && size - (address - start) >= bytes;
}

}  // namespace hakmem::test
