#pragma once
/// The program: its main, and the commands and generated programs that users register.

#include "cli/command.hpp"
#include "cli/main.hpp"
#include "runner/generator.hpp"
