#include "engine/relacy/atomic.hpp"

#include <memory>
#include <new>

#include "engine/relacy/relacy.hpp"

namespace check {

namespace {

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

/// The operations on Relacy's atomic, once the site is known.
template <class Word>
class Access {
  using Thread = rl::thread_info_base;

 public:
  Access(rl::atomic<Word>& atomic, Site& site) : atomic_(atomic), site_(site), info_(info_of(site.where)) {}

  [[nodiscard]] const Site& site() const { return site_; }
  [[nodiscard]] Word load(std::memory_order order) const { return atomic_.load(to_relacy(order), info_); }
  void store(Word value, std::memory_order order) const { atomic_.store(value, to_relacy(order), info_); }

  [[nodiscard]] Word modify(Word value) const {
    if constexpr (std::is_pointer_v<Word>) {
      return modify<rl::rmw_type_swap>(value);
    } else {
      switch (site_.operation) {
        case Operation::kFetchAdd: return modify<rl::rmw_type_add>(value);
        case Operation::kFetchSub: return modify<rl::rmw_type_sub>(value);
        case Operation::kFetchOr: return modify<rl::rmw_type_or>(value);
        case Operation::kFetchAnd: return modify<rl::rmw_type_and>(value);
        case Operation::kFetchXor: return modify<rl::rmw_type_xor>(value);
        default: return modify<rl::rmw_type_swap>(value);
      }
    }
  }

  template <bool kWeak>
  [[nodiscard]] bool compare_exchange(Word& expected, Word desired) const {
    site_.weak = kWeak;
    if (site_.behaviour != Behaviour::kAsWritten) [[unlikely]]
      return compare_exchange_broken<kWeak>(expected, desired);
    return compare_exchange_atomic<kWeak>(expected, desired);
  }

 private:
  template <rl::rmw_type_e kType>
  [[nodiscard]] Word modify(Word value) const {
    if (site_.behaviour != Behaviour::kAsWritten) [[unlikely]]
      return modify_broken<kType>(value);
    return atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(site_.in_force.success), info_);
  }

  template <rl::rmw_type_e kType>
  [[nodiscard]] [[gnu::cold]] Word modify_broken(Word value) const {
    const std::memory_order order = site_.in_force.success;
    if (site_.behaviour == Behaviour::kRepeated) {
      const Word first = atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(order), info_);
      atomic_.rmw(rl::rmw_type_t<kType>(), value, to_relacy(order), info_);
      return first;
    }
    const Word seen = load(load_part(order));
    if (site_.behaviour == Behaviour::kLost) return seen;
    store(rl::perform_rmw(rl::rmw_type_t<kType>(), seen, value), store_part(order));
    return seen;
  }

  /// Relacy's public interface knows no failure order stronger than the success order, and silently weakens it.
  /// C++17 allows it, so this calls what is behind the interface.
  template <bool kWeak>
  [[nodiscard]] bool compare_exchange_atomic(Word& expected, Word desired) const {
    switch (site_.in_force.success) {
      case std::memory_order_relaxed:
        return swap<kWeak, rl::mo_relaxed, &Thread::atomic_rmw_relaxed>(expected, desired);
      case std::memory_order_release:
        return swap<kWeak, rl::mo_release, &Thread::atomic_rmw_release>(expected, desired);
      case std::memory_order_acq_rel:
        return swap<kWeak, rl::mo_acq_rel, &Thread::atomic_rmw_acq_rel>(expected, desired);
      case std::memory_order_seq_cst:
        return swap<kWeak, rl::mo_seq_cst, &Thread::atomic_rmw_seq_cst>(expected, desired);
      default: return swap<kWeak, rl::mo_acquire, &Thread::atomic_rmw_acquire>(expected, desired);
    }
  }

  template <bool kWeak, rl::memory_order kSuccess, unsigned (Thread::*kModify)(rl::atomic_data*, bool&)>
  [[nodiscard]] bool swap(Word& expected, Word desired) const {
    switch (site_.in_force.failure) {
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

  template <bool kWeak>
  [[nodiscard]] [[gnu::cold]] bool compare_exchange_broken(Word& expected, Word desired) const {
    const std::memory_order order = site_.in_force.success;
    if (site_.behaviour == Behaviour::kInverted) return !compare_exchange_atomic<kWeak>(expected, desired);
    if (site_.behaviour == Behaviour::kRepeated) {
      const bool done = compare_exchange_atomic<kWeak>(expected, desired);
      if (done) store(desired, store_part(order));
      return done;
    }
    if (site_.behaviour == Behaviour::kSpurious) {
      if (site_.failures == kSpuriousFailures) {
        site_.failures = 0;
        return compare_exchange_atomic<kWeak>(expected, desired);
      }
      ++site_.failures;
      expected = load(site_.in_force.failure);
      return false;
    }
    const Word seen = load(load_part(order));
    if (!(seen == expected)) {
      expected = seen;
      return false;
    }
    if (site_.behaviour == Behaviour::kSplit) store(desired, store_part(order));
    return true;
  }

  rl::atomic<Word>& atomic_;
  Site& site_;
  const rl::debug_info info_;
};

}  // namespace

template <class Word>
struct AtomicWord<Word>::Inside {
  using Atomic = rl::atomic<Word>;
  static_assert(sizeof(Atomic) == kBytes && alignof(Atomic) <= 8);
  static_assert(std::is_same_v<rl::thread_id_t, int> && std::is_same_v<rl::timestamp_t, std::size_t>);

  static Atomic& of(const AtomicWord& word) {
    return *std::launder(reinterpret_cast<Atomic*>(const_cast<std::byte*>(word.atomic_)));
  }

  /// The site of an operation. Who reaches an atomic without having synchronised with its construction races with that;
  /// Relacy itself would see it in loads alone, and not in all of them.
  static Access<Word> hit(const AtomicWord& word, const Where& where, Operation operation, Orders orders) {
    Atomic& atomic = of(word);
    atomic.sign_.check(info_of(where));
    rl::context& c = rl::ctx();
    if (c.threadx_->acq_rel_order_[word.creator_] < word.born_) [[unlikely]] {
      c.fail_test("an atomic whose construction this thread cannot see", rl::test_result_unitialized_access,
                  info_of(where));
    }
    Site& site = Sites::hit(where, operation, orders);
    if (Visibility::noting) Visibility::note(*word.usage_, static_cast<unsigned>(c.threadx_->index_), operation, site);
    return {atomic, site};
  }
};

template <class Word>
AtomicWord<Word>::AtomicWord(Word value) {
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
  std::destroy_at(&Inside::of(*this));
}

template <class Word>
Word AtomicWord<Word>::load(std::memory_order order, const Where& where) const {
  const auto access = Inside::hit(*this, where, Operation::kLoad, {order});
  const Word value = access.load(access.site().in_force.success);
  if constexpr (std::is_integral_v<Word>) Sites::note(static_cast<std::uint64_t>(value));
  return value;
}

template <class Word>
void AtomicWord<Word>::store(Word value, std::memory_order order, const Where& where) {
  const auto access = Inside::hit(*this, where, Operation::kStore, {order});
  const Site& site = access.site();
  if (site.behaviour == Behaviour::kLost) return;
  if (site.behaviour == Behaviour::kRepeated) access.store(value, site.in_force.success);
  access.store(value, site.in_force.success);
}

template <class Word>
Word AtomicWord<Word>::modify(Operation operation, Word value, std::memory_order order, const Where& where) {
  return Inside::hit(*this, where, operation, {order}).modify(value);
}

template <class Word>
bool AtomicWord<Word>::compare_exchange(bool weak, Word& expected, Word desired, Orders orders, const Where& where) {
  const auto access = Inside::hit(*this, where, Operation::kCompareExchange, orders);
  return weak ? access.template compare_exchange<true>(expected, desired)
              : access.template compare_exchange<false>(expected, desired);
}

template <class Word>
Word AtomicWord<Word>::debug_value() const {
  return Inside::of(*this).debug_value();
}

template class AtomicWord<int>;
template class AtomicWord<std::uint32_t>;
template class AtomicWord<std::int64_t>;
template class AtomicWord<std::uint64_t>;
template class AtomicWord<void*>;

}  // namespace check
