#pragma once
/// Floor 1. The policy for Helgrind and DRD: StdSync whose atomics tell the tools what each operation orders.
///
/// Neither tool knows C++ atomics: it sees plain accesses and would report correct code and broken code alike. So every
/// operation says what its memory *order* promises and no more: release-like ones announce what came before
/// (happens-before), acquire-like ones receive what was announced on the same atomic (happens-after), relaxed ones do
/// neither. An order that is too weak is then reported although x86 does not need it. The atomic's own bytes are
/// exempt from checking.
///
/// The exemption is renewed by every operation and not given by the constructor, because atomics also live in
/// zero-filled memory that no constructor has run over.
///
/// The tools may miss a race but invent none: an announcement precedes its store, and a channel joins all announcements
/// made on it, also those that a later plain store has ended in the language's sense.

#include <sched.h>
#include <valgrind/drd.h>
#include <valgrind/helgrind.h>

#include <atomic>

#include "sync/std_sync.hpp"

namespace hakmem {

namespace valgrind_detail {

/// Whether an operation of this order makes what came before it visible to who acquires.
constexpr bool releases(std::memory_order order) noexcept {
  return order == std::memory_order_release || order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

/// Whether an operation of this order sees what came before the release that it reads from.
constexpr bool acquires(std::memory_order order) noexcept {
  return order == std::memory_order_acquire || order == std::memory_order_consume ||
         order == std::memory_order_acq_rel || order == std::memory_order_seq_cst;
}

// Each tool takes its own request and ignores the other's; outside Valgrind a request does nothing.

/// The bytes are no longer checked by either tool.
inline void exempt(const volatile void* address, std::size_t bytes) noexcept {
  VALGRIND_DO_CLIENT_REQUEST_STMT(_VG_USERREQ__HG_ARANGE_MAKE_UNTRACKED, address, bytes, 0, 0, 0);
  VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_START_SUPPRESSION, address, bytes, 0, 0, 0);
}

/// What this thread has done happens before what any thread does after `receive` on the same channel.
inline void announce(const volatile void* channel) noexcept {
  VALGRIND_DO_CLIENT_REQUEST_STMT(_VG_USERREQ__HG_USERSO_SEND_PRE, channel, 0, 0, 0, 0);
  VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_ANNOTATE_HAPPENS_BEFORE, channel, 0, 0, 0, 0);
}

inline void receive(const volatile void* channel) noexcept {
  VALGRIND_DO_CLIENT_REQUEST_STMT(_VG_USERREQ__HG_USERSO_RECV_POST, channel, 0, 0, 0, 0);
  VALGRIND_DO_CLIENT_REQUEST_STMT(VG_USERREQ__DRD_ANNOTATE_HAPPENS_AFTER, channel, 0, 0, 0, 0);
}

/// `std::atomic<T>` with annotations. Every operation is the caller's with the caller's orders; what it pairs with is
/// said where it is called.
template <class T>
class Atomic {
 public:
  constexpr Atomic() noexcept = default;
  constexpr Atomic(T value) noexcept : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  /// The caller's order, see the class.
  [[nodiscard]] T load(std::memory_order order) const noexcept {
    exempt(&value_, sizeof value_);
    const T seen = value_.load(order);
    if (acquires(order)) receive(&value_);
    return seen;
  }

  /// The caller's order, see the class.
  void store(T value, std::memory_order order) noexcept {
    exempt(&value_, sizeof value_);
    if (releases(order)) announce(&value_);
    value_.store(value, order);
  }

  /// The caller's order, see the class.
  T exchange(T value, std::memory_order order) noexcept {
    return modify(order, [&] { return value_.exchange(value, order); });
  }

  /// The caller's orders, see the class.
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    // A compare-and-swap that is going to fail must not announce, so a look comes first. If it finds another value,
    // that look is the failed operation, with its order.
    const T seen = load(failure);
    if (seen != expected) {
      expected = seen;
      return false;
    }
    if (releases(success)) announce(&value_);
    const bool done = value_.compare_exchange_strong(expected, desired, success, failure);
    if (acquires(done ? success : failure)) receive(&value_);
    return done;
  }

  /// The caller's orders, see the class.
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure) noexcept {
    return compare_exchange_strong(expected, desired, success, failure);
  }

  /// The caller's order, see the class.
  T fetch_add(T value, std::memory_order order) noexcept
    requires requires(std::atomic<T>& a) { a.fetch_add(T{}); }
  {
    return modify(order, [&] { return value_.fetch_add(value, order); });
  }

  /// The caller's order, see the class.
  T fetch_sub(T value, std::memory_order order) noexcept
    requires requires(std::atomic<T>& a) { a.fetch_sub(T{}); }
  {
    return modify(order, [&] { return value_.fetch_sub(value, order); });
  }

  /// The caller's order, see the class.
  T fetch_or(T value, std::memory_order order) noexcept
    requires requires(std::atomic<T>& a) { a.fetch_or(T{}); }
  {
    return modify(order, [&] { return value_.fetch_or(value, order); });
  }

  /// The caller's order, see the class.
  T fetch_and(T value, std::memory_order order) noexcept
    requires requires(std::atomic<T>& a) { a.fetch_and(T{}); }
  {
    return modify(order, [&] { return value_.fetch_and(value, order); });
  }

 private:
  /// With the caller's order, which `operation` uses.
  template <class Operation>
  T modify(std::memory_order order, Operation operation) noexcept {
    exempt(&value_, sizeof value_);
    if (releases(order)) announce(&value_);
    const T before = operation();
    if (acquires(order)) receive(&value_);
    return before;
  }

  std::atomic<T> value_{};
};

}  // namespace valgrind_detail

struct ValgrindSync : StdSync {
  template <class T>
  using Atomic = valgrind_detail::Atomic<T>;

  /// Valgrind runs one thread at a time: who waits for another has to let it run.
  static void pause() noexcept { ::sched_yield(); }
};

static_assert(SyncPolicy<ValgrindSync>);
static_assert(sizeof(ValgrindSync::Atomic<std::uint64_t>) == 8, "layouts are those of production");

}  // namespace hakmem
