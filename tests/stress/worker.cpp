#include "worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

#include "pattern.hpp"

namespace hakmem::stress {

Worker::Worker(Round& shared, unsigned role, std::uint64_t seed)
    : round(shared), index(role), random(seed), number_(shared.new_number()) {}

void Worker::attach() { local_ = with_fault(round.allocator.attach(), round.fault); }

void Worker::attach_after_exit() { local_ = with_fault(round.allocator.attach_after_exit(), round.fault); }

void Worker::abandon(const Failure& what) {
  failure = what.what();
  (void)local_.release();
  round.end();
}

bool Worker::goes_on() {
  constexpr std::uint32_t kLooksPerClock = 64;
  if (operations >= round.operations_per_thread ||
      (++looks_ % kLooksPerClock == 0 && Round::Clock::now() >= round.deadline)) {
    round.end();
  }
  return !round.over();
}

std::size_t Worker::random_size(SizeSpread spread) {
  const SizeLimits& limits = round.limits;
  const std::size_t percent = random.below(100);
  const auto between = [&](std::size_t low, std::size_t high) { return random.between(std::min(low, high), high); };
  if (percent < spread.small) return between(1, random.one_in(2) ? limits.small_max : limits.small_max / 8);
  if (percent < spread.small + spread.mid) return between(limits.small_max + 1, limits.mid_max);
  if (percent < spread.small + spread.mid + spread.large) return between(limits.mid_max + 1, limits.large_max);
  return between(limits.large_max + 1, 2 * limits.large_max);
}

Held Worker::allocate(std::size_t bytes, Request request) {
  ++operations;
  return hold(request_block(bytes, request), bytes);
}

void* Worker::request_block(std::size_t bytes, Request request) {
  constexpr std::size_t kPlainAlignment = 16;
  constexpr unsigned kLargestAlignment = 17;  // log2; above a slot of the full geometry
  void* block = nullptr;
  std::size_t alignment = kPlainAlignment;
  switch (request) {
    case Request::kPlain: block = local_->allocate(bytes); break;
    case Request::kZeroed: block = local_->allocate_zeroed(bytes); break;
    case Request::kAligned:
      alignment = std::size_t{1} << random.between(4, random.one_in(64) ? kLargestAlignment : 12);
      block = local_->allocate_aligned(bytes, alignment);
      break;
  }
  check_new(block, bytes, alignment);
  if (request == Request::kZeroed) {
    const std::size_t damage = find_nonzero(block, bytes);
    if (damage != kNoMismatch) {
      throw Failure(fmt::format("the zeroed block {} of {} bytes is not zero at offset {}", block, bytes, damage));
    }
  }
  return block;
}

void Worker::check_new(void* block, std::size_t bytes, std::size_t alignment) {
  if (block == nullptr) throw Failure(fmt::format("no memory for {} bytes aligned to {}", bytes, alignment));
  if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) {
    throw Failure(fmt::format("block {} of {} bytes is not aligned to {}", block, bytes, alignment));
  }
  if (local_->usable_size(block) < bytes) {
    throw Failure(fmt::format("of block {} only {} bytes may be used, {} were asked for", block,
                              local_->usable_size(block), bytes));
  }
}

Held Worker::hold(void* block, std::size_t requested) {
  // A malloc that hands out no byte more than was asked for is asked again: the stamp has to fit.
  if (local_->usable_size(block) < sizeof(Stamp)) {
    requested = sizeof(Stamp);
    block = local_->reallocate(block, requested);
    check_new(block, requested, 1);
  }
  const bool whole = requested < sizeof(Stamp) || random.one_in(4);
  const auto bytes = static_cast<std::uint32_t>(whole ? local_->usable_size(block) : requested);
  const Held held{block, bytes, new_id()};
  round.map.claim(block, bytes, held.id);
  write_pattern(block, {held.id, bytes});
  return held;
}

void Worker::check(const Held& held) const {
  const std::size_t damage = find_damage(held.block, {held.id, held.bytes}, held.bytes);
  if (damage != kNoMismatch) {
    throw Failure(fmt::format("block {} of {} bytes (id {:#x}) has lost its contents at offset {}", held.block,
                              held.bytes, held.id, damage));
  }
}

void Worker::free(const Held& held) {
  ++operations;
  check(held);
  round.map.release(held.block, held.bytes, held.id);
  local_->deallocate(held.block);
}

void Worker::resize(Held& held, std::size_t bytes) {
  ++operations;
  check(held);
  round.map.release(held.block, held.bytes, held.id);
  void* block = local_->reallocate(held.block, bytes);
  check_new(block, bytes, 1);
  const std::size_t common = std::min<std::size_t>(held.bytes, bytes);
  const std::size_t damage = common < sizeof(Stamp) ? kNoMismatch : find_damage(block, {held.id, held.bytes}, common);
  if (damage != kNoMismatch) {
    throw Failure(
        fmt::format("block {} of {} bytes (id {:#x}) has lost its contents at offset {} when it was resized "
                    "to {} bytes at {}",
                    held.block, held.bytes, held.id, damage, bytes, block));
  }
  held = hold(block, bytes);
}

void Worker::restamp(Held& held) {
  ++operations;
  check(held);
  round.map.release(held.block, held.bytes, held.id);
  held.id = new_id();
  round.map.claim(held.block, held.bytes, held.id);
  write_pattern(held.block, {held.id, held.bytes});
}

void Worker::trim() {
  ++operations;
  local_->trim();
}

bool Worker::give(Slots& slots, std::size_t place, const Held& held) {
  if (!slots.put(place, held.block)) return false;
  ++operations;
  if (round.fault == Fault::kTouchAfterHandover) {
    auto* last = static_cast<volatile char*>(held.block) + held.bytes - 1;
    *last = *last;
  }
  return true;
}

bool Worker::take(Slots& slots, std::size_t place, Held& held) {
  void* block = slots.take(place);
  if (block == nullptr) return false;
  ++operations;
  const Stamp stamp = read_stamp(block);
  const std::uint32_t holder = round.map.holder(block);
  if (holder != stamp.id) {
    throw Failure(fmt::format("block {} was handed over stamped with id {:#x}, but belongs to id {:#x}", block,
                              stamp.id, holder));
  }
  held = {block, stamp.bytes, stamp.id};
  check(held);
  return true;
}

void Worker::wait() noexcept {
#ifdef HAKMEM_VALGRIND
  // Valgrind runs one thread at a time, and not the one that has waited longest: yielding alone may starve the others.
  std::this_thread::sleep_for(std::chrono::microseconds(100));
#else
  std::this_thread::yield();
#endif
}

}  // namespace hakmem::stress
