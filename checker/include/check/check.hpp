#pragma once
/// All that a suite is written with.

#include "check/atomic.hpp"
#include "check/execution.hpp"
#include "check/faults.hpp"
#include "check/memory.hpp"
#include "check/mutex.hpp"
#include "check/suite.hpp"
#include "check/variable.hpp"
