#include "api/statistics.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "api/options.hpp"
#include "api/process_heap.hpp"

namespace hakmem {

namespace {

/// Where a figure stands and how it is called.
struct Figure {
  const char* name;
  const char* unit;
  std::uint64_t hak_statistics::* value;
};

constexpr Figure kFigures[] = {
    {"acquired_same_class", "slabs", &hak_statistics::acquired_same_class},
    {"acquired_any_class", "slabs", &hak_statistics::acquired_any_class},
    {"acquired_unused", "slabs", &hak_statistics::acquired_unused},
    {"acquired_cached", "slabs", &hak_statistics::acquired_cached},
    {"acquired_mapped", "slabs", &hak_statistics::acquired_mapped},
    {"slabs_released", "slabs", &hak_statistics::slabs_released},
    {"superslabs_retired", "SuperSlabs", &hak_statistics::superslabs_retired},
    {"superslabs_mapped", "SuperSlabs", &hak_statistics::superslabs_mapped},
    {"superslabs_unmapped", "SuperSlabs", &hak_statistics::superslabs_unmapped},
    {"superslabs_peak", "SuperSlabs", &hak_statistics::superslabs_peak},
    {"slab_bytes", "bytes", &hak_statistics::slab_bytes},
    {"cached_bytes", "bytes", &hak_statistics::cached_bytes},
    {"direct_mapped", "blocks", &hak_statistics::direct_mapped},
    {"direct_unmapped", "blocks", &hak_statistics::direct_unmapped},
    {"direct_bytes", "bytes", &hak_statistics::direct_bytes},
    {"whale_hits", "blocks", &hak_statistics::whale_hits},
    {"whale_misses", "blocks", &hak_statistics::whale_misses},
    {"whale_bytes", "bytes", &hak_statistics::whale_bytes},
    {"thread_contexts", "contexts", &hak_statistics::thread_contexts},
    {"spills", "lists", &hak_statistics::spills},
    {"lock_acquisitions", "times", &hak_statistics::lock_acquisitions},
    {"lock_waits", "times", &hak_statistics::lock_waits},
};

constexpr const char* kPools[] = {"small", "mid", "large"};

bool write_all(int file_descriptor, const char* text, std::size_t bytes) noexcept {
  while (bytes != 0) {
    const ssize_t written = ::write(file_descriptor, text, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text += written;
    bytes -= static_cast<std::size_t>(written);
  }
  return true;
}

/// Text in a buffer on the stack.
class Page {
 public:
  template <class... Values>
  void add(const char* format, Values... values) noexcept {
    const int length = std::snprintf(buffer_ + length_, sizeof buffer_ - length_, format, values...);
    if (length > 0) length_ += static_cast<std::size_t>(length);
    if (length_ >= sizeof buffer_) length_ = sizeof buffer_ - 1;
  }
  bool write_to(int file_descriptor) const noexcept { return write_all(file_descriptor, buffer_, length_); }

 private:
  char buffer_[4096];
  std::size_t length_ = 0;
};

void add_json(Page& page, const hak_statistics& now) noexcept {
  page.add("%s", "{");
  for (const Figure& figure : kFigures) {
    page.add("\"%s\": %llu, ", figure.name, static_cast<unsigned long long>(now.*figure.value));
  }
  for (unsigned pool = 0; pool < 3; ++pool) {
    page.add("%s\"%s\": {\"refills\": %llu, \"refilled_blocks\": %llu}", pool == 0 ? "\"pools\": {" : ", ",
             kPools[pool], static_cast<unsigned long long>(now.refills[pool]),
             static_cast<unsigned long long>(now.refilled_blocks[pool]));
  }
  page.add("%s", "}}\n");
}

void add_text(Page& page, const hak_statistics& now) noexcept {
  for (const Figure& figure : kFigures) {
    page.add("hakmem: %-22s %14llu %s\n", figure.name, static_cast<unsigned long long>(now.*figure.value), figure.unit);
  }
  for (unsigned pool = 0; pool < 3; ++pool) {
    page.add("hakmem: %-5s refills %11llu of %llu blocks\n", kPools[pool],
             static_cast<unsigned long long>(now.refills[pool]),
             static_cast<unsigned long long>(now.refilled_blocks[pool]));
  }
}

/// Of a heap behind a lock; the others have none.
template <class HeapT>
void add_lock_figures(const HeapT& heap, hak_statistics& now) noexcept {
  if constexpr (requires { heap.lock_waits(); }) {
    now.lock_acquisitions = heap.lock_acquisitions();
    now.lock_waits = heap.lock_waits();
  }
}

int exit_descriptor = STDERR_FILENO;

[[gnu::destructor]] void print_at_exit() noexcept {
  const auto how = static_cast<StatsAtExit>(option(Option::kStats));
  if (how != StatsAtExit::kNo) (void)print_statistics(exit_descriptor, how == StatsAtExit::kJson);
}

}  // namespace

void keep_statistics_descriptor() noexcept {
  if (static_cast<StatsAtExit>(option(Option::kStats)) == StatsAtExit::kNo) return;
  constexpr int kAboveWhatProgramsUse = 100;
  const int copy = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kAboveWhatProgramsUse);
  if (copy >= 0) exit_descriptor = copy;
}

hak_statistics statistics() noexcept {
  auto& pool = process_heap.pool();
  auto& direct = process_heap.direct();
  hak_statistics now{};
  now.acquired_same_class = pool.acquired(AcquireStage::kSameClass);
  now.acquired_any_class = pool.acquired(AcquireStage::kAnyClass);
  now.acquired_unused = pool.acquired(AcquireStage::kUnused);
  now.acquired_cached = pool.acquired(AcquireStage::kCached);
  now.acquired_mapped = pool.acquired(AcquireStage::kMapped);
  now.slabs_released = pool.released();
  now.superslabs_retired = pool.retired();
  now.superslabs_mapped = pool.superslabs().mapped();
  now.superslabs_unmapped = pool.superslabs().unmapped();
  now.superslabs_peak = pool.superslabs().descriptors();
  now.slab_bytes = pool.active_bytes();
  now.cached_bytes = pool.cached_bytes();
  now.direct_mapped = direct.mapped();
  now.direct_unmapped = direct.unmapped();
  now.direct_bytes = direct.bytes();
  now.whale_hits = direct.whales().hits();
  now.whale_misses = direct.whales().misses();
  now.whale_bytes = direct.whales().held_bytes();
  now.thread_contexts = process_heap.contexts().size();
  process_heap.contexts().visit_all([&](const auto& context) {
    for (unsigned i = 0; i < 3; ++i) {
      now.refills[i] += context.refills[i].get();
      now.refilled_blocks[i] += context.refilled_blocks[i].get();
    }
    now.spills += context.spills.get();
  });
  add_lock_figures(process_heap, now);
  return now;
}

bool print_statistics(int file_descriptor, bool as_json) noexcept {
  const hak_statistics now = statistics();
  Page page;
  as_json ? add_json(page, now) : add_text(page, now);
  return page.write_to(file_descriptor);
}

}  // namespace hakmem
