#pragma once
/// Plain variables whose accesses are checked for races.

#include "engine/relacy/variable.hpp"
