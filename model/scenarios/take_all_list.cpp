/// The list that is only ever emptied whole.

#include "lockfree/take_all_list.hpp"

#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/system/relacy_sync.hpp"

namespace hakmem::model {

namespace {

constexpr Place kPush{"lockfree/take_all_list.hpp", "push_chain", kCompareExchange};
constexpr Place kPutBack{"lockfree/take_all_list.hpp", "put_back", kCompareExchange};
constexpr Place kTake{"lockfree/take_all_list.hpp", "take_all", kExchange};

struct Node {
  RelacySync::Plain<Node*> next;
  RelacySync::Plain<unsigned> content;
  bool listed = false;  ///< the judge's
};

using List = TakeAllList<RelacySync, Node, &Node::next>;

/// Takes one node by reading the link of a node that it does not own yet: the classic pop.
struct PoppingList : List {
  Node* pop() {
    Node* head = head_.load(kAcquire);
    while (head != nullptr) {
      Node* rest = head->next.get();
      if (head_.compare_exchange_weak(head, rest, kAcqRel, kAcquire)) break;
      RelacySync::pause();
    }
    return head;
  }
};

/// A list and three nodes.
template <class L>
struct Nodes : Scenario {
  void give(Node& node) {
    node.content.set(node.content.get() + 1);
    require(!node.listed, "I1 exclusive: a node is on the list twice");
    node.listed = true;
    list.push(&node);
  }

  /// Keeps the first node of those that are there; the rest goes back, not without having been worked on.
  Node* take_one() {
    Node* first = list.take_all();
    if (first == nullptr) return nullptr;
    Node* rest = first->next.get();
    for (Node* node = rest; node != nullptr; node = node->next.get()) node->content.set(node->content.get() + 1);
    list.put_back(rest);
    receive(*first);
    return first;
  }

  void receive(Node& node) {
    require(node.listed, "I1 exclusive: a node is taken twice");
    node.listed = false;
    ++taken;
    node.content.set(node.content.get() + 1);
  }

  void take_rest() {
    for (Node* node = list.take_all(); node != nullptr;) {
      Node* next = node->next.get();
      receive(*node);
      node = next;
    }
  }

  L list;
  Node nodes[3];
  unsigned taken = 0;
};

/// Two threads push, a third takes one node at a time and puts the rest back.
struct PushAndTake : Nodes<List> {
  static constexpr unsigned kThreads = 3;
  void thread(unsigned index) override {
    switch (index) {
      case 0:
        give(nodes[0]);
        give(nodes[1]);
        break;
      case 1: give(nodes[2]); break;
      default: (void)take_one(); (void)take_one();
    }
  }
  void after() override {
    take_rest();
    require(taken == 3, "I2 conserved: a node is lost");
  }
};

const Registered push_and_take{
    Suite::of<PushAndTake>("take_all_list/push_and_take", "I1 I2 I5: two pushers against takes that put the rest back")
        .quick({full()})
        .broken("push_does_not_release", weaken(kPush, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("push_is_not_atomic", split(kPush))
        .broken("put_back_is_not_atomic", split(kPutBack))
        .broken("put_back_forgets", lose(kPutBack))};

/// Two threads take one node each and put the rest back; one of them gives its node back as well.
template <class L>
struct TwoTakers : Nodes<L> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    for (Node& node : this->nodes) this->give(node);
  }
  Node* take() {
    if constexpr (requires { this->list.pop(); }) {
      Node* node = this->list.pop();
      if (node != nullptr) this->receive(*node);
      return node;
    } else {
      return this->take_one();
    }
  }
  void thread(unsigned index) override {
    Node* node = take();
    if (index == 1) return;
    Node* second = take();
    if (node != nullptr) this->give(*node);
    if (second != nullptr) this->give(*second);
  }
  void after() override {
    unsigned listed = 0;
    for (Node& node : this->nodes) listed += node.listed ? 1u : 0u;
    const unsigned before = this->taken;
    this->take_rest();
    require(this->taken - before == listed, "I2 conserved: a node is lost");
  }
};

const Registered two_takers{
    Suite::of<TwoTakers<List>>("take_all_list/two_takers", "I1 I2 I5: two threads take one of three nodes each")
        .quick({full()})
        .broken("put_back_does_not_release", weaken(kPutBack, kRelaxed))
        .as("DATA RACE")
        .broken("take_does_not_acquire", weaken(kTake, kRelaxed))
        .as("DATA RACE")
        .broken("take_is_not_atomic", split(kTake))
        .broken<TwoTakers<PoppingList>>("pops", "takes one node by compare-and-swap from its link")
        .as("DATA RACE")};

}  // namespace

}  // namespace hakmem::model
