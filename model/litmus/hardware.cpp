#include "model/litmus/hardware.hpp"

namespace hakmem::model {

std::set<std::string>& hardware_outcomes() {
  static std::set<std::string> outcomes;
  return outcomes;
}

std::uint64_t& hardware_runs() {
  static std::uint64_t runs = 0;
  return runs;
}

template <>
void LitmusMemory<HardwareSync>::record(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>('0' + value);
  hardware_outcomes().insert(text);
}

}  // namespace hakmem::model
