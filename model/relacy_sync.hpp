#pragma once
/// The model's synchronisation policy: the shipping headers under Relacy.
///
/// Every operation is a site, named by file, line and function of the shipping header through defaulted arguments. A run
/// may weaken the order of chosen sites (SiteOverride), which is how most broken variants are made: without a second
/// copy of an algorithm.

// Component headers only: relacy/relacy.hpp defines new, delete, malloc and assert as macros.
#include <relacy/base.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
#include <relacy/backoff.hpp>
#include <relacy/atomic_fence.hpp>
#include <relacy/atomic.hpp>
#include <relacy/var.hpp>
#include <relacy/thread_local.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/dyn_thread.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/stdlib/event.hpp>
#undef $

#include <atomic>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sync/sync_concept.hpp"

#define HAKMEM_MODEL_SITE                                                                    \
  const char *function = __builtin_FUNCTION(), const char *file = __builtin_FILE(), unsigned line = __builtin_LINE()
#define HAKMEM_MODEL_INFO ::rl::debug_info(function, file, line)

/// Asserts inside a model thread; the run fails with this text and the trace.
#define MODEL_ASSERT(x) \
  RL_ASSERT_IMPL(x, rl::test_result_user_assert_failed, "assertion: " #x, ::rl::debug_info(__FUNCTION__, __FILE__, __LINE__))

namespace hakmem::model {

/// Replaces the order of one kind of operation in one function of a shipping header, for a broken variant.
struct SiteOverride {
  std::string_view file_suffix;  ///< e.g. "remote_word.hpp"
  std::string_view function;     ///< e.g. "push_chain"
  std::string_view operation;    ///< "load", "store", "exchange", "cas", "cas_failure", "fetch_or", "fetch_and"
  std::memory_order order;
};

/// The override in force, or nullptr. One run at a time per process.
inline const SiteOverride* g_override = nullptr;
/// How often the override applied: a broken variant whose site is never reached proves nothing.
inline std::uint64_t g_override_hits = 0;

inline std::memory_order effective(std::memory_order order, std::string_view operation, const char* function,
                                   const char* file) {
  if (g_override == nullptr) [[likely]] return order;
  if (operation != g_override->operation || g_override->function != function ||
      !std::string_view(file).ends_with(g_override->file_suffix)) {
    return order;
  }
  ++g_override_hits;
  return g_override->order;
}

constexpr rl::memory_order to_relacy(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return rl::mo_relaxed;
    case std::memory_order_consume: return rl::mo_consume;
    case std::memory_order_acquire: return rl::mo_acquire;
    case std::memory_order_release: return rl::mo_release;
    case std::memory_order_acq_rel: return rl::mo_acq_rel;
    default: return rl::mo_seq_cst;
  }
}

/// A piece of block memory: one race-checked variable, through which both the in-block link and the user's contents go,
/// because they share the bytes. A link read that races with the next user's write is a data race here as there.
struct Cell {
  rl::var<std::uintptr_t> contents;
  char padding[64 - sizeof(rl::var<std::uintptr_t>)];
};
static_assert(sizeof(Cell) == 64);
inline constexpr unsigned kCellShift = 6;

struct RelacySync {
  static constexpr bool kStatistics = false;

  template <class T>
  class Atomic {
   public:
    Atomic() : Atomic(T{}) {}
    explicit Atomic(T value, HAKMEM_MODEL_SITE) { atomic_.store(value, rl::mo_relaxed, HAKMEM_MODEL_INFO); }
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;

    T load(std::memory_order order, HAKMEM_MODEL_SITE) const {
      return atomic_.load(to_relacy(effective(order, "load", function, file)), HAKMEM_MODEL_INFO);
    }
    void store(T value, std::memory_order order, HAKMEM_MODEL_SITE) {
      atomic_.store(value, to_relacy(effective(order, "store", function, file)), HAKMEM_MODEL_INFO);
    }
    T exchange(T value, std::memory_order order, HAKMEM_MODEL_SITE) {
      return atomic_.exchange(value, to_relacy(effective(order, "exchange", function, file)), HAKMEM_MODEL_INFO);
    }
    T fetch_or(T value, std::memory_order order, HAKMEM_MODEL_SITE) {
      return atomic_.fetch_or(value, to_relacy(effective(order, "fetch_or", function, file)), HAKMEM_MODEL_INFO);
    }
    T fetch_and(T value, std::memory_order order, HAKMEM_MODEL_SITE) {
      return atomic_.fetch_and(value, to_relacy(effective(order, "fetch_and", function, file)), HAKMEM_MODEL_INFO);
    }
    T fetch_add(T value, std::memory_order order, HAKMEM_MODEL_SITE) {
      return atomic_.fetch_add(value, to_relacy(effective(order, "fetch_add", function, file)), HAKMEM_MODEL_INFO);
    }
    bool compare_exchange_weak(T& expected, T value, std::memory_order success, std::memory_order failure,
                               HAKMEM_MODEL_SITE) {
      return compare_exchange<true>(expected, value, effective(success, "cas", function, file),
                                    effective(failure, "cas_failure", function, file), HAKMEM_MODEL_INFO);
    }
    bool compare_exchange_strong(T& expected, T value, std::memory_order success, std::memory_order failure,
                                 HAKMEM_MODEL_SITE) {
      return compare_exchange<false>(expected, value, effective(success, "cas", function, file),
                                     effective(failure, "cas_failure", function, file), HAKMEM_MODEL_INFO);
    }

    /// The latest value, without a step of the model: for assertions after the threads have ended.
    T debug_value() const { return atomic_.debug_value(); }

   private:
    using Thread = rl::thread_info_base;

    // Relacy's public compare_exchange silently weakens a failure order that is stronger than the success order, as
    // C++11 demanded; C++17 lifted the rule. Hence the implementation is called directly.
    template <bool kWeak>
    bool compare_exchange(T& expected, T value, std::memory_order success, std::memory_order failure,
                          const rl::debug_info& info) {
      switch (success) {
        case std::memory_order_relaxed:
          return cas<kWeak, rl::mo_relaxed, &Thread::atomic_rmw_relaxed>(expected, value, failure, info);
        case std::memory_order_release:
          return cas<kWeak, rl::mo_release, &Thread::atomic_rmw_release>(expected, value, failure, info);
        case std::memory_order_acq_rel:
          return cas<kWeak, rl::mo_acq_rel, &Thread::atomic_rmw_acq_rel>(expected, value, failure, info);
        case std::memory_order_seq_cst:
          return cas<kWeak, rl::mo_seq_cst, &Thread::atomic_rmw_seq_cst>(expected, value, failure, info);
        default: return cas<kWeak, rl::mo_acquire, &Thread::atomic_rmw_acquire>(expected, value, failure, info);
      }
    }

    template <bool kWeak, rl::memory_order kSuccess, unsigned (Thread::*kStore)(rl::atomic_data*, bool&)>
    bool cas(T& expected, T value, std::memory_order failure, const rl::debug_info& info) {
      switch (failure) {
        case std::memory_order_relaxed:
        case std::memory_order_release:
          return atomic_.template compare_swap_impl<kWeak, kSuccess, kStore, rl::mo_relaxed,
                                                    &Thread::atomic_load_relaxed_rmw>(expected, value, info);
        case std::memory_order_seq_cst:
          return atomic_.template compare_swap_impl<kWeak, kSuccess, kStore, rl::mo_seq_cst,
                                                    &Thread::atomic_load_seq_cst_rmw>(expected, value, info);
        default:
          return atomic_.template compare_swap_impl<kWeak, kSuccess, kStore, rl::mo_acquire,
                                                    &Thread::atomic_load_acquire_rmw>(expected, value, info);
      }
    }

    rl::atomic<T> atomic_;
  };

  /// A race-checked plain variable.
  template <class T>
  class Plain {
   public:
    Plain() : variable_(T{}) {}
    explicit Plain(T value) : variable_(value) {}
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    T get(HAKMEM_MODEL_SITE) const { return variable_(HAKMEM_MODEL_INFO).load(); }
    void set(T value, HAKMEM_MODEL_SITE) { variable_(HAKMEM_MODEL_INFO).store(value); }

   private:
    rl::var<T> variable_;
  };

  static void* load_link(const void* block, HAKMEM_MODEL_SITE) noexcept {
    return reinterpret_cast<void*>(static_cast<const Cell*>(block)->contents(HAKMEM_MODEL_INFO).load());
  }
  static void store_link(void* block, void* next, HAKMEM_MODEL_SITE) noexcept {
    static_cast<Cell*>(block)->contents(HAKMEM_MODEL_INFO).store(reinterpret_cast<std::uintptr_t>(next));
  }
  static void pause(HAKMEM_MODEL_SITE) noexcept { rl::yield(1, HAKMEM_MODEL_INFO); }
};

/// The user's contents of a block: the same bytes as the link.
inline void payload_write(void* block, std::uintptr_t value, HAKMEM_MODEL_SITE) {
  static_cast<Cell*>(block)->contents(HAKMEM_MODEL_INFO).store(value);
}
inline std::uintptr_t payload_read(const void* block, HAKMEM_MODEL_SITE) {
  return static_cast<const Cell*>(block)->contents(HAKMEM_MODEL_INFO).load();
}

/// One step of waiting in a scenario's own loop.
inline void wait(HAKMEM_MODEL_SITE) { rl::yield(1, HAKMEM_MODEL_INFO); }

}  // namespace hakmem::model
