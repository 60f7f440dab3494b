#include "trace/json.hpp"

#include <fmt/core.h>

#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "core/names.hpp"
#include "core/sites.hpp"
#include "trace/order.hpp"

namespace check {

namespace {

using Json = nlohmann::json;

constexpr const char* kTypes[] = {"unsigned", "signed", "pointer"};

[[noreturn]] void refuse(const std::string& why) { throw Json::other_error::create(600, "trace: " + why, nullptr); }

Json value_json(std::uint64_t value, ValueType type) {
  if (type == ValueType::kSigned) return static_cast<std::int64_t>(value);
  return value;
}

void add_values(Json& json, const Event& event) {
  const auto add = [&](const char* name, std::uint64_t value) { json[name] = value_json(value, event.type); };
  json["type"] = kTypes[static_cast<std::size_t>(event.type)];
  if (event.kind != EventKind::kWrite && event.kind != EventKind::kUnmap) add("before", event.before);
  if (is_store(event) || (is_plain(event) && event.kind != EventKind::kRead)) add("after", event.after);
  if (is_compare_exchange(event)) add("expected", event.expected);
  if (is_load(event) && event.kind != EventKind::kLoad) add("operand", event.operand);
}

Json json_of(const Event& event) {
  Json json{{"kind", name_of(event.kind)}, {"thread", event.thread}, {"step", event.step}};
  if (!event.function.empty()) json["function"] = event.function;
  if (!event.file.empty()) json["file"] = event.file;
  if (event.line != 0) json["line"] = event.line;
  if (event.address) json["address"] = fmt::format("{:#x}", *event.address);
  if (!event.text.empty()) json["text"] = event.text;
  if (is_atomic(event) || is_plain(event)) add_values(json, event);
  if (event.kind == EventKind::kYield) json["operand"] = event.operand;
  if (event.kind == EventKind::kFault) json["ending"] = word_of(event.ending);
  if (!is_atomic(event)) return json;
  json["order"] = name_of(event.order);
  if (is_compare_exchange(event)) json["failure_order"] = name_of(event.failure_order);
  if (event.aba) json["aba"] = true;
  if (event.stores_ago != 0) json["stores_ago"] = event.stores_ago;
  if (event.reads_from) json["reads_from"] = *event.reads_from;
  return json;
}

/// What the values of an event mean, where their word has a decoder.
Json meaning_json(const Event& event) {
  Json json = Json::object();
  for (const auto& [name, value] : {std::pair{"before", event.before}, std::pair{"after", event.after}}) {
    const bool has = std::string_view(name) == "before" || is_store(event);
    if (const auto meaning = has ? meaning_of(value, event) : std::nullopt) json[name] = *meaning;
  }
  return json;
}

// Reading -------------------------------------------------------------------------------------------------------------

template <class Number>
Number number(const Json& json, const char* name, Number otherwise) {
  const auto at = json.find(name);
  if (at == json.end()) return otherwise;
  const std::uint64_t value = at->get_ref<const Json::number_unsigned_t&>();
  if (value > std::numeric_limits<Number>::max()) refuse(std::string(name) + " is too large");
  return static_cast<Number>(value);
}

std::uint64_t value_from(const Json& json, const char* name) {
  const auto at = json.find(name);
  if (at == json.end()) return 0;
  if (at->is_number_unsigned()) return at->get<std::uint64_t>();
  return static_cast<std::uint64_t>(at->get_ref<const Json::number_integer_t&>());
}

std::string text_from(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at == json.end() ? std::string() : at->get_ref<const Json::string_t&>();
}

bool flag(const Json& json, const char* name) {
  const auto at = json.find(name);
  return at != json.end() && at->get_ref<const Json::boolean_t&>();
}

std::memory_order order_from(const Json& json, const char* name) {
  const std::string word = text_from(json, name);
  if (word.empty()) return std::memory_order_relaxed;
  for (const auto order : {std::memory_order_relaxed, std::memory_order_consume, std::memory_order_acquire,
                           std::memory_order_release, std::memory_order_acq_rel, std::memory_order_seq_cst}) {
    if (word == name_of(order)) return order;
  }
  refuse(word + " is no order");
}

ValueType type_from(const Json& json) {
  const std::string word = text_from(json, "type");
  if (word.empty()) return ValueType::kUnsigned;
  for (const ValueType type : {ValueType::kUnsigned, ValueType::kSigned, ValueType::kPointer}) {
    if (word == kTypes[static_cast<std::size_t>(type)]) return type;
  }
  refuse(word + " is no type");
}

std::optional<std::uintptr_t> address_from(const Json& json) {
  const std::string text = text_from(json, "address");
  if (text.empty()) return std::nullopt;
  std::uintptr_t address = 0;
  const char* const end = text.data() + text.size();
  if (!text.starts_with("0x") || text.size() == 2) refuse(text + " is no address");
  const auto [stop, error] = std::from_chars(text.data() + 2, end, address, 16);
  if (error != std::errc{} || stop != end) refuse(text + " is no address");
  return address;
}

Event event_from(const Json& json) {
  Event event;
  const auto kind = kind_named(json.at("kind").get_ref<const Json::string_t&>());
  if (!kind) refuse("an event is of no kind");
  event.kind = *kind;
  (void)json.at("thread");
  (void)json.at("step");
  event.thread = number(json, "thread", 0u);
  event.step = number(json, "step", 0u);
  event.function = text_from(json, "function");
  event.file = text_from(json, "file");
  event.line = number(json, "line", 0u);
  event.address = address_from(json);
  event.text = text_from(json, "text");
  event.order = order_from(json, "order");
  event.failure_order = order_from(json, "failure_order");
  event.type = type_from(json);
  event.before = value_from(json, "before");
  event.after = value_from(json, "after");
  event.expected = value_from(json, "expected");
  event.operand = value_from(json, "operand");
  event.aba = flag(json, "aba");
  event.stores_ago = number(json, "stores_ago", 0u);
  if (json.contains("reads_from")) event.reads_from = number(json, "reads_from", std::size_t{0});
  if (event.kind != EventKind::kFault) return event;
  const auto ending = ending_named(json.at("ending").get_ref<const Json::string_t&>());
  if (!ending) refuse("the fault is none");
  event.ending = *ending;
  return event;
}

/// Throws unless the event agrees with those before it, as whoever computes something from it relies on.
void check_consistent(const std::vector<Event>& before, const Event& event) {
  const bool on_mutex = event.kind == EventKind::kLock || event.kind == EventKind::kUnlock;
  const bool needs_address = is_atomic(event) || is_plain(event) || on_mutex || event.kind == EventKind::kFree ||
                             event.kind == EventKind::kGone;
  if (needs_address && !event.address) refuse("an access has no address");
  if (!event.reads_from) return;
  if (!is_load(event) || *event.reads_from >= before.size()) refuse("what is read comes later");
  const Event& from = before[*event.reads_from];
  if (!is_store(from) || from.address != event.address) refuse("what is read was not stored there");
}

Json edge_json(const Edge& edge) { return {{"from", edge.from}, {"to", edge.to}, {"orders", edge.orders}}; }

}  // namespace

nlohmann::json json_of(const Trace& trace) {
  Json events = Json::array();
  for (const Event& event : trace.events) events.push_back(json_of(event));
  return {{"version", kTraceVersion}, {"events", std::move(events)}};
}

nlohmann::json json_with_explanation(const Trace& trace, const std::string& title) {
  Json json = json_of(trace);
  for (std::size_t i = 0; i < trace.events.size(); ++i) {
    if (Json meaning = meaning_json(trace.events[i]); !meaning.empty())
      json["events"][i]["meaning"] = std::move(meaning);
  }
  const Order order(trace);
  const Diagnosis explanation = explain(trace, order);
  json["title"] = title;
  json["explanation"] = explanation.sentence;
  json["edges"] = Json::array();
  for (const Edge& edge : order.edges()) json["edges"].push_back(edge_json(edge));
  if (explanation.gap.from != explanation.gap.to) {
    json["missing"] = {{"from", explanation.gap.from}, {"to", explanation.gap.to}};
  }
  return json;
}

Trace trace_from_json(const nlohmann::json& json) {
  if (json.at("version").get_ref<const Json::number_unsigned_t&>() != kTraceVersion) refuse("another version");
  Trace trace;
  for (const Json& one : json.at("events").get_ref<const Json::array_t&>()) {
    Event event = event_from(one);
    check_consistent(trace.events, event);
    trace.events.push_back(std::move(event));
  }
  return trace;
}

}  // namespace check
