#include "engine/graph/search.hpp"

#include <fmt/core.h>

#include <exception>
#include <optional>
#include <sstream>
#include <stdexcept>

#include "engine/graph/explorer.hpp"
#include "engine/graph/native.hpp"

namespace check::graph {

namespace {

constexpr const char* kNoSteps = ".";

/// Behind a step that fails for no reason; no letter of a thread.
constexpr char kFails = 'x';

/// A way as text: for each step its thread, "a" for the first, and behind it the position unless that is 0.
std::string encode(const Way& way) {
  std::string text;
  for (const Way::Step& step : way.steps) {
    text += static_cast<char>('a' + step.thread);
    if (step.position != 0) text += std::to_string(step.position);
    if (step.fails) text += kFails;
  }
  return text.empty() ? kNoSteps : text;
}

std::optional<Way> decode(const std::string& text) {
  Way way;
  if (text == kNoSteps) return way;
  for (std::size_t i = 0; i < text.size();) {
    const char letter = text[i++];
    if (letter < 'a' || letter >= static_cast<char>('a' + kMostThreads)) return {};
    std::size_t position = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9' && position < kMostSteps; ++i) {
      position = position * 10 + static_cast<std::size_t>(text[i] - '0');
    }
    const bool fails = i < text.size() && text[i] == kFails;
    i += fails ? 1 : 0;
    way.steps.push_back({static_cast<unsigned>(letter - 'a'), position, fails});
  }
  return way;
}

/// How far a search is: so many units are done, in which there were so many executions, and more beyond the bound or not.
struct Position {
  std::uint64_t unit = 0;
  std::uint64_t executions = 0;
  bool beyond = false;
};

std::string text_of(const Position& position) {
  return fmt::format("{} {} {:d}", position.unit, position.executions, position.beyond);
}

/// \throws std::invalid_argument when the text is none
Position position_of(const std::string& text) {
  Position position;
  std::istringstream words(text);
  if (!(words >> position.unit >> position.executions >> position.beyond))
    throw std::invalid_argument("the position to go on from is damaged");
  return position;
}

/// Runs one execution with the recording of every step switched on. \return whether the way fits the scenario
bool retrace(const ScenarioType& type, unsigned depth, const Way& way, const Surroundings& surroundings,
             std::optional<unsigned> survivor, Outcome& outcome) {
  Native native(type, depth, surroundings);
  if (survivor) native.judge_progress_of(*survivor);
  native.record();
  Explorer explorer(native, {[](const Graph&) { return false; }, {}});
  const bool fits = explorer.follow(way);
  outcome.failed = native.failed();
  if (!outcome.failed) return fits;
  outcome.ending = native.ending();
  outcome.detail = native.detail();
  outcome.problem = described(outcome.ending, outcome.detail);
  outcome.trace = native.trace();
  return fits;
}

/// The execution that has shown a fault, once more: it must show the same.
void reproduce(const ScenarioType& type, unsigned depth, const Way& way, const Surroundings& surroundings,
               std::optional<unsigned> survivor, Ending ending, const std::string& detail, Outcome& outcome) {
  ++outcome.executions;
  outcome.choices = encode(way);
  if (retrace(type, depth, way, surroundings, survivor, outcome) && outcome.ending == ending) return;
  outcome.set_aside(fmt::format("the scenario is not deterministic: {} is not reproduced", described(ending, detail)));
}

/// All executions, or where a thread is named, what becomes of it when others stop.
Outcome explore_all(const ScenarioType& type, unsigned depth, const Search& search, const Limits& limits,
                    const Surroundings& surroundings, std::optional<unsigned> survivor) {
  Outcome outcome;
  const double start = now();
  const double processor_start = processor_time();
  if (limits.begins_anew != nullptr) limits.begins_anew();
  std::optional<Way> way;
  Ending ending = Ending::kHolds;
  std::string detail;
  try {
    Native native(type, depth, surroundings);
    if (survivor) native.judge_progress_of(*survivor);
    const Position first = limits.position != nullptr ? position_of(*limits.position) : Position{};
    Position position = first;
    std::uint64_t executions = first.executions;
    std::uint64_t graphs = 0;
    // What turns out to be no execution is progress too: else a search of many would be taken for one that hangs.
    const auto goes_on = [&] {
      *limits.progress = ++graphs;
      const bool over = search.seconds != 0 && (graphs & 63u) == 0 && now() - start > search.seconds;
      outcome.cut = *limits.stop || over || (search.executions != 0 && executions >= search.executions);
      return !outcome.cut;
    };
    const auto execution = [&](const Graph&) {
      ++executions;
      return goes_on();
    };
    Explorer explorer(native, {execution, {}, [&](const Graph& graph) { way = Way::to(graph); }, goes_on});
    if (search.strategy.kind == Strategy::Kind::kNear) explorer.bound(search.strategy.parameter);
    explorer.let_fail(search.strategy.failures);
    explorer.divide([&](std::uint64_t unit) {
      if (unit < first.unit) return false;
      position = {unit, executions, first.beyond || explorer.has_left_out()};
      return unit % limits.part.count == limits.part.index;
    });
    explorer.run();
    outcome.beyond = first.beyond || explorer.has_left_out();
    outcome.executions = first.executions + explorer.executions();
    if (outcome.cut) outcome.position = text_of(position);
    ending = native.ending();
    detail = native.detail();
  } catch (const std::exception& problem) {
    outcome.set_aside(problem.what());
  }
  outcome.seconds = now() - start;
  outcome.processor_seconds = processor_time() - processor_start;
  if (ending == Ending::kNoVerdict) outcome.set_aside(detail);
  if (ending == Ending::kHolds || ending == Ending::kNoVerdict) return outcome;
  reproduce(type, depth, *way, surroundings, survivor, ending, detail, outcome);
  return outcome;
}

}  // namespace

Outcome explore(const ScenarioType& type, unsigned depth, const Search& search, const Limits& limits,
                const Surroundings& surroundings) {
  return explore_all(type, depth, search, limits, surroundings, {});
}

Outcome explore_progress(const ScenarioType& type, unsigned depth, unsigned thread, const Search& search,
                         const Limits& limits, const Surroundings& surroundings) {
  return explore_all(type, depth, search, limits, surroundings, thread);
}

Outcome replay(const ScenarioType& type, unsigned depth, const std::string& choices, const Surroundings& surroundings) {
  Outcome outcome;
  outcome.executions = 1;
  const std::optional<Way> way = decode(choices);
  if (!way) {
    outcome.set_aside("the list of choices is damaged");
    return outcome;
  }
  const double start = now();
  if (!retrace(type, depth, *way, surroundings, {}, outcome)) outcome.set_aside("the choices do not fit the scenario");
  outcome.seconds = now() - start;
  return outcome;
}

}  // namespace check::graph
