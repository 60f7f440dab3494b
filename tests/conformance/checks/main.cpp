/// The program that holds the checks. The runner starts it once for each check, with the malloc under test preloaded.
///
///     conformance_checks --describe                     all promises, as JSON
///     conformance_checks --origins                      which library each function of the family comes from, as JSON
///     conformance_checks --gtest_filter=Subject.Behaviour
///
/// Environment: CONFORMANCE_LIBRARY is the path of the library that malloc must come from; CONFORMANCE_REPORT_FD a file
/// descriptor that the outcome is written to, so that a program that ends early is not taken for one that has passed.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "promise.hpp"
#include "support.hpp"

namespace hakmem::conformance {

std::vector<Promise>& promises() {
  static std::vector<Promise> all;
  return all;
}

bool declare(const Promise& promise) {
  promises().push_back(promise);
  return true;
}

namespace {

constexpr int kWrongLibrary = 3;
constexpr int kNothingRan = 4;

constexpr std::array kFamily = {"malloc",
                                "free",
                                "calloc",
                                "realloc",
                                "reallocarray",
                                "posix_memalign",
                                "aligned_alloc",
                                "memalign",
                                "valloc",
                                "pvalloc",
                                "malloc_usable_size",
                                "malloc_trim",
                                "mallinfo2",
                                "malloc_stats",
                                "cfree",
                                "free_sized",
                                "hak_init",
                                "free_aligned_sized",
                                "_Znwm",
                                "_ZdlPv",
                                "_ZnwmRKSt9nothrow_t",
                                "_ZnwmSt11align_val_t"};

/// The real path of the file that the dynamic linker takes a function from; empty when there is none.
std::string origin_of(const char* function) {
  void* address = ::dlsym(RTLD_DEFAULT, function);
  Dl_info info;
  if (address == nullptr || ::dladdr(address, &info) == 0) return {};
  char path[PATH_MAX];
  return ::realpath(info.dli_fname, path) != nullptr ? path : info.dli_fname;
}

const char* name_of(Level level) {
  switch (level) {
    case Level::kRequired: return "required";
    case Level::kGlibc: return "glibc";
    case Level::kHakmem: return "hakmem";
  }
  return "";
}

int print_promises() {
  auto all = nlohmann::json::array();
  for (const auto& promise : promises()) {
    all.push_back({{"check", std::string(promise.subject) + "." + promise.behaviour},
                   {"level", name_of(promise.level)},
                   {"clause", promise.clause},
                   {"address_space_mib", promise.address_space_mib},
                   {"may_be_absent", promise.may_be_absent}});
  }
  std::puts(all.dump().c_str());
  return EXIT_SUCCESS;
}

int print_origins() {
  auto origins = nlohmann::json::object();
  for (const char* function : kFamily) origins[function] = origin_of(function);
  std::puts(origins.dump().c_str());
  return EXIT_SUCCESS;
}

/// Tells the runner what happens as it happens, and the library, if it asks, when a check begins and ends.
class Reporter : public testing::EmptyTestEventListener {
 public:
  explicit Reporter(int file) : file_(file) {}

  void OnTestStart(const testing::TestInfo&) override { call("conformance_check_begins"); }

  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (part.failed())
      say("fail", std::string(file_name(part)) + ":" + std::to_string(part.line_number()) + ": " + part.message());
    if (part.skipped()) say("absent", part.message());
  }

  void OnTestEnd(const testing::TestInfo& test) override {
    call("conformance_check_ends");
    if (test.result()->Passed()) say("pass", "");
  }

 private:
  static void call(const char* hook) {
    if (void* address = ::dlsym(RTLD_DEFAULT, hook)) reinterpret_cast<void (*)()>(address)();
  }

  static const char* file_name(const testing::TestPartResult& part) {
    const char* path = part.file_name() != nullptr ? part.file_name() : "";
    const char* slash = std::strrchr(path, '/');
    return slash != nullptr ? slash + 1 : path;
  }

  /// One line of JSON: {"outcome": ..., "message": ...}
  void say(const char* outcome, const std::string& message) const {
    if (file_ < 0) return;
    using Json = nlohmann::json;
    const std::string line =
        Json{{"outcome", outcome}, {"message", message}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    [[maybe_unused]] const auto written = ::write(file_, line.data(), line.size());
  }

  int file_;
};

/// \return whether malloc comes from where the runner wants it to.
bool is_right_library() {
  const char* wanted = std::getenv("CONFORMANCE_LIBRARY");
  if (wanted == nullptr) return true;
  const std::string actual = origin_of("malloc");
  if (actual == wanted) return true;
  std::fprintf(stderr, "malloc comes from %s, not from %s\n", actual.c_str(), wanted);
  return false;
}

int run_checks(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const char* report = std::getenv("CONFORMANCE_REPORT_FD");
  testing::UnitTest::GetInstance()->listeners().Append(new Reporter(report != nullptr ? std::atoi(report) : -1));
  const int result = RUN_ALL_TESTS();
  if (testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    std::fputs("no check has that name\n", stderr);
    return kNothingRan;
  }
  return result;
}

}  // namespace
}  // namespace hakmem::conformance

// NOLINTNEXTLINE(bugprone-exception-escape): whatever is thrown ends the process, which is what the runner reports.
int main(int argc, char** argv) {
  namespace conformance = hakmem::conformance;
  const std::string_view option = argc > 1 ? argv[1] : "";
  if (option == "--describe") return conformance::print_promises();
  if (!conformance::is_right_library()) return conformance::kWrongLibrary;
  if (option == conformance::kOrigins) return conformance::print_origins();
  if (option == conformance::kWithoutMainThread) return conformance::go_on_without_main_thread();
  return conformance::run_checks(argc, argv);
}
