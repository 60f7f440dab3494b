#include "core/scenario.hpp"

#include <algorithm>
#include <string_view>

namespace check {

namespace {

std::vector<const Suite*>& registry() {
  static std::vector<const Suite*> suites;
  return suites;
}

}  // namespace

const std::vector<const Suite*>& Suite::all() {
  std::sort(registry().begin(), registry().end(), [](auto* a, auto* b) { return a->name() < b->name(); });
  return registry();
}

Suite::Suite(std::string_view name, std::string_view proves, const char* file, ScenarioType type)
    : name_(name), proves_(proves), file_(file), type_(type) {
  if (type.has_invariant) graphless_ = "an invariant of every state: a graph has none";
}
Suite::Suite(Suite&&) noexcept = default;
Suite::~Suite() = default;

Suite&& Suite::quick(std::initializer_list<Search> searches) && {
  quick_ = searches;
  if (quick_.front().strategy.exhaustive()) by_graphs_.executions = quick_.front().executions;
  return std::move(*this);
}

Suite&& Suite::thorough(std::initializer_list<Search> searches) && {
  thorough_ = searches;
  return std::move(*this);
}

Suite&& Suite::near(unsigned quick, unsigned thorough) && {
  by_graphs_ = graphs_near(quick);
  by_graphs_thoroughly_ = graphs_near(thorough);
  failures_ = 0;
  return std::move(*this);
}

Suite&& Suite::quick_without_failures() && {
  failures_ = 0;
  return std::move(*this);
}

Suite&& Suite::not_by_graphs(std::string_view why) && {
  graphless_ = why;
  return std::move(*this);
}

std::vector<Search> Suite::searches(Tier tier, Engine engine) const {
  const bool thorough = tier == Tier::kDefault;
  const std::vector<Search>& planned = thorough && !thorough_.empty() ? thorough_ : quick_;
  if (engine == Engine::kRelacy || (engine == Engine::kPlanned && !graphless_.empty())) return planned;
  const Search& by_graphs = thorough ? by_graphs_thoroughly_.value_or(by_graphs_) : by_graphs_;
  std::vector<Search> searches = {failing_for_no_reason(thorough ? 1 : failures_, by_graphs)};
  if (engine == Engine::kGraph || !by_graphs_thoroughly_) return searches;
  for (const Search& search : planned) {
    if (!search.strategy.exhaustive()) searches.push_back(search);
  }
  return searches;
}

Suite&& Suite::depth(unsigned operations) && {
  depth_ = operations;
  return std::move(*this);
}

Suite&& Suite::as(std::string_view problem) && {
  variants_.back().expected = problem;
  return std::move(*this);
}

Suite&& Suite::broken(std::string_view name, const Mutation& mutation) && {
  variants_.push_back({std::string(name), describe(mutation), {mutation}, type_, {}});
  return std::move(*this);
}

Suite&& Suite::broken(std::string_view name, std::string_view what, ScenarioType type) && {
  variants_.push_back({std::string(name), std::string(what), {}, type, {}});
  return std::move(*this);
}

Registered::Registered(Suite&& suite) : suite_(std::move(suite)) { registry().push_back(&suite_); }

}  // namespace check
