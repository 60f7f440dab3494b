/// The public C API: the calls are made by threads, which start and exit as the program says.

#include "program.hpp"
#include "property/api_heap.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hakmem;
  return fuzz::checked([&] {
    fuzz::Bytes bytes(data, size);
    test::Coverage coverage;
    test::Shadow shadow(std::make_unique<test::ApiHeap>(bytes.number(2) == 0), coverage);
    fuzz::Program(bytes, shadow, false).run();
  });
}
