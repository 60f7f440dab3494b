#pragma once
/// Floor 1. What the core asks of a synchronisation policy.
///
/// The core never names `std::atomic`. It is written against a `Sync` policy, so the same lines run in production
/// (StdSync), inside the model checker and under annotating tools.
///
/// SyncPolicy, at the end, is all that a policy must have. Before it stand the parts that a policy may have, each with
/// what the core does without it. A part that is there by halves, or with other types, is not there.

#include <atomic>
#include <concepts>
#include <cstdint>

namespace hakmem {

/// An atomic of the policy: the operations of `std::atomic` that the core uses, orders always given explicitly.
///  - default construction: T{}
///  - `load(order)`, `store(v, order)`
///  - `exchange(v, order)`: stores v. \return the value before
///  - `compare_exchange_strong(expected, v, success, failure)`: stores v if the value is `expected`. \return whether it
///    was; if not, `expected` is the value. `compare_exchange_weak` may also fail without a reason.
template <class A, class T>
concept PolicyAtomic =
    std::default_initializable<A> && requires(A a, const A ca, T v, T& expected, std::memory_order order) {
      { ca.load(order) } -> std::same_as<T>;
      a.store(v, order);
      { a.exchange(v, order) } -> std::same_as<T>;
      { a.compare_exchange_weak(expected, v, order, order) } -> std::same_as<bool>;
      { a.compare_exchange_strong(expected, v, order, order) } -> std::same_as<bool>;
    };

/// An atomic of 64 bits is a count and a set of bits too.
///  - `fetch_add(n, order)`, `fetch_or(bits, order)`, `fetch_and(bits, order)`. \return the value before
template <class A>
concept PolicyAtomicWord = PolicyAtomic<A, std::uint64_t> && requires(A a, std::uint64_t v, std::memory_order order) {
  { a.fetch_add(v, order) } -> std::same_as<std::uint64_t>;
  { a.fetch_or(v, order) } -> std::same_as<std::uint64_t>;
  { a.fetch_and(v, order) } -> std::same_as<std::uint64_t>;
};

/// A plain variable of the policy: no order, and therefore a data race if two threads meet in it.
///  - default construction: T{}
///  - `get()`: the value that was `set(v)` last
template <class P, class T>
concept PolicyPlain = std::default_initializable<P> && requires(P p, const P cp, T v) {
  { cp.get() } -> std::same_as<T>;
  p.set(v);
};

// What a policy may have ----------------------------------------------------------------------------------------------

/// Marks free blocks, so that a second free is noticed also when others came between the two; see layout/free_mark.hpp.
/// Without this part only what a slab's counts and the ends of lists show is noticed.
///  - `kMarksFreeBlocks = true`: one that has the two calls from a policy underneath says `false` to do without.
///  - `load_mark(block)` / `store_mark(block, is_free)`: whether the block's second word says that it is free. Only who
///    owns the block may call them, as with its link. What is copied to another block says nothing.
template <class S>
concept MarksFreeBlocks = requires(void* block, const void* cblock) {
  requires S::kMarksFreeBlocks;
  { S::load_mark(cblock) } noexcept -> std::same_as<bool>;
  { S::store_mark(block, true) } noexcept;
};

/// Seals links: what `store_link` writes depends on a key, and `load_link` finds what somebody else has written there.
/// Without this part nothing notices a write to the first bytes of a free block.
///  - `set_key(key)`: once, before the first block exists; the same key for all heaps of the process.
template <class S>
concept SealsLinks = requires(std::uint64_t key) {
  { S::set_key(key) } noexcept;
};

/// Takes one from a count and looks at the result in one instruction. Without this part the count is read, written and
/// compared.
///  - `decrement_is_positive(count)`, `decrement_is_negative(count)`: takes one from a count that the calling thread
///    alone uses, and that is above INT32_MIN. \return whether it is above, or below, 0 then
template <class S>
concept DecrementsAtOnce = requires(typename S::template Plain<std::int32_t>& count) {
  { S::decrement_is_positive(count) } noexcept -> std::same_as<bool>;
  { S::decrement_is_negative(count) } noexcept -> std::same_as<bool>;
};

/// Adds to an atomic count in one instruction that is not atomic to other writers. Without this part it is loaded and
/// stored, relaxed.
///  - `add_owned(count, n)`: adds n, modulo 2^64, to a count that the calling thread alone writes and others may read.
template <class S>
concept AddsOwnedAtOnce = requires(typename S::template Atomic<std::uint64_t>& count, std::uint64_t n) {
  { S::add_owned(count, n) } noexcept;
};

/// Keeps statistics, as every policy does that does not say `kStatistics = false`. Under one that says so, counters and
/// values shown to diagnostics are 0, have no memory and make no access.
template <class S>
concept KeepsStatistics = !requires { requires !S::kStatistics; };

/// Lets settings change, as every policy does that does not say `kTunable = false`. Under one that says so, a setting
/// is its default for ever, has no memory and makes no access.
template <class S>
concept TunesSettings = !requires { requires !S::kTunable; };

// What a policy must have ---------------------------------------------------------------------------------------------

/// Synchronisation policy. All members are static; none may throw.
///  - `Atomic<T>`: T is a pointer, or an integer of 32 or 64 bits. Default construction gives T{}; in production an
///    all-zero byte pattern is a valid Atomic holding T{}.
///  - `Plain<T>`: the same for plain variables, whose T may also be smaller, `bool` or an enumeration.
///  - `load_link(block)` / `store_link(block, next)`: the in-block `next` link (spec row A2): plain memory laid over the
///    block's first bytes. Only the thread that owns the block may call them.
///  - `pause()`: back-off inside a retry loop.
template <class S>
concept SyncPolicy = requires(void* block, const void* cblock) {
  requires PolicyAtomicWord<typename S::template Atomic<std::uint64_t>>;
  requires PolicyAtomic<typename S::template Atomic<std::int64_t>, std::int64_t>;
  requires PolicyAtomic<typename S::template Atomic<std::uint32_t>, std::uint32_t>;
  requires PolicyAtomic<typename S::template Atomic<std::int32_t>, std::int32_t>;
  requires PolicyAtomic<typename S::template Atomic<void*>, void*>;
  requires PolicyPlain<typename S::template Plain<std::uint64_t>, std::uint64_t>;
  requires PolicyPlain<typename S::template Plain<std::uint32_t>, std::uint32_t>;
  requires PolicyPlain<typename S::template Plain<std::int32_t>, std::int32_t>;
  requires PolicyPlain<typename S::template Plain<void*>, void*>;
  requires PolicyPlain<typename S::template Plain<bool>, bool>;
  { S::load_link(cblock) } noexcept -> std::same_as<void*>;
  { S::store_link(block, block) } noexcept;
  { S::pause() } noexcept;
  requires MarksFreeBlocks<S> || !requires { requires S::kMarksFreeBlocks; };  // who says so can do it
};

}  // namespace hakmem
