/// The C++ API of include/hakmem/hakmem.hpp: allocator, memory resource and owning pointers.

#include "hakmem/hakmem.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <list>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace hakmem::test {
namespace {

/// Hides a value from the compiler, which would warn of impossible sizes.
std::size_t opaque(std::size_t value) {
  volatile std::size_t hidden = value;
  return hidden;
}

bool aligned(const void* block, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(block) % alignment == 0;
}

constexpr std::size_t kTooMuchToMap = std::size_t{1} << 50;
constexpr std::size_t kAboveTheLargestSize = std::size_t{PTRDIFF_MAX} + 1;

struct alignas(256) OverAligned {
  unsigned char bytes[256];
};

// Allocator -----------------------------------------------------------------------------------------------------------

TEST(HakmemAllocator, HasTheTraitsOfAStatelessAllocator) {
  using Traits = std::allocator_traits<allocator<int>>;
  static_assert(Traits::is_always_equal::value && std::is_empty_v<allocator<int>>);
  static_assert(Traits::propagate_on_container_move_assignment::value);
  static_assert(!Traits::propagate_on_container_copy_assignment::value);
  static_assert(!Traits::propagate_on_container_swap::value);
  static_assert(std::is_same_v<Traits::rebind_alloc<double>, allocator<double>>);
  static_assert(std::is_nothrow_move_assignable_v<std::vector<int, allocator<int>>>);
  static_assert(std::is_convertible_v<allocator<int>, allocator<double>>);
  EXPECT_TRUE(allocator<int>() == allocator<double>(allocator<int>()));
  EXPECT_FALSE(allocator<int>() != allocator<double>());
}

TEST(HakmemAllocator, ServesContainersOfEveryKind) {
  std::vector<int, allocator<int>> vector(100000);
  std::iota(vector.begin(), vector.end(), 0);
  std::list<int, allocator<int>> list(vector.begin(), vector.begin() + 1000);
  std::map<int, int, std::less<>, allocator<std::pair<const int, int>>> map;
  std::unordered_map<int, int, std::hash<int>, std::equal_to<>, allocator<std::pair<const int, int>>> hashed;
  for (const int value : list) map[value] = hashed[value] = value * 2;
  EXPECT_EQ(vector[99999], 99999);
  EXPECT_EQ(std::accumulate(list.begin(), list.end(), 0), 999 * 500);
  EXPECT_EQ(map.at(999), 1998);
  EXPECT_EQ(hashed.at(500), 1000);
  const auto shared = std::allocate_shared<std::string>(allocator<std::string>(), 1000u, 'x');
  EXPECT_EQ(shared->size(), 1000u);
}

TEST(HakmemAllocator, MovedContainersKeepTheirBlocks) {
  std::vector<int, allocator<int>> from(1000, 7);
  const int* block = from.data();
  std::vector<int, allocator<int>> to;
  to = std::move(from);
  EXPECT_EQ(to.data(), block);
}

TEST(HakmemAllocator, BlocksAreThoseOfTheHeap) {
  std::uint64_t* block = allocator<std::uint64_t>().allocate(100);
  EXPECT_GE(hak_usable_size(block), 800u) << "hak_usable_size takes live blocks of this heap alone";
  allocator<std::uint64_t>().deallocate(block, 100);
  auto* raw = static_cast<std::uint64_t*>(hak_alloc(800));
  ASSERT_NE(raw, nullptr);
  allocator<std::uint64_t>().deallocate(raw, 100);
}

TEST(HakmemAllocator, NothingIsABlockToo) {
  int* nothing = allocator<int>().allocate(0);
  EXPECT_NE(nothing, nullptr);
  allocator<int>().deallocate(nothing, 0);
}

TEST(HakmemAllocator, OverAlignedTypesAreAligned) {
  std::vector<std::vector<OverAligned, allocator<OverAligned>>> kept;
  for (std::size_t count = 1; count < 40; count += 3) {
    kept.emplace_back(count);
    EXPECT_TRUE(aligned(kept.back().data(), alignof(OverAligned))) << count;
  }
}

TEST(HakmemAllocator, SizesThatAreNoSizeThrowBadArrayNewLength) {
  EXPECT_THROW(static_cast<void>(allocator<std::uint64_t>().allocate(opaque(SIZE_MAX / 8 + 1))),
               std::bad_array_new_length);
  EXPECT_THROW(static_cast<void>(allocator<OverAligned>().allocate(opaque(SIZE_MAX))), std::bad_array_new_length);
}

/// Whether the allocation fails as one of a possible size, not as std::bad_array_new_length, which is a bad_alloc too.
template <class Allocate>
bool has_no_memory(Allocate allocate) {
  try {
    static_cast<void>(allocate());
  } catch (const std::bad_array_new_length&) {
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

TEST(HakmemAllocator, MemoryThatIsNotThereThrowsBadAlloc) {
  for (const std::size_t size : {kTooMuchToMap, kAboveTheLargestSize, std::size_t{SIZE_MAX}}) {
    EXPECT_TRUE(has_no_memory([&] { return allocator<char>().allocate(opaque(size)); })) << size;
  }
  EXPECT_TRUE(has_no_memory([] { return allocator<OverAligned>().allocate(opaque(kTooMuchToMap / 256)); }));
  EXPECT_FALSE(has_no_memory([] { return allocator<OverAligned>().allocate(opaque(SIZE_MAX)); }));
  std::vector<int, allocator<int>> after(1000, 1);
  EXPECT_EQ(after[999], 1) << "the heap goes on";
}

// Memory resource -----------------------------------------------------------------------------------------------------

TEST(HakmemMemoryResource, ServesPolymorphicContainers) {
  std::pmr::map<std::pmr::string, std::pmr::vector<int>> map(get_memory_resource());
  for (int key = 0; key < 100; ++key) map[std::pmr::string(50, static_cast<char>('0' + key % 10))].push_back(key);
  EXPECT_EQ(map.size(), 10u);
  EXPECT_GE(hak_usable_size(map.begin()->second.data()), 10 * sizeof(int)) << "inner containers use it as well";
}

TEST(HakmemMemoryResource, ServesAsUpstreamOfOtherResources) {
  std::pmr::monotonic_buffer_resource buffer(1024, get_memory_resource());
  std::pmr::list<int> list(&buffer);
  for (int i = 0; i < 10000; ++i) list.push_back(i);
  EXPECT_EQ(list.back(), 9999);
}

TEST(HakmemMemoryResource, AlignsToEveryPowerOfTwo) {
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 22; alignment *= 2) {
    void* block = get_memory_resource()->allocate(100, alignment);
    EXPECT_TRUE(aligned(block, alignment)) << alignment;
    get_memory_resource()->deallocate(block, 100, alignment);
  }
}

TEST(HakmemMemoryResource, EqualsResourcesOfItsKindAlone) {
  const memory_resource another;
  EXPECT_TRUE(get_memory_resource()->is_equal(another));
  EXPECT_TRUE(*get_memory_resource() == *get_memory_resource());
  EXPECT_FALSE(get_memory_resource()->is_equal(*std::pmr::new_delete_resource()));
  EXPECT_FALSE(get_memory_resource()->is_equal(*std::pmr::null_memory_resource()));
}

TEST(HakmemMemoryResource, ThrowsBadAlloc) {
  for (const std::size_t alignment : {std::size_t{8}, std::size_t{4096}}) {
    EXPECT_THROW(static_cast<void>(get_memory_resource()->allocate(opaque(kTooMuchToMap), alignment)), std::bad_alloc);
    EXPECT_THROW(static_cast<void>(get_memory_resource()->allocate(opaque(SIZE_MAX), alignment)), std::bad_alloc);
  }
}

/// Made before the resource's first use, so that it is destroyed after everything made then.
struct UsesTheResourceWhenDestroyed {
  ~UsesTheResourceWhenDestroyed() {
    std::pmr::vector<int> late(1000, 3, get_memory_resource());
    std::fputs(late[999] == 3 && first == get_memory_resource() ? "the resource lives\n" : "it does not\n", stderr);
    std::_Exit(late[999] == 3 ? 0 : 1);
  }
  const std::pmr::memory_resource* first = nullptr;
};

TEST(HakmemMemoryResourceDeathTest, OutlivesStaticDestructors) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static UsesTheResourceWhenDestroyed last;
        last.first = get_memory_resource();
        std::exit(2);
      },
      testing::ExitedWithCode(0), "the resource lives");
}

// Owning pointers -----------------------------------------------------------------------------------------------------

TEST(HakmemUniquePtr, DestroysTheObjectAndFreesItsBlock) {
  const auto counted = std::make_shared<int>(1);
  {
    const auto owner = hakmem::make_unique<const std::shared_ptr<int>>(counted);
    EXPECT_EQ(counted.use_count(), 2);
    EXPECT_GE(hak_usable_size(owner.get()), sizeof(counted));
  }
  EXPECT_EQ(counted.use_count(), 1);
  static_assert(sizeof(hakmem::unique_ptr<int>) == sizeof(int*));
}

TEST(HakmemUniquePtr, AlignsOverAlignedObjects) {
  const auto owner = hakmem::make_unique<OverAligned>();
  EXPECT_TRUE(aligned(owner.get(), alignof(OverAligned)));
}

struct BaseAtTheStart {
  long base = 0;
};
struct OtherBase {
  long other = 0;
};
struct Derived : BaseAtTheStart, OtherBase {};

TEST(HakmemUniquePtr, DoesNotTurnIntoAPointerInsideItsBlock) {
  static_assert(!std::is_convertible_v<hakmem::unique_ptr<Derived>, hakmem::unique_ptr<OtherBase>>);
  auto owner = hakmem::make_unique<Derived>();
  EXPECT_NE(static_cast<void*>(static_cast<OtherBase*>(owner.get())), owner.get()) << "the reason";
}

struct ThrowsWhenMade {
  ThrowsWhenMade() { throw std::runtime_error("no"); }
  char bytes[1 << 20];
};

TEST(HakmemUniquePtr, ConstructorsThatThrowLeaveNoBlock) {
  const auto live_bytes = [] {
    hak_statistics now;
    hak_statistics_get(&now);
    return now.direct_bytes + now.slab_bytes;
  };
  EXPECT_THROW(static_cast<void>(hakmem::make_unique<ThrowsWhenMade>()), std::runtime_error);
  const auto before = live_bytes();
  for (int i = 0; i < 50; ++i) {
    EXPECT_THROW(static_cast<void>(hakmem::make_unique<ThrowsWhenMade>()), std::runtime_error);
  }
  EXPECT_LE(live_bytes(), before + (2 << 20)) << "50 MiB would have been lost";
}

TEST(HakmemUniquePtr, FreeDeleterOwnsRawBlocks) {
  const std::unique_ptr<char, free_deleter> text(static_cast<char*>(hak_calloc(100, 1)));
  ASSERT_NE(text, nullptr);
  EXPECT_EQ(text.get()[99], 0);
}

}  // namespace
}  // namespace hakmem::test
