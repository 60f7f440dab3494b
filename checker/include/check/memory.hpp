#pragma once
/// Simulated memory, which is mapped and unmapped, and objects that live as long as the execution.

#include "engine/relacy/simulated_memory.hpp"
