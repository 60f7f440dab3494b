#include "table.hpp"

#include <nlohmann/json.hpp>

namespace hakmem::reference {

namespace {

using Json = nlohmann::ordered_json;

Json text_or_null(const char* text) { return text == nullptr ? Json() : Json(text); }

Json json_of(const hak_option& option) {
  constexpr const char* kKinds[] = {"number", "fraction", "list", "words", "path"};
  Json words = Json::array();
  for (const hak_option_word& word : words_of(option)) {
    words.push_back({{"word", word.word}, {"alias", text_or_null(word.alias)}, {"says", word.says}});
  }
  return {{"name", option.name},
          {"alias", text_or_null(option.alias)},
          {"kind", kKinds[option.kind]},
          {"unit", option.unit},
          {"least", option.least},
          {"most", option.most},
          {"longest", option.longest},
          {"normal", option.normal},
          {"words", words},
          {"topic", option.topic},
          {"says", option.says}};
}

Json json_of(const hak_statistic& statistic) {
  return {{"name", statistic.name},     {"unit", statistic.unit},   {"says", statistic.says},
          {"offset", statistic.offset}, {"count", statistic.count}, {"labels", labels_of(statistic)},
          {"json", statistic.json}};
}

}  // namespace

std::vector<hak_option> options() {
  std::vector<hak_option> rows;
  while (const hak_option* row = hak_option_describe(rows.size())) rows.push_back(*row);
  return rows;
}

std::vector<hak_statistic> statistics() {
  std::vector<hak_statistic> rows;
  while (const hak_statistic* row = hak_statistic_describe(rows.size())) rows.push_back(*row);
  return rows;
}

std::vector<hak_option_word> words_of(const hak_option& option) {
  std::vector<hak_option_word> words;
  while (option.words[words.size()].word != nullptr) words.push_back(option.words[words.size()]);
  return words;
}

std::vector<std::string> labels_of(const hak_statistic& statistic) {
  std::vector<std::string> labels;
  if (statistic.labels == nullptr) return labels;
  while (statistic.labels[labels.size()] != nullptr) labels.emplace_back(statistic.labels[labels.size()]);
  return labels;
}

std::string tables_as_json() {
  Json tables{{"options", Json::array()}, {"statistics", Json::array()}};
  for (const hak_option& option : options()) tables["options"].push_back(json_of(option));
  for (const hak_statistic& statistic : statistics()) tables["statistics"].push_back(json_of(statistic));
  return tables.dump(1);
}

}  // namespace hakmem::reference
