#include "model/runner/pool.hpp"

#include <fmt/core.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "model/engine/visibility.hpp"

namespace hakmem::model {

namespace {

constexpr rlim_t kMostMemory = rlim_t{1} << 30;  // of each process
constexpr double kGrace = 5;                     // seconds between the request to stop and the kill

volatile bool stop_requested = false;

void request_stop(int) { stop_requested = true; }

/// Ends a process that does not end: says first which operation each thread was at. Signal-safe as far as it has to be:
/// nothing comes after it.
void end_with_last_words(int) {
  const char kNote[] = "(no trace: the scenario's own code does not end) ";
  (void)!::write(STDERR_FILENO, kNote, sizeof kNote - 1);
  for (unsigned thread = 0; thread < Visibility::kMostThreads; ++thread) {
    const Site* const site = Visibility::latest(thread);
    if (site == nullptr) continue;
    char text[160];
    const int length =
        std::snprintf(text, sizeof text, "thread %u was last at %s of %s, %s:%u; ", thread, name_of(site->operation),
                      site->where.function, site->where.file, site->where.line);
    (void)!::write(STDERR_FILENO, text, std::min(static_cast<std::size_t>(length), sizeof text - 1));
  }
  std::_Exit(3);
}

/// A process at work.
struct Running {
  Job job;
  pid_t pid;
  int result_fd;  // what it reports
  int output_fd;  // what it prints, a file in memory
  Shared* shared;
  double started;
  bool told_to_stop = false;
  bool killed = false;
  std::string report = {};
};

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) std::_Exit(3);
    done += static_cast<std::size_t>(n);
  }
}

/// The life of a job's process.
[[noreturn]] void work(const Job& job, int result_fd, int output_fd, Shared* shared) {
  ::dup2(output_fd, STDOUT_FILENO);
  ::dup2(output_fd, STDERR_FILENO);
  const rlimit memory{kMostMemory, kMostMemory};
  ::setrlimit(RLIMIT_AS, &memory);
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  std::signal(SIGUSR1, end_with_last_words);
  stop_requested = false;
  const Limits limits{0, &stop_requested, &shared->executions, &shared->share};
  const Result result = job.work(limits);
  nlohmann::json report = to_json(result);
  report["details"] = result.details;
  write_all(result_fd, report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  std::fflush(nullptr);
  std::_Exit(0);
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(3);
}

Running start(Job job) {
  int pipe_fds[2];
  const int output = ::memfd_create("output", MFD_CLOEXEC);
  if (output < 0 || ::pipe(pipe_fds) != 0) give_up("hakmem-check: cannot make a pipe");
  void* memory = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) give_up("hakmem-check: cannot share memory");
  auto* shared = ::new (memory) Shared;
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) give_up("hakmem-check: cannot start a process");
  if (pid == 0) {
    ::close(pipe_fds[0]);
    work(job, pipe_fds[1], output, shared);
  }
  ::close(pipe_fds[1]);
  return {std::move(job), pid, pipe_fds[0], output, shared, now()};
}

/// The last lines that a process has printed, as one.
std::string last_words(int fd) {
  char text[400];
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t from = size > static_cast<off_t>(sizeof text) ? size - static_cast<off_t>(sizeof text) : 0;
  const ssize_t n = ::pread(fd, text, sizeof text, from);
  std::string words(text, n > 0 ? static_cast<std::size_t>(n) : 0);
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

/// How a process without a report has ended.
std::string end_of(const Running& running, int status) {
  if (running.killed) {
    const std::string at = last_words(running.output_fd);
    return fmt::format("did not end within {:.0f} s and was killed{}{}", now() - running.started,
                       at.empty() ? "" : "; ", at);
  }
  std::string text = WIFSIGNALED(status) ? fmt::format("crashed: {}", ::strsignal(WTERMSIG(status)))
                                         : fmt::format("ended with exit code {}", WEXITSTATUS(status));
  const std::string words = last_words(running.output_fd);
  return words.empty() ? text : fmt::format("{}; it printed: {}", text, words);
}

Result finish(Running& running) {
  int status = 0;
  ::waitpid(running.pid, &status, 0);
  Result result;
  const nlohmann::json json = nlohmann::json::parse(running.report, nullptr, false);
  if (!running.killed && WIFEXITED(status) && WEXITSTATUS(status) == 0 && !json.is_discarded()) {
    result = result_from_json(json);
  } else {
    result = without_verdict(running.job, end_of(running, status));
    result.executions = running.shared->executions;
    result.seconds = now() - running.started;
  }
  ::close(running.result_fd);
  ::close(running.output_fd);
  ::munmap(running.shared, sizeof(Shared));
  return result;
}

/// Stops what has had its time, first politely.
void enforce_limits(Running& running, double deadline) {
  const double at = now();
  const bool out_of_time = (running.job.seconds != 0 && at > running.started + running.job.seconds + kGrace) ||
                           (deadline != 0 && at > deadline) || stop_requested;
  if (out_of_time && !running.told_to_stop) {
    running.told_to_stop = true;
    ::kill(running.pid, SIGTERM);
  }
  const double last = running.job.seconds == 0 ? 0 : running.started + running.job.seconds + 2 * kGrace;
  const bool ignores = (last != 0 && at > last) || (deadline != 0 && at > deadline + kGrace);
  if (ignores) {
    // The second time it has had a chance to say where it is.
    ::kill(running.pid, running.killed ? SIGKILL : SIGUSR1);
    running.killed = true;
  }
}

/// The line that moves, on a terminal only.
void show_progress(const std::vector<Running>& all, std::size_t done, std::size_t total) {
  if (::isatty(STDERR_FILENO) == 0) return;
  std::string line = fmt::format("\r\033[K[{}/{}]", done, total);
  for (const Running& running : all) {
    const double seconds = now() - running.started;
    const auto executions = running.shared->executions;
    line += fmt::format(" {} {}", running.job.suite, executions);
    if (seconds > 0.5) line += fmt::format(" ({:.0f}k/s)", static_cast<double>(executions) / seconds / 1000);
    const double share = running.shared->share;
    if (share > 0) line += fmt::format(" {:.0f}%, {:.0f} s left", 100 * share, seconds * (1 - share) / share);
  }
  std::fputs(line.substr(0, 160).c_str(), stderr);
}

/// Reads what there is. \return false at the end.
bool read_some(Running& running) {
  char buffer[65536];
  const ssize_t n = ::read(running.result_fd, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  running.report.append(buffer, static_cast<std::size_t>(n));
  return true;
}

}  // namespace

void JobPool::print(const Result& result) {
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  std::puts(to_line(result).c_str());
  if (!result.pass && !result.trace.empty()) std::fputs(result.trace.c_str(), stdout);
  if (!result.pass && !result.token.empty()) std::printf("replay: hakmem-check replay '%s'\n", result.token.c_str());
  std::fflush(stdout);
}

JobPool::JobPool(unsigned jobs, double deadline) : jobs_(jobs), deadline_(deadline) {
  struct sigaction action{};
  action.sa_handler = request_stop;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
}

bool JobPool::interrupted() noexcept { return stop_requested; }

std::vector<Result> JobPool::run(std::vector<Job> jobs, const std::function<void(const Result&)>& show) {
  std::vector<Result> results;
  std::vector<Running> running;
  std::size_t next = 0;
  const auto add = [&](Result result) {
    show(result);
    results.push_back(std::move(result));
  };
  while (next < jobs.size() || !running.empty()) {
    const bool stopping = stop_requested || (deadline_ != 0 && now() > deadline_);
    while (next < jobs.size() && (stopping || running.size() < jobs_)) {
      Job& job = jobs[next++];
      if (stopping) {
        add(without_verdict(job, stop_requested ? "not started: interrupted" : "not started: out of time"));
      } else {
        running.push_back(start(std::move(job)));
      }
    }
    std::vector<pollfd> fds;
    for (const Running& one : running) fds.push_back({one.result_fd, POLLIN, 0});
    ::poll(fds.data(), fds.size(), 200);
    for (std::size_t i = running.size(); i-- != 0;) {
      enforce_limits(running[i], deadline_);
      if (fds[i].revents == 0 || read_some(running[i])) continue;
      add(finish(running[i]));
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(i));
    }
    show_progress(running, results.size(), jobs.size());
  }
  if (::isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  return results;
}

}  // namespace hakmem::model
