#pragma once
/// Exhibits on the blocks of one slab. Each scenario is faulty or sound by its parameter.

#include "lockfree/remote_word.hpp"
#include "model/check.hpp"
#include "model/scenarios/orders.hpp"
#include "model/scenarios/toy.hpp"

namespace hakmem::model {

/// What the scenarios on one slab have in common.
template <unsigned kBlocks>
struct OneSlab : Scenario {
  using Blocks = ToyBlocks<kBlocks>;

  void push(unsigned first, unsigned count, unsigned said) {
    for (unsigned i = first; i < first + count; ++i) blocks.use_and_give_up(i);
    for (unsigned i = first; i + 1 < first + count; ++i) RelacySync::store_link(blocks.at(i), blocks.at(i + 1));
    (void)remote.push_chain(blocks.base(), blocks.at(first), blocks.at(first + count - 1), said);
  }
  void take() {
    const auto chain = remote.take_all(blocks.base());
    require(blocks.receive_chain(chain.head) == chain.count, "I2 conserved: the count is not the chain's length");
  }
  void expect(unsigned count) { require(blocks.received() == count, "I2 conserved: a freed block is lost"); }

  Blocks blocks;
  RemoteWord<RelacySync, Blocks::kGranuleShift> remote;
};

// 1
template <bool kFaulty>
struct NoSynchronisation : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if constexpr (kFaulty) {
      blocks.use_and_give_up(index);
      RelacySync::store_link(blocks.at(index), head.get());
      head.set(blocks.at(index));
    } else {
      push(index, 1, 1);
    }
  }
  void after() override {
    if constexpr (kFaulty) {
      blocks.receive_chain(head.get());
    } else {
      take();
    }
    expect(2);
  }
  RelacySync::Plain<void*> head;
};

// 5
template <bool kFaulty>
struct PopAssumedToSucceed : OneSlab<1> {
  static constexpr unsigned kThreads = 2;
  void before() override { push(0, 1, 1); }
  void thread(unsigned) override {
    if (!remote.has_chain()) return;
    const auto chain = remote.take_all(blocks.base());
    if (!kFaulty && chain.head == nullptr) return;
    payload_write(chain.head, 1);
  }
};

// 6
template <bool kFaulty>
struct LinkReadAfterHandout : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void before() override { push(0, 2, 2); }
  void thread(unsigned index) override {
    if (index == 1) {
      if (void* block = handed.load(kAcquire)) payload_write(block, 1);
      return;
    }
    const auto chain = remote.take_all(blocks.base());
    void* next = kFaulty ? nullptr : RelacySync::load_link(chain.head);
    handed.store(chain.head, kRelease);
    if (kFaulty) next = RelacySync::load_link(chain.head);
    payload_write(next, 1);
  }
  RelacySync::Atomic<void*> handed;
};

// 8
template <bool kFaulty>
struct CountDisagrees : OneSlab<3> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      push(0, 2, kFaulty ? 1 : 2);
    } else {
      push(2, 1, 1);
      take();
    }
  }
  void after() override {
    take();
    expect(3);
  }
};

// 17
template <bool kFaulty>
struct FreeIntoACachedSlab : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void before() override {
    blocks.use_and_give_up(0);
    RelacySync::store_link(blocks.at(0), nullptr);
    local.set(blocks.at(0));
  }
  void thread(unsigned index) override {
    if (index == 0) {
      // The owner allocates from its slab.
      void* block = local.get();
      if (block == nullptr) return;
      local.set(RelacySync::load_link(block));
      blocks.receive(block);
    } else if (kFaulty) {
      blocks.use_and_give_up(1);
      RelacySync::store_link(blocks.at(1), local.get());
      local.set(blocks.at(1));
    } else {
      push(1, 1, 1);
    }
  }
  void after() override {
    take();
    blocks.receive_chain(local.get());
    expect(2);
  }
  RelacySync::Plain<void*> local;
};

// 19
template <bool kFaulty>
struct RefillForgetsTheCache : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) return push(0, 2, 2);
    if (void* block = allocate()) blocks.receive(block);
  }
  void* allocate() {
    if (cache == nullptr && !refill()) return nullptr;
    void* block = cache;
    // With an empty cache, this is a read through null.
    cache = RelacySync::load_link(block);
    return block;
  }
  /// \return whether there is something to allocate now
  bool refill() {
    if (!remote.has_chain()) return false;
    bundle = remote.take_all(blocks.base()).head;
    if (!kFaulty) cache = bundle;
    return bundle != nullptr;
  }
  void* cache = nullptr;
  void* bundle = nullptr;
};

// 20b
template <bool kFaulty>
struct ThreadExits : OneSlab<3> {
  static constexpr unsigned kThreads = 2;
  static constexpr unsigned kBatch = 2;
  void thread(unsigned index) override {
    // Frees are gathered and sent by twos; of these threads the second has only one.
    const unsigned first = index * kBatch;
    const unsigned gathered = index == 0 ? kBatch : 1;
    if (gathered == kBatch || !kFaulty) push(first, gathered, gathered);
  }
  void after() override {
    if (remote.has_chain()) take();
    expect(3);
  }
};

// 21
template <bool kFaulty>
struct HeadAndCountApart : OneSlab<2> {
  static constexpr unsigned kThreads = 2;
  void thread(unsigned index) override {
    if (index == 0) {
      free_one(0);
      free_one(1);
    } else if (kFaulty) {
      const unsigned said = count.exchange(0, kAcquire);
      void* first = head.exchange(nullptr, kAcquire);
      require(blocks.receive_chain(first) == said, "I2 conserved: the count is not the chain's length");
    } else {
      take();
    }
  }
  void free_one(unsigned block) {
    if (!kFaulty) return push(block, 1, 1);
    blocks.use_and_give_up(block);
    void* seen = head.load(kRelaxed);
    do {
      RelacySync::store_link(blocks.at(block), seen);
    } while (!head.compare_exchange_weak(seen, blocks.at(block), kRelease, kRelaxed));
    count.fetch_add(1u, kRelease);
  }
  RelacySync::Atomic<void*> head;
  RelacySync::Atomic<unsigned> count;
};

}  // namespace hakmem::model
