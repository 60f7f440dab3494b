#include "api/statistics.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "api/learning.hpp"
#include "api/options.hpp"
#include "api/process_heap.hpp"
#include "api/statistic_table.hpp"
#include "learner/mid_caches.hpp"

namespace hakmem {

namespace {

static_assert(std::size(kThreadBuckets) == WhaleCache<ProcessConfig>::kThreadBuckets + 1);

using Page = linux_detail::Text<8192>;

/// Hits among 1000 requests.
std::size_t per_mille(std::uint64_t hits, std::uint64_t requests) noexcept {
  return requests == 0 ? 0 : static_cast<std::size_t>(hits * 1000 / requests);
}

/// A share as 0.000 to 1.000.
void add_share(Page& page, std::size_t mille) noexcept {
  const char digits[] = {static_cast<char>('0' + mille / 1000),     '.',
                         static_cast<char>('0' + mille / 100 % 10), static_cast<char>('0' + mille / 10 % 10),
                         static_cast<char>('0' + mille % 10),       '\0'};
  page << digits;
}

/// Requests of a pool that were served without a refill, among 1000.
std::size_t hit_rate(const hak_statistics& now, unsigned pool) noexcept {
  return per_mille(now.cache_hits[pool], now.cache_hits[pool] + now.refills[pool]);
}

/// A statistic's value, or the first of its array.
const std::uint64_t* values_of(const hak_statistics& now, const hak_statistic& row) noexcept {
  return reinterpret_cast<const std::uint64_t*>(reinterpret_cast<const char*>(&now) + row.offset);
}

bool is_array(const hak_statistic& row) noexcept { return row.count != 1; }

/// The statistics that have a value for each of these labels, label by label.
void add_json_object(Page& page, const hak_statistics& now, const char* name, const char* const* labels) noexcept {
  page << ", \"" << name << "\": {\"";
  for (unsigned i = 0; labels[i] != nullptr; ++i) {
    page << (i == 0 ? "" : ", \"") << labels[i] << "\": {\"";
    const char* between = "";
    for (const hak_statistic& row : kStatistics) {
      if (row.labels != labels) continue;
      page << between << std::strrchr(row.json, '.') + 1 << "\": " << values_of(now, row)[i];
      between = ", \"";
    }
    if (labels == kPools) {
      page << ", \"hit_rate\": ";
      add_share(page, hit_rate(now, i));
    }
    page << "}";
  }
  page << "}";
}

void add_json(Page& page, const hak_statistics& now) noexcept {
  const char* between = "{\"";
  for (const hak_statistic& row : kStatistics) {
    if (row.labels != nullptr) continue;
    page << between << row.json << "\": " << (is_array(row) ? "[" : "");
    for (std::size_t i = 0; i < row.count; ++i) page << (i == 0 ? "" : ", ") << values_of(now, row)[i];
    page << (is_array(row) ? "]" : "");
    between = ", \"";
  }
  add_json_object(page, now, "whales_by_threads", kThreadBuckets);
  add_json_object(page, now, "pools", kPools);
  page << "}\n";
}

/// A line for each statistic that is one value, and of the arrays what is worth reading.
void add_text(Page& page, const hak_statistics& now) noexcept {
  for (const hak_statistic& row : kStatistics) {
    if (is_array(row)) continue;
    const std::size_t start = page.size();
    page << "hakmem: " << row.name;
    page.blanks_to(start, 32) << *values_of(now, row) << " " << row.unit << "\n";
  }
  for (unsigned i = 0; kThreadBuckets[i] != nullptr; ++i) {
    const std::uint64_t hits = now.whale_hits_by_threads[i];
    const std::uint64_t requests = hits + now.whale_misses_by_threads[i];
    if (requests == 0) continue;
    page << "hakmem: whale hits with " << kThreadBuckets[i] << " threads: " << hits << " of " << requests << "\n";
  }
  for (unsigned pool = 0; kPools[pool] != nullptr; ++pool) {
    page << "hakmem: " << kPools[pool] << " refills " << now.refills[pool] << " of " << now.refilled_blocks[pool]
         << " blocks, hit rate ";
    add_share(page, hit_rate(now, pool));
    page << "\n";
  }
  page << "hakmem: caps of the mid classes, in blocks:";
  for (const std::uint64_t cap : now.caps_mid) page << " " << cap;
  page << "\n";
}

void add_remote_frees(hak_statistics& now, const ThreadContext<ProcessConfig>& context) noexcept {
  now.outbox_blocks += context.outbox.blocks();
  now.outbox_chains += context.outbox.chains();
  now.outbox_drains += context.outbox.drains();
  now.single_frees += context.outbox.singles();
  now.remote_retries += context.outbox.retries();
}

/// Of the cached classes, which count them.
void add_hits(hak_statistics& now, const ThreadContext<ProcessConfig>& context) noexcept {
  using Classes = SizeClass<FullGeometry>;
  for (unsigned c = Classes::kSmallCount; c < Classes::kCount; ++c) {
    now.cache_hits[Classes::is_large(c) ? 2 : 1] += context.allowances[c].hits();
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

/// What a file descriptor stands for: the program may close it and open another file under its number.
struct FileIdentity {
  dev_t device;
  ino_t number;

  /// \return false when nothing is open there
  static bool of(int descriptor, FileIdentity& identity) noexcept {
    struct stat found{};
    if (::fstat(descriptor, &found) != 0) return false;
    identity = {found.st_dev, found.st_ino};
    return true;
  }
  bool is_at(int descriptor) const noexcept {
    FileIdentity now{};
    return of(descriptor, now) && now.device == device && now.number == number;
  }
};

constexpr int kNowhere = -1;

/// Standard error as it was when statistics were first asked for, and a copy of it that programs hardly close.
std::atomic<std::uint32_t> asked_for{0};  // no bool: not every machine exchanges bytes
FileIdentity standard_error{};
std::atomic<int> exit_descriptor{kNowhere};

/// Where the statistics go at the end: to what was standard error when they were asked for, and to nothing else.
int descriptor_at_exit() noexcept {
  // Acquire pairs with keep_statistics_descriptor: who sees the descriptor sees what it stands for.
  const int kept = exit_descriptor.load(std::memory_order_acquire);
  if (kept == kNowhere) return kNowhere;
  for (const int descriptor : {kept, STDERR_FILENO}) {
    if (standard_error.is_at(descriptor)) return descriptor;
  }
  return kNowhere;
}

[[gnu::destructor]] void print_at_exit() noexcept {
  const auto how = static_cast<StatsAtExit>(option("HAKMEM_STATS"_option));
  if (how == StatsAtExit::kNo) return;
  const int descriptor = descriptor_at_exit();
  if (descriptor != kNowhere) (void)print_statistics(descriptor, how == StatsAtExit::kJson);
}

}  // namespace

void keep_statistics_descriptor() noexcept {
  // Relaxed: it orders nothing, there is one who comes first.
  if (asked_for.exchange(1, std::memory_order_relaxed) != 0) return;
  constexpr int kAboveWhatProgramsUse = 100;
  if (!FileIdentity::of(STDERR_FILENO, standard_error)) return;
  const int copy = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, kAboveWhatProgramsUse);
  // Release pairs with descriptor_at_exit.
  exit_descriptor.store(copy >= 0 ? copy : STDERR_FILENO, std::memory_order_release);
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
  for (unsigned i = 0; i < WhaleCache<ProcessConfig>::kThreadBuckets; ++i) {
    now.whale_hits_by_threads[i] = direct.whales().hits(i);
    now.whale_misses_by_threads[i] = direct.whales().misses(i);
  }
  now.threads_in_use = process_heap.contexts().in_use();
  now.thread_contexts = process_heap.contexts().size();
  process_heap.contexts().visit_all([&](const auto& context) {
    for (unsigned i = 0; i < 3; ++i) {
      now.refills[i] += context.refills[i].get();
      now.refilled_blocks[i] += context.refilled_blocks[i].get();
    }
    now.spills += context.spills.get();
    now.taken_remote += context.taken_remote.get();
    now.taken_fresh += context.taken_fresh.get();
    add_remote_frees(now, context);
    add_hits(now, context);
  });
  now.cache_hits[0] = now.refilled_blocks[0] > now.refills[0] ? now.refilled_blocks[0] - now.refills[0] : 0;
  const std::uint64_t taken = now.refilled_blocks[0] + now.refilled_blocks[1] + now.refilled_blocks[2];
  const std::uint64_t from_others = now.taken_remote + now.taken_fresh;
  now.taken_own = taken > from_others ? taken - from_others : 0;
  now.late_frees = process_heap.core().late_frees();
  now.remote_retries += process_heap.core().late_retries();
  now.mmap_calls = LinuxOs::calls(linux_detail::MappingCall::kMmap);
  now.munmap_calls = LinuxOs::calls(linux_detail::MappingCall::kMunmap);
  now.madvise_calls = LinuxOs::calls(linux_detail::MappingCall::kMadvise);
  now.mremap_calls = LinuxOs::calls(linux_detail::MappingCall::kMremap);
  const LearningFigures learned = learning_figures();
  now.learner_windows = learned.windows;
  now.learner_cap_moves = learned.cap_moves;
  now.learner_adoptions = learned.adoptions;
  now.learner_reverts = learned.reverts;
  now.max_waste = process_heap.settings().max_waste();
  const MidCaches<ProcessConfig> caches(process_heap.core());
  static_assert(HAK_MID_CLASSES == MidCaches<ProcessConfig>::kClasses);
  for (unsigned c = 0; c < HAK_MID_CLASSES; ++c) now.caps_mid[c] = caches.cap(c);
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
