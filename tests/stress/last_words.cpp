#include "last_words.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace hakmem::stress {

namespace {

/// Rounds take seconds at the most; Valgrind is a hundred times slower.
#ifdef HAKMEM_VALGRIND
constexpr unsigned kStuckSeconds = 600;
#else
constexpr unsigned kStuckSeconds = 120;
#endif

std::string& text() {
  static std::string words;
  return words;
}

void say(const char* data, std::size_t bytes) noexcept {
  // Nothing is left to do if standard error is closed.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, data, bytes);
}

/// SA_RESETHAND has restored the default action: the signal, raised again, ends the process.
void on_fatal_signal(int number) {
  say(text().data(), text().size());
  ::raise(number);
}

void on_alarm(int) {
  constexpr char kStuck[] = "stress: stuck, no round has ended for minutes\n";
  say(kStuck, sizeof kStuck - 1);
  std::abort();
}

void handle(int number, void (*handler)(int)) noexcept {
  struct sigaction current{};
  if (::sigaction(number, nullptr, &current) != 0 || current.sa_handler != SIG_DFL) return;
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
  ::sigaction(number, &action, nullptr);
}

}  // namespace

LastWords::LastWords() noexcept { ::alarm(kStuckSeconds); }
LastWords::~LastWords() { ::alarm(0); }

void LastWords::set(const std::string& words) { text() = words; }

void LastWords::install() noexcept {
  for (const int number : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) handle(number, on_fatal_signal);
  handle(SIGALRM, on_alarm);
}

}  // namespace hakmem::stress
