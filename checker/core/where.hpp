#pragma once
/// Where an operation stands in the source. Every checked operation takes it as a defaulted last argument, so that traces
/// and sites name the line of the checked header without noise there.

namespace check {

struct Where {
  const char* function;
  const char* file;
  unsigned line;

  static constexpr Where here(const char* function = __builtin_FUNCTION(), const char* file = __builtin_FILE(),
                              unsigned line = __builtin_LINE()) noexcept {
    return {function, file, line};
  }
};

}  // namespace check
