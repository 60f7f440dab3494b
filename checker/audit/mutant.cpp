#include "audit/mutant.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace check {

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

using OrderList = std::vector<std::memory_order>;

bool reads(Operation operation) { return operation != Operation::kStore; }
bool writes(Operation operation) { return operation != Operation::kLoad; }

/// Orders that are weaker than `order` and that an operation may have.
OrderList weaker(std::memory_order order, bool reading, bool writing) {
  OrderList found;
  const auto add = [&](std::memory_order weak, bool fits) {
    if (fits && weak != order) found.push_back(weak);
  };
  if (order == kSeqCst) add(kAcqRel, reading && writing);
  if (order == kSeqCst || order == kAcqRel) add(kAcquire, reading);
  if (order == kSeqCst || order == kAcqRel) add(kRelease, writing);
  add(kRelaxed, true);
  return found;
}

auto place(const AuditSite& site) {
  return std::tie(site.file, site.line, site.function, site.operation, site.written.success, site.written.failure);
}

auto kind(const AuditSite& site) {
  return std::tie(site.file, site.function, site.operation, site.written.success, site.written.failure);
}

std::memory_order order_from(const std::string& name) {
  for (const auto order : {kRelaxed, kAcquire, kRelease, kAcqRel, kSeqCst}) {
    if (name == name_of(order)) return order;
  }
  return std::memory_order_consume;
}

}  // namespace

std::string orders_of(const AuditSite& site) {
  if (site.operation == Operation::kPause) return "-";
  if (site.operation != Operation::kCompareExchange) return name_of(site.written.success);
  return fmt::format("{}/{}", name_of(site.written.success), name_of(site.written.failure));
}

std::string AuditSite::id() const {
  std::string orders = orders_of(*this);
  std::replace(orders.begin(), orders.end(), '/', ',');
  std::string text = fmt::format("{}/{}/{}({})", file.substr(file.find('/') + 1), function, name_of(operation), orders);
  if (operation == Operation::kPause) text.resize(text.find('('));
  if (occurrence != 0) text += fmt::format("#{}", occurrence);
  return text;
}

bool AuditSite::same_place(const AuditSite& other) const { return place(*this) == place(other); }

nlohmann::json to_json(const AuditSite& site) {
  return {{"file", site.file},
          {"function", site.function},
          {"line", site.line},
          {"operation", static_cast<int>(site.operation)},
          {"success", name_of(site.written.success)},
          {"failure", name_of(site.written.failure)},
          {"weak", site.weak}};
}

AuditSite site_from_json(const nlohmann::json& json) {
  AuditSite site;
  site.file = json.at("file");
  site.function = json.at("function");
  site.line = json.at("line");
  site.operation = static_cast<Operation>(json.at("operation").get<int>());
  site.written = {order_from(json.at("success")), order_from(json.at("failure"))};
  site.weak = json.at("weak");
  return site;
}

void number(std::vector<AuditSite>& sites) {
  std::sort(sites.begin(), sites.end(), [](auto& a, auto& b) { return place(a) < place(b); });
  const auto last = std::unique(sites.begin(), sites.end(), [](auto& a, auto& b) { return place(a) == place(b); });
  sites.erase(last, sites.end());
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const auto same = [&](const AuditSite& other) { return kind(other) == kind(sites[i]); };
    const auto before = std::count_if(sites.begin(), sites.begin() + static_cast<std::ptrdiff_t>(i), same);
    const bool alone = std::count_if(sites.begin(), sites.end(), same) == 1;
    sites[i].occurrence = alone ? 0 : static_cast<unsigned>(before) + 1;
  }
}

std::vector<Mutant> mutants_of(const AuditSite& site) {
  std::vector<Mutant> mutants;
  const auto behave = [&](const char* change, Behaviour behaviour, bool allowed = false) {
    mutants.push_back({site, change, behaviour, site.written, allowed});
  };
  const Operation operation = site.operation;
  if (operation == Operation::kPause) {
    behave("lost", Behaviour::kLost);
    return mutants;
  }
  const bool swaps = operation == Operation::kCompareExchange;
  for (const auto order : weaker(site.written.success, reads(operation), writes(operation))) {
    mutants.push_back({site,
                       fmt::format("{}={}", swaps ? "success" : "order", name_of(order)),
                       Behaviour::kAsWritten,
                       {order, site.written.failure}});
  }
  if (operation == Operation::kLoad) return mutants;
  behave("lost", Behaviour::kLost);
  behave("repeated", Behaviour::kRepeated);
  if (operation == Operation::kStore) return mutants;
  behave("split", Behaviour::kSplit);
  if (!swaps) return mutants;
  for (const auto order : weaker(site.written.failure, true, false)) {
    mutants.push_back(
        {site, fmt::format("failure={}", name_of(order)), Behaviour::kAsWritten, {site.written.success, order}});
  }
  behave("inverted", Behaviour::kInverted);
  behave("spurious", Behaviour::kSpurious, site.weak);
  return mutants;
}

}  // namespace check
