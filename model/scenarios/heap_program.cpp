/// Programs given as texts, on the toy heap.

#include "model/scenarios/model_body.hpp"

namespace hakmem::model {

namespace {

[[maybe_unused]] const bool known = (program_scenario = scenario_of<>, true);

}  // namespace

}  // namespace hakmem::model
