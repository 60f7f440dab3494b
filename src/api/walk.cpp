#include "api/walk.hpp"

#include "api/process_heap.hpp"
#include "diagnostics/heap_walk.hpp"

namespace hakmem {

namespace {

hak_region_kind kind_of(RegionKind kind) noexcept {
  switch (kind) {
    case RegionKind::kSuperSlab: return HAK_REGION_SUPERSLAB;
    case RegionKind::kSlab: return HAK_REGION_SLAB;
    case RegionKind::kDirect: return HAK_REGION_DIRECT;
    case RegionKind::kWhale: break;
  }
  return HAK_REGION_WHALE;
}

hak_region public_form(const Region& region) noexcept {
  return {kind_of(region.kind), reinterpret_cast<const void*>(region.address),
          region.bytes,         region.block_bytes,
          region.capacity,      region.used,
          region.out,           region.owner,
          region.exact ? 1 : 0};
}

/// The context that a walk looks from: the thread's own. Behind the lock it is everybody's, so there the walk looks
/// from outside, as it must not hold the lock while the callback runs.
template <class HeapT>
auto& walker(HeapT& heap) noexcept {
  if constexpr (requires { heap.bystander(); }) {
    return heap.bystander();
  } else {
    return *thread_context;
  }
}

void describe(linux_detail::Line& line, const hak_region& region) noexcept {
  switch (region.kind) {
    case HAK_REGION_SUPERSLAB:
      line << "superslab " << region.address << " slots=" << region.capacity << " active=" << region.used
           << " empty=" << region.out;
      return;
    case HAK_REGION_SLAB:
      line << "  slab " << region.address << " bytes=" << region.bytes << " block=" << region.block_bytes
           << " capacity=" << region.capacity << " cut=" << region.used << " out" << (region.exact != 0 ? "=" : "<=")
           << region.out;
      if (region.owner != HAK_NO_OWNER) line << " owner=" << region.owner;
      return;
    case HAK_REGION_DIRECT: line << "direct " << region.address << " bytes=" << region.bytes; return;
    case HAK_REGION_WHALE: line << "whale " << region.address << " bytes=" << region.bytes; return;
  }
}

}  // namespace

int walk(int (*callback)(const hak_region* region, void* argument), void* argument) {
  return HeapWalk<ProcessConfig>(process_heap.core(), walker(process_heap)).visit([&](const Region& region) {
    const hak_region shown = public_form(region);
    return callback(&shown, argument);
  });
}

bool print_walk(int file_descriptor) noexcept {
  return HeapWalk<ProcessConfig>(process_heap.core(), walker(process_heap)).visit([&](const Region& region) noexcept {
    linux_detail::Line line;
    line << "hakmem: ";
    describe(line, public_form(region));
    line << "\n";
    return line.write_to(file_descriptor) ? 0 : 1;
  }) == 0;
}

std::size_t bytes_out() noexcept {
  std::size_t bytes = 0;
  (void)HeapWalk<ProcessConfig>(process_heap.core(), walker(process_heap)).visit([&](const Region& region) noexcept {
    if (region.kind == RegionKind::kSlab) bytes += region.out * region.block_bytes;
    return 0;
  });
  return bytes;
}

bool locate(std::uintptr_t address, hak_region& found) noexcept {
  Region region{};
  if (!HeapWalk<ProcessConfig>(process_heap.core(), walker(process_heap)).locate(address, region)) return false;
  found = public_form(region);
  return true;
}

}  // namespace hakmem
