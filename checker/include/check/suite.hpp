#pragma once
/// Suites: the threads of a test, what they prove, their searches and broken variants.

#include "core/scenario.hpp"
#include "core/schedule.hpp"
#include "core/sites.hpp"
#include "core/where.hpp"
