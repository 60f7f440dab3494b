/// Programs given as texts, on the toy heap.

#include "model/scenarios/model_body.hpp"

namespace hakmem::model {

namespace {

[[maybe_unused]] const bool known = (program_scenario = program_scenario_of<ToyConfig>, true);

}  // namespace

}  // namespace hakmem::model
