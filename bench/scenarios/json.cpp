/// Documents as a web service handles them: built, written as text, parsed, changed, compared, thrown away. Strings and
/// tree nodes of 16 to a few hundred bytes, freed in another order than they were made.

#include <nlohmann/json.hpp>
#include <string>

#include "scenarios/scenario.hpp"
#include "support/random.hpp"

namespace hakmem::bench {
namespace {

using Json = nlohmann::json;

std::string random_text(Random& random, std::uint64_t longest) {
  std::string text(random.between(1, longest), ' ');
  for (char& letter : text) letter = static_cast<char>('a' + random.below(26));
  return text;
}

Json random_value(Random& random) {
  switch (random.below(4)) {
    case 0: return random.below(1000000);
    case 1: return random.below(2) == 0;
    case 2: return random_text(random, 24);
    default: return random_text(random, 200);
  }
}

Json random_record(Random& random) {
  Json record = Json::object();
  for (std::uint64_t fields = random.between(3, 10); fields > 0; --fields) {
    record[random_text(random, 12)] = random_value(random);
  }
  Json& tags = record["tags"] = Json::array();
  for (std::uint64_t count = random.below(8); count > 0; --count) tags.push_back(random_text(random, 20));
  return record;
}

/// A service's answer: a list of records, some of which the client then edits.
Json random_document(Random& random) {
  Json document = {{"version", 3}, {"cursor", random_text(random, 40)}};
  Json& records = document["records"] = Json::array();
  for (std::uint64_t count = random.between(5, 40); count > 0; --count) records.push_back(random_record(random));
  return document;
}

void edit(Json& document, Random& random) {
  Json& records = document["records"];
  for (std::uint64_t edits = records.size() / 2; edits > 0; --edits) {
    Json& record = records[random.below(records.size())];
    record["note"] = random_text(random, 100);
    record["tags"].push_back(random_text(random, 20));
  }
  records.erase(records.begin());
}

}  // namespace

/// An operation is a document.
Outcome json_worker(const Work& work, std::uint32_t thread) {
  Random random(work.seed, thread);
  Outcome outcome;
  for (; outcome.operations < work.iterations; ++outcome.operations) {
    const Json original = random_document(random);
    const std::string text = original.dump();
    Json parsed = Json::parse(text);
    demand(parsed == original, "a parsed document differs from the one that was written");
    edit(parsed, random);
    demand(parsed != original, "an edited document equals the original");
    const std::string edited = parsed.dump(2);
    outcome.checksum ^= hash_bytes(edited.data(), edited.size(), hash_bytes(text.data(), text.size()));
  }
  return outcome;
}

}  // namespace hakmem::bench
