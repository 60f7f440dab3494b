#include "engine/relacy/recorder.hpp"

#include <iterator>
#include <string_view>
#include <utility>

namespace check {

namespace {

/// Where the engine says in which phase an execution is.
constexpr std::string_view kInside = "fiber_proc_impl";

struct Phase {
  std::string_view mark;
  EventKind kind;
};
constexpr Phase kPhases[] = {
    {"[BEFORE END]", EventKind::kSetUpEnds},
    {"[THREAD FINISHED]", EventKind::kThreadEnds},
    {"[AFTER BEGIN]", EventKind::kJudgingBegins},
    {"[AFTER END]", EventKind::kJudgingEnds},
};

/// Marks that say nothing.
constexpr std::string_view kSilent[] = {"[CTOR BEGIN]", "[CTOR END]", "[BEFORE BEGIN]", "[DTOR BEGIN]", "[DTOR END]"};

}  // namespace

bool Recorder::place(Event& event, const Where& where) const {
  const std::string_view function(where.function);
  if (function == kInside) {
    for (const std::string_view mark : kSilent) {
      if (event.text == mark) return false;
    }
    for (const Phase& phase : kPhases) {
      if (event.kind == EventKind::kMessage && event.text == phase.mark) event.kind = phase.kind;
    }
    return true;
  }
  // Some compilers add template arguments.
  event.function = function.substr(0, function.find('<'));
  event.file = where.file;
  event.line = where.line;
  return true;
}

/// Whose value an atomic step reads, and that it has stored.
void Recorder::connect(Event& event) {
  if (!is_atomic(event)) return;
  std::vector<std::size_t>& stores = stores_[*event.address];
  if (is_load(event) && event.stores_ago < stores.size())
    event.reads_from = stores[stores.size() - 1 - event.stores_ago];
  if (is_store(event)) stores.push_back(events_.size());
}

void Recorder::take(unsigned thread, const Where& where, Event event) {
  event.thread = thread;
  event.step = steps_++;
  if (announced_ != nullptr) {
    announced_ = nullptr;
    event.kind = EventKind::kFault;
    event.ending = ending_;
    event.text = detail_;
  }
  if (!place(event, where)) return;
  connect(event);
  events_.push_back(std::move(event));
}

void Recorder::announce_fault(Ending ending, const char* detail) {
  ending_ = ending;
  announced_ = detail == nullptr ? "" : detail;
  detail_ = announced_;
}

void Recorder::forget(const void* atomic) noexcept {
  const auto at = stores_.find(reinterpret_cast<std::uintptr_t>(atomic));
  if (at != stores_.end()) at->second.clear();
}

void describe_mutex(const void* address, unsigned type, Event& event) {
  static constexpr const char* kWords[] = {
      "exclusive lock",
      "exclusive unlock",
      "recursive exclusive lock",
      "recursive exclusive unlock",
      "failed exclusive try lock",
      "spuriously failed exclusive try lock",
      "shared lock",
      "shared unlock",
      "recursive shared lock",
      "recursive shared unlock",
      "failed shared try lock",
      "spuriously failed shared try lock",
      "blocking",
      "destroying owned mutex",
  };
  constexpr unsigned kSharedLock = 6;
  event.kind = type == 0 || type == kSharedLock       ? EventKind::kLock
               : type == 1 || type == kSharedLock + 1 ? EventKind::kUnlock
                                                      : EventKind::kMutex;
  event.address = reinterpret_cast<std::uintptr_t>(address);
  event.text = type < std::size(kWords) ? kWords[type] : "";
}

}  // namespace check
