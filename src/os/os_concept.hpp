#pragma once
/// Floor 1. What the core asks of the operating system.
///
/// OsPolicy, at the end, is all that a policy must have. Before it stand the parts that a policy may have, each with
/// what the core does without it. A part that is there by halves, or with other types, is not there.

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace hakmem {

/// What a corruption report names. The policy turns it into one message and ends the process (or the model's run).
enum class Corruption : std::uint8_t {
  kForeignPointer,   ///< the address belongs to nothing this heap has handed out
  kInteriorPointer,  ///< inside a block, not at its start: misaligned or offset
  kDoubleFree,       ///< the block is free already
  kReleasedSlab,     ///< the block's slab is empty and was given back: the block was free already
  // Found by a guarded heap alone:
  kOverflow,           ///< bytes behind the end of the block were written
  kWrittenAfterFree,   ///< the first bytes of the free block were written
  kUsedAfterFree,      ///< the call needs a live block, and this one is free
  kSizeMismatch,       ///< freed with another size than it was asked for
  kAlignmentMismatch,  ///< freed with an alignment that its address does not have
  kWriteBeyond,        ///< a write was asked for that is partly in the block and partly not
  kReadBeyond,         ///< the same of a read
};

/// What a guarded heap knows besides: 0 where it knows nothing.
struct BlockHistory {
  std::uint32_t allocated_by = 0;  ///< number of the thread's context, from 1
  std::uint32_t allocated_at = 0;  ///< call-site id
  std::uint32_t freed_by = 0;
  std::uint32_t freed_at = 0;
  std::size_t given = 0;  ///< the size or alignment that the caller named, or how much was to be written or read
};

// What a policy may have ----------------------------------------------------------------------------------------------

/// Takes advice about the size of pages. Without this part the core gives none. Nothing depends on whether the system
/// takes it.
///  - `keep_pages_small(p, bytes)`: this part of a reservation is hardly used.
///  - `let_pages_be_large(p, bytes)`: it is used up.
template <class O>
concept HasPageSizes = requires(O os, void* p, std::size_t n) {
  { os.keep_pages_small(p, n) } noexcept;
  { os.let_pages_be_large(p, n) } noexcept;
};

/// The same as a constant.
template <class Os>
inline constexpr bool kHasPageSizes = HasPageSizes<Os>;

/// Has a clock. Without this part nothing that is kept ages: it goes back when a bound is exceeded, or by a trim.
///  - `milliseconds()`: since some moment of the past; never goes back
template <class O>
concept HasClock = requires(O os) {
  { os.milliseconds() } noexcept -> std::same_as<std::uint64_t>;
};

/// The same as a constant.
template <class Os>
inline constexpr bool kHasClock = HasClock<Os>;

/// The policy's clock in milliseconds; 0 for a policy without one.
template <class Os>
[[nodiscard]] std::uint64_t milliseconds(Os& os) noexcept {
  if constexpr (kHasClock<Os>) {
    return os.milliseconds();
  } else {
    return 0;
  }
}

/// Divides reservations. Without this part a mapping that is kept serves as it is, or not at all.
///  - `split(p, bytes, first_bytes)`: a reservation becomes two, its first `first_bytes`, a multiple of page_bytes(), and
///    the rest. Their contents stay.
///  - `join(p, first_bytes, bytes)`: two reservations of which one begins where the other ends, and that were one before,
///    are one of `bytes` again. Their contents stay.
template <class O>
concept HasDivision = requires(O os, void* p, std::size_t n) {
  { os.split(p, n, n) } noexcept;
  { os.join(p, n, n) } noexcept;
};

/// The same as a constant.
template <class Os>
inline constexpr bool kHasDivision = HasDivision<Os>;

/// Knows a secret. Without this part guarded heaps use a constant as their key.
///  - `secret()`: 64 bits that a program's input cannot guess
template <class O>
concept HasSecret = requires(O os) {
  { os.secret() } noexcept -> std::same_as<std::uint64_t>;
};

/// Has its base as a constant. Without this part the page map asks for it once, and keeps it in a variable that each
/// look-up reads.
///  - `kAddressBase`: what `address_base()` returns
template <class O>
concept HasConstantBase = requires { typename std::integral_constant<std::uintptr_t, O::kAddressBase>; };

// What a policy must have ---------------------------------------------------------------------------------------------

/// Operating-system policy. Objects of it may have state (limits, planted failures) and are owned by the heap, which
/// makes its own, or copies the one that it is given. All calls are thread-safe; none may throw.
///  - `kPageBytes`: the least page that the system may have, a power of two; sizes of reservations are multiples of it.
///  - `page_bytes()`: the page that it has, a power of two of at least kPageBytes; never another.
///  - `reserve(bytes, alignment)`: zero-filled readable and writable memory that begins with a page, touched lazily;
///    `bytes` a multiple of kPageBytes, `alignment` a power of two of at least that. nullptr on failure.
///  - `release(p, bytes)`: gives back a whole reservation.
///  - `decommit(p, bytes)`: drops the contents of the whole pages in a range, which then read as zero. false when the
///    system refuses: then the contents are undefined, and all of the memory is still there.
///  - `resize(p, old_bytes, new_bytes)`: grows or shrinks a whole reservation in its place, to a multiple of kPageBytes.
///    false when that cannot be done: then nothing has changed.
///  - `move(p, old_bytes, target, new_bytes)`: carries the contents of a whole reservation over to the beginning of
///    another, larger one, and releases the first. What is behind them in the second is zero, as it was. false when that
///    cannot be done: then nothing has changed.
///  - `metadata<T>(n)`: n objects of T, value-initialised, never given back; nullptr on failure. In production the
///    objects are zero pages that are touched lazily, hence all-zero must be T's value-initialised state.
///  - `fatal(corruption, call, p, block, block_bytes, history = {})`: reports and does not return. `call` names the
///    function that was given `p`; `block` is the start of the block there, nullptr and 0 bytes where there is none.
///  - `address_base()` / `kAddressBits`: all reservations lie in [base, base + 2^bits), and none in the slot-sized piece
///    that the null pointer falls into, modulo 2^bits. The base never changes.
///
/// Events are told to a policy that listens: see os/event.hpp.
template <class O>
concept OsPolicy = std::is_nothrow_default_constructible_v<O> &&
                   requires(O os, void* p, const void* cp, std::size_t n, Corruption what, const char* call) {
                     { os.reserve(n, n) } noexcept -> std::same_as<void*>;
                     { os.release(p, n) } noexcept;
                     { os.decommit(p, n) } noexcept -> std::same_as<bool>;
                     { os.resize(p, n, n) } noexcept -> std::same_as<bool>;
                     { os.move(p, n, p, n) } noexcept -> std::same_as<bool>;
                     { os.template metadata<std::uint64_t>(n) } noexcept -> std::same_as<std::uint64_t*>;
                     { os.fatal(what, call, cp, cp, n) } noexcept;
                     { os.fatal(what, call, cp, cp, n, BlockHistory{}) } noexcept;
                     { os.address_base() } noexcept -> std::same_as<std::uintptr_t>;
                     typename std::integral_constant<unsigned, O::kAddressBits>;
                     requires std::has_single_bit(std::size_t{O::kPageBytes});
                     { os.page_bytes() } noexcept -> std::same_as<std::size_t>;
                   };

}  // namespace hakmem
