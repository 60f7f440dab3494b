#include "watch/passed.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

namespace check {

PassedPrograms read_passed(const std::string& path) {
  std::ifstream file(path);
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) return {};
  PassedPrograms programs;
  try {
    for (const auto& [name, program] : json.items()) {
      Passed passed{program.at("content").get<std::uint64_t>(), {}};
      for (const auto& row : program.at("rows")) passed.rows.push_back(result_from_json(row));
      if (!passed.rows.empty() && verdict_of(passed.rows) == Status::kPass) programs[name] = std::move(passed);
    }
  } catch (const nlohmann::json::exception&) {
    return {};
  }
  return programs;
}

void write_passed(const std::string& path, const PassedPrograms& programs) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, passed] : programs) {
    nlohmann::json rows = nlohmann::json::array();
    for (const Result& row : passed.rows) rows.push_back(to_json(row));
    json[name] = {{"content", passed.content}, {"rows", rows}};
  }
  (void)write_whole(path, json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

}  // namespace check
