#include "model/system/simulated_os.hpp"

#include "check/execution.hpp"
#include "check/faults.hpp"

namespace hakmem::model {

namespace {

const char* text_of(Corruption what) noexcept {
  switch (what) {
    case Corruption::kForeignPointer: return "heap reports: foreign pointer";
    case Corruption::kInteriorPointer: return "heap reports: interior pointer";
    case Corruption::kDoubleFree: return "heap reports: double free";
    case Corruption::kReleasedSlab: return "heap reports: block of a released slab";
    case Corruption::kOverflow: return "heap reports: overflow";
    case Corruption::kWrittenAfterFree: return "heap reports: written after free";
    case Corruption::kUsedAfterFree: return "heap reports: used after free";
    case Corruption::kSizeMismatch: return "heap reports: size mismatch";
    case Corruption::kAlignmentMismatch: return "heap reports: alignment mismatch";
  }
  return "heap reports a corruption";
}

}  // namespace

void SimulatedSystem::keep_threads_apart() noexcept {
  apart_ = true;
  SimulatedMemory::keep_threads_apart();
}

void* SimulatedSystem::reserve(std::size_t bytes, std::size_t alignment, Where where) noexcept {
  note_call();
  const std::uintptr_t p = fails() ? 0 : find_place(bytes, alignment);
  if (p == 0) return nullptr;
  SimulatedMemory::map(p, bytes, where);
  ++reservations_;
  return reinterpret_cast<void*>(p);
}

void SimulatedSystem::release(void* p, std::size_t bytes, Where where) noexcept {
  note_call();
  SimulatedMemory::unmap(reinterpret_cast<std::uintptr_t>(p), bytes, where);
  --reservations_;
}

bool SimulatedSystem::decommit(void* p, std::size_t bytes, Where where) noexcept {
  if (fails()) return false;
  SimulatedMemory::decommit(reinterpret_cast<std::uintptr_t>(p), bytes, where);
  return true;
}

bool SimulatedSystem::move(void* p, std::size_t old_bytes, void* target, std::size_t, Where where) noexcept {
  note_call();
  if (fails()) return false;
  SimulatedMemory::move(reinterpret_cast<std::uintptr_t>(p), old_bytes, reinterpret_cast<std::uintptr_t>(target),
                        where);
  --reservations_;
  return true;
}

void SimulatedSystem::fatal(Corruption what, const char*, const void*, const void*, std::size_t, const BlockHistory&,
                            Where where) noexcept {
  fail_execution(text_of(what), where);
}

void SimulatedSystem::note_call() noexcept {
  if (!apart_ || calls_until_failure_ != kNever) check::note_system_call();
}

std::uintptr_t SimulatedSystem::find_place(std::size_t bytes, std::size_t alignment) noexcept {
  if (!apart_) return SimulatedMemory::find_unmapped(bytes, alignment, space_);
  // What was reserved before, for everybody, lies in the first part.
  const std::size_t part = space_ / (kMostThreads / 2 + 1);
  const std::size_t thread = check::running_thread();
  std::size_t& used = used_[thread];
  const std::size_t start = ((thread + 1) * part + used + alignment - 1) & ~(alignment - 1);
  if (start + bytes > (thread + 2) * part || start + bytes > space_) return 0;
  used = start + bytes - (thread + 1) * part;
  return address_base() + start;
}

bool SimulatedSystem::fails() noexcept {
  if (calls_until_failure_ != kNever && --calls_until_failure_ == 0) {
    calls_until_failure_ = kNever;
    return true;
  }
  if (failures_left_ == 0 || !Faults::happens("[THE SYSTEM REFUSES]")) return false;
  --failures_left_;
  return true;
}

}  // namespace hakmem::model
