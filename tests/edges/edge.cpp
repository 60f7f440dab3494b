#include "edge.hpp"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace hakmem::edges {

Fault fault = Fault::kNone;

void fail(const char* format, ...) {
  char text[256];
  va_list values;
  va_start(values, format);
  const int length = std::vsnprintf(text, sizeof text - 1, format, values);
  va_end(values);
  const std::size_t shown = std::min(sizeof text - 2, static_cast<std::size_t>(std::max(length, 0)));
  text[shown] = '\n';
  const char head[] = "failed: ";
  (void)!::write(STDERR_FILENO, head, sizeof head - 1);
  (void)!::write(STDERR_FILENO, text, shown + 1);
  ::_exit(EXIT_FAILURE);
}

// Blocks -------------------------------------------------------------------------------------------------------------

void* request(std::size_t bytes, std::uint64_t seed) {
  if (fault == Fault::kRefuses && seed % 1000 == 999) return nullptr;
  errno = 0;
  void* block = opaque(std::malloc(bytes));
  if (fault == Fault::kNoErrno && block == nullptr) errno = 0;
  if (block == nullptr && errno != ENOMEM) fail("malloc(%zu) gives null with errno %d", bytes, errno);
  if (!is_aligned(block, bytes >= 16 ? 16 : 8)) fail("malloc(%zu) gives %p, which is not aligned", bytes, block);
  return block;
}

Filled take(std::size_t bytes, std::uint64_t seed) {
  const Filled block = filled(request(bytes, seed), bytes, seed);
  if (fault == Fault::kDamages && block.block != nullptr && seed % 64 == 0) *static_cast<char*>(block.block) ^= 1;
  return block;
}

Filled take_surely(std::size_t bytes, std::uint64_t seed) {
  const Filled block = take(bytes, seed);
  if (block.block == nullptr) fail("there is no memory for %zu bytes", bytes);
  return block;
}

void check(const Filled& block) {
  const std::size_t at = first_damage(block.block, block.bytes, block.seed);
  if (at != kIntact) fail("block %p of %zu bytes is not as it was written at byte %zu", block.block, block.bytes, at);
}

void give_back(Filled& block) {
  if (block.block == nullptr) return;
  check(block);
  if (fault != Fault::kLeaks || block.seed % 8 != 0) std::free(block.block);
  block.block = nullptr;
}

std::size_t any_size(Random& random) {
  const std::size_t kind = random.below(100);
  if (kind < 80) return 1 + random.below(kKiB);
  if (kind < 95) return 1 + random.below(32 * kKiB);
  return 1 + random.below(kind < 99 ? 400 * kKiB : 2 * kMiB);
}

// Threads at work ----------------------------------------------------------------------------------------------------

BusyThreads::BusyThreads(unsigned count, bool starved) : starved_(starved) {
  for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this, i] { work(i + 1); });
  while (steps_.load() < 100) std::this_thread::yield();
}

BusyThreads::~BusyThreads() {
  stop_.store(true);
  for (auto& thread : threads_) thread.join();
  for (auto& place : places_) {
    const std::unique_ptr<Filled> left(place.exchange(nullptr));
    if (left != nullptr) give_back(*left);
  }
}

/// Puts a block into a common place and takes what was there, most likely another thread's.
void BusyThreads::exchange(Random& random, Filled& block) {
  auto* note = static_cast<Filled*>(std::malloc(sizeof(Filled)));
  if (note == nullptr) return;
  *note = block;
  const std::unique_ptr<Filled> other(places_[random.below(kPlaces)].exchange(new (note) Filled(block)));
  block = other == nullptr ? Filled{} : *other;
}

void BusyThreads::work(std::uint64_t seed) {
  Random random(seed);
  std::array<Filled, 32> live{};
  while (!stop_.load(std::memory_order_relaxed)) {
    Filled& block = live[random.below(live.size())];
    if (random.below(4) == 0 && block.block != nullptr) exchange(random, block);
    give_back(block);
    const std::size_t bytes = any_size(random);
    block = starved_ ? take(bytes, random.next()) : take_surely(bytes, random.next());
    if (block.block == nullptr) refused_.fetch_add(1, std::memory_order_relaxed);
    steps_.fetch_add(1, std::memory_order_relaxed);
  }
  for (Filled& block : live) give_back(block);
}

// Memory -------------------------------------------------------------------------------------------------------------

void trim() {
  using Trim = int(std::size_t);
  if (auto* function = reinterpret_cast<Trim*>(::dlsym(RTLD_DEFAULT, "malloc_trim"))) (void)function(0);
}

std::size_t peak_resident() {
  // Read by hand: stdio would allocate.
  char text[4096] = {};
  const int file = ::open("/proc/self/status", O_RDONLY);
  const ssize_t got = ::read(file, text, sizeof text - 1);
  ::close(file);
  const char* line = got > 0 ? std::strstr(text, "VmHWM:") : nullptr;
  if (line == nullptr) fail("/proc/self/status does not tell the peak of memory");
  return std::strtoull(line + 6, nullptr, 10) * kKiB;
}

void forget_peak() {
  const int file = ::open("/proc/self/clear_refs", O_WRONLY);
  if (file < 0 || ::write(file, "5", 1) != 1) fail("/proc/self/clear_refs cannot be written");
  ::close(file);
}

}  // namespace hakmem::edges
