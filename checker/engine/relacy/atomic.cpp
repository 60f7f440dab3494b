#include "engine/relacy/atomic.hpp"

#include <memory>
#include <new>

#include "engine/graph/native.hpp"
#include "engine/relacy/execution.hpp"
#include "engine/relacy/faults.hpp"
#include "engine/relacy/relacy.hpp"

namespace check {

namespace {

using graph::Native;

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

constexpr unsigned kSpuriousFailures = 2;

/// What a read-modify-write writes.
template <class Word>
constexpr Word modified(Operation operation, Word before, Word value) {
  if constexpr (std::is_integral_v<Word>) {
    switch (operation) {
      case Operation::kFetchAdd: return static_cast<Word>(before + value);
      case Operation::kFetchSub: return static_cast<Word>(before - value);
      case Operation::kFetchOr: return before | value;
      case Operation::kFetchAnd: return before & value;
      case Operation::kFetchXor: return before ^ value;
      default: break;
    }
  }
  return value;
}

/// The operations on Relacy's atomic.
template <class Word>
class RelacyAccess {
  using Thread = rl::thread_info_base;

 public:
  RelacyAccess(rl::atomic<Word>& atomic, const Site& site) : atomic_(atomic), info_(info_of(site.where)) {}

  [[nodiscard]] Word load(std::memory_order order) const { return atomic_.load(to_relacy(order), info_); }
  void store(Word value, std::memory_order order) const { atomic_.store(value, to_relacy(order), info_); }

  [[nodiscard]] Word modify(Operation operation, Word value, std::memory_order order) const {
    if constexpr (!std::is_pointer_v<Word>) {
      switch (operation) {
        case Operation::kFetchAdd: return modify<rl::rmw_type_add>(value, order);
        case Operation::kFetchSub: return modify<rl::rmw_type_sub>(value, order);
        case Operation::kFetchOr: return modify<rl::rmw_type_or>(value, order);
        case Operation::kFetchAnd: return modify<rl::rmw_type_and>(value, order);
        case Operation::kFetchXor: return modify<rl::rmw_type_xor>(value, order);
        default: break;
      }
    }
    return modify<rl::rmw_type_swap>(value, order);
  }

  void fails_for_no_reason() const {}

  /// Relacy's public interface knows no failure order stronger than the success order, and silently weakens it.
  /// C++17 allows it, so this calls what is behind the interface.
  template <bool kWeak>
  [[nodiscard]] bool compare_exchange(Word& expected, Word desired, Orders orders) const {
    switch (orders.success) {
      case std::memory_order_relaxed:
        return swap<kWeak, rl::mo_relaxed, &Thread::atomic_rmw_relaxed>(expected, desired, orders.failure);
      case std::memory_order_release:
        return swap<kWeak, rl::mo_release, &Thread::atomic_rmw_release>(expected, desired, orders.failure);
      case std::memory_order_acq_rel:
        return swap<kWeak, rl::mo_acq_rel, &Thread::atomic_rmw_acq_rel>(expected, desired, orders.failure);
      case std::memory_order_seq_cst:
        return swap<kWeak, rl::mo_seq_cst, &Thread::atomic_rmw_seq_cst>(expected, desired, orders.failure);
      default: return swap<kWeak, rl::mo_acquire, &Thread::atomic_rmw_acquire>(expected, desired, orders.failure);
    }
  }

 private:
  template <rl::rmw_type_e kType>
  [[nodiscard]] Word modify(Word value, std::memory_order order) const {
    return atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(order), info_);
  }

  template <bool kWeak, rl::memory_order kSuccess, unsigned (Thread::*kModify)(rl::atomic_data*, bool&)>
  [[nodiscard]] bool swap(Word& expected, Word desired, std::memory_order failure) const {
    switch (failure) {
      case std::memory_order_relaxed:
      case std::memory_order_release:
        return atomic_
            .template compare_swap_impl<kWeak, kSuccess, kModify, rl::mo_relaxed, &Thread::atomic_load_relaxed_rmw>(
                expected, desired, info_);
      case std::memory_order_seq_cst:
        return atomic_
            .template compare_swap_impl<kWeak, kSuccess, kModify, rl::mo_seq_cst, &Thread::atomic_load_seq_cst_rmw>(
                expected, desired, info_);
      default:
        return atomic_
            .template compare_swap_impl<kWeak, kSuccess, kModify, rl::mo_acquire, &Thread::atomic_load_acquire_rmw>(
                expected, desired, info_);
    }
  }

  rl::atomic<Word>& atomic_;
  const rl::debug_info info_;
};

EventKind kind_of(Operation operation) {
  switch (operation) {
    case Operation::kLoad: return EventKind::kLoad;
    case Operation::kStore: return EventKind::kStore;
    case Operation::kFetchAdd: return EventKind::kFetchAdd;
    case Operation::kFetchSub: return EventKind::kFetchSub;
    case Operation::kFetchOr: return EventKind::kFetchOr;
    case Operation::kFetchAnd: return EventKind::kFetchAnd;
    case Operation::kFetchXor: return EventKind::kFetchXor;
    case Operation::kCompareExchange: return EventKind::kCompareExchange;
    default: return EventKind::kExchange;
  }
}

/// The operations on an atomic of the graph engine.
template <class Word>
class GraphAccess {
  using What = graph::Operation::What;
  using Update = graph::Value (*)(graph::Value, graph::Value);

 public:
  GraphAccess(Native& native, graph::Atom& atom, const Site& site) : native_(native), atom_(atom), site_(site) {}

  [[nodiscard]] static graph::Value value_of(Word word) {
    if constexpr (std::is_pointer_v<Word>) {
      return reinterpret_cast<std::uintptr_t>(word);
    } else {
      return static_cast<graph::Value>(word);
    }
  }
  [[nodiscard]] static Word word_of(graph::Value value) {
    if constexpr (std::is_pointer_v<Word>) {
      return reinterpret_cast<Word>(value);
    } else {
      return static_cast<Word>(value);
    }
  }

  [[nodiscard]] Word load(std::memory_order order) const {
    return perform(Operation::kLoad, What::kRead, order, Word{});
  }
  void store(Word value, std::memory_order order) const {
    (void)perform(Operation::kStore, What::kWrite, order, value);
  }

  void fails_for_no_reason() const { native_.does_not_wait(); }

  [[nodiscard]] Word modify(Operation operation, Word value, std::memory_order order) const {
    return perform(operation, What::kUpdate, order, value, update_of(operation));
  }

  template <bool kWeak>
  [[nodiscard]] bool compare_exchange(Word& expected, Word desired, Orders orders) const {
    graph::Operation operation;
    operation.what = What::kCompareExchange;
    operation.weak = kWeak;
    operation.order = orders.success;
    operation.failure_order = orders.failure;
    operation.value = value_of(desired);
    operation.expected = value_of(expected);
    Faults::at_step();
    const auto [seen, done] = native_.swap(atom_, operation, note(EventKind::kCompareExchange));
    if (!done) expected = word_of(seen);
    return done;
  }

 private:
  template <Operation kOperation>
  static graph::Value updated(graph::Value before, graph::Value value) {
    return value_of(modified(kOperation, word_of(before), word_of(value)));
  }
  static Update update_of(Operation operation) {
    switch (operation) {
      case Operation::kFetchAdd: return updated<Operation::kFetchAdd>;
      case Operation::kFetchSub: return updated<Operation::kFetchSub>;
      case Operation::kFetchOr: return updated<Operation::kFetchOr>;
      case Operation::kFetchAnd: return updated<Operation::kFetchAnd>;
      case Operation::kFetchXor: return updated<Operation::kFetchXor>;
      default: return updated<Operation::kExchange>;
    }
  }

  [[nodiscard]] graph::Note note(EventKind kind) const {
    constexpr ValueType kType = std::is_pointer_v<Word>  ? ValueType::kPointer
                                : std::is_signed_v<Word> ? ValueType::kSigned
                                                         : ValueType::kUnsigned;
    return {kind, kType, &atom_, site_.where};
  }

  Word perform(Operation kind, What what, std::memory_order order, Word value, Update update = nullptr) const {
    graph::Operation operation;
    operation.what = what;
    operation.order = order;
    operation.value = value_of(value);
    operation.update = update;
    Faults::at_step();
    return word_of(native_.perform(atom_, operation, note(kind_of(kind))));
  }

  Native& native_;
  graph::Atom& atom_;
  const Site& site_;
};

/// The operations of a site, in force as it is mutated.
template <class Word, class Access>
class Sited {
 public:
  Sited(const Access& access, Site& site) : access_(access), site_(site) {}

  [[nodiscard]] Word load() const { return access_.load(site_.in_force.success); }

  void store(Word value) const {
    if (site_.behaviour == Behaviour::kLost) return;
    if (site_.behaviour == Behaviour::kRepeated) access_.store(value, site_.in_force.success);
    access_.store(value, site_.in_force.success);
  }

  [[nodiscard]] Word modify(Word value) const {
    if (site_.behaviour != Behaviour::kAsWritten) [[unlikely]]
      return modify_broken(value);
    return access_.modify(site_.operation, value, site_.in_force.success);
  }

  template <bool kWeak>
  [[nodiscard]] bool compare_exchange(Word& expected, Word desired) const {
    site_.weak = kWeak;
    if (site_.behaviour != Behaviour::kAsWritten) [[unlikely]]
      return compare_exchange_broken<kWeak>(expected, desired);
    return access_.template compare_exchange<kWeak>(expected, desired, site_.in_force);
  }

 private:
  [[nodiscard]] [[gnu::cold]] Word modify_broken(Word value) const {
    const std::memory_order order = site_.in_force.success;
    if (site_.behaviour == Behaviour::kRepeated) {
      const Word first = access_.modify(site_.operation, value, order);
      (void)access_.modify(site_.operation, value, order);
      return first;
    }
    const Word seen = access_.load(load_part(order));
    if (site_.behaviour == Behaviour::kLost) return seen;
    access_.store(modified(site_.operation, seen, value), store_part(order));
    return seen;
  }

  template <bool kWeak>
  [[nodiscard]] [[gnu::cold]] bool compare_exchange_broken(Word& expected, Word desired) const {
    const std::memory_order order = site_.in_force.success;
    const auto swap = [&] { return access_.template compare_exchange<kWeak>(expected, desired, site_.in_force); };
    if (site_.behaviour == Behaviour::kInverted) return !swap();
    if (site_.behaviour == Behaviour::kRepeated) {
      const bool done = swap();
      if (done) access_.store(desired, store_part(order));
      return done;
    }
    if (site_.behaviour == Behaviour::kSpurious) {
      unsigned& failures = site_.failures[running_thread()];
      if (failures == kSpuriousFailures) {
        failures = 0;
        return swap();
      }
      ++failures;
      access_.fails_for_no_reason();
      expected = access_.load(site_.in_force.failure);
      return false;
    }
    const Word seen = access_.load(load_part(order));
    if (!(seen == expected)) {
      expected = seen;
      return false;
    }
    if (site_.behaviour == Behaviour::kSplit) access_.store(desired, store_part(order));
    return true;
  }

  const Access access_;
  Site& site_;
};

}  // namespace

template <class Word>
struct AtomicWord<Word>::Inside {
  using Atomic = rl::atomic<Word>;
  static_assert(sizeof(Atomic) == kBytes && alignof(Atomic) <= 8);
  static_assert(sizeof(graph::Atom) <= kBytes && alignof(graph::Atom) <= 8);
  static_assert(std::is_same_v<rl::thread_id_t, int> && std::is_same_v<rl::timestamp_t, std::size_t>);

  static Atomic& of(const AtomicWord& word) {
    return *std::launder(reinterpret_cast<Atomic*>(const_cast<std::byte*>(word.atomic_)));
  }
  static graph::Atom& atom_of(const AtomicWord& word) {
    return *std::launder(reinterpret_cast<graph::Atom*>(const_cast<std::byte*>(word.atomic_)));
  }

  /// Does something with the operations of a site, in the engine that runs.
  template <class Do>
  static auto at(const AtomicWord& word, const Where& where, Operation operation, Orders orders, Do what) {
    if (Native* const native = Native::running) {
      Site& site = Sites::hit(where, operation, orders);
      Visibility::note_site(native->thread(), site);
      return what(Sited<Word, GraphAccess<Word>>({*native, atom_of(word), site}, site));
    }
    Site& site = hit(word, where, operation, orders);
    return what(Sited<Word, RelacyAccess<Word>>({of(word), site}, site));
  }

  /// The site of an operation. Who reaches an atomic without having synchronised with its construction races with that;
  /// Relacy itself would see it in loads alone, and not in all of them.
  static Site& hit(const AtomicWord& word, const Where& where, Operation operation, Orders orders) {
    of(word).sign_.check(info_of(where));
    rl::context& c = rl::ctx();
    if (c.threadx_->acq_rel_order_[word.creator_] < word.born_) [[unlikely]] {
      c.fail_test("an atomic whose construction this thread cannot see", rl::test_result_unitialized_access,
                  info_of(where));
    }
    Site& site = Sites::hit(where, operation, orders);
    if (Visibility::noting) Visibility::note(*word.usage_, static_cast<unsigned>(c.threadx_->index_), operation, site);
    return site;
  }
};

template <class Word>
AtomicWord<Word>::AtomicWord(Word value) {
  if (Native* const native = Native::running) {
    native->born(*::new (static_cast<void*>(atomic_)) graph::Atom, GraphAccess<Word>::value_of(value));
    return;
  }
  usage_ = &Visibility::of(this);
  auto& atomic = *::new (static_cast<void*>(atomic_)) typename Inside::Atomic;
  const rl::thread_info_base& thread = *rl::ctx().threadx_;
  const unsigned index = rl::ctx().threadx_->atomic_store_relaxed(atomic.impl_);
  if (Recorder::running != nullptr) [[unlikely]]
    Recorder::running->forget(&atomic);
  creator_ = thread.index_;
  born_ = thread.own_acq_rel_order_;
  atomic.last_index_ = index;
  atomic.history_[index] = value;
  atomic.value_ = value;
  atomic.initialized_ = true;
}

template <class Word>
AtomicWord<Word>::~AtomicWord() {
  if (Native* const native = Native::running) {
    native->dead(Inside::atom_of(*this));
  } else {
    std::destroy_at(&Inside::of(*this));
  }
}

template <class Word>
Word AtomicWord<Word>::load(std::memory_order order, const Where& where) const {
  const Word value =
      Inside::at(*this, where, Operation::kLoad, {order}, [](const auto& sited) { return sited.load(); });
  if constexpr (std::is_integral_v<Word>) Sites::note(static_cast<std::uint64_t>(value));
  return value;
}

template <class Word>
void AtomicWord<Word>::store(Word value, std::memory_order order, const Where& where) {
  Inside::at(*this, where, Operation::kStore, {order}, [&](const auto& sited) { sited.store(value); });
}

template <class Word>
Word AtomicWord<Word>::modify(Operation operation, Word value, std::memory_order order, const Where& where) {
  return Inside::at(*this, where, operation, {order}, [&](const auto& sited) { return sited.modify(value); });
}

template <class Word>
bool AtomicWord<Word>::compare_exchange(bool weak, Word& expected, Word desired, Orders orders, const Where& where) {
  return Inside::at(*this, where, Operation::kCompareExchange, orders, [&](const auto& sited) {
    return weak ? sited.template compare_exchange<true>(expected, desired)
                : sited.template compare_exchange<false>(expected, desired);
  });
}

template <class Word>
Word AtomicWord<Word>::debug_value() const {
  if (Native::running != nullptr) return GraphAccess<Word>::word_of(Inside::atom_of(*this).value);
  return Inside::of(*this).debug_value();
}

template class AtomicWord<int>;
template class AtomicWord<std::uint32_t>;
template class AtomicWord<std::int64_t>;
template class AtomicWord<std::uint64_t>;
template class AtomicWord<void*>;

}  // namespace check
