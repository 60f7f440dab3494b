#include "process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <span>

#include "patience.hpp"

namespace hakmem::conformance {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 64 * 1024;
constexpr std::chrono::milliseconds kTick{200};

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) ends_ = {-1, -1};
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int reading_end() const { return ends_[0]; }
  [[nodiscard]] int writing_end() const { return ends_[1]; }
  void close_writing_end() { close_end(1); }

  /// Takes what is there. \return false at the end of the stream
  bool drain(std::string& text) const {
    std::array<char, 4096> buffer;
    const auto length = ::read(ends_[0], buffer.data(), buffer.size());
    if (length <= 0) return false;
    if (text.size() < kMostOutput) text.append(buffer.data(), static_cast<std::size_t>(length));
    return true;
  }

 private:
  void close_end(unsigned which) {
    if (ends_[which] >= 0) ::close(ends_[which]);
    ends_[which] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

std::vector<char*> pointers_to(std::span<std::string> texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& more) {
  std::vector<std::string> all;
  for (char** each = ::environ; *each != nullptr; ++each) {
    const std::string line = *each;
    if (!more.contains(line.substr(0, line.find('=')))) all.push_back(line);
  }
  for (const auto& [name, value] : more) all.push_back(name + "=" + value);
  return all;
}

struct Streams {
  Pipe output;
  Pipe error_output;
  Pipe report;
};

/// In the child. Async-signal-safe: the runner has threads.
[[noreturn]] void become(char* const* arguments, char* const* environment, const Streams& streams,
                         std::size_t address_space_mib) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  ::dup2(streams.output.writing_end(), STDOUT_FILENO);
  ::dup2(streams.error_output.writing_end(), STDERR_FILENO);
  ::fcntl(streams.report.writing_end(), F_SETFD, 0);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (address_space_mib != 0) {
    const rlimit limit{address_space_mib << 20, address_space_mib << 20};
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ::execve(arguments[0], arguments, environment);
  ::_exit(127);
}

/// Reads the streams until all are closed or patience is over. \return false when patience was over first
bool read_to_the_end(pid_t pid, Streams& streams, double patience_seconds, Ended& ended) {
  struct Source {
    Pipe* pipe;
    std::string* text;
  };
  std::vector<Source> open = {
      {&streams.output, &ended.output}, {&streams.error_output, &ended.error_output}, {&streams.report, &ended.report}};
  Patience patience(pid, Patience::Seconds(patience_seconds));
  auto asked = Clock::now();
  while (!open.empty()) {
    std::vector<pollfd> polled;
    for (const auto& source : open) polled.push_back({source.pipe->reading_end(), POLLIN, 0});
    ::poll(polled.data(), polled.size(), 50);
    for (std::size_t i = polled.size(); i-- > 0;) {
      if (polled[i].revents != 0 && !open[i].pipe->drain(*open[i].text)) {
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    if (Clock::now() - asked > kTick) {
      asked = Clock::now();
      if (patience.is_over()) return false;
    }
    // A child of the program may hold the streams open after the program's end.
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid) {
      ::kill(-pid, SIGKILL);
    }
  }
  return true;
}

}  // namespace

Ended run(const Command& command) {
  Ended ended;
  Streams streams;
  auto more = command.environment;
  more["CONFORMANCE_REPORT_FD"] = std::to_string(streams.report.writing_end());
  auto argument_texts = command.arguments;
  auto environment_texts = environment_with(more);
  const auto arguments = pointers_to(argument_texts);
  const auto environment = pointers_to(environment_texts);

  const auto start = Clock::now();
  const pid_t pid = ::fork();
  if (pid < 0) return ended;
  if (pid == 0) become(arguments.data(), environment.data(), streams, command.address_space_mib);
  ::setpgid(pid, pid);
  for (Pipe* pipe : {&streams.output, &streams.error_output, &streams.report}) pipe->close_writing_end();

  const bool in_time = read_to_the_end(pid, streams, command.seconds, ended);
  ended.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  ::kill(-pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!in_time) {
    ended.how = Ended::How::kTimeOut;
  } else if (WIFSIGNALED(status)) {
    ended.how = Ended::How::kSignal;
    ended.code = WTERMSIG(status);
  } else {
    ended.how = Ended::How::kExit;
    ended.code = WEXITSTATUS(status);
  }
  return ended;
}

}  // namespace hakmem::conformance
