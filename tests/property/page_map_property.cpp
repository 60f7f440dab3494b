/// The page map against std::map: any address finds what was last set for its piece of
/// address space, and nothing else (B9).

#include "layout/page_map.hpp"

#include <rapidcheck/state.h>

#include <ostream>
#include <vector>

#include "support/draw.hpp"
#include "support/property.hpp"
#include "support/test_os.hpp"
#include "support/test_sync.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

constexpr std::size_t kDescriptors = 4;

/// What the map should hold: piece of address space -> number of a descriptor.
using Pieces = std::map<std::uint64_t, std::size_t>;

/// Maps no memory; the addresses are mere numbers.
template <template <class> class MapT, unsigned kBits, class Geometry>
class Subject {
 public:
  using ConfigT = Config<TestSync, TestOs<kBits>, Geometry>;
  static constexpr std::uint64_t kPieces = std::uint64_t{1} << (kBits - Geometry::kSlotShift);

  Subject() { map_.init(os_); }

  [[nodiscard]] void* address(std::uint64_t piece, std::uint64_t offset) const {
    return reinterpret_cast<void*>(os_.address_base() + (piece << Geometry::kSlotShift) + offset);
  }
  [[nodiscard]] Slab<ConfigT>* descriptor(std::size_t number) { return &slabs_[number]; }

  bool prepare(std::uint64_t piece, std::uint64_t pieces) {
    return map_.prepare(os_, address(piece, 0), pieces << Geometry::kSlotShift);
  }
  void set(std::uint64_t piece, Slab<ConfigT>* slab) { map_.set(address(piece, 0), slab); }
  bool take(std::uint64_t piece, std::uint64_t offset, std::size_t number) {
    return map_.take(address(piece, offset), descriptor(number));
  }

  void expect(const Pieces& pieces, std::uint64_t piece, std::uint64_t offset) {
    const auto found = pieces.find(piece);
    auto* expected = found == pieces.end() ? nullptr : descriptor(found->second);
    // In brackets, so that the values are not shown: that would dereference the pointers.
    RC_ASSERT((map_.find(address(piece, offset)) == expected));
  }

  TestMemory& memory() { return memory_; }

 private:
  TestMemory memory_{24};
  TestOs<kBits> os_{memory_};
  MapT<ConfigT> map_;
  Slab<ConfigT> slabs_[kDescriptors];
};

/// Pieces near each other, near the ends, anywhere, and one bit away from those that are set.
template <class SubjectT>
std::uint64_t any_piece(const Pieces& pieces = {}) {
  constexpr std::uint64_t kLast = SubjectT::kPieces - 1;
  if (!pieces.empty() && draw::in_range(0, 4) == 0) {
    const std::uint64_t piece = draw::element_of(pieces).first;
    return piece ^ (std::uint64_t{1} << draw::in_range(0, std::countr_zero(SubjectT::kPieces)));
  }
  switch (draw::index(3)) {
    case 0: return draw::in_range<std::uint64_t>(0, 8);
    case 1: return draw::in_range<std::uint64_t>(kLast - 7, kLast + 1);
    default: return draw::in_range<std::uint64_t>(0, kLast + 1);
  }
}

template <class SubjectT>
std::uint64_t any_offset() {
  return draw::in_range<std::uint64_t>(0, kSlotBytes<typename SubjectT::ConfigT::Geometry>);
}

template <class SubjectT>
struct Set : rc::state::Command<Pieces, SubjectT> {
  std::uint64_t first;
  std::uint64_t count = draw::in_range<std::uint64_t>(1, std::min<std::uint64_t>(9, SubjectT::kPieces - first + 1));
  std::size_t number = draw::in_range<std::size_t>(0, kDescriptors);

  explicit Set(const Pieces& pieces) : first(any_piece<SubjectT>(pieces)) {}
  void apply(Pieces& pieces) const override {
    for (std::uint64_t i = 0; i < count; ++i) pieces[first + i] = number;
  }
  void run(const Pieces& before, SubjectT& subject) const override {
    RC_ASSERT(subject.prepare(first, count));
    for (std::uint64_t i = 0; i < count; ++i) {
      subject.set(first + i, subject.descriptor(number));
    }
    const Pieces after = this->nextState(before);
    for (std::uint64_t i = 0; i < count; ++i) subject.expect(after, first + i, 0);
  }
  void show(std::ostream& out) const override { out << "set " << first << " +" << count << " to " << number; }
};

template <class SubjectT>
struct Clear : rc::state::Command<Pieces, SubjectT> {
  std::uint64_t piece;

  explicit Clear(const Pieces& pieces) {
    RC_PRE(!pieces.empty());
    piece = draw::element_of(pieces).first;
  }
  void checkPreconditions(const Pieces& pieces) const override { RC_PRE(pieces.count(piece) == 1u); }
  void apply(Pieces& pieces) const override { pieces.erase(piece); }
  void run(const Pieces& before, SubjectT& subject) const override {
    subject.set(piece, nullptr);
    subject.expect(this->nextState(before), piece, 0);
  }
  void show(std::ostream& out) const override { out << "clear " << piece; }
};

/// Exactly the descriptor that is there can be taken, and once.
template <class SubjectT>
struct Take : rc::state::Command<Pieces, SubjectT> {
  std::uint64_t piece;
  std::uint64_t offset = any_offset<SubjectT>();
  std::size_t number = draw::in_range<std::size_t>(0, kDescriptors);

  explicit Take(const Pieces& pieces) {
    RC_PRE(!pieces.empty());
    piece = draw::element_of(pieces).first;
  }
  void checkPreconditions(const Pieces& pieces) const override { RC_PRE(pieces.count(piece) == 1u); }
  void apply(Pieces& pieces) const override {
    if (pieces.at(piece) == number) pieces.erase(piece);
  }
  void run(const Pieces& before, SubjectT& subject) const override {
    RC_ASSERT(subject.take(piece, offset, number) == (before.at(piece) == number));
    RC_ASSERT(!subject.take(piece, offset, number));
    subject.expect(this->nextState(before), piece, offset);
  }
  void show(std::ostream& out) const override { out << "take " << number << " from " << piece; }
};

template <class SubjectT>
struct Find : rc::state::Command<Pieces, SubjectT> {
  std::uint64_t piece;
  std::uint64_t offset = any_offset<SubjectT>();

  explicit Find(const Pieces& pieces) : piece(any_piece<SubjectT>(pieces)) {}
  void run(const Pieces& pieces, SubjectT& subject) const override { subject.expect(pieces, piece, offset); }
  void show(std::ostream& out) const override { out << "find " << piece << " +" << offset; }
};

template <template <class> class MapT, unsigned kBits, class Geometry>
auto matches_reference() {
  return [] {
    using SubjectT = Subject<MapT, kBits, Geometry>;
    SubjectT subject;
    rc::state::check(Pieces{}, subject,
                     rc::state::gen::execOneOfWithArgs<Set<SubjectT>, Set<SubjectT>, Clear<SubjectT>, Take<SubjectT>,
                                                       Find<SubjectT>>());
  };
}

TEST(PageMapProperty, MapOfAllAddressesMatchesReference) {
  EXPECT_TRUE(holds(matches_reference<PageMap, 47, FullGeometry>(), 5));
}

TEST(PageMapProperty, MapOfToyWindowMatchesReference) {
  EXPECT_TRUE(holds(matches_reference<PageMap, 24, ToyGeometry>(), 5));
}

/// Whatever leaf cannot be had: `prepare` says so, and the map is as it was.
TEST(PageMapProperty, RefusedLeafLeavesTheMapAsItWas) {
  EXPECT_TRUE(holds(
      [] {
        using SubjectT = Subject<PageMap, 24, ToyGeometry>;
        SubjectT subject;
        const auto kept = any_piece<SubjectT>();
        RC_ASSERT(subject.prepare(kept, 1));
        subject.set(kept, subject.descriptor(1));
        const auto wanted = any_piece<SubjectT>();
        subject.memory().refuse(OsCall::kMetadata);
        if (!subject.prepare(wanted, 1)) RC_ASSERT(subject.memory().refused() == 1u);
        subject.memory().grant_everything();
        subject.expect(Pieces{{kept, 1}}, wanted, 0);
        subject.expect(Pieces{{kept, 1}}, kept, 0);
        RC_ASSERT(subject.prepare(wanted, 1));
        subject.set(wanted, subject.descriptor(2));
        subject.expect(Pieces{{wanted, 2}}, wanted, 0);
      },
      5));
}

// Negative controls ---------------------------------------------------------------------------------------------------

/// One bit too few of the address: two pieces share an entry.
template <class ConfigT>
struct Aliases : PageMap<ConfigT> {
  static void* folded(const void* p) {
    constexpr auto kTop = std::uintptr_t{1} << (ConfigT::Os::kAddressBits - 1);
    return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(p) & ~kTop);
  }
  bool prepare(typename ConfigT::Os& os, const void* p, std::size_t bytes) noexcept {
    return PageMap<ConfigT>::prepare(os, folded(p), bytes);
  }
  void set(const void* p, Slab<ConfigT>* slab) noexcept { PageMap<ConfigT>::set(folded(p), slab); }
  bool take(const void* p, Slab<ConfigT>* slab) noexcept { return PageMap<ConfigT>::take(folded(p), slab); }
  Slab<ConfigT>* find(const void* p) const noexcept { return PageMap<ConfigT>::find(folded(p)); }
};

template <class ConfigT>
struct TakesWhateverIsThere : PageMap<ConfigT> {
  bool take(const void* p, Slab<ConfigT>*) noexcept { return PageMap<ConfigT>::take(p, this->find(p)); }
};

TEST(PageMapProperty, RefutesPlantedFaults) {
  EXPECT_TRUE(is_refuted(matches_reference<Aliases, 47, FullGeometry>(), "RC_ASSERT", 6));
  EXPECT_TRUE(is_refuted(matches_reference<TakesWhateverIsThere, 24, ToyGeometry>(), "take", 4));
}

}  // namespace
}  // namespace hakmem::test
