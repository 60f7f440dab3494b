#pragma once
/// Survivors: the reviewed files beside the headers that say why a mutant lives.
///
/// For src/queue/word.hpp it is src/queue/word.survivors.json:
///
///     {"survivors": [{"mutants": ["<site>/<change>", ...], "verdict": "equivalent", "why": "..."}],
///      "unreached": [{"operation": "queue/word.hpp/is_empty/load(relaxed)", "why": "..."}]}

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace check {

struct Explanation {
  std::string file;     ///< the survivor file, from the root of the source
  std::string verdict;  ///< "equivalent", "stronger than needed" or "beyond the model"
  std::string why;
  bool used = false;
};

struct UnreachedOperation {
  std::string file;       ///< the survivor file
  std::string operation;  ///< "<header>/<function>/<operation>", as in the names of mutants
  std::string why;
  bool used = false;
};

struct Survivors {
  std::map<std::string, Explanation> by_mutant;
  std::vector<UnreachedOperation> unreached;
  std::vector<std::string> problems;  ///< what is wrong with the files, a line each
};

/// Reads every survivor file in the sources below `root`.
Survivors read_survivors(const std::filesystem::path& root);

}  // namespace check
