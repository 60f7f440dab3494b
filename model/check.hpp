#pragma once
/// The checker's words, as suites of the allocator say them.

#include "check/check.hpp"

namespace hakmem::model {

using check::fail_execution;
using check::Faults;
using check::Mutex;
using check::require;
using check::Scenario;
using check::ScenarioType;
using check::SimulatedMemory;
using check::Where;

// Suites, their searches and broken variants.
using check::at_most;
using check::bound;
using check::full;
using check::lose;
using check::Mutation;
using check::Operation;
using check::Orders;
using check::pct;
using check::Place;
using check::random;
using check::Registered;
using check::Search;
using check::split;
using check::Suite;
using check::weaken;
using check::within;

}  // namespace hakmem::model
