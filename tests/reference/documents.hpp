#pragma once
/// The documents that are made from the tables of options and statistics.

#include <stdexcept>
#include <string>
#include <vector>

namespace hakmem::reference {

/// The command that writes them, as documents and messages name it.
inline constexpr const char kWrittenBy[] = "ci/update reference";

/// A file of the source tree.
struct Document {
  std::string path;  ///< from the root
  std::string text;
};

/// A document cannot be made; the text says why.
struct Unmade : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// All of them, README.md last. Throws Unmade where README.md has no place for its table.
/// \param readme README.md as it is, of which one block is replaced
std::vector<Document> documents(const std::string& readme);

}  // namespace hakmem::reference
