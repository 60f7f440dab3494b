/// Programs given as texts, on the toy heap.

#include "model/programs/model_body.hpp"

namespace hakmem::model {

ScenarioType program_scenario(std::size_t threads) { return program_scenario_of<ToyConfig>(threads); }

}  // namespace hakmem::model
