/// Runs a fuzz target on files, without a fuzzer: the corpus as a regression test under any compiler.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

constexpr int kHolds = 0;
constexpr int kWrongCall = 2;

int wrong_call(const std::string& what) {
  std::fprintf(stderr, "%s; give files or folders of inputs\nusage: fuzz target FILE|FOLDER...\n", what.c_str());
  return kWrongCall;
}

/// The file, or the files in a folder.
std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path)) {
    if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return wrong_call("no input is given");
  std::size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    if (!fs::exists(arguments[i])) return wrong_call(std::string("there is no ") + arguments[i]);
    for (const fs::path& path : files_of(arguments[i])) {
      std::ifstream file(path, std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      std::fprintf(stderr, "%s\n", path.filename().c_str());  // the last line names the input that crashes
      (void)LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++inputs;
    }
  }
  if (inputs == 0) return wrong_call("there is no input in it");
  std::printf("%zu inputs hold\n", inputs);
  return kHolds;
}
