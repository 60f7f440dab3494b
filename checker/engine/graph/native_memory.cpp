/// Of a scenario that the graph engine runs: its plain memory, and the record of what it does.

#include <algorithm>
#include <string_view>
#include <utility>

#include "engine/graph/native.hpp"

namespace check::graph {

namespace {

constexpr std::size_t kUsesAtOnce = 1024;
/// Without a step between them: more than any list has nodes.
constexpr unsigned kMostPlainAccesses = 10'000;

}  // namespace

// Plain memory --------------------------------------------------------------------------------------------------------

Use* Native::make_plain() {
  const Outside outside;
  if (uses_taken_ == uses_.size() * kUsesAtOnce) uses_.push_back(std::make_unique<Use[]>(kUsesAtOnce));
  Use& use = uses_[uses_taken_ / kUsesAtOnce][uses_taken_ % kUsesAtOnce];
  ++uses_taken_;
  use.written = stage_ == Stage::kThreads ? moment() : Moment{};
  use.read.fill(Use::kNever);
  return &use;
}

void Native::gone(const Use& use) {
  if (stage_ == Stage::kThreads && !is_ordered(use, true)) fail(Ending::kDataRace, "data race detected", {});
}

bool Native::is_ordered(const Use& use, bool is_write) const {
  bool ordered = sees(use.written);
  for (unsigned i = 0; is_write && i < type_.threads; ++i) {
    if (use.read[i] != Use::kNever) ordered = ordered && sees({static_cast<std::uint16_t>(i), use.read[i]});
  }
  return ordered;
}

/// Ends the execution if nothing orders the access with another one that it conflicts with.
void Native::access(Use& use, bool is_write, const Note& note, std::uintptr_t value) {
  if (recording_ && stage_ != Stage::kClearing) {
    this->note(note.kind, note.text, note.where, note.address);
    events_.back().type = note.type;
    (is_write ? events_.back().after : events_.back().before) = value;
  }
  if (stage_ != Stage::kThreads) return;
  if (++threads_[current_].plain_accesses > kMostPlainAccesses) {
    fail(Ending::kLivelock, "livelock: a loop over plain memory does not end", note.where);
  }
  if (!is_ordered(use, is_write)) fail(Ending::kDataRace, "data race detected", note.where);
  const Moment now = moment();
  if (is_write) {
    use.written = now;
    use.read.fill(Use::kNever);
  } else {
    use.read[now.thread] = now.index;
  }
}

// The record ----------------------------------------------------------------------------------------------------------

void Native::note(EventKind kind, const char* text, const Where& where, const void* address) {
  if (!recording_ || stage_ == Stage::kClearing) return;
  const Outside outside;
  check::Event event;
  event.kind = kind;
  event.thread = current_;
  event.step = static_cast<unsigned>(events_.size());
  event.text = text;
  if (where.function != nullptr) {
    const std::string_view function(where.function);
    event.function = function.substr(0, function.find('<'));  // some compilers add template arguments
    event.file = where.file;
    event.line = where.line;
  }
  if (address != nullptr) event.address = reinterpret_cast<std::uintptr_t>(address);
  events_.push_back(std::move(event));
}

/// An operation on an atomic. \param id its first step; initial if it is none of the graph
void Native::take_down(const Operation& operation, const Note& note, EventId id, Value before) {
  if (stage_ == Stage::kClearing) return;
  const Outside outside;
  const bool compares = operation.what == Operation::What::kCompareExchange;
  const bool reads = operation.what != Operation::What::kWrite;
  const bool fails = !id.is_initial() && (*graph_)[id].operation.fails;
  const bool writes =
      operation.what != Operation::What::kRead && (!compares || (before == operation.expected && !fails));
  const std::size_t place = events_.size();
  if (note.kind == EventKind::kLock || note.kind == EventKind::kUnlock) {
    const bool waits = compares && !writes;
    return this->note(waits ? EventKind::kMutex : note.kind, waits ? "blocking" : note.text, note.where, note.address);
  }
  const EventKind failed = fails ? EventKind::kCompareExchangeSpurious : EventKind::kCompareExchangeFailed;
  this->note(compares && !writes ? failed : note.kind, note.text, note.where, note.address);
  check::Event& event = events_.back();
  event.type = note.type;
  event.order = operation.order;
  event.failure_order = operation.failure_order;
  event.before = before;
  event.expected = operation.expected;
  event.operand = operation.value;
  if (writes) {
    event.after =
        operation.what == Operation::What::kUpdate ? operation.update(before, operation.value) : operation.value;
  }
  if (id.is_initial()) return;
  const Event& step = (*graph_)[id];
  const EventId written = {id.thread, static_cast<std::uint16_t>(id.index + (reads ? 1 : 0))};
  const Location location = step.location;
  const auto done = [&](EventId write) { return threads_[write.thread].at > write.index && write != written; };
  if (reads) {
    if (!step.from.is_initial()) event.reads_from = recorded_[step.from.thread][step.from.index];
    const auto& all = graph_->writes(location);
    const auto later = all.begin() + static_cast<std::ptrdiff_t>(graph_->position(location, step.from));
    event.stores_ago = static_cast<unsigned>(std::count_if(later, all.end(), done));
  } else {
    const EventId replaced = graph_->write_at(location, graph_->position(location, written) - 1);
    event.before = replaced.is_initial() ? initial_[location] : (*graph_)[replaced].value;
  }
  recorded_[id.thread].resize(threads_[id.thread].at, place);
}

}  // namespace check::graph
