#include "ab/report.hpp"

#include <cstdarg>
#include <cstdio>

namespace hakmem::bench {

namespace {

[[gnu::format(printf, 1, 2)]] std::string text(const char* format, ...) {
  char buffer[512];
  va_list values;
  va_start(values, format);
  std::vsnprintf(buffer, sizeof(buffer), format, values);
  va_end(values);
  return buffer;
}

std::string words_of(const Ratio& ratio) { return text("%.3f (%.3f..%.3f)", ratio.median, ratio.least, ratio.most); }

std::string instructions_of(const Result& result) {
  return result.instructions ? text("%.1f : %.1f", result.instructions->first, result.instructions->second) : "";
}

std::string verdict_of(const Result& result) {
  if (!result.met) return "";
  return *result.met ? "met" : "NOT MET";
}

/// "superslabs 2 : 66 (-97.0 %), ..."; a count that both have the same number of says nothing.
std::string counts_of(const Result& result) {
  std::string words;
  if (!result.counts) return words;
  for (const auto& [name, a] : result.counts->first) {
    const std::uint64_t b = result.counts->second.at(name);
    if (a == b) continue;
    words += text("%s%s %llu : %llu (%+.1f %%)", words.empty() ? "" : ", ", name.c_str(),
                  static_cast<unsigned long long>(a), static_cast<unsigned long long>(b), -100 * saved(result, name));
  }
  return words;
}

nlohmann::json as_json(const Ratio& ratio) {
  return {{"median", ratio.median}, {"least", ratio.least}, {"most", ratio.most}};
}

nlohmann::json as_json(const Sample& sample) {
  return {{"operations", sample.operations},
          {"seconds", sample.elapsed.seconds},
          {"cpu_seconds", sample.elapsed.cpu_seconds}};
}

nlohmann::json as_json(const Result& result) {
  nlohmann::json rounds = nlohmann::json::array();
  for (const auto& [a, b] : result.rounds) rounds.push_back({{"a", as_json(a)}, {"b", as_json(b)}});
  nlohmann::json document = {{"workload", result.workload},
                             {"threads", result.threads},
                             {"a", result.a_name},
                             {"b", result.b_name},
                             {"wall_ratio", as_json(result.wall)},
                             {"cpu_ratio", as_json(result.cpu)},
                             {"rounds", std::move(rounds)},
                             {"instructions", nullptr},
                             {"counts", nullptr},
                             {"met", nullptr}};
  if (result.instructions) {
    document["instructions"] = {{"a", result.instructions->first}, {"b", result.instructions->second}};
  }
  if (result.counts) document["counts"] = {{"a", result.counts->first}, {"b", result.counts->second}};
  if (result.met) document["met"] = *result.met;
  return document;
}

}  // namespace

std::string heading(const Pair& pair) {
  std::string words = text("\n%s (%s): %s\n", pair.name, pair.rows, pair.question);
  if (pair.target) words += text("  target: %s\n", pair.target->words);
  return words + text("  %-22s %7s  %-12s %-14s %9s %9s  %-24s %-24s %-15s\n", "workload", "threads", "A", "B", "A M/s",
                      "B M/s", "A : B by the clock", "A : B by processor time", "instructions");
}

std::string line(const Result& result) {
  std::string words = text("  %-22s %7u  %-12s %-14s %9.2f %9.2f  %-24s %-24s %-15s %s\n", result.workload.c_str(),
                           result.threads, result.a_name.c_str(), result.b_name.c_str(), speed_of_a(result) / 1e6,
                           speed_of_b(result) / 1e6, words_of(result.wall).c_str(), words_of(result.cpu).c_str(),
                           instructions_of(result).c_str(), verdict_of(result).c_str());
  if (const std::string counts = counts_of(result); !counts.empty()) words += "    " + counts + "\n";
  return words;
}

std::string as_markdown(const RunFacts& facts, const std::vector<PairResults>& all) {
  std::string page = text("%u cores, load %.1f before the run, %u rounds, %llu operations per thread and round.\n",
                          facts.cores, facts.load, facts.rounds, static_cast<unsigned long long>(facts.operations));
  for (const auto& [pair, results] : all) {
    page += text("\n### `%s` (%s)\n\n%s", pair->name, pair->rows, pair->question);
    if (pair->target) page += text(" Target: %s.", pair->target->words);
    page +=
        "\n\n| workload | threads | A | B | A M/s | B M/s | A : B by the clock | A : B by processor time "
        "| instructions A : B | target |\n|---|---:|---|---|---:|---:|---:|---:|---:|---|\n";
    for (const Result& result : results) {
      page += text("| %s | %u | %s | %s | %.2f | %.2f | %s | %s | %s | %s |\n", result.workload.c_str(), result.threads,
                   result.a_name.c_str(), result.b_name.c_str(), speed_of_a(result) / 1e6, speed_of_b(result) / 1e6,
                   words_of(result.wall).c_str(), words_of(result.cpu).c_str(), instructions_of(result).c_str(),
                   verdict_of(result).c_str());
    }
    std::string counts;
    for (const Result& result : results) {
      if (const std::string words = counts_of(result); !words.empty()) {
        counts += text("- %s, %s : %s: ", result.workload.c_str(), result.a_name.c_str(), result.b_name.c_str()) +
                  words + "\n";
      }
    }
    if (!counts.empty()) page += "\nCounts of one run on a fresh heap, A : B:\n\n" + counts;
  }
  return page;
}

nlohmann::json as_json(const RunFacts& facts, const std::vector<PairResults>& all) {
  nlohmann::json pairs = nlohmann::json::array();
  for (const auto& [pair, results] : all) {
    nlohmann::json comparisons = nlohmann::json::array();
    for (const Result& result : results) comparisons.push_back(as_json(result));
    pairs.push_back({{"pair", pair->name},
                     {"rows", pair->rows},
                     {"question", pair->question},
                     {"target", pair->target ? nlohmann::json(pair->target->words) : nlohmann::json()},
                     {"comparisons", std::move(comparisons)}});
  }
  return {{"benchmark", "ab"},    {"rounds", facts.rounds}, {"operations", facts.operations},
          {"cores", facts.cores}, {"load", facts.load},     {"pairs", std::move(pairs)}};
}

}  // namespace hakmem::bench
