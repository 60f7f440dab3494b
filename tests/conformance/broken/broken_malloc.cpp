/// The malloc family over glibc's, sound but for the fault that is planted.

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "faults.hpp"
#include "life.hpp"
#include "memory.hpp"

#define BROKEN_EXPORT extern "C" [[gnu::visibility("default")]]

namespace hakmem::broken {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kImpossible = std::size_t{1} << 47;
constexpr std::size_t kLargerRequest = 1000;
constexpr std::size_t kSomeMib = 1 << 20, kManyMib = 32 << 20;

alignas(16) char shared_block_of_zero_bytes[16];
bool has_given_up = false;
bool has_pieces_alone = false;

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

/// The malloc of a process that calls the handler of operator new, which it has no business with.
void call_new_handler() {
  try {
    if (const std::new_handler handler = std::get_new_handler()) handler();
  } catch (...) {
    return;
  }
}

void* fail(std::size_t bytes, int errno_before) {
  errno = is(Fault::kNoEnomem) ? errno_before : ENOMEM;
  if (is(Fault::kFailureScribbles)) scribble();
  if (is(Fault::kMallocCallsHandler)) call_new_handler();
  if (is(Fault::kExhaustionAborts) && bytes < kImpossible) std::abort();
  if (is(Fault::kGivesUp) && bytes < kImpossible) has_given_up = true;
  if (is(Fault::kKeepsPieces)) has_pieces_alone = bytes < kSomeMib;
  return nullptr;
}

void* succeed(const Note& note) {
  take_note(note);
  if (note.bytes > 0) is_newest(note.block);
  if (is(Fault::kErrnoZero)) errno = 0;
  return note.block;
}

bool is_placed_badly(std::size_t bytes) {
  return bytes - 1 < Arena::kLargestBlock &&
         (is(Fault::kOverlapping) || is(Fault::kUnalignedSmall) || is_always(Fault::kForgetsEarlyBlocks));
}

void* place_badly(std::size_t bytes) {
  const std::size_t rounded = (bytes + 15) & ~std::size_t{15};
  if (is(Fault::kUnalignedSmall)) return arena.take(bytes, 8, rounded + 8);
  return arena.take(bytes, 0, is(Fault::kOverlapping) ? std::max<std::size_t>(rounded - 16, 16) : rounded);
}

/// What the sum of a size and a header comes to when it wraps around.
std::size_t wrapped(std::size_t bytes) { return is(Fault::kWrapsSizes) && bytes >= kImpossible ? 16 : bytes; }

bool must_fail(bool is_first_call, std::size_t bytes) {
  return call_must_fail() || (is_first_call && is(Fault::kFirstCallFails)) ||
         (has_given_up && bytes >= kLargerRequest) || (has_pieces_alone && bytes >= kSomeMib && bytes < kManyMib);
}

std::size_t requested(void* block) {
  if (const Note note = note_of(block); note.block != nullptr) return note.bytes;
  return arena.holds(block) ? arena.size_of(block) : next<std::size_t(void*)>("malloc_usable_size")(block);
}

bool is_of_glibc(const void* block) { return !arena.holds(block) && block != shared_block_of_zero_bytes; }

/// Gives a block back for good.
void release(void* block) {
  const Note note = note_of(block);
  is_gone(block);
  if (is_of_glibc(block)) __libc_free(note.block != nullptr ? note.base : block);
}

void* resize(void* block, std::size_t bytes) {
  const std::size_t kept = std::min(requested(block), bytes);
  const Note note = note_of(block);
  const bool may_move_within_glibc = is_of_glibc(block) && (note.block == nullptr || note.base == block);
  void* moved = nullptr;
  if (may_move_within_glibc && !is(Fault::kReallocLeaks)) {
    moved = __libc_realloc(block, bytes);
    if (moved != nullptr) is_gone(block);
    if (moved != nullptr) succeed({moved, moved, bytes, this_thread(), false});
  } else if ((moved = allocate(bytes)) != nullptr) {
    std::memcpy(moved, block, kept);
    if (!is(Fault::kReallocLeaks)) release(block);
  }
  if (moved != nullptr && is(Fault::kReallocLosesTail)) static_cast<unsigned char*>(moved)[kept - 1] ^= 0xff;
  return moved;
}

void* resize_to_zero(void* block) {
  if (is(Fault::kReallocToZeroKeeps)) return block;
  release(block);
  return is(Fault::kReallocToZeroDangles) ? block : nullptr;
}

void free_block(void* block) {
  const Note note = note_of(block);
  if (is(Fault::kAlignedNotFreeable) && note.is_aligned) std::abort();
  if (is(Fault::kLeaks)) return;
  if (is(Fault::kRemoteFreeLeaks) && note.block != nullptr && note.owner != this_thread()) return;
  is_gone(block);
  if (is(Fault::kFreeScribbles)) scribble();
  take_note({block, note.block != nullptr ? note.base : block, note.bytes, note.owner, note.is_aligned});
  release(block);
}

bool is_proper(std::size_t alignment) { return std::has_single_bit(alignment); }

/// A block that is aligned to half of what was asked for, and to no more.
void* allocate_half_aligned(std::size_t alignment, std::size_t bytes) {
  auto* base = static_cast<unsigned char*>(__libc_memalign(alignment, bytes + alignment));
  if (base == nullptr) return fail(bytes, errno);
  return succeed({base + alignment / 2, base, bytes, this_thread(), true});
}

}  // namespace

void* allocate(std::size_t bytes) {
  const int saved = errno;
  const bool is_first_call = enter();
  bytes = wrapped(bytes);
  if (must_fail(is_first_call, bytes)) return fail(bytes, saved);
  if (bytes == 0 && is(Fault::kZeroNull)) return nullptr;
  if (bytes == 0 && is(Fault::kZeroShared)) return shared_block_of_zero_bytes;
  void* block = is_placed_badly(bytes) ? place_badly(bytes) : nullptr;
  if (block == nullptr) block = __libc_malloc(bytes);
  return block != nullptr ? succeed({block, block, bytes, this_thread(), false}) : fail(bytes, saved);
}

void* allocate_aligned(std::size_t alignment, std::size_t bytes) {
  const int saved = errno;
  const bool is_first_call = enter();
  if (alignment <= alignof(std::max_align_t)) return allocate(bytes);
  bytes = wrapped(bytes);
  if (must_fail(is_first_call, bytes)) return fail(bytes, saved);
  if (bytes == 0 && is(Fault::kZeroShared)) return shared_block_of_zero_bytes;
  if (bytes >= kImpossible || alignment >= kImpossible) return fail(kImpossible, saved);
  if (is(Fault::kHalfAligned)) return allocate_half_aligned(alignment, bytes);
  void* block = __libc_memalign(alignment, bytes);
  return block != nullptr ? succeed({block, block, bytes, this_thread(), true}) : fail(bytes, saved);
}

void deallocate(void* block) {
  const int saved = errno;
  const bool is_first_call = enter();
  if (is_first_call && is(Fault::kFirstCallFails)) std::abort();
  if (block == nullptr && is(Fault::kFreeNullAborts)) std::abort();
  const bool is_ignored = call_must_fail();
  if (block != nullptr && !is_ignored) free_block(block);
  errno = block != nullptr && is(Fault::kFreeErrno) ? EINVAL : saved;
}

}  // namespace hakmem::broken

using hakmem::broken::Fault;
using hakmem::broken::is;

BROKEN_EXPORT void* malloc(std::size_t bytes) noexcept { return hakmem::broken::allocate(bytes); }
BROKEN_EXPORT void free(void* block) noexcept { hakmem::broken::deallocate(block); }
BROKEN_EXPORT void cfree(void* block) noexcept { hakmem::broken::deallocate(block); }
BROKEN_EXPORT void free_sized(void* block, std::size_t) noexcept { hakmem::broken::deallocate(block); }
BROKEN_EXPORT void free_aligned_sized(void* block, std::size_t, std::size_t) noexcept {
  hakmem::broken::deallocate(block);
}

BROKEN_EXPORT void* calloc(std::size_t count, std::size_t each) noexcept {
  using namespace hakmem::broken;
  std::size_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(count, each, &bytes);
  if (overflows && !is(Fault::kCallocWraps)) return fail(kImpossible, errno);
  Dl_info caller;
  if (is(Fault::kPluginFails) && ::dladdr(__builtin_return_address(0), &caller) != 0 &&
      std::strstr(caller.dli_fname, "plugin") != nullptr) {
    return fail(bytes, errno);
  }
  void* block = allocate(bytes);
  if (block == nullptr || is(Fault::kCallocDirty)) return block;
  bytes = wrapped(bytes);
  std::memset(block, 0, bytes);
  if (bytes > 0 && is(Fault::kCallocTail)) static_cast<unsigned char*>(block)[bytes - 1] = 1;
  return block;
}

BROKEN_EXPORT void* realloc(void* block, std::size_t bytes) noexcept {
  using namespace hakmem::broken;
  const int saved = errno;
  const bool is_first_call = enter();
  if (block == nullptr) return is(Fault::kReallocOfNullFails) ? nullptr : allocate(bytes);
  if (is(Fault::kLeaks)) return allocate(bytes);
  if (bytes == 0) return resize_to_zero(block);
  bytes = wrapped(bytes);
  if (is(Fault::kReallocGrowsInPlace) && bytes > requested(block)) return block;
  void* moved = must_fail(is_first_call, bytes) || bytes >= kImpossible ? nullptr : resize(block, bytes);
  if (moved != nullptr) return moved;
  if (is(Fault::kReallocFailureFrees)) release(block);
  return fail(bytes, saved);
}

BROKEN_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t each) noexcept {
  std::size_t bytes = 0;
  const bool overflows = __builtin_mul_overflow(count, each, &bytes);
  if (overflows && !is(Fault::kReallocarrayWraps)) return hakmem::broken::fail(hakmem::broken::kImpossible, errno);
  return realloc(block, bytes);
}

BROKEN_EXPORT int posix_memalign(void** out, std::size_t alignment, std::size_t bytes) noexcept {
  using namespace hakmem::broken;
  const int saved = errno;
  int error = 0;
  if (!is(Fault::kAcceptsAnyAlignment) && (!is_proper(alignment) || alignment % sizeof(void*) != 0)) error = EINVAL;
  void* block = error == 0 ? allocate_aligned(std::bit_ceil(alignment), bytes) : nullptr;
  errno = saved;
  if (block != nullptr) {
    *out = block;
    return 0;
  }
  if (is(Fault::kClearsPointer)) *out = nullptr;
  if (is(Fault::kWildPointer)) *out = shared_block_of_zero_bytes;
  if (error == 0 && bytes == 0 && is(Fault::kZeroNull)) return 0;
  if (is(Fault::kMinusOne)) return -1;
  return error == 0 ? ENOMEM : error;
}

BROKEN_EXPORT void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  return hakmem::broken::allocate_aligned(std::bit_ceil(alignment), bytes);
}

BROKEN_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  if (hakmem::broken::is_proper(alignment) || is(Fault::kAcceptsAnyAlignment)) return memalign(alignment, bytes);
  errno = EINVAL;
  return nullptr;
}

BROKEN_EXPORT void* valloc(std::size_t bytes) noexcept { return memalign(hakmem::broken::kPage, bytes); }

BROKEN_EXPORT void* pvalloc(std::size_t bytes) noexcept {
  using namespace hakmem::broken;
  if (bytes >= kImpossible && !is(Fault::kWrapsSizes)) return fail(bytes, errno);
  return memalign(kPage, is(Fault::kPvallocPartial) ? bytes : (bytes + kPage - 1) & ~(kPage - 1));
}

BROKEN_EXPORT std::size_t malloc_usable_size(void* block) noexcept {
  using namespace hakmem::broken;
  const bool is_first_call = enter();
  if (is_first_call && is(Fault::kFirstCallFails)) return 0;
  if (block == nullptr) return is(Fault::kUsableOfNull) ? 16 : 0;
  if (!is_of_glibc(block)) return requested(block);
  const Note note = note_of(block);
  void* base = note.block != nullptr ? note.base : block;
  const auto skipped = static_cast<std::size_t>(static_cast<char*>(block) - static_cast<char*>(base));
  const std::size_t usable = next<std::size_t(void*)>("malloc_usable_size")(base) - skipped;
  if (is(Fault::kUsableSmall)) return requested(block) - 1;
  return is(Fault::kUsableLarge) ? usable + 32 : usable;
}

BROKEN_EXPORT int malloc_trim(std::size_t pad) noexcept {
  using namespace hakmem::broken;
  if (is(Fault::kTrimNothing)) return 0;
  if (is(Fault::kTrimScribbles)) scribble();
  const int given_back = next<int(std::size_t)>("malloc_trim")(pad);
  return is(Fault::kTrimSaysNo) ? 0 : given_back;
}

BROKEN_EXPORT struct mallinfo2 mallinfo2() noexcept {
  struct mallinfo2 nothing{};
  return is(Fault::kMallinfoZero) ? nothing : hakmem::broken::next<struct mallinfo2()>("mallinfo2")();
}

BROKEN_EXPORT void malloc_stats() noexcept {
  if (is(Fault::kStatsScribbles)) hakmem::broken::scribble();
  if (is(Fault::kStatsToOutput)) std::puts("statistics");
  hakmem::broken::next<void()>("malloc_stats")();
}
