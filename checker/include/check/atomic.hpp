#pragma once
/// Atomics that the checker watches.

#include "engine/relacy/atomic.hpp"
