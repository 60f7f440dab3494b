#pragma once
/// The trace of a counterexample, what explains it, and its renderers.

#include "core/event.hpp"
#include "trace/json.hpp"
#include "trace/order.hpp"
#include "trace/svg.hpp"
#include "trace/text.hpp"
