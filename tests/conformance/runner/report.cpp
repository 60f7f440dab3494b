#include "report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gnu/libc-version.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

namespace hakmem::conformance {
namespace {

using Json = nlohmann::json;

constexpr std::array kLevels = {Level::kRequired, Level::kGlibc, Level::kHakmem};

const std::string* known_reason(const Run& run, const Library& library, const Check& check) {
  const auto of_library = run.known.find(library.label);
  if (of_library == run.known.end()) return nullptr;
  const auto found = of_library->second.find(check.name);
  return found == of_library->second.end() ? nullptr : &found->second;
}

/// A message on one line.
std::string joined(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string word_for(const Outcome& outcome) {
  switch (outcome.status) {
    case Status::kPass: return "pass";
    case Status::kAbsent: return "absent";
    case Status::kFail: break;
  }
  return outcome.how == "assertion" ? "FAIL" : fmt::format("FAIL ({})", outcome.how);
}

struct Count {
  std::size_t passed = 0;
  std::size_t failed = 0;
  std::size_t absent = 0;
};

Count count(const Run& run, const Column& column, Level level) {
  Count count;
  for (std::size_t i = 0; i < run.checks.size(); ++i) {
    if (run.checks[i].level != level) continue;
    switch (column.outcomes[i].status) {
      case Status::kPass: ++count.passed; break;
      case Status::kFail: ++count.failed; break;
      case Status::kAbsent: ++count.absent; break;
    }
  }
  return count;
}

std::string as_phrase(const Count& count) {
  std::string text = fmt::format("{} of {}", count.passed, count.passed + count.failed);
  if (count.absent != 0) text += fmt::format(", {} absent", count.absent);
  return text;
}

std::size_t width_of(const std::vector<std::string>& texts) {
  std::size_t width = 0;
  for (const auto& text : texts) width = std::max(width, text.size());
  return width;
}

/// Check and clause of one row, padded.
class RowHead {
 public:
  explicit RowHead(const std::vector<Check>& checks) {
    std::vector<std::string> names;
    std::vector<std::string> clauses;
    for (const auto& check : checks) {
      names.push_back(check.name);
      clauses.push_back(check.clause);
    }
    name_ = width_of(names);
    clause_ = std::max<std::size_t>(width_of(clauses), 6);
  }
  [[nodiscard]] std::string of(const std::string& name, const std::string& clause) const {
    return fmt::format("{:<{}}  {:<{}}", name, name_, clause, clause_);
  }

 private:
  std::size_t name_;
  std::size_t clause_;
};

std::string table(const Run& run, Level level) {
  const RowHead head(run.checks);
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "{}", head.of(fmt::format("[{}]", name_of(level)), "clause"));
  for (const auto& column : run.columns) fmt::format_to(out, "  {:<16}", column.library.label);
  text += "\n";
  bool any = false;
  for (std::size_t i = 0; i < run.checks.size(); ++i) {
    if (run.checks[i].level != level) continue;
    any = true;
    text += head.of(run.checks[i].name, run.checks[i].clause);
    for (const auto& column : run.columns) fmt::format_to(out, "  {:<16}", word_for(column.outcomes[i]));
    text += "\n";
  }
  return any ? text + "\n" : "";
}

std::string failures(const Run& run) {
  std::string text;
  for (const auto& column : run.columns) {
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
      const auto& outcome = column.outcomes[i];
      if (outcome.status != Status::kFail) continue;
      text += fmt::format("{}: {}: {}: {}\n", column.library.label, run.checks[i].name, outcome.how,
                          joined(outcome.message));
    }
  }
  return text.empty() ? text : text + "\n";
}

std::string summary(const Run& run) {
  std::string text;
  for (const auto& column : run.columns) {
    std::vector<std::string> parts;
    for (const Level level : kLevels) {
      parts.push_back(fmt::format("{}: {}", name_of(level), as_phrase(count(run, column, level))));
    }
    text += fmt::format("{}: {} (must keep: {})\n", column.library.label, fmt::join(parts, "; "), name_of(column.must));
  }
  return text;
}

// Markdown -----------------------------------------------------------------------------------------------------------

std::string level_heading(Level level) {
  switch (level) {
    case Level::kRequired: return "## Required by a standard";
    case Level::kGlibc: return "## Behaviour of glibc that programs depend on";
    case Level::kHakmem: return "## Diagnostics of hakmem";
  }
  return "";
}

std::string level_explanation(Level level) {
  switch (level) {
    case Level::kRequired: return "C17, C23, POSIX.1-2017, POSIX.1-2024 and C++20 leave no choice here.";
    case Level::kGlibc:
      return "The C library documents it, or has always done it. The manual's section on replacing malloc (3.2.5) "
             "excuses a replacement from the statistics.";
    case Level::kHakmem:
      return "The standards leave misuse undefined. hakmem ends the process with a message that names the fault; "
             "of the others it is not expected.";
  }
  return "";
}

std::string cell(const Outcome& outcome) {
  switch (outcome.status) {
    case Status::kPass: return "yes";
    case Status::kAbsent: return "–";
    case Status::kFail: break;
  }
  return outcome.how == "assertion" ? "**no**" : fmt::format("**no** ({})", outcome.how);
}

std::string markdown_row(const std::vector<std::string>& cells) {
  return fmt::format("| {} |\n", fmt::join(cells, " | "));
}

std::string markdown_table(const Run& run, Level level) {
  std::vector<std::string> head = {"check", "clause"};
  for (const auto& column : run.columns) head.push_back(column.library.label);
  std::string text = markdown_row(head) + markdown_row(std::vector<std::string>(head.size(), "---"));
  for (std::size_t i = 0; i < run.checks.size(); ++i) {
    const auto& check = run.checks[i];
    if (check.level != level) continue;
    std::vector<std::string> cells = {check.name, check.clause};
    for (const auto& column : run.columns) cells.push_back(cell(column.outcomes[i]));
    text += markdown_row(cells);
  }
  std::vector<std::string> sum = {"**kept**", ""};
  for (const auto& column : run.columns) sum.push_back(as_phrase(count(run, column, level)));
  return text + markdown_row(sum);
}

std::string markdown_origins(const Run& run) {
  std::vector<std::string> head = {"function"};
  for (const auto& column : run.columns) head.push_back(column.library.label);
  std::string text = markdown_row(head) + markdown_row(std::vector<std::string>(head.size(), "---"));
  for (const auto& [function, origin] : run.columns.front().library.origins) {
    std::vector<std::string> cells = {fmt::format("`{}`", function)};
    for (const auto& column : run.columns) cells.push_back(column.library.brings(function) ? "yes" : "–");
    text += markdown_row(cells);
  }
  return text;
}

/// Messages hold addresses, which differ from run to run; what is written down should not.
std::string without_addresses(const std::string& text) {
  std::string clean;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "0x") != 0) {
      clean += text[i++];
      continue;
    }
    clean += "0x…";
    for (i += 2; i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i])) != 0;) ++i;
  }
  return clean;
}

std::string markdown_deviations(const Run& run) {
  std::string text;
  for (const auto& column : run.columns) {
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
      const auto& check = run.checks[i];
      const auto& outcome = column.outcomes[i];
      if (outcome.status != Status::kFail || check.level == Level::kHakmem) continue;
      const std::string* reason = known_reason(run, column.library, check);
      text += fmt::format("* {}, {}: {}\n", column.library.label, check.name,
                          reason != nullptr ? *reason : without_addresses(joined(outcome.message)));
    }
  }
  return text.empty() ? "None.\n" : text;
}

}  // namespace

KnownDeviations read_known_deviations(const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw Problem{fmt::format("cannot read {}", file)};
  const Json json = Json::parse(stream, nullptr, false);
  try {
    return json.get<KnownDeviations>();
  } catch (const Json::exception&) {
    throw Problem{fmt::format("{} must be a JSON object: library -> check -> reason", file)};
  }
}

std::vector<std::string> objections(const Run& run) {
  std::vector<std::string> all;
  for (const auto& column : run.columns) {
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
      const auto& check = run.checks[i];
      if (check.level > column.must) continue;
      if (column.outcomes[i].status == Status::kFail && known_reason(run, column.library, check) == nullptr) {
        all.push_back(fmt::format("{} breaks {} ({})", column.library.label, check.name, check.clause));
      }
    }
  }
  return all;
}

/// What other versions of a library break and this one keeps: good to know, and no fault.
std::string kept_after_all(const Run& run) {
  std::string text;
  for (const auto& column : run.columns) {
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
      if (column.outcomes[i].status != Status::kPass) continue;
      if (known_reason(run, column.library, run.checks[i]) == nullptr) continue;
      text += fmt::format("this {} keeps {}, which other versions break\n", column.library.label, run.checks[i].name);
    }
  }
  return text;
}

std::string as_text(const Run& run) {
  std::string text;
  for (const Level level : kLevels) text += table(run, level);
  text += failures(run) + summary(run) + kept_after_all(run);
  const auto against = objections(run);
  for (const auto& objection : against) text += fmt::format("! {}\n", objection);
  text += against.empty()
              ? fmt::format("VERDICT: PASSED: {} checks of {} libraries\n", run.checks.size(), run.columns.size())
              : fmt::format("VERDICT: FAILED: {} of {} checks of {} libraries\n", against.size(),
                            run.checks.size() * run.columns.size(), run.columns.size());
  return text;
}

std::string as_json(const Run& run) {
  auto results = Json::array();
  for (const auto& column : run.columns) {
    for (std::size_t i = 0; i < run.checks.size(); ++i) {
      const auto& check = run.checks[i];
      const auto& outcome = column.outcomes[i];
      const std::string* reason = known_reason(run, column.library, check);
      constexpr std::array<const char*, 3> kStatusNames = {"pass", "fail", "absent"};
      results.push_back({{"library", column.library.label},
                         {"file", column.library.file},
                         {"check", check.name},
                         {"level", name_of(check.level)},
                         {"clause", check.clause},
                         {"decides", check.level <= column.must},
                         {"known", reason != nullptr ? Json(*reason) : Json(nullptr)},
                         {"status", kStatusNames.at(static_cast<std::size_t>(outcome.status))},
                         {"how", outcome.how},
                         {"message", outcome.message},
                         {"seconds", outcome.seconds}});
    }
  }
  const auto against = objections(run);
  const Json whole = {{"results", results}, {"objections", against}, {"status", against.empty() ? "pass" : "fail"}};
  return whole.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string as_markdown(const Run& run) {
  std::string text = "# Conformance: who keeps which promise\n\nGenerated by\n\n";
  text += fmt::format("    {}\n\n", fmt::join(run.command, " "));
  text += fmt::format("with glibc {}", ::gnu_get_libc_version());
  for (const auto& column : run.columns) {
    if (!column.library.path.empty()) {
      text += fmt::format(", {}", std::filesystem::path(column.library.file).filename().string());
    }
  }
  text +=
      ". Every check runs in a process of its own, with the library preloaded; \"no\" may be a broken assertion, or, "
      "where it says so, a signal or a time-out. \"–\" is a function that is not there.\n\n";
  for (const Level level : kLevels) {
    text += fmt::format("{}\n\n{}\n\n{}\n", level_heading(level), level_explanation(level), markdown_table(run, level));
  }
  text += "## Deviations\n\n" + markdown_deviations(run) + "\n";
  text +=
      "## Functions that each library brings itself\n\nThe others are those of the C library and its C++ runtime, "
      "which call the library's `malloc`, or serve another heap.\n\n" +
      markdown_origins(run);
  return text;
}

}  // namespace hakmem::conformance
