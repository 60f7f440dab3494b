#include "faults.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "memory.hpp"

namespace hakmem::broken {
namespace {

struct Named {
  Fault fault;
  std::string_view name;  // without its k
};

constexpr std::array kFaults = {
#define BROKEN_MALLOC_ENTRY(name, what) Named{Fault::name, std::string_view(#name).substr(1)},
    BROKEN_MALLOC_FAULTS(BROKEN_MALLOC_ENTRY)
#undef BROKEN_MALLOC_ENTRY
};

Fault chosen = Fault::kNone;
std::atomic<bool> armed{false};

/// Before this runs, while the program is loaded, the library has no fault.
[[gnu::constructor]] void choose() {
  const char* wanted = std::getenv("BROKEN_MALLOC");
  if (wanted == nullptr) return;
  for (const auto& each : kFaults) {
    if (each.name == wanted) chosen = each.fault;
  }
  if (chosen != Fault::kNone) return;
  std::fprintf(stderr, "BROKEN_MALLOC: there is no fault %s\n", wanted);
  std::abort();
}

}  // namespace

bool is(Fault fault) { return chosen == fault && armed.load(std::memory_order_relaxed); }
bool is_always(Fault fault) { return chosen == fault; }

}  // namespace hakmem::broken

// The program of checks calls these around each check, so that only the check meets the fault.
extern "C" [[gnu::visibility("default")]] void conformance_check_begins() {
  if (hakmem::broken::is_always(hakmem::broken::Fault::kForgetsEarlyBlocks)) hakmem::broken::arena.reset();
  hakmem::broken::armed.store(true);
}
extern "C" [[gnu::visibility("default")]] void conformance_check_ends() { hakmem::broken::armed.store(false); }
