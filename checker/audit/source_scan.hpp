#pragma once
/// What the text of the headers says about atomic operations: where they are, and the comment above each.

#include <filesystem>
#include <string>
#include <vector>

namespace check {

/// A line of a header with an atomic operation.
struct WrittenOperation {
  std::string file;  ///< from the root of the source
  unsigned line = 0;
  std::string text;  ///< without the comment behind it and the space around it
  std::string function;
  std::string operation;    ///< "compare_exchange(acq_rel,relaxed)"
  unsigned occurrence = 0;  ///< 1 = the first of several such operations of the function; 0 = there is only one

  /// "queue/word.hpp/is_empty/load(relaxed)", in the form of the sites' names: it stays when lines move.
  [[nodiscard]] std::string id() const;
};

/// Every atomic operation in the headers of the sources below `root` that are audited (core/subject.hpp).
std::vector<WrittenOperation> written_operations(const std::filesystem::path& root);

/// The comment that belongs to a line: the last block of // lines at or above it, a few lines up at the most, as one
/// line of text. Empty when there is none.
std::string comment_above(const std::filesystem::path& root, const std::string& file, unsigned line);

}  // namespace check
