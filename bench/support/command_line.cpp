#include "support/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <iostream>

namespace hakmem::bench {

Option& Option::required() {
  option_->required();
  return *this;
}

Option& Option::between(std::uint64_t least, std::uint64_t most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::between_seconds(double least, double most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Option& Option::one_of(const std::vector<std::string>& words) {
  option_->check(CLI::IsMember(words));
  return *this;
}

Option& Option::excludes(const Option& other) {
  option_->excludes(other.option_);
  return *this;
}

CommandLine::CommandLine(const std::string& description, const std::string& program)
    : app_(std::make_unique<CLI::App>(description, program)) {}

CommandLine::~CommandLine() = default;

Option CommandLine::add(const std::string& name, std::uint32_t& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option CommandLine::add(const std::string& name, std::uint64_t& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option CommandLine::add(const std::string& name, double& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option CommandLine::add(const std::string& name, std::string& value, const std::string& help) {
  return Option(app_->add_option(name, value, help));
}

Option CommandLine::add(const std::string& name, std::vector<std::uint64_t>& values, const std::string& help) {
  return Option(app_->add_option(name, values, help));
}

Option CommandLine::add(const std::string& name, std::vector<std::string>& values, const std::string& help) {
  return Option(app_->add_option(name, values, help));
}

void CommandLine::add_flag(const std::string& name, bool& value, const std::string& help) {
  app_->add_flag(name, value, help);
}

std::optional<int> CommandLine::parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
    return std::nullopt;
  } catch (const CLI::CallForHelp&) {
    std::cout << app_->help();
    return 0;
  } catch (const CLI::ParseError& error) {
    return wrong_call(error.what());
  }
}

bool CommandLine::has(const std::string& name) const { return app_->count(name) > 0; }

int CommandLine::wrong_call(const std::string& problem) const {
  std::cerr << app_->get_name() << ": " << problem << "\n" << app_->help();
  return kExitUsage;
}

int guarded(const char* program, int (*run)(int, char**), int argc, char** argv) noexcept {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: FAILED: %s\n", program, error.what());
  } catch (...) {
    std::fprintf(stderr, "%s: FAILED: unknown exception\n", program);
  }
  return kExitFailed;
}

}  // namespace hakmem::bench
