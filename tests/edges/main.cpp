/// Runs one program that lives on an edge of malloc: `edges NAME`, with any malloc by LD_PRELOAD.

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <string_view>

#include "edge.hpp"

namespace hakmem::edges {
namespace {

constexpr Edge kEdges[] = {
    {"fork_storm", "threads fork while others allocate; children and grandchildren go on", fork_storm},
    {"fork_generations", "what threads that vanish in forks leave behind", fork_generations},
    {"signal_storm", "handlers interrupt every path", signal_storm},
    {"jumps", "handlers jump out of malloc and free, which the standards forbid", jumps},
    {"short_lived_threads", "10 000 threads, 16 at a time", short_lived_threads},
    {"cancelled_threads", "threads are cancelled while they work", cancelled_threads},
    {"held_up_thread", "a thread stands still for seconds, anywhere; nobody waits for it", held_up_thread},
    {"drift", "sizes move through all classes, three times", drift},
    {"drift_of_threads", "the same with blocks that other threads free", drift_of_threads},
    {"at_rest", "memory of 16 threads after everything is freed", at_rest},
    {"at_rest_by_itself", "the same after a while, without a trim", at_rest_by_itself},
    {"idle_owners", "memory of threads that do nothing, after another has freed everything", idle_owners},
    {"idle_owners_by_itself", "the same after a while, without a trim", idle_owners_by_itself},
    {"spent_threads", "memory of threads that have freed a peak and do nothing", spent_threads},
    {"spent_threads_by_themselves", "the same after a while, without a trim", spent_threads_by_themselves},
    {"squeeze", "the limit on address space comes and goes under threads at work", squeeze},
    {"within_limit", "work within the limit that the process was started with", within_limit},
    {"little_address_space", "less than 1 GiB of address space is taken", little_address_space},
    {"huge_alignments", "alignments up to 2^63", huge_alignments},
    {"boundaries", "sizes around all boundaries, resized from each to each", boundaries},
};

constexpr std::pair<std::string_view, Fault> kFaults[] = {
    {"none", Fault::kNone},         {"leaks", Fault::kLeaks},          {"damages", Fault::kDamages},
    {"no-errno", Fault::kNoErrno},  {"no-signals", Fault::kNoSignals}, {"refuses", Fault::kRefuses},
    {"reserves", Fault::kReserves},
};

int wrong_call(const char* what, const char* word) {
  std::fprintf(stderr, "edges: %s%s; see --help\nusage: edges NAME [--fault FAULT] | --help\n", what, word);
  return 2;
}

int help() {
  std::printf("usage: edges NAME [--fault FAULT] | --help\n\nprograms:\n");
  for (const Edge& edge : kEdges) std::printf("  %-28s%s\n", edge.name, edge.description);
  std::printf("\nfaults, committed on purpose:\n");
  for (const auto& [name, value] : kFaults) std::printf("  %s\n", name.data());
  return 0;
}

int run(int count, char** words) {
  if (count < 2) return wrong_call("no program is named", "");
  if (std::strcmp(words[1], "--help") == 0) return count == 2 ? help() : wrong_call("unexpected ", words[2]);
  const auto* edge = std::find_if(std::begin(kEdges), std::end(kEdges),
                                  [&](const Edge& known) { return std::strcmp(known.name, words[1]) == 0; });
  if (edge == std::end(kEdges)) return wrong_call("there is no program ", words[1]);
  if (count > 2) {
    if (std::strcmp(words[2], "--fault") != 0) return wrong_call("unexpected ", words[2]);
    if (count != 4) return wrong_call("--fault wants one fault", "");
    const auto* chosen = std::find_if(std::begin(kFaults), std::end(kFaults),
                                      [&](const auto& known) { return known.first == words[3]; });
    if (chosen == std::end(kFaults)) return wrong_call("there is no fault ", words[3]);
    fault = chosen->second;
  }
  edge->run();
  std::printf("%s: holds\n", edge->name);
  return 0;
}

}  // namespace
}  // namespace hakmem::edges

int main(int count, char** words) {
  // A failure ends the process at once: what was measured so far must be out by then.
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return hakmem::edges::run(count, words);
}
