#pragma once
/// The header-only heap on each geometry and policy that the program knows. A heap is what costs most of a build, so
/// each is compiled once, and they are spread over some files.

#include <memory>

#include "allocator.hpp"
#include "faults.hpp"

namespace hakmem::stress {

// Each throws Failure when there is no memory.

/// What ships.
[[nodiscard]] std::unique_ptr<Allocator> make_full_heap(Fault fault);
[[nodiscard]] std::unique_ptr<Allocator> make_toy_heap(Fault fault);
[[nodiscard]] std::unique_ptr<Allocator> make_least_heap(Fault fault);
/// The toy geometry with schedule noise, or with a fault that changes the heap's atomics, or with both.
[[nodiscard]] std::unique_ptr<Allocator> make_disturbed_heap(Fault fault, bool noisy);
/// The baselines, which not every build has: a lock beside each shared word (A7), and one class for each SuperSlab (D7).
[[nodiscard]] std::unique_ptr<Allocator> make_spin_heap(Fault fault);
[[nodiscard]] std::unique_ptr<Allocator> make_unshared_heap(Fault fault);
/// The oracle: one lock around everything.
[[nodiscard]] std::unique_ptr<Allocator> make_locked_heap(Fault fault);

}  // namespace hakmem::stress
