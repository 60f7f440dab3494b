#pragma once
/// What one edit sets off: programs are built in the order in which they matter, and each runs while the next is built.

#include <poll.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "runner/result.hpp"
#include "watch/child.hpp"
#include "watch/passed.hpp"
#include "watch/reach.hpp"
#include "watch/screen.hpp"
#include "watch/watch.hpp"

namespace check {

class Round {
 public:
  /// \param edited of now(), from which the times are counted
  Round(const WatchOptions& options, std::vector<Stem> stems, double edited, PassedPrograms& passed, Screen& screen);

  /// Appends what to wait for.
  void add_to(std::vector<pollfd>& fds) const;
  /// Goes on with what has happened. \return false when all is done
  bool go_on();

  /// So far. \param whole that nothing is missing any more
  [[nodiscard]] Status verdict(bool whole) const;
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] const std::vector<Result>& rows() const noexcept { return rows_; }

 private:
  struct Running {
    Stem stem;
    std::uint64_t content;  // of the program when it was started
    std::unique_ptr<Child> child;
    std::string line;
    std::size_t rows_before;
  };

  void build_next();
  void run_next();
  void take_build();
  void take_rows(std::string& text);
  void take_row(Result row);
  void end_of_run();
  void broken_build(const std::string& output);
  void add_open(const std::string& suite, const std::string& message);
  [[nodiscard]] std::string program(const std::string& stem) const;
  [[nodiscard]] bool has_output(const Child& child) const;
  [[nodiscard]] double passed_time() const;

  const WatchOptions& options_;
  PassedPrograms& passed_;
  Screen& screen_;
  double edited_;
  std::deque<Stem> to_build_;
  std::vector<Stem> in_build_;
  std::deque<Stem> to_run_;
  std::unique_ptr<Child> builder_;
  std::string build_output_;
  std::unique_ptr<Running> running_;
  std::vector<Result> rows_;
  double first_answer_ = 0;
  double first_failure_ = 0;
  std::size_t programs_;
  std::size_t known_ = 0;
  bool build_is_broken_ = false;
};

}  // namespace check
