#pragma once
/// Floor 3. A chain of free blocks that belongs to one thread, linked through the blocks themselves.

#include "sync/sync_concept.hpp"

namespace hakmem {

/// The only code that touches its head (A1). Owner only; the link is read from and written to own blocks alone (A5).
template <class Sync>
class LocalList {
 public:
  [[nodiscard]] bool empty() const noexcept { return head_.get() == nullptr; }
  /// The block that pop would return, or nullptr.
  [[nodiscard]] void* peek() const noexcept { return head_.get(); }

  /// Takes a block. \return nullptr when there is none.
  [[nodiscard]] void* pop() noexcept {
    void* block = head_.get();
    if (block != nullptr) [[likely]] {
      void* next = Sync::load_link(block);
      head_.set(next);
      // Its link is wanted by the next pop, and its memory by who gets it.
      __builtin_prefetch(next);
    }
    return block;
  }

  void push(void* block) noexcept {
    Sync::store_link(block, head_.get());
    head_.set(block);
  }

  /// Puts the chain that starts at `first` and ends at `last` in front.
  void push_chain(void* first, void* last) noexcept {
    Sync::store_link(last, head_.get());
    head_.set(first);
  }

  /// Replaces an empty list by a whole chain (nullptr allowed).
  void adopt(void* chain) noexcept { head_.set(chain); }

  /// Takes the whole chain, ended by nullptr.
  [[nodiscard]] void* take_all() noexcept {
    void* chain = head_.get();
    head_.set(nullptr);
    return chain;
  }

 private:
  typename Sync::template Plain<void*> head_{};
};

}  // namespace hakmem
