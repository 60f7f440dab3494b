/// Misuse: what the standards leave undefined ends the process with a message that names it.

#include <malloc.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {
namespace {

#define DIAGNOSED(behaviour) HAKMEM(Misuse, behaviour, "hakmem.h")

constexpr const char* kDoubleFree = "double free|already freed";
constexpr const char* kInvalidPointer = "invalid pointer|[Ii]nvalid (free|size)|foreign";

char* allocate(std::size_t bytes) { return static_cast<char*>(std::malloc(bytes)); }

void free_twice(std::size_t bytes) {
  char* block = allocate(bytes);
  char* again = opaque(block);
  std::free(block);
  std::free(again);
}

DIAGNOSED(DoubleFreeOfASmallBlock) {
  for (const std::size_t size : {16UL, 100UL, 1000UL}) {
    EXPECT_DEATH(free_twice(size), kDoubleFree) << size << " bytes";
  }
}

DIAGNOSED(DoubleFreeOfAMidBlock) {
  for (const std::size_t size : {1500UL, 10'000UL, 32'768UL}) {
    EXPECT_DEATH(free_twice(size), kDoubleFree) << size << " bytes";
  }
}

DIAGNOSED(DoubleFreeOfALargeBlock) {
  for (const std::size_t size : {40'000UL, 200'000UL, 1'000'000UL}) {
    EXPECT_DEATH(free_twice(size), kDoubleFree) << size << " bytes";
  }
}

DIAGNOSED(DoubleFreeOfAMappedBlock) {
  for (const std::size_t size : {2'000'000UL, 50'000'000UL}) {
    EXPECT_DEATH(free_twice(size), kDoubleFree) << size << " bytes";
  }
}

DIAGNOSED(DoubleFreeWhenTheSlabHoldsOtherBlocks) {
  for (const std::size_t size : {48UL, 5000UL}) {
    EXPECT_DEATH(
        {
          char* other = allocate(size);
          free_twice(size);
          std::free(other);
        },
        kDoubleFree)
        << size << " bytes";
  }
}

DIAGNOSED(DoubleDelete) {
  EXPECT_DEATH(
      {
        void* block = ::operator new(48);
        void* again = opaque(block);
        ::operator delete(block);
        ::operator delete(again);
      },
      kDoubleFree);
}

DIAGNOSED(FreeOfAStackAddress) {
  EXPECT_DEATH(
      {
        alignas(16) char buffer[64] = {};
        std::free(opaque(static_cast<void*>(buffer)));
      },
      kInvalidPointer);
}

DIAGNOSED(FreeOfAStaticAddress) {
  alignas(4096) static char buffer[8192];
  for (const std::size_t offset : {0UL, 16UL, 4096UL}) {
    EXPECT_DEATH(std::free(opaque(buffer + offset)), kInvalidPointer);
  }
}

DIAGNOSED(FreeOfAMappingOfItsOwn) {
  void* memory = ::mmap(nullptr, 4 * kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  for (const std::size_t offset : {0UL, 16UL, 2 * kMiB}) {
    EXPECT_DEATH(std::free(opaque(static_cast<char*>(memory) + offset)), kInvalidPointer);
  }
}

DIAGNOSED(FreeOfASmallInteger) { EXPECT_DEATH(std::free(opaque(reinterpret_cast<void*>(16))), kInvalidPointer); }

DIAGNOSED(FreeOfAMisalignedPointer) {
  for (const std::size_t size : {64UL, 5000UL, 100'000UL, 3'000'000UL}) {
    EXPECT_DEATH(std::free(opaque(allocate(size) + 1)), kInvalidPointer) << size << " bytes";
    EXPECT_DEATH(std::free(opaque(allocate(size) + 8)), kInvalidPointer) << size << " bytes";
  }
}

DIAGNOSED(FreeOfAnInteriorPointer) {
  for (const std::size_t size : {64UL, 5000UL, 100'000UL, 3'000'000UL}) {
    EXPECT_DEATH(std::free(opaque(allocate(size) + 16)), kInvalidPointer) << size << " bytes";
    EXPECT_DEATH(std::free(opaque(allocate(size) + size / 2)), kInvalidPointer) << size << " bytes";
  }
}

DIAGNOSED(DeleteOfAnInteriorPointer) {
  EXPECT_DEATH(::operator delete(opaque(static_cast<char*>(::operator new(64)) + 16)), kInvalidPointer);
}

DIAGNOSED(ReallocOfAForeignOrInteriorPointer) {
  static char buffer[64];
  EXPECT_DEATH(static_cast<void>(opaque(std::realloc(opaque(static_cast<void*>(buffer)), 100))), kInvalidPointer);
  EXPECT_DEATH(static_cast<void>(opaque(std::realloc(opaque(allocate(64) + 16), 100))), kInvalidPointer);
}

DIAGNOSED(InvalidPointerIsNamed) {
  static char buffer[64];
  char address[32];
  std::snprintf(address, sizeof address, "%p", static_cast<void*>(buffer));
  EXPECT_DEATH(std::free(opaque(static_cast<void*>(buffer))), address);
}

}  // namespace
}  // namespace hakmem::conformance
