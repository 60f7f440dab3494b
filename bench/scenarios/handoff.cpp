/// Producers allocate messages, consumers free them: every free is of a block that another, running thread owns. The
/// pattern that thread caches like least.

#include <memory>
#include <thread>
#include <vector>

#include "scenarios/message.hpp"
#include "scenarios/scenario.hpp"
#include "support/random.hpp"
#include "support/threads.hpp"

namespace hakmem::bench {
namespace {

void produce(Queue& queue, const Work& work, std::uint32_t pair) {
  Random random(work.seed, pair);
  for (std::uint64_t i = 0; i < work.iterations; ++i) queue.push(Message::make(random, i));
}

std::uint64_t consume(Queue& queue, const Work& work) {
  std::uint64_t checksum = 0;
  for (std::uint64_t i = 0; i < work.iterations; ++i) {
    Message* message = queue.pop();
    demand(message->serial == i, "a message was overwritten");
    checksum += Message::consume(message);
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
  Outcome outcome;
  outcome.operations = work.iterations * pairs.size();
  for (const auto& pair : pairs) outcome.checksum += pair->checksum;
  return outcome;
}

}  // namespace hakmem::bench
