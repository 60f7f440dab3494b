#pragma once
/// Floor 1. What the core asks of a synchronisation policy.
///
/// The core never names `std::atomic`. It is written against a `Sync` policy, so the same lines run in production
/// (StdSync), inside the model checker and under annotating tools.

#include <atomic>
#include <concepts>
#include <cstdint>

namespace hakmem {

/// An atomic of the policy: the operations of `std::atomic` that the core uses, orders always given explicitly.
template <class A, class T>
concept PolicyAtomic = requires(A a, const A ca, T v, T& expected, std::memory_order order) {
  { ca.load(order) } -> std::same_as<T>;
  a.store(v, order);
  { a.exchange(v, order) } -> std::same_as<T>;
  { a.compare_exchange_weak(expected, v, order, order) } -> std::same_as<bool>;
  { a.compare_exchange_strong(expected, v, order, order) } -> std::same_as<bool>;
};

/// A plain variable of the policy: no order, and therefore a data race if two threads meet in it.
template <class P, class T>
concept PolicyPlain = requires(P p, const P cp, T v) {
  { cp.get() } -> std::same_as<T>;
  p.set(v);
};

/// Synchronisation policy. All members are static; none may throw.
///  - `Atomic<T>`: default construction gives T{}; in production an all-zero byte pattern is a valid Atomic holding
///  T{}.
///  - `Plain<T>`: the same for plain variables.
///  - `load_link` / `store_link`: the in-block `next` link (spec row A2): plain memory laid over the block's first
///    bytes. Only the thread that owns the block may call them.
///  - `load_mark` / `store_mark`, optional, with `kMarksFreeBlocks = true`: the same for the block's second word, see
///    layout/free_mark.hpp.
///  - `pause`: back-off inside a retry loop.
template <class S>
concept SyncPolicy = requires(void* block, const void* cblock) {
  requires PolicyAtomic<typename S::template Atomic<std::uint64_t>, std::uint64_t>;
  requires PolicyAtomic<typename S::template Atomic<void*>, void*>;
  requires PolicyPlain<typename S::template Plain<std::uint32_t>, std::uint32_t>;
  { S::load_link(cblock) } noexcept -> std::same_as<void*>;
  { S::store_link(block, block) } noexcept;
  { S::pause() } noexcept;
};

}  // namespace hakmem
