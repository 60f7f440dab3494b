/// Messages that pass through a shared array, between threads that come and go: who frees a message is seldom who made
/// it, and its maker has often ended.

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "scenarios/message.hpp"
#include "scenarios/scenario.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

constexpr std::uint64_t kMessagesPerLife = 5000;
constexpr std::size_t kOwn = 256;
constexpr std::size_t kShared = 1024;
constexpr std::uint64_t kOperationsPerExchange = 4;

using Shared = std::array<std::atomic<Message*>, kShared>;

/// What one thread did.
struct alignas(128) Life {
  std::uint64_t messages;
  std::uint64_t made = 0;
  std::uint64_t freed = 0;
};

void drop(Message* message, Life& life) {
  if (message != nullptr) life.freed += Message::consume(message);
}

/// Replaces messages of its own; now and then it swaps one with whatever lies in the array.
void live(Life& life, Shared& shared, Random random) {
  std::array<Message*, kOwn> own{};
  for (std::uint64_t i = 0; i < life.messages; ++i) {
    Message*& slot = own[random.below(kOwn)];
    drop(slot, life);
    slot = Message::make(random, i);
    life.made += slot->tail();
    if (random.below(kOperationsPerExchange) != 0) continue;
    // Pairs with itself in other threads: releases what was written to the own message, acquires what the maker of the
    // other one wrote.
    slot = shared[random.below(kShared)].exchange(slot, std::memory_order_acq_rel);
  }
  for (Message* message : own) drop(message, life);
}

}  // namespace

/// An operation is a message. Each thread begins when the one that is as many threads older has ended.
Outcome run_exchange(const Work& work) {
  const std::uint64_t generations = (work.iterations + kMessagesPerLife - 1) / kMessagesPerLife;
  const auto shared = std::make_unique<Shared>();
  std::vector<Life> lives;
  for (std::uint64_t generation = 0; generation < generations; ++generation) {
    const std::uint64_t left = work.iterations - generation * kMessagesPerLife;
    lives.resize(lives.size() + work.threads, Life{std::min(left, kMessagesPerLife)});
  }
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < lives.size(); ++i) {
    if (threads.size() == work.threads) threads.erase(threads.begin());  // waits for it
    start_thread(threads, [&life = lives[i], &shared, &work, i] { live(life, *shared, Random(work.seed, i)); });
  }
  threads.clear();
  Life rest{0};
  for (auto& slot : *shared) {
    // Pairs with nothing: all threads have been joined.
    drop(slot.load(std::memory_order_relaxed), rest);
  }
  Outcome outcome;
  std::uint64_t freed = rest.freed;
  for (const Life& life : lives) {
    outcome.operations += life.messages;
    outcome.checksum += life.made;
    freed += life.freed;
  }
  demand(freed == outcome.checksum, "messages were lost or came twice");
  return outcome;
}

}  // namespace hakmem::bench
