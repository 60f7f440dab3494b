#pragma once
/// All executions of a small program that RC11 allows, by brute force: every candidate graph, judged by the axioms as they
/// are defined (Lahav et al., PLDI 2017; release sequences as in C++20). What the graph engine is compared with.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/graph/graph.hpp"

namespace check::graph::test {

using What = Operation::What;

/// 0 to 2: what programs here use.
inline constexpr Location kLocations = 3;

/// An operation of a thread; one that `grows` writes one more than the thread has read last.
struct Step {
  Operation operation;
  bool grows = false;
};
using Steps = std::vector<std::vector<Step>>;

/// Threads without branches.
class StraightProgram : public Program {
 public:
  explicit StraightProgram(Steps steps) : steps_(std::move(steps)) {}
  [[nodiscard]] unsigned threads() const override { return static_cast<unsigned>(steps_.size()); }
  [[nodiscard]] Operation next(unsigned thread, std::size_t done, std::span<const Value> read) const override {
    if (done == steps_[thread].size()) return {};
    Operation operation = steps_[thread][done].operation;
    if (steps_[thread][done].grows) operation.value = (read.empty() ? 0 : read.back()) + 1;
    return operation;
  }

 private:
  Steps steps_;
};

/// Who reads from whom, and the coherence orders: what distinguishes executions.
inline std::string text_of(EventId id) {
  return id.is_initial() ? "i" : std::to_string(id.thread) + "." + std::to_string(id.index);
}

inline std::string signature_of(const Graph& graph) {
  std::string text;
  for (unsigned thread = 0; thread < graph.threads(); ++thread) {
    for (const Event& event : graph.steps(thread)) {
      if (event.is_read()) text += text_of(event.from) + " ";
    }
    text += "/ ";
  }
  for (Location location = 0; location < kLocations; ++location) {
    for (const EventId id : graph.writes(location)) text += text_of(id) + " ";
    text += "; ";
  }
  return text;
}

/// A relation between up to 32 events.
struct Pairs {
  std::array<std::uint32_t, 32> rows{};

  void add(unsigned a, unsigned b) { rows[a] |= 1u << b; }
  [[nodiscard]] bool has(unsigned a, unsigned b) const { return (rows[a] >> b & 1u) != 0; }
  [[nodiscard]] Pairs operator|(const Pairs& other) const {
    Pairs both;
    for (unsigned a = 0; a < 32; ++a) both.rows[a] = rows[a] | other.rows[a];
    return both;
  }
  [[nodiscard]] Pairs then(const Pairs& other) const {
    Pairs both;
    for (unsigned a = 0; a < 32; ++a) {
      for (std::uint32_t rest = rows[a]; rest != 0; rest &= rest - 1) {
        both.rows[a] |= other.rows[static_cast<unsigned>(std::countr_zero(rest))];
      }
    }
    return both;
  }
  [[nodiscard]] Pairs closed() const {
    Pairs all = *this;
    for (unsigned b = 0; b < 32; ++b) {
      for (unsigned a = 0; a < 32; ++a) {
        if (all.has(a, b)) all.rows[a] |= all.rows[b];
      }
    }
    return all;
  }
  [[nodiscard]] bool is_irreflexive() const {
    for (unsigned a = 0; a < 32; ++a) {
      if (has(a, a)) return false;
    }
    return true;
  }
  [[nodiscard]] Pairs or_same(unsigned count) const {
    Pairs all = *this;
    for (unsigned a = 0; a < count; ++a) all.add(a, a);
    return all;
  }
};

class Oracle {
 public:
  /// \param failures so often weak compare-and-swaps may fail for no reason
  explicit Oracle(const Steps& steps, unsigned failures = 0) : steps_(steps), failures_(failures) {
    for (const auto& thread : steps) {
      for (const Step& step : thread) {
        if (step.operation.what == What::kCompareExchange) ++guesses_;
      }
    }
  }

  /// Tries every candidate.
  void run() {
    for (std::uint32_t guess = 0; guess < 1u << guesses_; ++guess) {
      collect(guess);
      choose_sources(0);
    }
  }

  [[nodiscard]] const std::set<std::string>& executions() const { return executions_; }
  [[nodiscard]] bool has_race() const { return has_race_; }
  /// How many candidates there are, at most.
  [[nodiscard]] static double candidates(const Steps& steps);

 private:
  struct Node {
    EventId id;
    Kind kind;
    const Step* step;
    bool exclusive;
    bool fails;  ///< a compare-and-swap that is to find something else, or to fail for no reason
    std::memory_order order;
    int from = -1;  ///< -1: what the location begins with
    Value value = 0;
  };

  [[nodiscard]] bool is_read(unsigned a) const { return nodes_[a].kind == Kind::kRead; }
  [[nodiscard]] bool is_write(unsigned a) const { return nodes_[a].kind == Kind::kWrite; }
  [[nodiscard]] bool is_fence(unsigned a) const { return nodes_[a].kind == Kind::kFence; }
  [[nodiscard]] bool is_plain(unsigned a) const { return nodes_[a].step->operation.plain; }
  [[nodiscard]] Location location(unsigned a) const { return nodes_[a].step->operation.location; }
  [[nodiscard]] bool same_location(unsigned a, unsigned b) const {
    return !is_fence(a) && !is_fence(b) && location(a) == location(b);
  }
  [[nodiscard]] unsigned count() const { return static_cast<unsigned>(nodes_.size()); }

  /// The events, when compare-and-swaps end as guessed.
  void collect(std::uint32_t guess) {
    nodes_.clear();
    for (std::size_t thread = 0; thread < steps_.size(); ++thread) {
      std::uint16_t index = 0;
      for (const Step& step : steps_[thread]) {
        const auto add = [&](Kind kind, bool exclusive, bool fails, std::memory_order order) {
          nodes_.push_back({{static_cast<std::uint16_t>(thread), index++}, kind, &step, exclusive, fails, order});
        };
        const Operation& operation = step.operation;
        const bool compares = operation.what == What::kCompareExchange;
        const bool fails = compares && (guess & 1) == 0;
        if (compares) guess >>= 1;
        if (operation.what == What::kFence) add(Kind::kFence, false, false, operation.order);
        if (operation.what == What::kWrite) add(Kind::kWrite, false, false, operation.order);
        if (operation.what == What::kRead) add(Kind::kRead, false, false, operation.order);
        if (fails) add(Kind::kRead, false, true, operation.failure_order);
        if (fails || (operation.what != What::kUpdate && !compares)) continue;
        add(Kind::kRead, true, false, operation.order);
        add(Kind::kWrite, true, false, operation.order);
      }
    }
    po_ = {};
    for (unsigned a = 0; a < count(); ++a) {
      for (unsigned b = a + 1; b < count(); ++b) {
        if (nodes_[a].id.thread == nodes_[b].id.thread) po_.add(a, b);
      }
    }
  }

  void choose_sources(unsigned a) {
    while (a < count() && !is_read(a)) ++a;
    if (a == count()) {
      if (has_values()) choose_orders();
      return;
    }
    for (int from = -1; from < static_cast<int>(count()); ++from) {
      if (from >= 0 && (!is_write(static_cast<unsigned>(from)) || !same_location(a, static_cast<unsigned>(from))))
        continue;
      nodes_[a].from = from;
      choose_sources(a + 1);
    }
  }

  /// No thin air, and each operation finds and writes what it does with what it reads.
  bool has_values() {
    rf_ = {};
    for (unsigned a = 0; a < count(); ++a) {
      if (is_read(a) && nodes_[a].from >= 0) rf_.add(static_cast<unsigned>(nodes_[a].from), a);
    }
    const Pairs past = (po_ | rf_).closed();
    if (!past.is_irreflexive()) return false;
    std::vector<unsigned> order(count());
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(), [&](unsigned a, unsigned b) { return depth(past, a) < depth(past, b); });
    unsigned failures = 0;
    return std::all_of(order.begin(), order.end(), [&](unsigned a) { return evaluate(a, failures); }) &&
           failures <= failures_;
  }

  [[nodiscard]] unsigned depth(const Pairs& past, unsigned a) const {
    unsigned before = 0;
    for (unsigned b = 0; b < count(); ++b) before += past.has(b, a) ? 1u : 0u;
    return before;
  }

  /// \param failures those for no reason are added
  bool evaluate(unsigned a, unsigned& failures) {
    Node& node = nodes_[a];
    const Operation& operation = node.step->operation;
    if (node.kind == Kind::kRead) {
      node.value = node.from < 0 ? 0 : nodes_[static_cast<unsigned>(node.from)].value;
      if (operation.what != What::kCompareExchange || (node.value == operation.expected) != node.fails) return true;
      ++failures;
      return node.fails && operation.weak;
    }
    if (node.kind == Kind::kFence) return true;
    if (operation.what == What::kUpdate) {
      node.value = operation.update(nodes_[a - 1].value, operation.value);
      return true;
    }
    node.value = node.step->grows ? last_read(a) + 1 : operation.value;
    return true;
  }

  /// Of a read-modify-write's own write: before its read.
  [[nodiscard]] Value last_read(unsigned a) const {
    for (unsigned b = a - (nodes_[a].exclusive ? 1u : 0u); b-- > 0 && nodes_[b].id.thread == nodes_[a].id.thread;) {
      if (is_read(b)) return nodes_[b].value;
    }
    return 0;
  }

  void choose_orders() {
    for (auto& order : orders_) order.clear();
    for (unsigned a = 0; a < count(); ++a) {
      if (is_write(a)) orders_[location(a)].push_back(a);
    }
    permute(0);
  }

  void permute(std::size_t at) {
    if (at == orders_.size()) return judge();
    std::sort(orders_[at].begin(), orders_[at].end());
    do permute(at + 1);
    while (std::next_permutation(orders_[at].begin(), orders_[at].end()));
  }

  /// -1 for what the location begins with.
  [[nodiscard]] int position(int write) const {
    if (write < 0) return -1;
    const auto& order = orders_[location(static_cast<unsigned>(write))];
    return static_cast<int>(std::find(order.begin(), order.end(), static_cast<unsigned>(write)) - order.begin());
  }

  void relate() {
    co_ = {};
    fr_ = {};
    for (const auto& order : orders_) {
      for (std::size_t i = 0; i < order.size(); ++i) {
        for (std::size_t k = i + 1; k < order.size(); ++k) co_.add(order[i], order[k]);
      }
    }
    for (unsigned a = 0; a < count(); ++a) {
      if (!is_read(a)) continue;
      for (const unsigned write : orders_[location(a)]) {
        if (position(static_cast<int>(write)) > position(nodes_[a].from)) fr_.add(a, write);
      }
    }
    relate_by_synchronisation();
  }

  /// sw = [release] ; ([F] ; po)? ; the write and the read-modify-writes on it ; rf ; (po ; [F])? ; [acquire]
  void relate_by_synchronisation() {
    Pairs from, heads, sequence, to;
    for (unsigned a = 0; a < count(); ++a) {
      const bool atomic = !is_fence(a) && !is_plain(a);
      if (is_write(a) && atomic) heads.add(a, a);
      if (is_write(a) && atomic && releases(nodes_[a].order)) from.add(a, a);
      if (is_read(a) && atomic && acquires(nodes_[a].order)) to.add(a, a);
      if (is_read(a) && nodes_[a].exclusive && nodes_[a].from >= 0) {
        sequence.add(static_cast<unsigned>(nodes_[a].from), a + 1);
      }
      for (unsigned b = 0; b < count(); ++b) {
        if (!po_.has(a, b)) continue;
        if (is_fence(a) && releases(nodes_[a].order) && is_write(b)) from.add(a, b);
        if (is_fence(b) && acquires(nodes_[b].order) && is_read(a) && !is_plain(a)) to.add(a, b);
      }
    }
    const Pairs sw = from.then(heads).then(sequence.closed().or_same(count())).then(rf_).then(to);
    hb_ = (po_ | sw).closed();
  }

  [[nodiscard]] bool is_atomic() const {
    for (unsigned a = 0; a < count(); ++a) {
      if (is_read(a) && nodes_[a].exclusive && position(nodes_[a].from) + 1 != position(static_cast<int>(a) + 1))
        return false;
    }
    return true;
  }

  [[nodiscard]] bool is_coherent() const {
    const Pairs eco = (rf_ | co_ | fr_).closed();
    return hb_.is_irreflexive() && hb_.then(eco).is_irreflexive();
  }

  [[nodiscard]] bool is_sequential(unsigned a) const {
    return !is_plain(a) && nodes_[a].order == std::memory_order_seq_cst;
  }

  [[nodiscard]] bool orders_sequential() const {
    Pairs elsewhere, here, all, fences;
    for (unsigned a = 0; a < count(); ++a) {
      if (is_sequential(a)) (is_fence(a) ? fences : all).add(a, a);
      for (unsigned b = 0; b < count(); ++b) {
        if (po_.has(a, b) && !same_location(a, b)) elsewhere.add(a, b);
        if (hb_.has(a, b) && same_location(a, b)) here.add(a, b);
      }
    }
    all = all | fences;
    const Pairs scb = po_ | elsewhere.then(hb_).then(elsewhere) | here | co_ | fr_;
    const Pairs maybe = hb_.or_same(count());
    const Pairs base = (all | fences.then(maybe)).then(scb).then(all | maybe.then(fences));
    const Pairs eco = (rf_ | co_ | fr_).closed();
    const Pairs between = fences.then(hb_ | hb_.then(eco).then(hb_)).then(fences);
    return (base | between).closed().is_irreflexive();
  }

  void judge() {
    if (!is_atomic()) return;
    relate();
    if (!is_coherent() || !orders_sequential()) return;
    for (unsigned a = 0; a < count(); ++a) {
      for (unsigned b = a + 1; b < count(); ++b) {
        const bool conflict = same_location(a, b) && (is_write(a) || is_write(b)) && (is_plain(a) || is_plain(b));
        if (conflict && !hb_.has(a, b) && !hb_.has(b, a)) has_race_ = true;
      }
    }
    executions_.insert(signature());
  }

  [[nodiscard]] std::string signature() const {
    std::string text;
    unsigned a = 0;
    for (std::size_t thread = 0; thread < steps_.size(); ++thread) {
      for (; a < count() && nodes_[a].id.thread == thread; ++a) {
        if (is_read(a))
          text += text_of(nodes_[a].from < 0 ? kInitial : nodes_[static_cast<unsigned>(nodes_[a].from)].id) + " ";
      }
      text += "/ ";
    }
    for (const auto& order : orders_) {
      for (const unsigned write : order) text += text_of(nodes_[write].id) + " ";
      text += "; ";
    }
    return text;
  }

  const Steps& steps_;
  const unsigned failures_;
  unsigned guesses_ = 0;
  std::vector<Node> nodes_;
  std::array<std::vector<unsigned>, kLocations> orders_;  ///< coherence order of each location
  Pairs po_, rf_, co_, fr_, hb_;
  std::set<std::string> executions_;
  bool has_race_ = false;
};

inline double Oracle::candidates(const Steps& steps) {
  std::array<double, kLocations> writes{};
  double all = 1;
  for (const auto& thread : steps) {
    for (const Step& step : thread) {
      const bool write = step.operation.what != What::kRead && step.operation.what != What::kFence;
      if (write) all *= ++writes[step.operation.location];
    }
  }
  for (const auto& thread : steps) {
    for (const Step& step : thread) {
      const What what = step.operation.what;
      if (what != What::kWrite && what != What::kFence) all *= writes[step.operation.location] + 1;
    }
  }
  return all;
}

}  // namespace check::graph::test
