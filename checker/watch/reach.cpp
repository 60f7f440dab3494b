#include "watch/reach.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "core/subject.hpp"
#include "runner/pool.hpp"
#include "runner/position.hpp"

namespace check {

namespace {

constexpr std::uint64_t kMoment = 500;  // executions

/// A compiler cache may hand the compiler relative paths, which no map of prefixes knows.
std::string_view from_the_root(std::string_view file) {
  while (file.starts_with("../")) file.remove_prefix(3);
  return file;
}

Job probe(const Suite& suite) {
  Job job{suite.name(), "random"};
  job.executions = kMoment;
  job.work = [&suite](Limits limits) {
    limits.seed = 1;
    Result result;
    result.suite = suite.name();
    result.status = judged(!explore(suite.type(), suite.depth(), random(kMoment), limits).failed);
    result.details = nlohmann::json::array();
    for (const Site& site : Sites::all()) {
      const std::string_view file = from_the_root(site.where.file);
      if (is_source(file)) result.details.push_back({file, site.where.function, name_of(site.operation)});
    }
    return result;
  };
  return job;
}

Reached reached_from(const nlohmann::json& sites) {
  Reached reached;
  for (const auto& site : sites) reached.insert({site.at(0), site.at(1), site.at(2)});
  return reached;
}

bool read_map(const std::string& path, ReachMap& map) {
  std::ifstream file(path);
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object() || json.value("build", "") != fingerprint()) return false;
  try {
    for (const auto& [suite, sites] : json.at("suites").items()) map[suite] = reached_from(sites);
  } catch (const nlohmann::json::exception&) {
    return false;
  }
  return true;
}

}  // namespace

ReachMap reach_of_all(const std::string& path, unsigned jobs) {
  ReachMap map;
  if (read_map(path, map)) return map;
  map.clear();
  std::vector<Job> probes;
  for (const Suite* const suite : Suite::all()) probes.push_back(probe(*suite));
  JobPool pool(jobs, 0);
  nlohmann::json suites = nlohmann::json::object();
  bool whole = true;
  for (const Result& result : pool.run(std::move(probes), [](const Result&) {})) {
    whole = whole && result.details.is_array();
    if (!result.details.is_array()) continue;
    map[result.suite] = reached_from(result.details);
    suites[result.suite] = result.details;
  }
  if (whole) (void)write_whole(path, nlohmann::json{{"build", fingerprint()}, {"suites", suites}}.dump() + "\n");
  return map;
}

}  // namespace check
