#pragma once
/// A program at work for us: its output as it comes, and an end of it and of all that it has started.

#include <sys/types.h>

#include <string>
#include <vector>

namespace check {

class Child {
 public:
  /// Starts it in a process group of its own. \param words program and arguments; \param with_errors takes what it
  /// writes to standard error as output too, else that is dropped; \param nice as nice(1) does
  Child(const std::vector<std::string>& words, bool with_errors, int nice = 0);
  /// Ends the whole group.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Becomes readable when there is output; -1 if it could not be started.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  /// Waits for some output and appends it. \return false at the end
  bool read(std::string& output);
  /// Waits for the end. \return the exit code; 128 + the signal's number; 127 if it could not be started
  int wait();

 private:
  pid_t pid_ = -1;
  int fd_ = -1;
};

}  // namespace check
