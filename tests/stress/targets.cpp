#include "targets.hpp"

#include "heaps/heaps.hpp"
#include "system_allocators.hpp"

namespace hakmem::stress {

std::unique_ptr<Allocator> make_target(Target target, Fault fault) {
  switch (target) {
    case Target::kFull: return make_full_heap(fault);
    case Target::kToy: return changes_the_heap(fault) ? make_disturbed_heap(fault, false) : make_toy_heap(fault);
    case Target::kNoise: return make_disturbed_heap(fault, true);
    case Target::kLeast: return make_least_heap(fault);
    case Target::kSpin: return make_spin_heap(fault);
    case Target::kUnshared: return make_unshared_heap(fault);
    case Target::kLocked: return make_locked_heap(fault);
    case Target::kApi: return make_api_allocator();
    case Target::kMalloc: break;
  }
  return make_malloc_allocator();
}

std::string suffix_of(Target target) {
  switch (target) {
    case Target::kFull: return "";
    case Target::kToy: return "/toy";
    case Target::kLeast: return "/least";
    case Target::kNoise: return "/noise";
    case Target::kSpin: return "/spin";
    case Target::kUnshared: return "/unshared";
    case Target::kLocked: return "/locked";
    case Target::kApi: return "/api";
    case Target::kMalloc: break;
  }
  return "/malloc";
}

}  // namespace hakmem::stress
