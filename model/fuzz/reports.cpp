/// Reports of hakmem-check: a file is refused in words, or read row by row, written and read again with nothing lost;
/// parts of searches in it can be united. "this" in the place of a build stands for the present one.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "model/fuzz/expect.hpp"
#include "runner/parts.hpp"
#include "runner/position.hpp"
#include "runner/result.hpp"

namespace {

using namespace check;
using hakmem::fuzz::expect;

/// A file in memory, with a name that others can open.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(::memfd_create("report", MFD_CLOEXEC)) {}
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }
  void fill(const std::string& text) const {
    const bool done = ::ftruncate(descriptor_, 0) == 0 &&
                      ::pwrite(descriptor_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    expect(done, "a file in memory can be written", path());
  }

 private:
  int descriptor_;
};

std::vector<Result> read(const std::string& path, std::string& problem) {
  std::vector<Result> results = read_report(path, problem);
#ifdef HAKMEM_FUZZ_PLANTED
  // A planted fault: the rows of suites that failed get lost.
  std::erase_if(results, [](const Result& result) { return !result.passes() && !result.broken_variant; });
#endif
  return results;
}

nlohmann::json rows_of(const std::vector<Result>& results) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Result& result : results) rows.push_back(to_json(result));
  return rows;
}

std::string with_this_build(std::string text) {
  static const std::string kMark = "\"this\"";
  const std::size_t at = text.find(kMark);
  return at == std::string::npos
             ? text
             : text.substr(0, at) + '"' + fingerprint() + '"' + with_this_build(text.substr(at + kMark.size()));
}

std::size_t rows_in(const std::string& text) {
  const nlohmann::json report = nlohmann::json::parse(text, nullptr, false);
  return report.is_object() && report.contains("results") ? report["results"].size() : 0;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  constexpr std::size_t kLongest = 4096;
  if (size > kLongest) return 0;
  const std::string text = with_this_build({reinterpret_cast<const char*>(data), size});
  file.fill(text);
  std::string problem;
  const std::vector<Result> results = read(file.path(), problem);
  if (!problem.empty()) {
    expect(results.empty(), "what is refused has no rows", text);
    return 0;
  }
  expect(results.size() == rows_in(text), "every row is read", text);
  const std::vector<Result> whole = united_reports({file.path()}, problem);
  expect(!problem.empty() || whole.size() <= results.size(), "parts make no more rows than there were", text);
  problem.clear();
  for (const Result& result : results) expect(!to_line(result).empty(), "every row has a line", text);
  const nlohmann::json rows = rows_of(results);
  file.fill(nlohmann::json{{"results", rows}}.dump());
  const std::vector<Result> again = read(file.path(), problem);
  expect(problem.empty() && rows_of(again) == rows, "what is written is read again", text);
  return 0;
}
