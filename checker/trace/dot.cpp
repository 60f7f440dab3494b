#include "trace/dot.hpp"

#include <fmt/core.h>

#include <map>
#include <vector>

#include "trace/order.hpp"
#include "trace/svg.hpp"

namespace check {

namespace {

std::string quoted(const std::string& text) {
  std::string safe = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    if (c == '\n') {
      safe += "\\n";
    } else {
      safe += c;
    }
  }
  return safe + '"';
}

std::string node_of(const Event& event, std::size_t i, bool is_fault) {
  const std::string site = site_of(event, {});
  const std::string label = label_of(event, {}) + (site.empty() ? "" : "\n" + event.function + "  " + site);
  return fmt::format("    e{} [label={}{}]\n", i, quoted(label),
                     is_fault ? ", style=filled, fillcolor=\"#f4b6b6\"" : "");
}

std::string edge_of(const Edge& edge, const char* attributes) {
  return fmt::format("  e{} -> e{} [constraint=false, {}]\n", edge.from, edge.to, attributes);
}

}  // namespace

std::string dot_of(const Trace& trace, const std::string& title) {
  const std::vector<Event>& events = trace.events;
  const Order order(trace);
  const Diagnosis explanation = explain(trace, order);
  std::string text =
      fmt::format("digraph trace {{\n  label={}\n  labelloc=t\n  node [shape=box, fontname=monospace, fontsize=10]\n",
                  quoted(title + "\n" + explanation.sentence));
  std::map<unsigned, std::vector<std::size_t>> threads;
  for (std::size_t i = 0; i < events.size(); ++i) threads[events[i].thread].push_back(i);
  for (const auto& [thread, places] : threads) {
    text += fmt::format("  subgraph cluster_{0} {{\n    label=\"thread {0}\"\n", thread);
    for (const std::size_t i : places) text += node_of(events[i], i, i + 1 == events.size());
    for (std::size_t k = 1; k < places.size(); ++k) text += fmt::format("    e{} -> e{}\n", places[k - 1], places[k]);
    text += "  }\n";
  }
  for (const Edge& edge : order.edges()) text += edge_of(edge, edge.orders ? "color=\"#2b6a2b\"" : "style=dotted");
  const Edge& gap = explanation.gap;
  if (gap.from != gap.to) text += edge_of(gap, "color=\"#c00000\", penwidth=2, style=dashed, label=missing");
  return text + "}\n";
}

}  // namespace check
