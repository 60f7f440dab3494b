#include "runner/position.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/subject.hpp"

namespace check {

namespace {

/// Word by word: a program is some megabytes, and each process of a search may ask. The turn brings high bits down.
std::string fingerprint_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t hash = 0xcbf29ce484222325u;
  std::uint64_t words[8192];
  do {
    std::fill(std::begin(words), std::end(words), 0);
    file.read(reinterpret_cast<char*>(words), sizeof(words));
    const auto count = (static_cast<std::size_t>(file.gcount()) + sizeof(words[0]) - 1) / sizeof(words[0]);
    for (std::size_t at = 0; at != count; ++at) hash = std::rotl(hash ^ words[at], 27) * 0x9e3779b97f4a7c15u;
  } while (file);
  return fmt::format("{:08x}", static_cast<std::uint32_t>(hash ^ (hash >> 32)));
}

}  // namespace

std::string fingerprint() {
  static const std::string of_this_program = fingerprint_of("/proc/self/exe");
  return of_this_program;
}

PositionFile::PositionFile(const std::string& folder, const std::string& suite, const Search& search) {
  if (folder.empty() || !search.strategy.exhaustive()) return;
  std::string name = suite + "-" + to_string(search);
  std::replace(name.begin(), name.end(), '/', '.');
  path_ = folder + "/" + name + ".position";
}

std::string PositionFile::read(std::string& problem) const {
  std::ifstream file(path_);
  std::string build;
  std::string position;
  if (path_.empty() || !std::getline(file, build)) return {};
  if (build != fingerprint()) {
    problem = fmt::format("{} belongs to another build of {}; remove it", path_, subject().program);
    return {};
  }
  std::getline(file, position);
  return position;
}

std::string PositionFile::write(const std::string& position) const {
  if (path_.empty()) return {};
  if (position.empty()) {
    std::remove(path_.c_str());
    return {};
  }
  const std::string temporary = fmt::format("{}.{}", path_, ::getpid());
  std::ofstream file(temporary);
  file << fingerprint() << "\n" << position << "\n";
  file.close();
  if (file && std::rename(temporary.c_str(), path_.c_str()) == 0) return {};
  const std::string why = std::strerror(errno);
  std::remove(temporary.c_str());
  return fmt::format("cannot write {}: {}", path_, why);
}

}  // namespace check
