#pragma once
/// A counterexample as a picture.

#include "trace/picture.hpp"
