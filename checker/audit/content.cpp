#include "audit/content.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>

#include "core/subject.hpp"

namespace check {

namespace fs = std::filesystem;

std::uint64_t hash_of(const std::string& text, std::uint64_t hash) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

bool read_text(const fs::path& path, std::string& text) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  text.assign(std::istreambuf_iterator<char>(file), {});
  return !file.bad();
}

std::string write_text(const fs::path& path, const std::string& text) {
  const fs::path temporary = path.string() + ".new";
  std::ofstream file(temporary, std::ios::binary);
  file << text;
  file.close();
  std::error_code error;
  if (file) fs::rename(temporary, path, error);
  if (file && !error) return {};
  const std::string why = error ? error.message() : std::strerror(errno);
  fs::remove(temporary, error);
  return fmt::format("cannot write {}: {}", path.string(), why);
}

namespace {

/// The names of the files that a text includes by quotes, on any line but its first.
std::vector<std::string> included_in(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t line = text.find('\n'); line != std::string::npos; line = text.find('\n', line + 1)) {
    std::size_t at = line + 1;
    const auto skip = [&](std::string_view word) {
      at = std::min(text.find_first_not_of(" \t", at), text.size());
      const bool is_there = text.compare(at, word.size(), word) == 0;
      at += is_there ? word.size() : 0;
      return is_there;
    };
    if (!skip("#") || !skip("include") || !skip("\"")) continue;
    const std::size_t end = text.find_first_of("\"\n", at);
    if (end != std::string::npos && end != at && text[end] == '"') names.push_back(text.substr(at, end - at));
  }
  return names;
}

}  // namespace

SourceTree::SourceTree(fs::path root) : root_(std::move(root)) {}

const SourceTree::File& SourceTree::read(const std::string& path) {
  const auto [at, fresh] = files_.try_emplace(path);
  File& file = at->second;
  std::string text;
  if (!fresh || !read_text(root_ / path, text)) return file;
  file.found = true;
  file.hash = hash_of(text);
  for (const std::string& name : included_in(text)) {
    for (const std::string& place : subject().places) {
      const std::string candidate = place.empty() ? name : place + "/" + name;
      std::error_code error;
      if (fs::is_regular_file(root_ / candidate, error)) file.includes.push_back(candidate);
    }
  }
  return file;
}

void SourceTree::add_closure(const std::string& path, std::set<std::string>& seen) {
  if (!seen.insert(path).second) return;
  for (const std::string& name : read(path).includes) add_closure(name, seen);
}

std::set<std::string> SourceTree::inputs_of(const Suite& suite) {
  std::set<std::string> inputs;
  add_closure(suite.file(), inputs);
  for (const char* name :
       {"core/scenario.cpp", "core/schedule.cpp", "core/sites.cpp", "engine/relacy/replaced_new.cpp",
        "engine/relacy/search.cpp", "engine/relacy/simulated_memory.cpp", "audit/attack.cpp", "audit/mutant.cpp"}) {
    add_closure(subject().checker + "/" + name, inputs);
  }
  inputs.insert(subject().checker + "/engine/relacy/relacy.patch");
  return inputs;
}

std::string SourceTree::key_of(const Suite& suite) {
  std::uint64_t hash = hash_of(__VERSION__);
  for (const std::string& path : inputs_of(suite)) {
    hash = hash_of(fmt::format("{}={:x};", path, read(path).hash), hash);
  }
  return fmt::format("{:08x}", static_cast<std::uint32_t>(hash ^ (hash >> 32)));
}

std::string SourceTree::problem(const std::vector<const Suite*>& suites) {
  std::error_code error;
  const auto built = fs::last_write_time("/proc/self/exe", error);
  for (const Suite* suite : suites) {
    for (const std::string& path : inputs_of(*suite)) {
      if (!read(path).found) {
        return fmt::format("{} cannot be read; --source names the tree that {} was built from", path,
                           subject().program);
      }
      if (fs::last_write_time(root_ / path, error) > built) {
        return fmt::format("{} is newer than this program; build {} again", path, subject().program);
      }
    }
  }
  return {};
}

}  // namespace check
