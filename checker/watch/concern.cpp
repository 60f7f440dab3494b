#include "watch/concern.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace check {

namespace {

bool has(const Change& change, std::string_view function) {
  // An operation in a lambda says so, and not in whose.
  return change.outside || function == "operator()" ||
         std::find(change.functions.begin(), change.functions.end(), function) != change.functions.end();
}

}  // namespace

double concern(const Reached& reached, const std::vector<Change>& changes) {
  std::size_t in_file = 0;
  std::size_t in_function = 0;
  for (const ReachedSite& site : reached) {
    for (const Change& change : changes) {
      if (change.is_idle() || change.file != site.file) continue;
      ++in_file;
      in_function += has(change, site.function);
    }
  }
  const auto all = static_cast<double>(std::max<std::size_t>(1, reached.size()));
  if (in_function != 0) return 2 + static_cast<double>(in_function) / all;
  return in_file != 0 ? 1 + static_cast<double>(in_file) / all : 0;
}

bool is_about(const Variant& variant, const std::vector<Change>& changes) {
  return std::any_of(variant.mutations.begin(), variant.mutations.end(), [&](const Mutation& mutation) {
    return std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
      return change.file.ends_with(mutation.file) && has(change, mutation.function);
    });
  });
}

namespace {

/// The suite's variants, those first that are about what has changed.
std::vector<std::string> variants_of(const Suite& suite, const std::vector<Change>& changes) {
  std::vector<std::string> about;
  std::vector<std::string> others;
  for (const Variant& variant : suite.variants()) {
    (is_about(variant, changes) ? about : others).push_back(suite.name() + "~" + variant.name);
  }
  about.insert(about.end(), others.begin(), others.end());
  return about;
}

struct Concerned {
  double concern;
  const Suite* suite;
};

Stem stem_of(const std::string& name, std::vector<Concerned> suites, const std::vector<Change>& changes) {
  std::stable_sort(suites.begin(), suites.end(),
                   [](const Concerned& a, const Concerned& b) { return a.concern > b.concern; });
  Stem stem;
  stem.name = name;
  stem.concern = suites.front().concern;
  for (const Concerned& one : suites) {
    stem.suites.push_back(one.suite->name());
    if (one.concern <= 0) continue;
    stem.first.push_back(one.suite->name());
    for (std::string& variant : variants_of(*one.suite, changes)) stem.first.push_back(std::move(variant));
  }
  return stem;
}

}  // namespace

std::vector<Stem> stems_by_concern(const std::vector<const Suite*>& suites, const ReachMap& map,
                                   const std::vector<Change>& changes) {
  std::map<std::string, std::vector<Concerned>> files;
  for (const Suite* const suite : suites) {
    const auto at = map.find(suite->name());
    const double much = at == map.end() ? 0 : concern(at->second, changes);
    files[std::filesystem::path(suite->file()).stem()].push_back({much, suite});
  }
  std::vector<Stem> stems;
  for (auto& [name, of_file] : files) stems.push_back(stem_of(name, std::move(of_file), changes));
  std::stable_sort(stems.begin(), stems.end(), [](const Stem& a, const Stem& b) { return a.concern > b.concern; });
  return stems;
}

}  // namespace check
