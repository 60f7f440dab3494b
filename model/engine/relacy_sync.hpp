#pragma once
/// The synchronisation policy of the model: the shipping headers, instantiated with it, run inside the checker.
///
/// Every operation takes its place in the source as a defaulted last argument. Atomics are sites (sites.hpp), plain
/// variables are checked for races, in-block links go to the simulated memory, where they meet the user's own writes.

#include <atomic>
#include <concepts>
#include <cstdint>
#include <ios>
#include <ostream>
#include <type_traits>

#include "model/engine/relacy.hpp"
#include "model/engine/simulated_memory.hpp"
#include "model/engine/sites.hpp"
#include "model/engine/variable.hpp"
#include "model/engine/visibility.hpp"
#include "model/engine/where.hpp"
#include "sync/sync_concept.hpp"

namespace hakmem::model {

constexpr rl::memory_order to_relacy(std::memory_order order) noexcept {
  return static_cast<rl::memory_order>(static_cast<int>(order));
}
static_assert(to_relacy(std::memory_order_relaxed) == rl::mo_relaxed &&
              to_relacy(std::memory_order_acquire) == rl::mo_acquire &&
              to_relacy(std::memory_order_release) == rl::mo_release &&
              to_relacy(std::memory_order_acq_rel) == rl::mo_acq_rel &&
              to_relacy(std::memory_order_seq_cst) == rl::mo_seq_cst);

/// What of a read-modify-write's order belongs to its load, and to its store.
constexpr std::memory_order load_part(std::memory_order order) noexcept {
  if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  return order == std::memory_order_release ? std::memory_order_relaxed : order;
}
constexpr std::memory_order store_part(std::memory_order order) noexcept {
  if (order == std::memory_order_acq_rel) return std::memory_order_release;
  return order == std::memory_order_acquire || order == std::memory_order_consume ? std::memory_order_relaxed : order;
}

template <class T>
class ModelAtomic {
  using Thread = rl::thread_info_base;

 public:
  ModelAtomic() { initialise(T{}); }
  explicit ModelAtomic(T value) { initialise(value); }
  ModelAtomic(const ModelAtomic&) = delete;
  ModelAtomic& operator=(const ModelAtomic&) = delete;

  T load(std::memory_order order, Where where = Where::here()) const {
    const Site& site = hit(where, Operation::kLoad, {order});
    const T value = atomic_.load(to_relacy(site.in_force.success), info_of(site.where));
    if constexpr (std::is_integral_v<T>) Sites::note(static_cast<std::uint64_t>(value));
    return value;
  }

  void store(T value, std::memory_order order, Where where = Where::here()) {
    const Site& site = hit(where, Operation::kStore, {order});
    if (site.behaviour == Behaviour::kLost) return;
    if (site.behaviour == Behaviour::kRepeated)
      atomic_.store(value, to_relacy(site.in_force.success), info_of(site.where));
    atomic_.store(value, to_relacy(site.in_force.success), info_of(site.where));
  }

  T exchange(T value, std::memory_order order, Where where = Where::here()) {
    return modify<rl::rmw_type_swap>(Operation::kExchange, value, order, where);
  }

  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             Where where = Where::here()) {
    return compare_exchange<true>(expected, desired, hit(where, Operation::kCompareExchange, {success, failure}));
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               Where where = Where::here()) {
    return compare_exchange<false>(expected, desired, hit(where, Operation::kCompareExchange, {success, failure}));
  }

  template <class D>
  T fetch_add(D value, std::memory_order order, Where where = Where::here()) {
    return modify<rl::rmw_type_add>(Operation::kFetchAdd, value, order, where);
  }
  template <class D>
  T fetch_sub(D value, std::memory_order order, Where where = Where::here()) {
    return modify<rl::rmw_type_sub>(Operation::kFetchSub, value, order, where);
  }
  T fetch_or(T value, std::memory_order order, Where where = Where::here()) {
    return modify<rl::rmw_type_or>(Operation::kFetchOr, value, order, where);
  }
  T fetch_and(T value, std::memory_order order, Where where = Where::here()) {
    return modify<rl::rmw_type_and>(Operation::kFetchAnd, value, order, where);
  }
  T fetch_xor(T value, std::memory_order order, Where where = Where::here()) {
    return modify<rl::rmw_type_xor>(Operation::kFetchXor, value, order, where);
  }

  /// The latest value, for invariants: not an operation of any thread.
  [[nodiscard]] T debug_value() const { return atomic_.debug_value(); }

 private:
  /// A relaxed store by the constructing thread that is not a step of its own.
  void initialise(T value) {
    const Thread& thread = *rl::ctx().threadx_;
    const unsigned index = rl::ctx().threadx_->atomic_store_relaxed(atomic_.impl_);
    creator_ = thread.index_;
    born_ = thread.own_acq_rel_order_;
    atomic_.last_index_ = index;
    atomic_.history_[index] = value;
    atomic_.value_ = value;
    atomic_.initialized_ = true;
  }

  /// The site of an operation. Who reaches an atomic without having synchronised with its construction races with that;
  /// the checker itself would see it in loads alone, and not in all of them.
  Site& hit(const Where& where, Operation operation, Orders orders) const {
    atomic_.sign_.check(info_of(where));
    rl::context& c = rl::ctx();
    if (c.threadx_->acq_rel_order_[creator_] < born_) [[unlikely]] {
      c.fail_test("an atomic whose construction this thread cannot see", rl::test_result_unitialized_access,
                  info_of(where));
    }
    Site& site = Sites::hit(where, operation, orders);
    if (Visibility::noting) Visibility::note(*usage_, static_cast<unsigned>(c.threadx_->index_), operation, site);
    return site;
  }

  template <rl::rmw_type_e kType, class D>
  T modify(Operation operation, D value, std::memory_order order, const Where& where) {
    const Site& site = hit(where, operation, {order});
    if (site.behaviour != Behaviour::kAsWritten) [[unlikely]]
      return modify_broken<kType>(value, site);
    return atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(site.in_force.success), info_of(site.where));
  }

  template <rl::rmw_type_e kType, class D>
  T modify_broken(D value, const Site& site) {
    const std::memory_order order = site.in_force.success;
    if (site.behaviour == Behaviour::kRepeated) {
      const T first = atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(order), info_of(site.where));
      atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(order), info_of(site.where));
      return first;
    }
    const T seen = atomic_.load(to_relacy(load_part(order)), info_of(site.where));
    if (site.behaviour == Behaviour::kLost) return seen;
    atomic_.store(rl::perform_rmw(rl::rmw_type_t<kType>(), seen, value), to_relacy(store_part(order)),
                  info_of(site.where));
    return seen;
  }

  /// The checker's public interface knows no failure order stronger than the success order, and silently weakens it.
  /// C++17 allows it, so this calls what is behind the interface.
  template <bool kWeak>
  bool compare_exchange(T& expected, T desired, Site& site) {
    site.weak = kWeak;
    if (site.behaviour != Behaviour::kAsWritten) [[unlikely]]
      return compare_exchange_broken<kWeak>(expected, desired, site);
    return compare_exchange_atomic<kWeak>(expected, desired, site);
  }

  template <bool kWeak>
  bool compare_exchange_atomic(T& expected, T desired, const Site& site) {
    switch (site.in_force.success) {
      case std::memory_order_relaxed:
        return swap<kWeak, rl::mo_relaxed, &Thread::atomic_rmw_relaxed>(expected, desired, site);
      case std::memory_order_release:
        return swap<kWeak, rl::mo_release, &Thread::atomic_rmw_release>(expected, desired, site);
      case std::memory_order_acq_rel:
        return swap<kWeak, rl::mo_acq_rel, &Thread::atomic_rmw_acq_rel>(expected, desired, site);
      case std::memory_order_seq_cst:
        return swap<kWeak, rl::mo_seq_cst, &Thread::atomic_rmw_seq_cst>(expected, desired, site);
      default: return swap<kWeak, rl::mo_acquire, &Thread::atomic_rmw_acquire>(expected, desired, site);
    }
  }

  template <bool kWeak, rl::memory_order kSuccess, unsigned (Thread::*kModify)(rl::atomic_data*, bool&)>
  bool swap(T& expected, T desired, const Site& site) {
    switch (site.in_force.failure) {
      case std::memory_order_relaxed:
      case std::memory_order_release:
        return atomic_
            .template compare_swap_impl<kWeak, kSuccess, kModify, rl::mo_relaxed, &Thread::atomic_load_relaxed_rmw>(
                expected, desired, info_of(site.where));
      case std::memory_order_seq_cst:
        return atomic_
            .template compare_swap_impl<kWeak, kSuccess, kModify, rl::mo_seq_cst, &Thread::atomic_load_seq_cst_rmw>(
                expected, desired, info_of(site.where));
      default:
        return atomic_
            .template compare_swap_impl<kWeak, kSuccess, kModify, rl::mo_acquire, &Thread::atomic_load_acquire_rmw>(
                expected, desired, info_of(site.where));
    }
  }

  template <bool kWeak>
  bool compare_exchange_broken(T& expected, T desired, Site& site) {
    const std::memory_order order = site.in_force.success;
    if (site.behaviour == Behaviour::kInverted) return !compare_exchange_atomic<kWeak>(expected, desired, site);
    if (site.behaviour == Behaviour::kRepeated) {
      const bool done = compare_exchange_atomic<kWeak>(expected, desired, site);
      if (done) atomic_.store(desired, to_relacy(store_part(order)), info_of(site.where));
      return done;
    }
    if (site.behaviour == Behaviour::kSpurious) {
      if (site.failures == kSpuriousFailures) {
        site.failures = 0;
        return compare_exchange_atomic<kWeak>(expected, desired, site);
      }
      ++site.failures;
      expected = atomic_.load(to_relacy(site.in_force.failure), info_of(site.where));
      return false;
    }
    const T seen = atomic_.load(to_relacy(load_part(order)), info_of(site.where));
    if (!(seen == expected)) {
      expected = seen;
      return false;
    }
    if (site.behaviour == Behaviour::kSplit) atomic_.store(desired, to_relacy(store_part(order)), info_of(site.where));
    return true;
  }

  static constexpr unsigned kSpuriousFailures = 2;

  rl::atomic<T> atomic_;
  rl::thread_id_t creator_ = 0;
  rl::timestamp_t born_ = 0;
  Visibility::Usage* usage_ = &Visibility::of(this);
};

/// The policy. See sync/sync_concept.hpp for what is asked of it.
struct RelacySync {
  /// Statistics would multiply the schedules and show nothing.
  static constexpr bool kStatistics = false;
  static constexpr bool kTunable = false;

  template <class T>
  using Atomic = ModelAtomic<T>;
  template <class T>
  using Plain = Variable<T>;

  static void* load_link(const void* block, Where where = Where::here()) noexcept {
    return reinterpret_cast<void*>(SimulatedMemory::read(block, "link", where));
  }
  static void store_link(void* block, void* next, Where where = Where::here()) noexcept {
    SimulatedMemory::write(block, reinterpret_cast<std::uintptr_t>(next), "link", where);
  }

  /// Lets the others run: what a retry loop waits for is another thread's doing.
  static void pause(Where where = Where::here()) noexcept {
    const Site& site = Sites::hit(where, Operation::kPause, {std::memory_order_relaxed});
    if (site.behaviour == Behaviour::kLost) return;
    rl::yield(1, info_of(site.where));
  }
};

static_assert(SyncPolicy<RelacySync>);

/// What the user of a block does with it: its first word shares its memory with the link of the free lists, so a link
/// that is read or written while the block is out is a race here.
inline void payload_write(void* block, std::uintptr_t value, Where where = Where::here()) {
  SimulatedMemory::write(block, value, "payload", where);
}
[[nodiscard]] inline std::uintptr_t payload_read(const void* block, Where where = Where::here()) {
  return SimulatedMemory::read(block, "payload", where);
}

/// Ends the execution as a failure unless `holds`. \param what names the invariant: "I2 conserved: a block is lost"
inline void require(bool holds, const char* what, Where where = Where::here()) {
  if (!holds) [[unlikely]] {
    rl::ctx().fail_test(what, rl::test_result_user_assert_failed, info_of(where));
  }
}

}  // namespace hakmem::model
