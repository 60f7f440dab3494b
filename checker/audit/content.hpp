#pragma once
/// Content: numbers for what a verdict depends on, so that a verdict holds until something of it changes.

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/scenario.hpp"

namespace check {

/// The source tree that this program was built from.
class SourceTree {
 public:
  explicit SourceTree(std::filesystem::path root);

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }

  /// A number for a suite: its file, all that it includes, the checker underneath, the compiler. Eight hex digits.
  std::string key_of(const Suite& suite);

  /// What makes the tree unfit for this program: a file that is missing or has changed since the program was built.
  /// Empty when it is fit. \param suites whose files are looked at
  std::string problem(const std::vector<const Suite*>& suites);

 private:
  struct File {
    std::uint64_t hash = 0;
    std::vector<std::string> includes;
    bool found = false;
  };

  const File& read(const std::string& path);
  void add_closure(const std::string& path, std::set<std::string>& seen);
  std::set<std::string> inputs_of(const Suite& suite);

  std::filesystem::path root_;
  std::map<std::string, File> files_;
};

/// FNV-1a.
std::uint64_t hash_of(const std::string& text, std::uint64_t hash = 0xcbf29ce484222325u);

/// The whole of a text file. \return false when it cannot be read.
bool read_text(const std::filesystem::path& path, std::string& text);

/// Writes a file whole or not at all. \return what went wrong, or nothing.
std::string write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace check
