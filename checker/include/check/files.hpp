#pragma once
/// Text files, read and written whole.

#include "audit/content.hpp"
