#pragma once
/// A counterexample as a picture: a lane for each thread, its steps with their sites, arrows where one thread's write
/// has become visible to another, and the edge that is missing.

#include <string>
#include <vector>

namespace check {

/// A step of a trace.
struct Step {
  unsigned number = 0;
  unsigned thread = 0;
  std::string address;  ///< empty: of nothing in memory
  std::string what;     ///< such as "atomic load, value=0, order=relaxed"
  std::string function;
  std::string site;  ///< "src/queue/word.hpp:48"; without the number when the trace has none
  bool fault = false;
};

/// A write that another thread has read, by their places among the steps.
struct Edge {
  std::size_t from = 0;
  std::size_t to = 0;
  bool orders = false;  ///< what came before the write happens before what comes after the read
};

struct Picture {
  std::vector<Step> steps;
  std::vector<Edge> edges;
  std::string missing;  ///< a sentence about the edge that would have prevented the fault, or that there is none
  Edge gap;             ///< its ends; both 0 when no edge is missing
};

/// \param trace as in an Outcome: one step on a line, the fault last
Picture picture_of(const std::string& trace);

/// The picture in SVG. \param title shown above, and to readers of the file who do not see it
std::string to_svg(const Picture& picture, const std::string& title);

}  // namespace check
