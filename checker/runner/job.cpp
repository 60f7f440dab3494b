#include "runner/job.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "core/event.hpp"
#include "core/sites.hpp"
#include "core/subject.hpp"
#include "engine/relacy/visibility.hpp"
#include "runner/generator.hpp"
#include "runner/position.hpp"

namespace check {

namespace {

std::string full_name(const Suite& suite, const Variant& variant) { return suite.name() + "~" + variant.name; }

std::string token_for(const std::string& name, const Strategy& strategy, const Outcome& outcome) {
  if (outcome.choices.empty()) return {};
  return fmt::format("{}:{}:{}:{}", name, to_string(strategy), fingerprint(), outcome.choices);
}

std::string verdict_of(const Search& search, const Outcome& outcome) {
  if (outcome.cut) return "TRUNCATED";
  switch (search.strategy.kind) {
    case Strategy::Kind::kFull:
    case Strategy::Kind::kGraph: return "COMPLETE";
    case Strategy::Kind::kNear:
      return outcome.beyond ? fmt::format("BOUNDED({})", search.strategy.parameter) : "COMPLETE";
    case Strategy::Kind::kBound: return fmt::format("BOUNDED({})", search.strategy.parameter);
    default: return fmt::format("SAMPLED({})", outcome.executions);
  }
}

Status status_of(const Outcome& outcome) {
  return outcome.cut && !outcome.failed ? Status::kIncomplete : judged(!outcome.failed);
}

/// The options with which `run` does one search.
std::string options_of(const Search& search, std::uint64_t seed) {
  std::string text = fmt::format(" --exact --scheduler {}", to_string(search.strategy));
  if (search.strategy.exhaustive()) return search.plain ? text + " --plain" : text;
  if (search.executions != 0) text += fmt::format(" --executions {}", search.executions);
  return text + fmt::format(" --seed {}", seed);
}

std::string command_for(const std::string& name, const std::string& options) {
  return fmt::format("{} run '{}'{}", subject().program, name, options);
}

/// Of what the checker never shows (its litmus tests say it), that which the operations that this process has met could show.
std::string blind_spots(const Search& search) {
  bool free_reads = false;
  bool free_writes = false;
  bool reorders = false;
  bool old_values = false;
  bool fails_once = false;
  bool sequential = false;
  bool weaker = false;
  for (const Site& site : Sites::all()) {
    if (site.operation == Operation::kPause) continue;
    const std::memory_order order = site.in_force.success;
    const bool reads = site.operation != Operation::kStore;
    const bool writes = site.operation != Operation::kLoad;
    free_reads |= reads && !acquires(order);
    free_writes |= writes && !releases(order);
    reorders |= writes && order != std::memory_order_seq_cst;
    old_values |= site.operation == Operation::kLoad || site.operation == Operation::kCompareExchange;
    fails_once |= site.weak && search.strategy.exhaustive() && search.strategy.failures == 0;
    (order == std::memory_order_seq_cst ? sequential : weaker) = true;
  }
  std::string text;
  const bool graph = search.strategy.by_graphs();
  if (free_reads && free_writes) text += " LB";
  if (reorders && !graph) text += " 2+2W";
  if (old_values && !graph) text += " STALE";
  if (sequential && weaker && !graph) text += " SC";
  if (fails_once) text += " SPURIOUS";
  return text.empty() ? text : text.substr(1);
}

Result row_of(const std::string& name, const Search& search, const Outcome& outcome) {
  Result result;
  result.suite = name;
  result.scheduler = to_string(search);
  result.executions = outcome.executions;
  result.seconds = outcome.seconds;
  result.processor_seconds = outcome.processor_seconds;
  result.trace = outcome.trace;
  result.token = token_for(name, search.strategy, outcome);
  result.status = status_of(outcome);
  result.verdict = outcome.failed ? "FAILED" : verdict_of(search, outcome);
  if (!outcome.failed) result.blind = blind_spots(search);
  return result;
}

/// What a sample by pct promises (Burckhardt et al., 2010): in a program of n threads and k steps each execution meets
/// a bug of depth d with a probability of at least 1/(n k^(d-1)).
std::string promise_of(const Suite& suite, const Strategy& strategy, const Outcome& outcome) {
  if (strategy.kind != Strategy::Kind::kPct || outcome.executions == 0) return {};
  const double least = 1 / (suite.type().threads * std::pow(outcome.steps, strategy.parameter - 1));
  const double missed = std::pow(1 - least, static_cast<double>(outcome.promised));
  return fmt::format("a bug of depth {} shows with p >= 1/({}*{}^{}) = {:.1e} each time; all miss it with p <= {:.1e}",
                     strategy.parameter, suite.type().threads, outcome.steps, strategy.parameter - 1, least, missed);
}

/// Mutations name sites, and sites are known once they have been met: a few executions of the suite as it is.
std::string break_it(const Suite& suite, const Variant& variant, const Limits& limits) {
  if (variant.mutations.empty()) return {};
  explore(suite.type(), suite.depth(), random(512), limits);
  return Sites::mutate(variant.mutations);
}

/// Of a part's row: the verdict on what it has explored.
std::string verdict_in(const Result& part) { return part.details.value("verdict", part.verdict); }

Result judge_variant(const Variant& variant, const Search& search, const Outcome& outcome, Result result) {
  result.broken_variant = true;
  if (!outcome.failed) {
    result.status = Status::kFail;
    result.message = "not caught: " + variant.what;
    if (outcome.cut) result.message += fmt::format(" ({} ended before it was done)", to_string(search));
    return result;
  }
  result.status = judged(outcome.shows(variant.expected));
  result.verdict = result.passes() ? "CAUGHT" : "FAILED";
  result.message = outcome.problem;
  if (!result.passes()) result.message += fmt::format(", expected {}", variant.expected);
  return result;
}

}  // namespace

Result without_verdict(const Job& job, std::string message) {
  Result result;
  result.suite = job.suite;
  result.scheduler = job.scheduler;
  result.broken_variant = job.broken_variant;
  result.verdict = "TRUNCATED";
  result.message = std::move(message);
  result.go_on = job.go_on;
  return result;
}

Result failed(const Job& job, std::string message) {
  Result result = without_verdict(job, std::move(message));
  result.verdict = "FAILED";
  result.status = Status::kFail;
  result.go_on = {};
  return result;
}

Job job_for(const Suite& suite, const Search& search, std::uint64_t seed, const std::string& folder) {
  Job job{suite.name(), to_string(search)};
  job.executions = search.executions;
  job.go_on = command_for(suite.name(), options_of(search, seed));
  if (!folder.empty() && search.strategy.exhaustive()) job.go_on += fmt::format(" --state '{}'", folder);
  job.work = [&suite, search, seed, folder, go_on = job.go_on](Limits limits) {
    const PositionFile file(folder, suite.name(), search);
    std::string problem;
    const std::string position = file.read(problem);
    limits.seed = seed;
    if (!position.empty()) limits.position = &position;
    const Outcome outcome = explore(suite.type(), suite.depth(), search, limits);
    problem = file.write(outcome.position);
    Result result = row_of(suite.name(), search, outcome);
    result.message = outcome.failed ? outcome.problem : promise_of(suite, search.strategy, outcome);
    if (outcome.cut && !outcome.failed) {
      result.go_on = go_on;
      result.message = "ended before it was done";
      if (!problem.empty()) result.message += "; " + problem;
    }
    return result;
  };
  return job;
}

Job job_without_graphs(const Suite& suite, const Variant* variant) {
  Job job{variant == nullptr ? suite.name() : full_name(suite, *variant), to_string(graphs()), variant != nullptr};
  job.go_on = command_for(job.suite, " --exact --engine relacy");
  job.work = [job, &suite](const Limits&) { return without_verdict(job, "not by graphs: " + suite.graphless()); };
  return job;
}

Job job_for_part(const Suite& suite, const Search& search, Part part, const std::string& knowledge, bool waits) {
  Job job{suite.name(), to_string(search)};
  job.go_on =
      command_for(suite.name(), options_of(search, 1) + fmt::format(" --part {}/{}", part.index + 1, part.count));
  job.work = [&suite, search, part, knowledge, waits, go_on = job.go_on](Limits limits) {
    limits.part = part;
    limits.knowledge = &knowledge;
    limits.waits = waits;
    const Outcome outcome = explore(suite.type(), suite.depth(), search, limits);
    Result result = row_of(suite.name(), search, outcome);
    result.message = outcome.failed ? outcome.problem : fmt::format("part {} of {}", part.index + 1, part.count);
    if (outcome.cut && !outcome.failed) {
      result.message += ", ended before it was done";
      result.go_on = go_on;
    }
    result.details = {{"part", part.index + 1},
                      {"parts", part.count},
                      {"build", fingerprint()},
                      {"knowledge", outcome.knowledge},
                      {"waits", outcome.waits}};
    return result;
  };
  return job;
}

std::optional<Result> united(const std::vector<Result>& parts, std::string& knowledge, bool& waits) {
  std::vector<std::string> known;
  std::uint64_t executions = 0;
  double seconds = 0;
  double processor_seconds = 0;
  unsigned waiting = 0;
  for (const Result& part : parts) {
    if (!part.passes()) return part;
    executions += part.executions;
    seconds = std::max(seconds, part.seconds);
    processor_seconds += part.processor_seconds;
    known.push_back(part.details.at("knowledge"));
    waiting += part.details.at("waits") == true;
  }
  const std::string all = Visibility::united(known);
  if (!all.empty() || (waiting != 0 && waiting != parts.size())) {
    knowledge = all.empty() ? known.front() : all;
    waits = waiting != 0;
    return {};
  }
  // A part has left nothing out where all that lies beyond the bound is in others.
  const auto bounded = std::find_if(parts.begin(), parts.end(),
                                    [](const Result& part) { return verdict_in(part).starts_with("BOUNDED"); });
  Result whole = bounded == parts.end() ? parts.front() : *bounded;
  whole.verdict = verdict_in(whole);
  whole.details = {};
  whole.executions = executions;
  whole.seconds = seconds;
  whole.processor_seconds = processor_seconds;
  whole.message = fmt::format("in {} parts", parts.size());
  return whole;
}

std::vector<Search> variant_searches(const Suite& suite, Tier tier, Engine engine) {
  std::vector<Search> searches = suite.searches(Tier::kQuick, engine);
  for (const Search& search : suite.searches(tier, engine)) {
    const auto same = [&](const Search& other) {
      return other.strategy == search.strategy && other.executions == search.executions;
    };
    if (std::none_of(searches.begin(), searches.end(), same)) searches.push_back(search);
  }
  return searches;
}

Job job_for(const Suite& suite, const Variant& variant, const std::vector<Search>& searches, std::uint64_t seed) {
  constexpr std::uint64_t kPatience = 4'000'000;
  Job job{full_name(suite, variant), to_string(searches.front()), true};
  job.go_on = command_for(job.suite, fmt::format(" --exact --seed {}", seed));
  job.work = [&suite, &variant, searches, seed, job](Limits limits) {
    limits.seed = seed;
    if (const std::string problem = break_it(suite, variant, limits); !problem.empty()) return failed(job, problem);
    Result result;
    bool caught = false;
    bool cut = false;
    for (Search search : searches) {
      if (search.strategy.exhaustive() && search.seconds == 0) search.executions = kPatience;
      const Outcome outcome = explore(variant.type, suite.depth(), search, limits);
      result = judge_variant(variant, search, outcome, row_of(job.suite, search, outcome));
      caught = outcome.failed;
      cut = outcome.cut;
      if (caught || *limits.stop) break;
    }
    // What was planned is done and has not caught it: a fault. What somebody has ended is none.
    const bool ended = *limits.stop || (cut && searches.front().seconds != 0);
    if (!caught && ended) {
      result.status = Status::kIncomplete;
      result.go_on = job.go_on;
    }
    return result;
  };
  return job;
}

Replayed replay_token(const std::string& token) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = token.find(':', begin);
    parts.push_back(token.substr(begin, end - begin));
    if (end == std::string::npos) break;
    begin = end + 1;
  }
  Replayed replayed;
  if (parts.size() != 4) {
    replayed.problem = "no replay token: it has the form suite:scheduler:build:choices";
    return replayed;
  }
  const Strategy strategy = parse_strategy(parts[1], replayed.problem);
  if (!replayed.problem.empty()) return replayed;
  if (parts[2] != fingerprint()) {
    replayed.problem = fmt::format("the token belongs to another build of {}; run the suite again", subject().program);
    return replayed;
  }
  if (generator() != nullptr && generator()->is_name(parts[0])) {
    return generator()->replay(parts[0], strategy, parts[3]);
  }
  static bool stop = false;
  static Shared shared;
  const Limits limits{0, &stop, &shared.executions, &shared.share};
  for (const Suite* suite : Suite::all()) {
    if (suite->name() == parts[0]) {
      replayed.outcome = replay(suite->type(), suite->depth(), strategy, parts[3]);
      return replayed;
    }
    for (const Variant& variant : suite->variants()) {
      if (full_name(*suite, variant) != parts[0]) continue;
      replayed.problem = break_it(*suite, variant, limits);
      if (replayed.problem.empty()) replayed.outcome = replay(variant.type, suite->depth(), strategy, parts[3]);
      return replayed;
    }
  }
  replayed.problem = fmt::format("the token names '{}', and there is no such suite", parts[0]);
  return replayed;
}

}  // namespace check
