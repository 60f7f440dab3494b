#pragma once
/// Mutants: what the audit does to an atomic site, and to which.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/sites.hpp"

namespace check {

/// An atomic operation of the sources that some suite reaches.
struct AuditSite {
  std::string file;  ///< from the root of the source
  std::string function;
  unsigned line = 0;
  Operation operation = Operation::kLoad;
  Orders written{std::memory_order_relaxed};
  bool weak = false;        ///< a weak compare-and-swap
  unsigned occurrence = 0;  ///< 1 = the first of several such sites by line; 0 = there is only one

  /// "queue/word.hpp/push/compare_exchange(acq_rel,relaxed)", which stays when lines move.
  [[nodiscard]] std::string id() const;
  [[nodiscard]] bool same_place(const AuditSite& other) const;
};

nlohmann::json to_json(const AuditSite& site);
AuditSite site_from_json(const nlohmann::json& json);

/// "acq_rel", "release/acquire", "-" for a pause.
std::string orders_of(const AuditSite& site);

/// Puts sites in the order of their places, merges equal ones and counts the occurrences of those that differ by
/// nothing but the line.
void number(std::vector<AuditSite>& sites);

struct Mutant {
  AuditSite site;
  std::string change;  ///< "order=acquire", "split", "lost", ...
  Behaviour behaviour = Behaviour::kAsWritten;
  Orders orders{std::memory_order_relaxed};
  bool allowed = false;  ///< what it does may happen to the code as it is: the suites must hold

  /// The site's id and the change.
  [[nodiscard]] std::string id() const { return site.id() + "/" + change; }
  [[nodiscard]] Planned planned() const {
    return {site.file, site.function, site.line, site.operation, site.written, behaviour, orders};
  }
};

/// Every mutant that makes sense at a site: each weaker order, an atomic step taken apart, an effect lost or repeated,
/// a compare-and-swap that lies or fails without need.
std::vector<Mutant> mutants_of(const AuditSite& site);

}  // namespace check
