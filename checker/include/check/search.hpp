#pragma once
/// Searches by hand: one scenario explored in this process, or one of its executions again.

#include "core/search.hpp"
