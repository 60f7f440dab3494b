#include "heap/class_list.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/toy_heap.hpp"

namespace hakmem::test {
namespace {

using SlabT = Slab<ToyConfig>;

class ClassListTest : public testing::Test {
 protected:
  /// Once round the circle, forwards; the way back must be the same.
  std::vector<SlabT*> slabs() {
    std::vector<SlabT*> all;
    if (list_.first() == nullptr) return all;
    SlabT* slab = list_.first();
    do {
      EXPECT_EQ(slab->next.get()->previous.get(), slab);
      all.push_back(slab);
      slab = slab->next.get();
    } while (slab != list_.first());
    return all;
  }

  ClassList<ToyConfig> list_;
  SlabT a_, b_, c_;
};

TEST_F(ClassListTest, FirstInIsFirst) {
  EXPECT_EQ(list_.first(), nullptr);
  for (SlabT* slab : {&a_, &b_, &c_}) list_.push_back(*slab);
  EXPECT_EQ(slabs(), (std::vector{&a_, &b_, &c_}));
}

TEST_F(ClassListTest, FrontIsAllocatedFromNext) {
  list_.push_back(a_);
  list_.push_front(b_);
  EXPECT_EQ(slabs(), (std::vector{&b_, &a_}));
}

TEST_F(ClassListTest, AnySlabCanLeave) {
  for (SlabT* slab : {&a_, &b_, &c_}) list_.push_back(*slab);
  list_.remove(b_);
  EXPECT_EQ(slabs(), (std::vector{&a_, &c_}));
  list_.remove(a_);
  EXPECT_EQ(slabs(), (std::vector{&c_}));
  EXPECT_TRUE(list_.alone(c_));
  list_.remove(c_);
  EXPECT_EQ(list_.first(), nullptr);
  list_.push_back(b_);
  EXPECT_EQ(slabs(), (std::vector{&b_}));
}

TEST_F(ClassListTest, AVisitSeesEachSlabOnceAndMayRemoveIt) {
  list_.visit([](SlabT&) { FAIL() << "nobody is there"; });
  for (SlabT* slab : {&a_, &b_, &c_}) list_.push_back(*slab);
  std::vector<SlabT*> seen;
  list_.visit([&](SlabT& slab) {
    seen.push_back(&slab);
    if (&slab != &b_) list_.remove(slab);
  });
  EXPECT_EQ(seen, (std::vector{&a_, &b_, &c_}));
  EXPECT_EQ(slabs(), (std::vector{&b_}));
  list_.visit([&](SlabT& slab) { list_.remove(slab); });
  EXPECT_EQ(list_.first(), nullptr);
}

}  // namespace
}  // namespace hakmem::test
