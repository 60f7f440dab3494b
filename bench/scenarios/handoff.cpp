/// Producers allocate messages, consumers free them: every free is of a block that another, running thread owns. The
/// pattern that thread caches like least.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>

#include "machine/machine.hpp"
#include "scenarios/scenario.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

struct Message {
  std::uint64_t serial;
  std::uint32_t bytes;

  std::uint64_t tail() const { return serial * 0x9e3779b97f4a7c15U + bytes; }
};

constexpr std::size_t kTailBytes = sizeof(std::uint64_t);
constexpr std::size_t kSmallest = sizeof(Message) + kTailBytes;
constexpr std::size_t kCapacity = 1024;
constexpr int kSpins = 200;  // before the processor is given to another thread

/// A bounded queue between one producer and one consumer.
class Queue {
 public:
  void push(Message* message) {
    // Own counter: no other thread writes it.
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    // Pairs with the release store in pop(): the slot is free once its message was taken out.
    for (int spins = 0; tail - head_.load(std::memory_order_acquire) == kCapacity; ++spins) wait(spins);
    slots_[tail % kCapacity] = message;
    // Pairs with the acquire load in pop(): the message and the slot are written before.
    tail_.store(tail + 1, std::memory_order_release);
  }

  Message* pop() {
    // Own counter: no other thread writes it.
    const std::size_t head = head_.load(std::memory_order_relaxed);
    // Pairs with the release store in push(): what the producer wrote can be read.
    for (int spins = 0; tail_.load(std::memory_order_acquire) == head; ++spins) wait(spins);
    Message* message = slots_[head % kCapacity];
    // Pairs with the acquire load in push(): the slot has been read.
    head_.store(head + 1, std::memory_order_release);
    return message;
  }

 private:
  static void wait(int spins) {
    if (spins < kSpins) {
      machine::pause();
    } else {
      std::this_thread::yield();
    }
  }

  Message* slots_[kCapacity] = {};
  alignas(128) std::atomic<std::size_t> head_{0};
  alignas(128) std::atomic<std::size_t> tail_{0};
};

/// Most messages are small, some have a few kilobytes.
std::size_t random_bytes(Random& random) {
  return random.below(10) == 0 ? random.between(1024, 8192) : random.between(kSmallest, 512);
}

void produce(Queue& queue, const Work& work, std::uint32_t pair) {
  Random random(work.seed, pair);
  for (std::uint64_t i = 0; i < work.iterations; ++i) {
    const std::size_t bytes = random_bytes(random);
    void* block = std::malloc(bytes);
    demand(block != nullptr, "malloc returned null");
    auto* message = new (block) Message{i, static_cast<std::uint32_t>(bytes)};
    const std::uint64_t tail = message->tail();
    std::memcpy(static_cast<char*>(block) + bytes - kTailBytes, &tail, kTailBytes);
    queue.push(message);
  }
}

std::uint64_t consume(Queue& queue, const Work& work) {
  std::uint64_t checksum = 0;
  for (std::uint64_t i = 0; i < work.iterations; ++i) {
    Message* message = queue.pop();
    demand(message->serial == i && message->bytes >= kSmallest && message->bytes <= 8192, "a message was overwritten");
    std::uint64_t tail = 0;
    std::memcpy(&tail, reinterpret_cast<const char*>(message) + message->bytes - kTailBytes, kTailBytes);
    demand(tail == message->tail(), "the end of a message was overwritten");
    checksum += tail;
    std::free(message);
  }
  return checksum;
}

/// A producer and a consumer meet here.
struct Pair {
  Queue queue;
  std::uint64_t checksum = 0;
};

}  // namespace

/// An operation is a message.
Outcome run_handoff(const Work& work) {
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < work.threads / 2; ++i) {
    Pair& pair = *pairs.emplace_back(std::make_unique<Pair>());
    start_thread(threads, [&pair, &work, i] { produce(pair.queue, work, i); });
    start_thread(threads, [&pair, &work] { pair.checksum = consume(pair.queue, work); });
  }
  threads.clear();
  Outcome outcome{work.iterations * pairs.size(), 0};
  for (const auto& pair : pairs) outcome.checksum += pair->checksum;
  return outcome;
}

}  // namespace hakmem::bench
