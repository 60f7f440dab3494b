/// The C API of include/hakmem/hakmem.h.

#include "hakmem/hakmem.h"

#include <bit>
#include <cerrno>

#include "api/process_heap.hpp"

extern "C" {

int hak_init(void) noexcept { return hakmem::ensure_process_heap() ? 0 : -1; }

void* hak_alloc(size_t size) noexcept { return hakmem::allocate(size); }

void* hak_calloc(size_t count, size_t size) noexcept { return hakmem::allocate_zeroed(count, size); }

void* hak_realloc(void* block, size_t size) noexcept { return hakmem::reallocate(block, size); }

void* hak_aligned_alloc(size_t alignment, size_t size) noexcept {
  if (!std::has_single_bit(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  return hakmem::allocate_aligned(alignment, size);
}

void hak_free(void* block) noexcept { hakmem::deallocate(block); }

size_t hak_usable_size(const void* block) noexcept { return hakmem::process_heap.usable_size(block); }

int hak_trim(void) noexcept { return hakmem::trim() ? 1 : 0; }

void hak_statistics_get(struct hak_statistics* out) noexcept {
  using hakmem::AcquireStage;
  auto& pool = hakmem::process_heap.pool();
  auto& direct = hakmem::process_heap.direct();
  *out = {.acquired_same_class = pool.acquired(AcquireStage::kSameClass),
          .acquired_any_class = pool.acquired(AcquireStage::kAnyClass),
          .acquired_unused = pool.acquired(AcquireStage::kUnused),
          .acquired_cached = pool.acquired(AcquireStage::kCached),
          .acquired_mapped = pool.acquired(AcquireStage::kMapped),
          .slabs_released = pool.released(),
          .superslabs_retired = pool.retired(),
          .superslabs_mapped = pool.superslabs().mapped(),
          .superslabs_unmapped = pool.superslabs().unmapped(),
          .superslabs_peak = pool.superslabs().descriptors(),
          .slab_bytes = pool.active_bytes(),
          .direct_mapped = direct.mapped(),
          .direct_unmapped = direct.unmapped(),
          .direct_bytes = direct.bytes(),
          .thread_contexts = hakmem::process_heap.contexts().size()};
}

}  // extern "C"
