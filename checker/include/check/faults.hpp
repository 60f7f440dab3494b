#pragma once
/// Faults as choices: threads that vanish, forks, what may or may not happen.

#include "engine/relacy/faults.hpp"
