#include "core/event.hpp"

#include <iterator>

namespace check {

namespace {

constexpr const char* kEndings[] = {
    "SUCCESS",
    "NO VERDICT",
    "USER ASSERT FAILED",
    "USER INVARIANT FAILED",
    "DATA RACE",
    "ACCESS TO FREED MEMORY",
    "DOUBLE FREE",
    "MEMORY LEAK",
    "RESOURCE LEAK",
    "ACCESS TO UNINITIALIZED VARIABLE",
    "DEADLOCK",
    "LIVELOCK",
    "RECURSION ON NON-RECURSIVE MUTEX",
    "UNLOCKING MUTEX W/O OWNERSHIP",
    "DESTROYING OWNED MUTEX",
    "MISUSE OF THE ENGINE",
};
static_assert(std::size(kEndings) == static_cast<std::size_t>(Ending::kMisuse) + 1);

constexpr const char* kKinds[] = {
    "load",
    "store",
    "exchange",
    "fetch_add",
    "fetch_sub",
    "fetch_or",
    "fetch_and",
    "fetch_xor",
    "compare_exchange",
    "compare_exchange_failed",
    "compare_exchange_spurious",
    "read",
    "write",
    "unmap",
    "free",
    "gone",
    "lock",
    "unlock",
    "mutex",
    "set_up_ends",
    "thread_ends",
    "judging_begins",
    "judging_ends",
    "yield",
    "vanishes",
    "forks",
    "happens",
    "message",
    "fault",
};
static_assert(std::size(kKinds) == static_cast<std::size_t>(EventKind::kFault) + 1);

template <class Enumeration, std::size_t kCount>
std::optional<Enumeration> named(const char* const (&names)[kCount], std::string_view name) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (name == names[i]) return static_cast<Enumeration>(i);
  }
  return std::nullopt;
}

}  // namespace

const char* word_of(Ending ending) { return kEndings[static_cast<std::size_t>(ending)]; }
std::optional<Ending> ending_named(std::string_view word) { return named<Ending>(kEndings, word); }

std::string described(Ending ending, const std::string& detail) {
  std::string text = word_of(ending);
  if (!detail.empty()) text += " (" + detail + ")";
  return text;
}

const char* name_of(EventKind kind) { return kKinds[static_cast<std::size_t>(kind)]; }
std::optional<EventKind> kind_named(std::string_view name) { return named<EventKind>(kKinds, name); }

bool is_load(const Event& event) {
  return event.kind <= EventKind::kCompareExchangeSpurious && event.kind != EventKind::kStore;
}

bool is_store(const Event& event) {
  return event.kind >= EventKind::kStore && event.kind <= EventKind::kCompareExchange;
}

bool is_plain(const Event& event) {
  return event.kind == EventKind::kRead || event.kind == EventKind::kWrite || event.kind == EventKind::kUnmap;
}

bool is_compare_exchange(const Event& event) {
  return event.kind >= EventKind::kCompareExchange && event.kind <= EventKind::kCompareExchangeSpurious;
}

std::memory_order load_order(const Event& event) {
  const bool failed = is_compare_exchange(event) && event.kind != EventKind::kCompareExchange;
  return failed ? event.failure_order : event.order;
}

}  // namespace check
