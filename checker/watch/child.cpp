#include "watch/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace check {

namespace {

[[noreturn]] void become(const std::vector<std::string>& words, int output, bool with_errors, int nice, pid_t parent) {
  ::setpgid(0, 0);
  // Also when the one who waits is killed: who has children of his own passes it on by SIGTERM.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) std::_Exit(127);
  if (nice != 0) (void)!::nice(nice);
  ::dup2(output, STDOUT_FILENO);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  ::dup2(with_errors ? output : nothing, STDERR_FILENO);
  ::dup2(nothing, STDIN_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  std::perror(arguments[0]);
  std::_Exit(127);
}

}  // namespace

Child::Child(const std::vector<std::string>& words, bool with_errors, int nice) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return;
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ == 0) become(words, fds[1], with_errors, nice, parent);
  ::close(fds[1]);
  if (pid_ > 0) {
    ::setpgid(pid_, pid_);
    fd_ = fds[0];
  } else {
    ::close(fds[0]);
  }
}

Child::~Child() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGTERM);
    // A build ends its compilers, a checker writes down what it has found: both at once, unless they hang.
    constexpr int kMoments = 250;
    constexpr useconds_t kMoment = 20'000;
    bool reaped = false;
    for (int i = 0; i < kMoments && ::kill(-pid_, 0) == 0; ++i) {
      reaped = reaped || ::waitpid(pid_, nullptr, WNOHANG) == pid_;
      ::usleep(kMoment);
    }
    ::kill(-pid_, SIGKILL);
    if (!reaped) ::waitpid(pid_, nullptr, 0);
  }
  if (fd_ >= 0) ::close(fd_);
}

bool Child::read(std::string& output) {
  char buffer[65536];
  if (fd_ < 0) return false;
  const ssize_t n = ::read(fd_, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  output.append(buffer, static_cast<std::size_t>(n));
  return true;
}

int Child::wait() {
  int status = 0;
  if (pid_ < 0) return 127;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace check
