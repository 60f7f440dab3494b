/// The core on simulated memory with toy dimensions: every corner is a few bytes away, and calls to the system are
/// refused.

#include "program.hpp"
#include "property/core_heap.hpp"
#include "support/toy_geometry.hpp"

namespace {

using namespace hakmem;

constexpr unsigned kBits = 24;

#ifdef HAKMEM_FUZZ_PLANTED
/// A planted fault: a block that grows out of the classes into a mapping of its own loses what it held.
class FuzzedHeap : public test::CoreHeap<test::ToyGeometry, kBits> {
 public:
  using CoreHeap::CoreHeap;
  void* reallocate(unsigned context, void* block, std::size_t bytes) override {
    const std::size_t before = usable_size(block);
    void* p = CoreHeap::reallocate(context, block, bytes);
    if (p != nullptr && before <= test::ToyGeometry::kLargeMax && bytes > test::ToyGeometry::kLargeMax) {
      std::memset(p, 0, before);
    }
    return p;
  }
};
#else
using FuzzedHeap = test::CoreHeap<test::ToyGeometry, kBits>;
#endif

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::checked([&] {
    fuzz::Bytes bytes(data, size);
    (void)bytes.number(2);  // kept for the corpus
    test::Coverage coverage;
    test::Shadow shadow(std::make_unique<FuzzedHeap>(), coverage);
    fuzz::Program(bytes, shadow, true).run();
  });
}
