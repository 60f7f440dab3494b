/// The shared pool on toy geometry against a plain reference of what is ACTIVE, EMPTY and UNUSED: no slot is handed out
/// twice, none is lost, the stages come in order, a SuperSlab retires exactly with its last slot, and what is mapped is
/// what is in use plus what the SuperSlab cache may hold (D3, D4, D5, D6, I1, I2, I3, I7, I8).

#include "superslab/shared_pool.hpp"

#include <rapidcheck/state.h>

#include <array>
#include <ostream>
#include <vector>

#include "support/draw.hpp"
#include "support/property.hpp"
#include "support/test_os.hpp"
#include "support/test_sync.hpp"
#include "support/toy_geometry.hpp"

namespace hakmem::test {
namespace {

constexpr unsigned kAddressBits = 24;

template <class Geometry>
using PoolConfig = Config<TestSync, TestOs<kAddressBits>, Geometry>;

// The reference -------------------------------------------------------------------------------------------------------

/// The slots of the SuperSlabs in use, by address; a SuperSlab with nothing ACTIVE is not in use.
template <class Geometry>
class Reference {
 public:
  using Slots = std::array<SlotState, Geometry::kSlots>;

  [[nodiscard]] std::size_t superslabs() const { return superslabs_.size(); }

  /// Whether a run of `count` adjacent slots is accepted somewhere.
  template <class Accepts>
  [[nodiscard]] bool has_run(unsigned count, Accepts accepts) const {
    return std::any_of(superslabs_.begin(), superslabs_.end(), [&](const auto& entry) {
      const Slots& slots = entry.second;
      for (unsigned first = 0; first + count <= slots.size(); ++first) {
        if (std::all_of(slots.begin() + first, slots.begin() + first + count, accepts)) return true;
      }
      return false;
    });
  }

  /// The slots of a run that was handed out, before it becomes ACTIVE; none when its SuperSlab was not in use.
  [[nodiscard]] std::vector<SlotState> states(std::uintptr_t address, unsigned count) const {
    const auto found = superslabs_.find(base_of(address));
    if (found == superslabs_.end()) return {};
    const auto first = found->second.begin() + slot_of(address);
    return {first, first + count};
  }

  /// EMPTY slots become UNUSED. \return how many.
  std::size_t discard_empty() {
    std::size_t discarded = 0;
    for (auto& entry : superslabs_) {
      discarded += static_cast<std::size_t>(std::count(entry.second.begin(), entry.second.end(), SlotState::kEmpty));
      std::replace(entry.second.begin(), entry.second.end(), SlotState::kEmpty, SlotState::kUnused);
    }
    return discarded;
  }

  void start(std::uintptr_t address) { superslabs_[base_of(address)].fill(SlotState::kUnused); }
  void set(std::uintptr_t address, unsigned count, SlotState state) {
    Slots& slots = superslabs_.at(base_of(address));
    std::fill_n(slots.begin() + slot_of(address), count, state);
    if (std::count(slots.begin(), slots.end(), SlotState::kActive) == 0) superslabs_.erase(base_of(address));
  }

 private:
  static std::uintptr_t base_of(std::uintptr_t address) { return address & ~(kSuperSlabBytes<Geometry> - 1); }
  static unsigned slot_of(std::uintptr_t address) {
    return static_cast<unsigned>((address - base_of(address)) >> Geometry::kSlotShift);
  }

  std::map<std::uintptr_t, Slots> superslabs_;
};

// The pool with its surroundings --------------------------------------------------------------------------------------

/// What the commands refer to: runs by number.
struct Held {
  std::map<int, unsigned> runs;  ///< number -> class
  int next = 0;
  unsigned classes = 0;  ///< of the pool's geometry
};

/// A pool as the operations see it, whatever its type: each would cost the compiler all of RapidCheck's commands.
class AnySubject {
 public:
  AnySubject() = default;
  virtual ~AnySubject() = default;
  AnySubject(const AnySubject&) = delete;
  AnySubject& operator=(const AnySubject&) = delete;

  virtual void refuse(OsCall call, unsigned nth, unsigned times) = 0;
  virtual void acquire(int run, unsigned size_class) = 0;
  virtual void release(int run) = 0;
  /// \param refused the system takes back no part of a SuperSlab
  virtual void trim(bool refused) = 0;
};

template <template <class> class PoolT, class Geometry>
class Subject : public AnySubject {
 public:
  using ConfigT = PoolConfig<Geometry>;
  using Pool = PoolT<ConfigT>;
  using Classes = SizeClass<Geometry>;
  static constexpr std::size_t kMostCached = Geometry::kCachedSuperSlabs;

  explicit Subject(Coverage& coverage) : coverage_(coverage) { backend_.init(); }

  void refuse(OsCall call, unsigned nth, unsigned times) override { memory_.refuse(call, nth, times); }

  void acquire(int run, unsigned size_class) override {
    const unsigned count = Classes::layout(size_class).slots;
    const auto before = stages();
    const bool claimable = reference_.has_run(count, [](SlotState s) { return s != SlotState::kActive; });
    auto* slab = pool_.acquire_live(map_, size_class);
    // No slot is lost: what the reference could claim the pool can.
    RC_ASSERT((slab != nullptr) == claimable);
    const auto refused = memory_.refused();
    if (slab == nullptr) slab = pool_.acquire_fresh(backend_, size_class);
    if (slab == nullptr) {
      RC_ASSERT(memory_.refused() > refused);
      RC_ASSERT(cached_ == 0u);
      coverage_.hit("out of memory");
      return;
    }
    check_stage(before, *slab, count);
    reference_.set(slab->base.get(), count, SlotState::kActive);
    slab->size_class.set(static_cast<std::uint16_t>(size_class));
    for (unsigned i = 0; i < count; ++i) {
      const auto address = slab->base.get() + i * kSlotBytes<Geometry> + kSlotBytes<Geometry> - 1;
      RC_ASSERT(map_.find(reinterpret_cast<void*>(address)) == slab);
    }
    runs_[run] = slab;
    check();
  }

  void release(int run) override {
    const auto found = runs_.find(run);
    if (found == runs_.end()) return;  // there was no memory for it
    auto* slab = found->second;
    const std::size_t before = reference_.superslabs();
    reference_.set(slab->base.get(), slab->slots.get(), SlotState::kEmpty);
    pool_.release(backend_, *slab);
    runs_.erase(found);
    ++releases_;
    if (reference_.superslabs() < before) {
      ++retirements_;
      coverage_.hit("retired");
      if (cached_ < kMostCached) ++cached_;
    }
    check();
  }

  void trim(bool refused) override {
    const std::size_t discarded = refused ? 0 : reference_.discard_empty();
    memory_.refuse(OsCall::kDecommit, 1, refused ? TestMemory::kForEver : 0);
    RC_ASSERT(pool_.trim(backend_) == cached_ * kSuperSlabBytes<Geometry> + discarded * kSlotBytes<Geometry>);
    if (cached_ != 0) coverage_.hit("trimmed");
    if (discarded != 0) coverage_.hit("decommitted");
    if (refused) coverage_.hit("decommit refused");
    cached_ = 0;
    check();
  }

  /// Everything goes back, and then the memory does (I8).
  void finish() {
    memory_.grant_everything();
    while (!runs_.empty()) release(runs_.begin()->first);
    trim(false);
    RC_ASSERT(memory_.reservations() == 0u);
    coverage_.end_case();
  }

 private:
  static constexpr auto kStages = static_cast<std::size_t>(AcquireStage::kCount);
  using Stages = std::array<std::uint64_t, kStages>;

  [[nodiscard]] Stages stages() const {
    Stages all{};
    for (std::size_t i = 0; i < kStages; ++i) all[i] = pool_.acquired(static_cast<AcquireStage>(i));
    return all;
  }

  /// The one stage whose counter has grown must be the first that could serve the request.
  void check_stage(const Stages& before, const Slab<ConfigT>& slab, unsigned count) {
    const auto now = stages();
    std::size_t stage = kStages;
    for (std::size_t i = 0; i < kStages; ++i) {
      RC_ASSERT(now[i] - before[i] <= 1u);
      if (now[i] != before[i]) {
        RC_ASSERT(stage == kStages);
        stage = i;
      }
    }
    const auto states = reference_.states(slab.base.get(), count);
    const auto all = [&](SlotState state) {
      return static_cast<unsigned>(std::count(states.begin(), states.end(), state)) == count;
    };
    const auto has_run = [&](SlotState state) {
      return reference_.has_run(count, [state](SlotState s) { return s == state; });
    };
    RC_ASSERT(slab.base.get() % kSlotBytes<Geometry> == 0u);
    RC_ASSERT(std::count(states.begin(), states.end(), SlotState::kActive) == 0);
    switch (static_cast<AcquireStage>(stage)) {
      case AcquireStage::kSameClass:
        RC_ASSERT(all(SlotState::kEmpty));
        coverage_.hit("same class");
        break;
      case AcquireStage::kAnyClass:
        RC_ASSERT(all(SlotState::kEmpty) || !(has_run(SlotState::kEmpty) || has_run(SlotState::kUnused)));
        coverage_.hit(all(SlotState::kEmpty) ? "any class" : "EMPTY and UNUSED");
        break;
      case AcquireStage::kUnused:
        RC_ASSERT(all(SlotState::kUnused) && !has_run(SlotState::kEmpty));
        coverage_.hit("unused");
        break;
      case AcquireStage::kCached:
        RC_ASSERT(states.empty() && cached_ > 0);
        --cached_;
        reference_.start(slab.base.get());
        coverage_.hit("cached");
        break;
      case AcquireStage::kMapped:
        RC_ASSERT(states.empty() && cached_ == 0);
        reference_.start(slab.base.get());
        coverage_.hit("mapped");
        break;
      case AcquireStage::kCount: RC_FAIL("no stage was counted");
    }
  }

  void check() {
    RC_ASSERT(pool_.released() == releases_);
    RC_ASSERT(pool_.retired() == retirements_);
    RC_ASSERT(memory_.reservations() == reference_.superslabs() + cached_);
    RC_ASSERT(pool_.superslabs().mapped() - pool_.superslabs().unmapped() == memory_.reservations());
  }

  Coverage& coverage_;
  TestMemory memory_{kAddressBits};
  Backend<ConfigT> backend_{TestOs<kAddressBits>(memory_)};
  PageMap<ConfigT>& map_ = backend_.map;
  Pool pool_;
  Reference<Geometry> reference_;
  std::map<int, Slab<ConfigT>*> runs_;
  std::size_t cached_ = 0;
  std::uint64_t releases_ = 0;
  std::uint64_t retirements_ = 0;
};

// The operations ------------------------------------------------------------------------------------------------------

struct Acquire : rc::state::Command<Held, AnySubject> {
  int run_number;
  unsigned size_class;

  explicit Acquire(const Held& held) : run_number(held.next), size_class(draw::in_range(0u, held.classes)) {}
  void checkPreconditions(const Held& held) const override { RC_PRE(held.runs.count(run_number) == 0u); }
  void apply(Held& held) const override {
    held.runs[run_number] = size_class;
    held.next = std::max(held.next, run_number + 1);
  }
  void run(const Held&, AnySubject& subject) const override { subject.acquire(run_number, size_class); }
  void show(std::ostream& out) const override { out << "acquire run " << run_number << " of class " << size_class; }
};

struct Release : rc::state::Command<Held, AnySubject> {
  int run_number = -1;

  explicit Release(const Held& held) {
    RC_PRE(!held.runs.empty());
    run_number = draw::element_of(held.runs).first;
  }
  void checkPreconditions(const Held& held) const override { RC_PRE(held.runs.count(run_number) == 1u); }
  void apply(Held& held) const override { held.runs.erase(run_number); }
  void run(const Held&, AnySubject& subject) const override { subject.release(run_number); }
  void show(std::ostream& out) const override { out << "release run " << run_number; }
};

struct Trim : rc::state::Command<Held, AnySubject> {
  bool refused = draw::in_range(0, 4) == 0;

  void run(const Held&, AnySubject& subject) const override { subject.trim(refused); }
  void show(std::ostream& out) const override { out << (refused ? "trim, refused" : "trim"); }
};

struct Refuse : rc::state::Command<Held, AnySubject> {
  OsCall call = draw::element({OsCall::kReserve, OsCall::kMetadata});
  unsigned nth = draw::in_range(1u, 4u);
  unsigned times = draw::in_range(1u, 4u);

  void run(const Held&, AnySubject& subject) const override { subject.refuse(call, nth, times); }
  void show(std::ostream& out) const override {
    out << "refuse " << (call == OsCall::kReserve ? "reservation " : "metadata ") << nth << ", " << times << " times";
  }
};

template <template <class> class PoolT, class Geometry>
auto matches_reference(Coverage& coverage) {
  return [&coverage] {
    using SubjectT = Subject<PoolT, Geometry>;
    SubjectT subject(coverage);
    const Held none{.runs = {}, .next = 0, .classes = SubjectT::Classes::kCount};
    rc::state::check(none, static_cast<AnySubject&>(subject),
                     rc::state::gen::execOneOfWithArgs<Acquire, Acquire, Acquire, Acquire, Release, Release, Release,
                                                       Trim, Refuse>());
    subject.finish();
  };
}

TEST(SharedPoolProperty, MatchesReference) {
  Coverage coverage;
  EXPECT_TRUE(holds(matches_reference<SharedPool, ToyGeometry>(coverage), 10));
  EXPECT_TRUE(coverage.reaches({"same class", "any class", "unused", "cached", "mapped", "retired", "trimmed",
                                "decommitted", "decommit refused", "out of memory"},
                               10));
  EXPECT_TRUE(coverage.reaches({"EMPTY and UNUSED"}, 1));
}

TEST(SharedPoolProperty, MatchesReferenceOnLeastGeometry) {
  Coverage coverage;
  EXPECT_TRUE(holds(matches_reference<SharedPool, LeastPagedGeometry>(coverage), 10));
  EXPECT_TRUE(coverage.reaches({"same class", "any class", "unused", "cached", "mapped", "retired"}, 10));
}

// Negative controls ---------------------------------------------------------------------------------------------------

/// The original's list of 256 entries dropped the oldest: here every fourth released slot is never found again.
template <class ConfigT>
struct DropsSlots : SharedPool<ConfigT> {
  using Base = SharedPool<ConfigT>;
  auto* acquire_live(PageMap<ConfigT>& map, unsigned size_class) noexcept {
    return ++calls % 4 == 0 ? nullptr : Base::acquire_live(map, size_class);
  }
  unsigned calls = 0;
};

template <class ConfigT>
struct HandsOutTwice : SharedPool<ConfigT> {
  using Base = SharedPool<ConfigT>;
  auto* acquire_live(PageMap<ConfigT>& map, unsigned size_class) noexcept {
    auto* slab = Base::acquire_live(map, size_class);
    if (last != nullptr && slab != nullptr && last->slots.get() == slab->slots.get()) return last;
    last = slab;
    return slab;
  }
  Slab<ConfigT>* last = nullptr;
};

template <class ConfigT>
struct LeaksRetiredSuperSlabs : SharedPool<ConfigT> {
  using Base = SharedPool<ConfigT>;
  std::size_t trim(Backend<ConfigT>&) noexcept { return 0; }
};

template <class ConfigT>
struct PrefersFreshMappings : SharedPool<ConfigT> {
  using Base = SharedPool<ConfigT>;
  auto* acquire_live(PageMap<ConfigT>&, unsigned) noexcept { return static_cast<Slab<ConfigT>*>(nullptr); }
};

TEST(SharedPoolProperty, RefutesPlantedFaults) {
  Coverage unused;
  EXPECT_TRUE(is_refuted(matches_reference<DropsSlots, ToyGeometry>(unused), "claimable", 8));
  EXPECT_TRUE(is_refuted(matches_reference<HandsOutTwice, ToyGeometry>(unused), "SlotState::kActive", 6));
  EXPECT_TRUE(is_refuted(matches_reference<LeaksRetiredSuperSlabs, ToyGeometry>(unused), "trim", 4));
  EXPECT_TRUE(is_refuted(matches_reference<PrefersFreshMappings, ToyGeometry>(unused), "claimable", 4));
}

}  // namespace
}  // namespace hakmem::test
