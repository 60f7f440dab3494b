/// reference: the documents about options and statistics, made from the library's own tables or compared with them.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "documents.hpp"
#include "table.hpp"

namespace hakmem::reference {

namespace {

namespace fs = std::filesystem;

constexpr int kDiffers = 1;
constexpr int kWrongCall = 2;

constexpr const char* kUsage =
    "usage: reference --check ROOT   compares the documents in a source tree with the tables\n"
    "       reference --write ROOT   writes them\n"
    "       reference --json         prints the tables\n";

int wrong_call(const std::string& message) {
  fmt::print(stderr, "reference: {}\n{}", message, kUsage);
  return kWrongCall;
}

/// Empty if there is no such file.
std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

/// Writes a file whole or not at all.
void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  const fs::path temporary = path.string() + ".new";
  std::ofstream stream(temporary);
  stream << text << std::flush;
  if (!stream) throw Unmade(fmt::format("{} cannot be written", temporary.string()));
  fs::rename(temporary, path);
}

/// The number of the first line in which two texts differ.
std::size_t line_of_difference(const std::string& one, const std::string& other) {
  const auto [end, ignored] = std::mismatch(one.begin(), one.end(), other.begin(), other.end());
  return 1 + static_cast<std::size_t>(std::count(one.begin(), end, '\n'));
}

int check(const fs::path& root, const std::vector<Document>& wanted) {
  int result = 0;
  for (const Document& document : wanted) {
    const std::string found = contents(root / document.path);
    if (found == document.text) continue;
    fmt::print("{}:{}: is not what the tables of src/api say; write it by: {}\n", document.path,
               line_of_difference(found, document.text), kWrittenBy);
    result = kDiffers;
  }
  return result;
}

int run(const fs::path& root, bool writes) {
  const std::string readme = contents(root / "README.md");
  if (readme.empty()) return wrong_call(fmt::format("{} has no README.md; give the root of the tree", root.string()));
  const std::vector<Document> wanted = documents(readme);
  if (!writes) return check(root, wanted);
  for (const Document& document : wanted) {
    if (contents(root / document.path) != document.text) write_file(root / document.path, document.text);
  }
  return 0;
}

int main(int count, char** arguments) {
  std::string checked, written;
  bool json = false;
  CLI::App app{"Makes the documents about options and statistics, or compares them with the tables.", "reference"};
  app.add_option("--check", checked, "root of the tree whose documents are compared");
  app.add_option("--write", written, "root of the tree whose documents are written");
  app.add_flag("--json", json, "print the tables");
  try {
    app.parse(count, arguments);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", kUsage);
    return 0;
  } catch (const CLI::ParseError& error) {
    return wrong_call(error.what());
  }
  const int asked = (checked.empty() ? 0 : 1) + (written.empty() ? 0 : 1) + (json ? 1 : 0);
  if (asked != 1) return wrong_call("give one of --check, --write and --json");
  if (!json) return run(checked + written, checked.empty());
  fmt::print("{}\n", tables_as_json());
  return 0;
}

}  // namespace

}  // namespace hakmem::reference

int main(int count, char** arguments) {
  try {
    return hakmem::reference::main(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reference: FAILED: %s\n", error.what());
  } catch (...) {
    std::fprintf(stderr, "reference: FAILED: unknown exception\n");
  }
  return hakmem::reference::kDiffers;
}
