#include "core/subject.hpp"

#include <cstdio>
#include <utility>

namespace check {

namespace {

Subject& registered() {
  static Subject subject;
  return subject;
}

}  // namespace

const Subject& subject() { return registered(); }

RegisteredSubject::RegisteredSubject(Subject subject) { registered() = std::move(subject); }

void say_problem(std::string_view problem) noexcept {
  std::fprintf(stderr, "%s: %.*s\n", registered().program.c_str(), static_cast<int>(problem.size()), problem.data());
}

bool is_source(std::string_view file) {
  const std::string_view folder = registered().sources;
  return file.size() > folder.size() && file.starts_with(folder) && file[folder.size()] == '/';
}

std::string below_sources(std::string_view file) {
  return std::string(is_source(file) ? file.substr(registered().sources.size() + 1) : file);
}

}  // namespace check
