#pragma once
/// What a call of the program says, and the commands that take it.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "runner/pool.hpp"

namespace check::cli {

/// What the call says, of all commands but those that have words of their own.
struct Options {
  std::string pattern;
  bool quick = false;
  bool exact = false;
  bool stream = false;
  std::vector<std::string> first;
  bool plain = false;
  double seconds = 0;
  double patience = kPatience;
  std::string scheduler;
  std::string engine;
  std::uint64_t executions = 0;
  std::uint64_t seed = 1;
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  std::string json;
  std::string token;
  std::string picture;
  std::string cache;
  std::string shard;
  std::string part;
  std::string knowledge;
  std::string state;
  unsigned split = 1;
  std::vector<std::string> reports;
  std::string program;
  bool markdown = false;
  bool hardware = false;
};

/// How a wrong call is answered.
class Usage {
 public:
  /// \param help of the command that is called
  explicit Usage(std::function<std::string()> help) : help_(std::move(help)) {}
  /// Says what is wrong and how the call goes. \return the exit code
  [[nodiscard]] int wrong_call(const std::string& problem) const;

 private:
  std::function<std::string()> help_;
};

// The commands; each returns the exit code.

/// Names all suites and their broken variants.
int list();
/// Explores suites, or a generated program.
int run(const Usage& usage, const Options& options);
/// Which retry loops come to their end wherever other threads stop.
int progress(const Usage& usage, const Options& options);
/// Tests the checker itself.
int litmus(const Options& options);
/// Names the atomic operations of the sources that the suites reach.
int sites();
/// A table of reports. Parts of a search that do not make a whole are said to be so, and are no success.
int report(const Usage& usage, const Options& options);
/// Shows one execution again.
int replay(const Usage& usage, const Options& options);

}  // namespace check::cli
