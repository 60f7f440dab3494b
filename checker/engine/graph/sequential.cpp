#include "engine/graph/sequential.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace check::graph {

namespace {

/// A relation between the events of a graph, by their places in its order.
class Relation {
 public:
  explicit Relation(std::size_t size) : size_(size), words_((size + 63) / 64), bits_(size * words_) {}

  void add(std::size_t a, std::size_t b) { row(a)[b / 64] |= std::uint64_t{1} << b % 64; }
  [[nodiscard]] bool has(std::size_t a, std::size_t b) const { return (bits_[a * words_ + b / 64] >> b % 64 & 1) != 0; }

  void unite(const Relation& other) {
    for (std::size_t i = 0; i < bits_.size(); ++i) bits_[i] |= other.bits_[i];
  }

  /// What leads from one event to another by this relation and then by the other.
  [[nodiscard]] Relation then(const Relation& other) const {
    Relation both(size_);
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = 0; b < size_; ++b) {
        if (has(a, b)) both.unite_row(a, other, b);
      }
    }
    return both;
  }

  void close() {
    for (std::size_t b = 0; b < size_; ++b) {
      for (std::size_t a = 0; a < size_; ++a) {
        if (has(a, b)) unite_row(a, *this, b);
      }
    }
  }

  [[nodiscard]] bool has_loop() const {
    for (std::size_t a = 0; a < size_; ++a) {
      if (has(a, a)) return true;
    }
    return false;
  }

 private:
  std::uint64_t* row(std::size_t a) { return bits_.data() + a * words_; }
  void unite_row(std::size_t a, const Relation& other, std::size_t b) {
    for (std::size_t i = 0; i < words_; ++i) row(a)[i] |= other.bits_[b * words_ + i];
  }

  std::size_t size_, words_;
  std::vector<std::uint64_t> bits_;
};

/// The relations of the paper, by their names there.
class Relations {
 public:
  explicit Relations(const Graph& graph)
      : graph_(graph), size_(graph.size()), po_(size_), hb_(size_), co_(size_), fr_(size_), rf_(size_) {
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = 0; b < size_; ++b) {
        if (a == b) continue;
        const EventId first = graph.order()[a];
        const EventId second = graph.order()[b];
        if (first.thread == second.thread && first.index < second.index) po_.add(a, b);
        if (graph.happens_before(first, second)) hb_.add(a, b);
      }
    }
    for (std::size_t location = 0; location < graph.locations(); ++location)
      of_location(static_cast<Location>(location));
  }

  [[nodiscard]] bool psc_is_acyclic() const {
    Relation psc = base();
    psc.unite(between_fences());
    psc.close();
    return !psc.has_loop();
  }

 private:
  [[nodiscard]] const Event& event(std::size_t a) const { return graph_[graph_.order()[a]]; }
  [[nodiscard]] bool is_fence(std::size_t a) const { return !event(a).is_access() && event(a).is_sequential(); }
  [[nodiscard]] bool same_location(std::size_t a, std::size_t b) const {
    return event(a).is_access() && event(b).is_access() && event(a).location == event(b).location;
  }

  void of_location(Location location) {
    const auto& writes = graph_.writes(location);
    for (const EventId access : graph_.accesses(location)) {
      const Event& event = graph_[access];
      const std::size_t seen = graph_.position(location, event.is_write() ? access : event.from);
      for (std::size_t later = seen; later < writes.size(); ++later) {
        (event.is_write() ? co_ : fr_).add(event.stamp, graph_[writes[later]].stamp);
      }
      if (event.is_read() && !event.from.is_initial()) rf_.add(graph_[event.from].stamp, event.stamp);
    }
  }

  template <class Holds>
  [[nodiscard]] Relation where(const Relation& relation, Holds holds) const {
    Relation some(size_);
    for (std::size_t a = 0; a < size_; ++a) {
      for (std::size_t b = 0; b < size_; ++b) {
        if (relation.has(a, b) && holds(a, b)) some.add(a, b);
      }
    }
    return some;
  }

  [[nodiscard]] Relation scb() const {
    const Relation elsewhere = where(po_, [&](std::size_t a, std::size_t b) { return !same_location(a, b); });
    Relation scb = elsewhere.then(hb_).then(elsewhere);
    scb.unite(po_);
    scb.unite(where(hb_, [&](std::size_t a, std::size_t b) { return same_location(a, b); }));
    scb.unite(co_);
    scb.unite(fr_);
    return scb;
  }

  /// Each seq_cst event, and each seq_cst fence with what happens behind it, before the same with what happens before it.
  [[nodiscard]] Relation base() const {
    Relation from(size_);
    Relation to(size_);
    for (std::size_t a = 0; a < size_; ++a) {
      if (event(a).is_sequential()) {
        from.add(a, a);
        to.add(a, a);
      }
      for (std::size_t b = 0; b < size_; ++b) {
        if (is_fence(a) && hb_.has(a, b)) from.add(a, b);
        if (is_fence(b) && hb_.has(a, b)) to.add(a, b);
      }
    }
    return from.then(scb()).then(to);
  }

  [[nodiscard]] Relation between_fences() const {
    Relation eco = co_;
    eco.unite(fr_);
    eco.unite(rf_);
    eco.close();
    Relation all = hb_.then(eco).then(hb_);
    all.unite(hb_);
    return where(all, [&](std::size_t a, std::size_t b) { return is_fence(a) && is_fence(b); });
  }

  const Graph& graph_;
  std::size_t size_;
  Relation po_, hb_, co_, fr_, rf_;
};

}  // namespace

bool is_sequentially_consistent(const Graph& graph) {
  return graph.sequential() < 2 || Relations(graph).psc_is_acyclic();
}

}  // namespace check::graph
