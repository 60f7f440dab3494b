/// One thread allocates, several free: whatever a group needs passes through the one thread that never frees, while the
/// caches of the others fill with blocks that they never allocate.

#include <memory>
#include <thread>
#include <vector>

#include "scenarios/message.hpp"
#include "scenarios/scenario.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

constexpr std::uint32_t kConsumers = 3;

/// Where a producer meets its consumers. Each of these has a queue of its own, and what it has freed.
struct Group {
  struct alignas(128) Consumer {
    Queue queue;
    std::uint64_t count = 0;
    std::uint64_t checksum = 0;
  };

  Consumer consumers[kConsumers];
  std::uint64_t made = 0;  // what the checksums should add up to
};

/// A null pointer ends a queue.
void produce(Group& group, const Work& work, std::uint32_t number) {
  Random random(work.seed, number);
  for (std::uint64_t i = 0; i < work.iterations; ++i) {
    Message* message = Message::make(random, i);
    group.made += message->tail();
    group.consumers[random.below(kConsumers)].queue.push(message);
  }
  for (auto& consumer : group.consumers) consumer.queue.push(nullptr);
}

void consume(Group::Consumer& consumer) {
  std::uint64_t next = 0;
  while (Message* message = consumer.queue.pop()) {
    demand(message->serial >= next, "a message was overwritten, or came twice");
    next = message->serial + 1;
    consumer.checksum += Message::consume(message);
    ++consumer.count;
  }
}

}  // namespace

/// An operation is a message.
Outcome run_producer(const Work& work) {
  std::vector<std::unique_ptr<Group>> groups;
  std::vector<std::jthread> threads;
  for (std::uint32_t i = 0; i < work.threads / (kConsumers + 1); ++i) {
    Group& group = *groups.emplace_back(std::make_unique<Group>());
    start_thread(threads, [&group, &work, i] { produce(group, work, i); });
    for (auto& consumer : group.consumers) start_thread(threads, [&consumer] { consume(consumer); });
  }
  threads.clear();
  Outcome outcome;
  for (const auto& group : groups) {
    std::uint64_t checksum = 0;
    for (const auto& consumer : group->consumers) {
      outcome.operations += consumer.count;
      checksum += consumer.checksum;
    }
    demand(checksum == group->made, "messages were lost on their way");
    outcome.checksum += checksum;
  }
  return outcome;
}

}  // namespace hakmem::bench
