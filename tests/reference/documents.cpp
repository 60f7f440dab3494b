#include "documents.hpp"

#include <fmt/format.h>

#include <cctype>

#include "table.hpp"

namespace hakmem::reference {

namespace {

constexpr const char kBegin[] = "<!-- options, by ci/update reference -->\n";
constexpr const char kEnd[] = "<!-- end of the options -->\n";

/// The option of the learner that README's table has, and the page that has the others.
constexpr const char kLearn[] = "HAKMEM_LEARN";
constexpr const char kLearner[] = "The learner";

/// Where a topic is explained.
std::string explained_in(const std::string& topic) {
  if (topic == kLearner) return "How it learns: [docs/learner.md](../learner.md).\n\n";
  if (topic == "Looking inside") return "What they show: [docs/observing.md](../observing.md).\n\n";
  return "";
}

/// With a minus for each hyphen in front of a digit.
std::string with_minus(const std::string& text) {
  std::string found;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_minus = text[i] == '-' && i + 1 < text.size() && std::isdigit(text[i + 1]) != 0;
    found += is_minus ? "−" : text.substr(i, 1);
  }
  return found;
}

/// A number as people read it: many bytes in the largest unit that divides them, thousandths as a fraction.
std::string shown(const hak_option& option, std::int64_t value) {
  if (option.kind == HAK_OPTION_FRACTION || option.kind == HAK_OPTION_LIST) {
    return fmt::format("{}", static_cast<double>(value) / 1000);
  }
  constexpr const char* kUnits[] = {"", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  if (std::string(option.unit) == "bytes") {
    for (; value != 0 && value % 1024 == 0 && unit + 1 < std::size(kUnits); ++unit) value /= 1024;
  }
  return with_minus(std::to_string(value)) + kUnits[unit];
}

std::string default_of(const hak_option& option) {
  return option.kind == HAK_OPTION_NUMBER ? shown(option, std::stoll(option.normal)) : option.normal;
}

/// What an option takes, without its unit.
std::string range_of(const hak_option& option) {
  if (option.kind == HAK_OPTION_PATH) return "0, 1, path";
  std::string range = fmt::format("{}–{}", shown(option, option.least), shown(option, option.most));
  if (option.kind == HAK_OPTION_LIST) range = fmt::format("1–{} of {}", option.longest, range);
  if (option.kind == HAK_OPTION_WORDS) range = "0";
  for (const hak_option_word& word : words_of(option)) range += fmt::format(", {}", word.word);
  return range;
}

/// The same with the unit, where the default does not say it.
std::string range_with_unit(const hak_option& option) {
  const std::string unit = option.unit;
  return range_of(option) + (unit.empty() || unit == "bytes" ? "" : " " + unit);
}

std::string code(const char* text) { return text == nullptr ? "" : fmt::format("`{}`", text); }

std::string words_as_table(const hak_option& option) {
  std::string text = fmt::format("\n| {} | | former name |\n|---|---|---|\n", code(option.name));
  for (const hak_option_word& word : words_of(option)) {
    text += fmt::format("| {} | {} | {} |\n", code(word.word), word.says, code(word.alias));
  }
  return text;
}

std::string options_page() {
  std::string text = fmt::format(
      "# Options\n\n"
      "Made of `src/api/option_table.hpp` by `{}`: never by hand. Options are read from the environment when the\n"
      "process starts and set by `hak_option_set` at any time; `hak_option_describe` has this table for programs. A "
      "bad\n"
      "value is named in one line on standard error, and the default is used. Programs that have more rights than who\n"
      "starts them (set-user-id) read nothing from the environment.\n\n"
      "A former name means the same. Where the environment has both and they differ, the newer one decides, and a "
      "line\n"
      "says so.\n",
      kWrittenBy);
  std::string topic, words;
  for (const hak_option& option : options()) {
    if (topic != option.topic) {
      text += words + fmt::format("\n## {}\n\n{}| option | default | range | | former name |\n|---|---:|---|---|---|\n",
                                  option.topic, explained_in(option.topic));
      topic = option.topic;
      words.clear();
    }
    text += fmt::format("| {} | {} | {} | {} | {} |\n", code(option.name), default_of(option), range_with_unit(option),
                        with_minus(option.says), code(option.alias));
    if (option.words->word != nullptr) words += words_as_table(option);
  }
  return text + words;
}

/// The options but for those of the learner, which are one row.
std::string readme_table() {
  std::string text = "| name | default | range | |\n|---|---:|---|---|\n";
  for (const hak_option& option : options()) {
    const bool of_learner = std::string(option.topic) == kLearner;
    if (of_learner && std::string(option.name) != kLearn) continue;
    text += fmt::format("| {}{} | {} | {} | {}{} |\n", code(option.name),
                        of_learner ? " and the learner's options" : "", default_of(option), range_with_unit(option),
                        with_minus(option.says), of_learner ? ": [docs/learner.md](docs/learner.md)" : "");
  }
  return text;
}

std::string readme_with_table(const std::string& readme) {
  const std::size_t begin = readme.find(kBegin);
  const std::size_t end = readme.find(kEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    throw Unmade(fmt::format("README.md has no table of options between the lines {}and {}", kBegin, kEnd));
  }
  return readme.substr(0, begin) + kBegin + readme_table() + readme.substr(end);
}

/// Text for troff, which takes a hyphen for one unless it is told that it is a minus.
std::string for_troff(const std::string& text) {
  std::string found;
  for (const char c : text) found += c == '-' ? "\\-" : c == '\\' ? "\\e" : std::string(1, c);
  return found;
}

/// A paragraph with a tag. \param alias nullptr: none
std::string tagged(const std::string& tag, const std::string& says, const char* alias) {
  const std::string former = alias == nullptr ? "" : fmt::format("Former name:\n.BR {} .\n", alias);
  return fmt::format(".TP\n{}\n{}.\n{}", tag, for_troff(says), former);
}

std::string ascii_range(const hak_option& option) {
  std::string range = range_with_unit(option);
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"–", " to "}, {"−", "-"}}) {
    for (std::size_t at = range.find(from); at != std::string::npos; at = range.find(from, at)) {
      range.replace(at, from.size(), to);
    }
  }
  return range;
}

std::string manual_fragment() {
  std::string text = fmt::format(
      ".\\\" The section of a manual page about the environment, made of src/api/option_table.hpp by {}.\n"
      ".SH ENVIRONMENT\nOptions are read when the process starts. A bad value is named in one line on standard error,\n"
      "and the default is used. Where a name and its former name are both there and differ, the name decides.\n",
      kWrittenBy);
  std::string topic;
  for (const hak_option& option : options()) {
    if (topic != option.topic) text += fmt::format(".SS {}\n", option.topic);
    topic = option.topic;
    const std::string range = for_troff(ascii_range(option));
    text += tagged(fmt::format(".BR {} \" (default {}; {})\"", option.name, for_troff(option.normal), range),
                   option.says, option.alias);
    if (option.words->word == nullptr) continue;
    text += ".RS\n";
    for (const hak_option_word& word : words_of(option)) {
      text += tagged(fmt::format(".B {}", word.word), word.says, word.alias);
    }
    text += ".RE\n";
  }
  return text;
}

std::string statistics_page() {
  std::string text = fmt::format(
      "# Statistics\n\n"
      "Made of `src/api/statistic_table.hpp` by `{}`: never by hand. The members of `struct hak_statistics`, in the\n"
      "order of the reports; `hak_statistic_describe` has this table for programs. What they tell about a program is "
      "in\n"
      "[docs/observing.md](../observing.md).\n\n| name | unit | |\n|---|---|---|\n",
      kWrittenBy);
  std::string arrays =
      "\nMembers with several values, and where they stand in the JSON object. `pools` has `hit_rate` beside them.\n\n"
      "| name | values | in JSON | unit | |\n|---|---|---|---|---|\n";
  for (const hak_statistic& row : statistics()) {
    if (row.count == 1) {
      text += fmt::format("| `{}` | {} | {} |\n", row.name, row.unit, row.says);
      continue;
    }
    std::string labels;
    for (const std::string& label : labels_of(row)) labels += (labels.empty() ? ": " : ", ") + label;
    arrays +=
        fmt::format("| `{}` | {}{} | `{}` | {} | {} |\n", row.name, row.count, labels, row.json, row.unit, row.says);
  }
  return text + arrays;
}

}  // namespace

std::vector<Document> documents(const std::string& readme) {
  return {{"docs/reference/options.md", options_page()},
          {"docs/reference/statistics.md", statistics_page()},
          {"docs/reference/environment.man", manual_fragment()},
          {"README.md", readme_with_table(readme)}};
}

}  // namespace hakmem::reference
