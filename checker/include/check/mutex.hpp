#pragma once
/// A lock whose waiting the checker sees.

#include "engine/relacy/mutex.hpp"
