#pragma once
/// What a checked program says to its execution: require, pause, and what it asks of it.

#include "engine/relacy/execution.hpp"
