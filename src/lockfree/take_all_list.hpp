#pragma once
/// Floor 2. An intrusive list that many threads push to and that is only ever emptied whole.
///
/// There is no pop: a pop reads the link of a node that another thread may own by then (ABA, racy read). Whoever
/// removes takes all, keeps what it needs and pushes the rest back as one chain.

#include "sync/sync_concept.hpp"

namespace hakmem {

/// \tparam kNext the node's link, a `Sync::Plain<Node*>` member. It belongs to the list from push until take_all.
template <class Sync, class Node, auto kNext>
class TakeAllList {
 public:
  /// Adds one node that is on no list. Any thread.
  void push(Node* node) noexcept { push_chain(node, node); }

  /// Adds the chain first..last (last's link is overwritten) of nodes that are on no list. Any thread.
  void push_chain(Node* first, Node* last) noexcept {
    // Relaxed: only a guess for the CAS; the node it names is linked to, never read.
    Node* head = head_.load(std::memory_order_relaxed);
    for (;;) {
      (last->*kNext).set(head);
      // Release pairs with take_all: the taker sees the links and what was written to the nodes before the push.
      // Failure relaxed: the value is only the next guess.
      if (head_.compare_exchange_weak(head, first, std::memory_order_release, std::memory_order_relaxed)) return;
      Sync::pause();
    }
  }

  /// Puts a chain (ended by nullptr) back that take_all has returned, or the rest of it. Any thread.
  void put_back(Node* first) noexcept {
    if (first == nullptr) return;
    Node* expected = nullptr;
    // Release pairs with take_all, as in push_chain. Usually nothing has been pushed meanwhile and the chain's end need
    // not be found. Failure relaxed: the chain is pushed in front instead, also after one for no reason (weak).
    if (head_.compare_exchange_weak(expected, first, std::memory_order_release, std::memory_order_relaxed)) return;
    Node* last = first;
    while (Node* next = (last->*kNext).get()) last = next;
    push_chain(first, last);
  }

  /// Takes the whole list. Any thread. \return its first node (latest push first), or nullptr.
  [[nodiscard]] Node* take_all() noexcept {
    // Acquire pairs with the release of every push in the list (each push continues the release sequence).
    return head_.exchange(nullptr, std::memory_order_acquire);
  }

  /// Cheap look; may be out of date either way. Any thread.
  [[nodiscard]] bool looks_empty() const noexcept {
    // Relaxed: a hint; the exchange in take_all decides and synchronises.
    return head_.load(std::memory_order_relaxed) == nullptr;
  }

 private:
  typename Sync::template Atomic<Node*> head_{};
};

}  // namespace hakmem
