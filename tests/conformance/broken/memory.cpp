#include "memory.hpp"

#include <thread>

namespace hakmem::broken {

Arena arena;

void* Arena::take(std::size_t bytes, std::size_t skip, std::size_t step) {
  const std::size_t start = used_.fetch_add(skip + step) + skip;
  if (start + bytes > kBytes) return nullptr;
  void* block = memory_.data() + start;
  sizes_[index_of(block)] = static_cast<std::uint32_t>(bytes);
  return block;
}

bool Arena::holds(const void* block) const {
  const auto* at = static_cast<const unsigned char*>(block);
  return at >= memory_.data() && at < memory_.data() + kBytes;
}

std::size_t Arena::index_of(const void* block) const {
  return static_cast<std::size_t>(static_cast<const unsigned char*>(block) - memory_.data()) / 8;
}

namespace {

constexpr std::size_t kNotes = 1 << 14;
constexpr std::size_t kTries = 64;

std::array<Note, kNotes> notes;
std::atomic_flag notes_are_in_use;

class Lock {
 public:
  Lock() { hold_notes(); }
  ~Lock() { release_notes(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
};

/// The note of the block, or one that may be overwritten.
Note& place_for(const void* block) {
  const std::size_t start = (reinterpret_cast<std::uintptr_t>(block) >> 3) * 0x9e3779b97f4a7c15ULL >> 40;
  Note* vacant = nullptr;
  for (std::size_t i = 0; i < kTries; ++i) {
    Note& note = notes[(start + i) % kNotes];
    if (note.block == block) return note;
    if (note.block == nullptr && vacant == nullptr) vacant = &note;
  }
  return vacant != nullptr ? *vacant : notes[start % kNotes];
}

std::atomic<unsigned char*> newest{nullptr};
thread_local unsigned char* newest_of_thread = nullptr;

}  // namespace

const void* this_thread() {
  thread_local char self;
  return &self;
}

void hold_notes() {
  while (notes_are_in_use.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
}

void release_notes() { notes_are_in_use.clear(std::memory_order_release); }

void take_note(const Note& note) {
  const Lock lock;
  place_for(note.block) = note;
}

Note note_of(const void* block) {
  const Lock lock;
  const Note& note = place_for(block);
  return note.block == block ? note : Note{};
}

void is_newest(void* block) {
  newest_of_thread = static_cast<unsigned char*>(block);
  newest.store(newest_of_thread);
}

void is_gone(const void* block) {
  auto* gone = static_cast<unsigned char*>(const_cast<void*>(block));
  if (newest_of_thread == gone) newest_of_thread = nullptr;
  newest.compare_exchange_strong(gone, nullptr);
  const Lock lock;
  if (Note& note = place_for(block); note.block == block) note = {};
}

void scribble() {
  if (unsigned char* block = newest.load()) ++*block;
}

void scribble_own() {
  if (newest_of_thread != nullptr) ++*newest_of_thread;
}

}  // namespace hakmem::broken
