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
    case Corruption::kWriteBeyond: return "heap reports: write beyond a block";
    case Corruption::kReadBeyond: return "heap reports: read beyond a block";
  }
  return "heap reports a corruption";
}

}  // namespace

void SimulatedSystem::keep_threads_apart() noexcept {
  apart_ = true;
  SimulatedMemory::keep_threads_apart();
}

void* SimulatedSystem::reserve(std::size_t bytes, std::size_t alignment, Where where) noexcept {
  const std::uintptr_t p = refuses(check::SystemCall::kTakes) ? 0 : find_place(bytes, alignment);
  if (p == 0) return nullptr;
  SimulatedMemory::map(p, bytes, where);
  ++reservations_;
  return reinterpret_cast<void*>(p);
}

void SimulatedSystem::release(void* p, std::size_t bytes, Where where) noexcept {
  note_call(check::SystemCall::kGivesBack);
  SimulatedMemory::unmap(reinterpret_cast<std::uintptr_t>(p), bytes, where);
  --reservations_;
}

bool SimulatedSystem::decommit(void* p, std::size_t bytes, Where where) noexcept {
  if (refuses(check::SystemCall::kLocal)) return false;
  SimulatedMemory::decommit(reinterpret_cast<std::uintptr_t>(p), bytes, where);
  return true;
}

bool SimulatedSystem::move(void* p, std::size_t old_bytes, void* target, std::size_t, Where where) noexcept {
  if (refuses(check::SystemCall::kGivesBack)) return false;
  SimulatedMemory::move(reinterpret_cast<std::uintptr_t>(p), old_bytes, reinterpret_cast<std::uintptr_t>(target),
                        where);
  --reservations_;
  return true;
}

void SimulatedSystem::fatal(Corruption what, const char*, const void*, const void*, std::size_t, const BlockHistory&,
                            Where where) noexcept {
  fail_execution(text_of(what), where);
}

void SimulatedSystem::note_call(check::SystemCall call) noexcept {
  const bool shows = !apart_ && call != check::SystemCall::kLocal;
  if (shows || calls_until_failure_ != kNever) check::note_system_call(call);
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

bool SimulatedSystem::refuses(check::SystemCall call) noexcept {
  // The choice comes first: between a call's place and what it does there is no step.
  const bool chosen = may_fail_ && Faults::happens("[THE SYSTEM REFUSES]", failures_left_);
  note_call(call);
  if (calls_until_failure_ == kNever || --calls_until_failure_ != 0) return chosen;
  calls_until_failure_ = kNever;
  return true;
}

}  // namespace hakmem::model
