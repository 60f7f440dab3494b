/// The C API of include/hakmem/hakmem.h.

#include "hakmem/hakmem.h"

#include <bit>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "api/call_site.hpp"
#include "api/options.hpp"
#include "api/process_heap.hpp"
#include "api/setup.hpp"
#include "api/statistic_table.hpp"
#include "api/statistics.hpp"
#include "api/walk.hpp"
#include "api/watched.hpp"
#include "os/linux_os.hpp"

extern "C" {

int hak_version(void) noexcept { return HAK_VERSION; }

int hak_init(void) noexcept { return hakmem::ensure_process_heap() ? 0 : -1; }

void* hak_alloc(size_t size) noexcept { return hakmem::watched::allocate(size); }

void* hak_calloc(size_t count, size_t size) noexcept { return hakmem::watched::allocate_zeroed(count, size); }

void* hak_realloc(void* block, size_t size) noexcept { return hakmem::watched::reallocate(block, size); }

void* hak_aligned_alloc(size_t alignment, size_t size) noexcept {
  if (!std::has_single_bit(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return hakmem::watched::allocate_aligned(alignment, size);
}

void hak_free(void* block) noexcept { hakmem::watched::deallocate(block); }

void hak_free_sized(void* block, size_t size) noexcept { hakmem::watched::deallocate_sized(block, size); }

void* hak_alloc_at(size_t size, uint32_t site) noexcept {
  const hakmem::AtSite at(site);
  return hakmem::watched::allocate(size);
}

void* hak_calloc_at(size_t count, size_t size, uint32_t site) noexcept {
  const hakmem::AtSite at(site);
  return hakmem::watched::allocate_zeroed(count, size);
}

void* hak_realloc_at(void* block, size_t size, uint32_t site) noexcept {
  const hakmem::AtSite at(site);
  return hakmem::watched::reallocate(block, size);
}

void* hak_aligned_alloc_at(size_t alignment, size_t size, uint32_t site) noexcept {
  const hakmem::AtSite at(site);
  return hak_aligned_alloc(alignment, size);
}

void hak_free_at(void* block, uint32_t site) noexcept {
  const hakmem::AtSite at(site);
  hakmem::watched::deallocate(block);
}

size_t hak_usable_size(const void* block) noexcept { return hakmem::process_heap.usable_size(block); }

size_t hak_good_size(size_t size) noexcept { return hakmem::ProcessHeap::good_size(size, 1); }

int hak_trim(void) noexcept { return hakmem::trim() ? 1 : 0; }

hak_message_callback hak_message_callback_set(hak_message_callback callback) noexcept {
  // Acquire and release: as the load in Text::print; who puts a former callback back has it as it was set.
  return hakmem::linux_detail::message_callback.exchange(callback, std::memory_order_acq_rel);
}

size_t hak_statistics_read(struct hak_statistics* out, size_t bytes) noexcept {
  const hak_statistics now = hakmem::statistics();
  std::memset(out, 0, bytes);
  std::memcpy(out, &now, bytes < sizeof now ? bytes : sizeof now);
  return sizeof now;
}

const struct hak_statistic* hak_statistic_describe(size_t index) noexcept {
  if (index < std::size(hakmem::kStatistics)) return &hakmem::kStatistics[index];
  errno = ENOENT;
  return nullptr;
}

int hak_statistics_print(int file_descriptor, int as_json) noexcept {
  return hakmem::print_statistics(file_descriptor, as_json != 0) ? 0 : -1;
}

int hak_heap_walk(int (*callback)(const struct hak_region* region, void* argument), void* argument) {
  return hakmem::walk(callback, argument);
}

int hak_heap_print(int file_descriptor) noexcept { return hakmem::print_walk(file_descriptor) ? 0 : -1; }

int hak_option_set(const char* name, const char* value) noexcept {
  switch (hakmem::set_option(name, value)) {
    case hakmem::OptionResult::kSet: return 0;
    case hakmem::OptionResult::kUnknown: errno = ENOENT; break;
    case hakmem::OptionResult::kNotANumber:
    case hakmem::OptionResult::kNotAWord: errno = EINVAL; break;
    case hakmem::OptionResult::kOutOfRange: errno = ERANGE; break;
    case hakmem::OptionResult::kCannotBeWritten: break;  // errno says why
  }
  return -1;
}

int hak_option_get(const char* name, int64_t* value) noexcept {
  if (hakmem::read_option(name, *value)) return 0;
  errno = ENOENT;
  return -1;
}

const struct hak_option* hak_option_describe(size_t index) noexcept {
  if (index < hakmem::kOptionCount) return &hakmem::kOptions[index];
  errno = ENOENT;
  return nullptr;
}

}  // extern "C"
