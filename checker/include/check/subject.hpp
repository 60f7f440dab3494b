#pragma once
/// What is checked, and how values of its words are shown: to be registered.

#include "core/names.hpp"
#include "core/subject.hpp"
