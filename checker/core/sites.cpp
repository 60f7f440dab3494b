#include "core/sites.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/subject.hpp"

namespace check {

Site Sites::sites_[kMost];
unsigned Sites::count_ = 0;
Site* Sites::cache_[kCacheSize];

namespace {

/// Keys of sites that are known to be ordered before they are hit. Filled outside executions.
std::vector<std::uint64_t> expected_ordered;

/// The name of a function without the template arguments that some compilers add.
std::string_view plain_name(const char* function) {
  const std::string_view name(function);
  return name.starts_with("operator") ? name : name.substr(0, name.find('<'));
}

}  // namespace

Site& Sites::find_or_add(const Where& where, Operation operation, Orders orders) {
  const std::string_view function = plain_name(where.function);
  for (unsigned i = 0; i < count_; ++i) {
    Site& site = sites_[i];
    if (site.where.line == where.line && site.operation == operation && site.written == orders &&
        site.where.function == function && std::strcmp(site.where.file, where.file) == 0) {
      // Another translation unit may have its own copy of the file's name.
      site.where.file = where.file;
      return site;
    }
  }
  if (count_ == kMost) {
    say_problem("more atomic operations than Sites::kMost; make it larger");
    std::abort();
  }
  Site& site = sites_[count_++];
  // Not by new, which would count as the scenario's; kept for as long as the process lives.
  const char* const name = ::strndup(function.data(), function.size());
  site = {{name, where.file, where.line}, operation, Behaviour::kAsWritten, orders, orders, 0};
  site.ordered = std::find(expected_ordered.begin(), expected_ordered.end(), key_of(site)) != expected_ordered.end();
  if (planned_ && planned_->line == where.line && planned_->operation == operation && planned_->written == orders &&
      planned_->function == function && planned_->file == where.file) {
    site.behaviour = planned_->behaviour;
    site.in_force = planned_->orders;
  }
  return site;
}

void Sites::expect_ordered(std::uint64_t key) { expected_ordered.push_back(key); }

std::uint64_t key_of(const Site& site) {
  std::uint64_t key = 0xcbf29ce484222325u;
  const auto add = [&key](std::uint64_t part) { key = (key ^ part) * 0x100000001b3u; };
  for (const char* c = site.where.file; *c != 0; ++c) add(static_cast<unsigned char>(*c));
  add(site.where.line);
  add(static_cast<std::uint64_t>(site.operation));
  add(static_cast<std::uint64_t>(site.written.success) * 8 + static_cast<std::uint64_t>(site.written.failure));
  return key;
}

Site* Sites::resolve(const Mutation& mutation, std::string& problem) {
  std::vector<Site*> found;
  for (unsigned i = 0; i < count_; ++i) {
    Site& site = sites_[i];
    if (site.operation == mutation.operation && std::string_view(site.where.file).ends_with(mutation.file) &&
        std::strcmp(site.where.function, mutation.function) == 0 &&
        (!mutation.written || site.written == *mutation.written)) {
      found.push_back(&site);
    }
  }
  std::sort(found.begin(), found.end(), [](auto* a, auto* b) { return a->where.line < b->where.line; });
  if (mutation.occurrence == 0 && found.size() == 1) return found.front();
  if (mutation.occurrence != 0 && mutation.occurrence <= found.size()) return found[mutation.occurrence - 1];
  problem = fmt::format("{} sites are {} in {} ({}), cannot tell which to change", found.size(), mutation.function,
                        mutation.file, name_of(mutation.operation));
  return nullptr;
}

std::string Sites::mutate(std::span<const Mutation> mutations) {
  std::string problem;
  for (const Mutation& mutation : mutations) {
    Site* site = resolve(mutation, problem);
    if (site == nullptr) return problem;
    site->behaviour = mutation.behaviour;
    if (mutation.orders) site->in_force = *mutation.orders;
  }
  return {};
}

void Sites::restore() {
  for (unsigned i = 0; i < count_; ++i) {
    sites_[i].behaviour = Behaviour::kAsWritten;
    sites_[i].in_force = sites_[i].written;
  }
}

const char* name_of(Operation operation) {
  switch (operation) {
    case Operation::kLoad: return "load";
    case Operation::kStore: return "store";
    case Operation::kExchange: return "exchange";
    case Operation::kCompareExchange: return "compare_exchange";
    case Operation::kFetchAdd: return "fetch_add";
    case Operation::kFetchSub: return "fetch_sub";
    case Operation::kFetchOr: return "fetch_or";
    case Operation::kFetchAnd: return "fetch_and";
    case Operation::kFetchXor: return "fetch_xor";
    case Operation::kPause: return "pause";
  }
  return "?";
}

const char* name_of(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: return "seq_cst";
  }
  return "?";
}

namespace {

std::string describe(Operation operation, Orders orders) {
  if (operation != Operation::kCompareExchange) return name_of(orders.success);
  return fmt::format("{}/{}", name_of(orders.success), name_of(orders.failure));
}

}  // namespace

std::string describe(const Site& site) {
  return fmt::format("{}:{} {} {} {}", site.where.file, site.where.line, site.where.function, name_of(site.operation),
                     describe(site.operation, site.written));
}

std::string describe(const Mutation& mutation) {
  std::string text = fmt::format("{}: {} {}", mutation.file, mutation.function, name_of(mutation.operation));
  if (mutation.written) text += fmt::format(" ({})", describe(mutation.operation, *mutation.written));
  if (mutation.occurrence != 0) text += fmt::format(" #{}", mutation.occurrence);
  if (mutation.orders) text += fmt::format(" becomes {}", describe(mutation.operation, *mutation.orders));
  if (mutation.behaviour == Behaviour::kSplit) text += " becomes a load and a store";
  if (mutation.behaviour == Behaviour::kLost) text += " does not store";
  return text;
}

}  // namespace check
