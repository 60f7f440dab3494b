/// What a synchronisation policy must have is asked for, and what it may have is not. The compiler judges all of it but
/// for one test; that the core needs no more is shown by policies/least_policies_test.cpp.

#include "sync/sync_concept.hpp"

#include <gtest/gtest.h>

#include "support/least_sync.hpp"
#include "sync/counter.hpp"
#include "sync/hardened_sync.hpp"
#include "sync/std_sync.hpp"

namespace hakmem::test {
namespace {

// What must be there --------------------------------------------------------------------------------------------------

/// A policy over another atomic.
template <template <class> class A>
struct With : LeastSync {
  template <class T>
  using Atomic = A<T>;
};

template <class T>
struct Whole : LeastSync::Atomic<T> {};
template <class T>
struct NoDefault : LeastSync::Atomic<T> {
  explicit NoDefault(T value);
};
template <class T>
struct NoLoad : LeastSync::Atomic<T> {
  T load(std::memory_order) const = delete;
};
template <class T>
struct NoStore : LeastSync::Atomic<T> {
  void store(T, std::memory_order) = delete;
};
template <class T>
struct NoExchange : LeastSync::Atomic<T> {
  T exchange(T, std::memory_order) = delete;
};
template <class T>
struct NoWeak : LeastSync::Atomic<T> {
  bool compare_exchange_weak(T&, T, std::memory_order, std::memory_order) = delete;
};
template <class T>
struct NoStrong : LeastSync::Atomic<T> {
  bool compare_exchange_strong(T&, T, std::memory_order, std::memory_order) = delete;
};
template <class T>
struct NoAdd : LeastSync::Atomic<T> {
  T fetch_add(T, std::memory_order) = delete;
};
template <class T>
struct NoOr : LeastSync::Atomic<T> {
  T fetch_or(T, std::memory_order) = delete;
};
template <class T>
struct NoAnd : LeastSync::Atomic<T> {
  T fetch_and(T, std::memory_order) = delete;
};

static_assert(SyncPolicy<With<Whole>>);
static_assert(!SyncPolicy<With<NoDefault>> && !SyncPolicy<With<NoLoad>> && !SyncPolicy<With<NoStore>>);
static_assert(!SyncPolicy<With<NoExchange>> && !SyncPolicy<With<NoWeak>> && !SyncPolicy<With<NoStrong>>);
static_assert(!SyncPolicy<With<NoAdd>> && !SyncPolicy<With<NoOr>> && !SyncPolicy<With<NoAnd>>);

/// A policy over another plain variable.
template <template <class> class P>
struct Over : LeastSync {
  template <class T>
  using Plain = P<T>;
};

template <class T>
struct WholePlain : LeastSync::Plain<T> {};
template <class T>
struct NoDefaultPlain : LeastSync::Plain<T> {
  explicit NoDefaultPlain(T value);
};
template <class T>
struct NoGet : LeastSync::Plain<T> {
  T get() const = delete;
};
template <class T>
struct NoSet : LeastSync::Plain<T> {
  void set(T) = delete;
};

static_assert(SyncPolicy<Over<WholePlain>>);
static_assert(!SyncPolicy<Over<NoDefaultPlain>> && !SyncPolicy<Over<NoGet>> && !SyncPolicy<Over<NoSet>>);

struct NoLoadLink : LeastSync {
  static void* load_link(const void*) = delete;
};
struct NoStoreLink : LeastSync {
  static void store_link(void*, void*) = delete;
};
struct NoPause : LeastSync {
  static void pause() = delete;
};
struct ThrowingLink : LeastSync {
  static void* load_link(const void* block);
};

static_assert(!SyncPolicy<NoLoadLink> && !SyncPolicy<NoStoreLink> && !SyncPolicy<NoPause>);
static_assert(!SyncPolicy<ThrowingLink>);

// What may be there ---------------------------------------------------------------------------------------------------

static_assert(!MarksFreeBlocks<LeastSync> && !SealsLinks<LeastSync>);
static_assert(!DecrementsAtOnce<LeastSync> && !AddsOwnedAtOnce<LeastSync>);
static_assert(KeepsStatistics<LeastSync> && TunesSettings<LeastSync>, "who says nothing does");

struct Marking : LeastSync {
  static constexpr bool kMarksFreeBlocks = true;
  static bool load_mark(const void* block) noexcept;
  static void store_mark(void* block, bool is_free) noexcept;
};
struct MarkingNoMore : Marking {
  static constexpr bool kMarksFreeBlocks = false;
};
struct MarkingInWordsAlone : LeastSync {
  static constexpr bool kMarksFreeBlocks = true;
};

static_assert(SyncPolicy<Marking> && MarksFreeBlocks<Marking>);
static_assert(SyncPolicy<MarkingNoMore> && !MarksFreeBlocks<MarkingNoMore>);
static_assert(!SyncPolicy<MarkingInWordsAlone>, "it would not mark, and nobody would notice");

struct Alarm {
  static void written_after_free(const void* block) noexcept;
};
using Sealing = HardenedSync<LeastSync, Alarm>;

static_assert(SyncPolicy<Sealing> && SealsLinks<Sealing> && !MarksFreeBlocks<Sealing>);

struct TakingOneOneWay : LeastSync {
  static bool decrement_is_positive(Plain<std::int32_t>& count) noexcept;
};
struct TakingOne : TakingOneOneWay {
  static bool decrement_is_negative(Plain<std::int32_t>& count) noexcept;
};

static_assert(SyncPolicy<TakingOne> && DecrementsAtOnce<TakingOne>);
static_assert(SyncPolicy<TakingOneOneWay> && !DecrementsAtOnce<TakingOneOneWay>, "half of a part is none");

struct Adding : LeastSync {
  static void add_owned(Atomic<std::uint64_t>& count, std::uint64_t n) noexcept;
};
struct AddingToOthers : LeastSync {
  static void add_owned(std::uint64_t& count, std::uint64_t n) noexcept;
};

static_assert(SyncPolicy<Adding> && AddsOwnedAtOnce<Adding>);
static_assert(SyncPolicy<AddingToOthers> && !AddsOwnedAtOnce<AddingToOthers>, "not to atomics of its own");

template <bool kYes>
struct Saying : LeastSync {
  static constexpr bool kStatistics = kYes;
  static constexpr bool kTunable = kYes;
};

static_assert(SyncPolicy<Saying<true>> && KeepsStatistics<Saying<true>> && TunesSettings<Saying<true>>);
static_assert(SyncPolicy<Saying<false>> && !KeepsStatistics<Saying<false>> && !TunesSettings<Saying<false>>);

/// What ships has all that makes the paths of malloc and free short, and its hardened form seals.
static_assert(MarksFreeBlocks<StdSync> && KeepsStatistics<StdSync> && TunesSettings<StdSync>);
static_assert(SealsLinks<HardenedSync<StdSync, Alarm>> && !MarksFreeBlocks<HardenedSync<StdSync, Alarm>>);

/// What the machine does at once, the policy does at once.
template <class Machine>
concept MachineAddsOwned = requires(std::atomic<std::uint64_t>& count) { Machine::add_owned(count, 1); };
template <class Machine>
concept MachineDecrements = requires(std::int32_t& value) {
  Machine::decrement_is_positive(value);
  Machine::decrement_is_negative(value);
};
static_assert(AddsOwnedAtOnce<StdSync> == MachineAddsOwned<machine::Instructions>);
#ifndef __SANITIZE_THREAD__
static_assert(DecrementsAtOnce<StdSync> == MachineDecrements<machine::Instructions>);
#endif

TEST(LeastSync, AtomicsAndLinksAreThoseOfThePolicyBelow) {
  Counter<LeastSync> counter;
  counter.add(3);
  EXPECT_EQ(counter.get(), 3u);
  void* block[2] = {};
  LeastSync::store_link(block, &counter);
  EXPECT_EQ(TestSync::load_link(block), &counter);
}

}  // namespace
}  // namespace hakmem::test
