#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>

#include "machine/machine.hpp"
#include "scenarios/scenario.hpp"
#include "support/random.hpp"

/// Blocks that are made by one thread and freed by another, and a way from one to the other.
namespace hakmem::bench {

/// The head of a block whose last bytes repeat what the head says: whatever is written to either shows.
struct Message {
  static constexpr std::size_t kTailBytes = sizeof(std::uint64_t);
  static constexpr std::size_t kLargest = 8192;

  std::uint64_t serial;
  std::uint32_t bytes;

  std::uint64_t tail() const { return serial * 0x9e3779b97f4a7c15U + bytes; }

  /// A message in a block of its own, of a random size: most are small, some have a few kilobytes.
  static Message* make(Random& random, std::uint64_t serial) {
    constexpr std::size_t kSmallest = sizeof(Message) + kTailBytes;
    const std::size_t bytes = random.below(10) == 0 ? random.between(1024, kLargest) : random.between(kSmallest, 512);
    void* block = std::malloc(bytes);
    demand(block != nullptr, "malloc returned null");
    auto* message = new (block) Message{serial, static_cast<std::uint32_t>(bytes)};
    const std::uint64_t tail = message->tail();
    std::memcpy(static_cast<char*>(block) + bytes - kTailBytes, &tail, kTailBytes);
    return message;
  }

  /// Frees a message, in whichever thread. Returns what it adds to a checksum.
  static std::uint64_t consume(Message* message) {
    demand(message->bytes >= sizeof(Message) + kTailBytes && message->bytes <= kLargest, "a message was overwritten");
    std::uint64_t tail = 0;
    std::memcpy(&tail, reinterpret_cast<const char*>(message) + message->bytes - kTailBytes, kTailBytes);
    demand(tail == message->tail(), "the end of a message was overwritten");
    std::free(message);
    return tail;
  }
};

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
  static constexpr std::size_t kCapacity = 1024;
  static constexpr int kSpins = 200;  // before the processor is given to another thread

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

}  // namespace hakmem::bench
