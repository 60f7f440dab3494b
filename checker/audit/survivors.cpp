#include "audit/survivors.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "audit/content.hpp"
#include "core/subject.hpp"

namespace check {

namespace fs = std::filesystem;

namespace {

constexpr const char* kEnding = ".survivors.json";

class Reader {
 public:
  Reader(fs::path root, Survivors& into) : root_(std::move(root)), into_(into) {}

  void read(const fs::path& path) {
    file_ = fs::relative(path, root_).string();
    header_ = file_.substr(0, file_.size() - std::string(kEnding).size()) + ".hpp";
    if (!fs::exists(root_ / header_)) return complain("stands beside no header: " + header_ + " is gone");
    std::string text;
    if (!read_text(path, text)) return complain("cannot be read");
    try {
      const nlohmann::json json = nlohmann::json::parse(text);
      for (const auto& [name, value] : json.items()) {
        if (name != "survivors" && name != "unreached") complain("unknown entry '" + name + "'");
      }
      for (const auto& entry : json.value("survivors", nlohmann::json::array())) add_survivors(entry);
      for (const auto& entry : json.value("unreached", nlohmann::json::array())) add_unreached(entry);
    } catch (const nlohmann::json::exception& error) {
      complain(error.what());
    }
  }

 private:
  void complain(const std::string& what) { into_.problems.push_back(file_ + ": " + what); }

  void add_survivors(const nlohmann::json& entry) {
    const Explanation explanation{file_, entry.at("verdict"), entry.at("why")};
    if (explanation.verdict != "equivalent" && explanation.verdict != "stronger than needed" &&
        explanation.verdict != "beyond the model") {
      complain("unknown verdict '" + explanation.verdict + "'");
    }
    if (explanation.why.size() < 10) complain("a survivor without a reason");
    const std::string beside = header_.substr(header_.find('/') + 1) + "/";
    for (const std::string mutant : entry.at("mutants")) {
      if (!mutant.starts_with(beside)) complain(mutant + " belongs into another file");
      if (!into_.by_mutant.emplace(mutant, explanation).second) complain(mutant + " is explained twice");
    }
  }

  void add_unreached(const nlohmann::json& entry) {
    const std::string operation = entry.at("operation");
    const std::string why = entry.at("why");
    if (!operation.starts_with(header_.substr(header_.find('/') + 1) + "/")) {
      complain(operation + " belongs into another file");
    }
    if (why.size() < 10) complain("an unreached operation without a reason");
    into_.unreached.push_back({file_, operation, why});
  }

  fs::path root_;
  Survivors& into_;
  std::string file_;
  std::string header_;
};

}  // namespace

Survivors read_survivors(const fs::path& root) {
  Survivors survivors;
  Reader reader(root, survivors);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(root / subject().sources)) {
    if (entry.path().filename().string().ends_with(kEnding)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) reader.read(file);
  return survivors;
}

}  // namespace check
