#include "trace/render.hpp"

#include "trace/dot.hpp"
#include "trace/json.hpp"
#include "trace/svg.hpp"

namespace check {

Renderer renderer_for(const std::string& file) {
  if (file.ends_with(".svg")) return [](const Trace& trace, const std::string& title) { return svg_of(trace, title); };
  if (file.ends_with(".dot")) return dot_of;
  if (file.ends_with(".json")) {
    return [](const Trace& trace, const std::string& title) {
      return json_with_explanation(trace, title).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    };
  }
  return nullptr;
}

}  // namespace check
