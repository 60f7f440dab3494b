#include "trace/text.hpp"

#include <fmt/core.h>

#include "core/names.hpp"
#include "core/sites.hpp"

namespace check {

namespace {

/// A value of the event, as what it means where that is known.
std::string value_text(std::uint64_t value, const Event& event, const Style& style) {
  if (const std::optional<std::string> meaning = meaning_of(value, event)) return *meaning;
  switch (event.type) {
    case ValueType::kSigned: return std::to_string(static_cast<std::int64_t>(value));
    case ValueType::kUnsigned: return std::to_string(value);
    case ValueType::kPointer: break;
  }
  return value == 0 && is_plain(event) ? "0x0" : address_text(value, style);
}

Parts parts_of_modification(const Event& event, const Style& style) {
  Event operand = event;
  operand.file.clear();  // by how much a word changes is no value of it
  return {name_of(event.kind), " , ",
          fmt::format("prev={}, arg={}, new={}", value_text(event.before, event, style),
                      value_text(event.operand, operand, style), value_text(event.after, event, style))};
}

Parts parts_of_compare_exchange(const Event& event, const Style& style) {
  return {
      event.kind == EventKind::kCompareExchange ? "CAS succ" : "CAS fail", " ",
      fmt::format("{}{}{}orig={}, cmp={}, xchg={}",
                  event.kind == EventKind::kCompareExchangeSpurious ? "[SPURIOUSLY] " : "", event.aba ? "[ABA] " : "",
                  event.stores_ago != 0 ? "[NOT CURRENT] " : "", value_text(event.before, event, style),
                  value_text(event.expected, event, style), value_text(event.operand, event, style))};
}

/// The first word of what is accessed belongs to the head, so that a label is told by it.
Parts parts_of_plain(const Event& event, const Style& style) {
  const bool reads = event.kind == EventKind::kRead;
  const std::string value = "value=" + value_text(reads ? event.before : event.after, event, style);
  const std::string head = reads ? "read " : "write ";
  const std::size_t end = event.text.find(' ');
  if (end == std::string::npos) return {head + event.text, ", ", value};
  return {head + event.text.substr(0, end), " ", event.text.substr(end + 1) + ", " + value};
}

/// The event's own name, with what is out of the ordinary about it.
std::string name_text(const Event& event, const Style& style) {
  if (is_plain(event)) return (event.kind == EventKind::kRead ? "read " : "write ") + event.text;
  if (event.kind == EventKind::kFree) return "memory deallocation";
  const Parts parts = parts_of(event, style);
  if (!is_compare_exchange(event)) return parts.head;
  const std::size_t flags = parts.details.find("orig=");
  return flags == 0 ? parts.head : parts.head + " " + parts.details.substr(0, flags - 1);
}

std::string line_of(const Event& event, const Style& style) {
  std::string line = fmt::format("[{}] {}: ", event.step, static_cast<int>(event.thread));
  if (event.address && event.kind != EventKind::kFree) line += "<" + address_text(*event.address, style) + "> ";
  line += happening_of(event, style);
  if (is_atomic(event)) line += fmt::format(", order={}", name_of(event.order));
  if (!event.file.empty()) line += fmt::format(", in {}, {}", event.function, event.file);
  if (!event.file.empty() && style.lines && event.line != 0) line += fmt::format("({})", event.line);
  return line;
}

}  // namespace

std::string address_text(std::uint64_t address, const Style& style) {
  if (address == 0) return "0";
  const std::string digits = fmt::format("{:x}", address);
  constexpr std::size_t kShort = 6;  // shorter ones are the same everywhere
  const bool simulated = digits.starts_with("5eed") || digits.size() < kShort;
  return "0x" + (style.addresses || simulated ? digits : "...");
}

Parts parts_of(const Event& event, const Style& style) {
  switch (event.kind) {
    case EventKind::kLoad:
      return {"atomic load", ", ",
              fmt::format("value={}{}", value_text(event.before, event, style),
                          event.stores_ago != 0 ? " [NOT CURRENT]" : "")};
    case EventKind::kStore:
      return {"atomic store", ", ",
              fmt::format("value={}, (prev value={})", value_text(event.after, event, style),
                          value_text(event.before, event, style))};
    case EventKind::kFree:
      return {"memory deallocation: addr=" + address_text(event.address.value_or(0), style), "", ""};
    case EventKind::kGone: return {"access to freed memory", "", ""};
    case EventKind::kLock:
    case EventKind::kUnlock:
    case EventKind::kMutex: return {"mutex: " + event.text, "", ""};
    case EventKind::kFault: return {described(event.ending, event.text), "", ""};
    default: break;
  }
  if (is_compare_exchange(event)) return parts_of_compare_exchange(event, style);
  if (is_store(event)) return parts_of_modification(event, style);
  if (is_plain(event)) return parts_of_plain(event, style);
  return {event.text, "", ""};
}

std::string happening_of(const Event& event, const Style& style) {
  const Parts parts = parts_of(event, style);
  return parts.head + parts.between + parts.details;
}

std::string site_of(const Event& event, const Style& style) {
  return style.lines && event.line != 0 ? fmt::format("{}:{}", event.file, event.line) : event.file;
}

std::string step_of(const Event& event, const Style& style) {
  return fmt::format("step {} of thread {} ({}, {} {})", event.step, event.thread, name_text(event, style),
                     event.function, site_of(event, style));
}

std::string text_of(const Trace& trace, const Style& style) {
  std::string text;
  for (const Event& event : trace.events) {
    if (!style.marks && event.kind == EventKind::kSetUpEnds) continue;
    text += line_of(event, style) + "\n";
  }
  return text;
}

}  // namespace check
