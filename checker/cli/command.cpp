#include "cli/command.hpp"

namespace check {

namespace {

std::vector<Command*>& registry() {
  static std::vector<Command*> commands;
  return commands;
}

}  // namespace

const std::vector<Command*>& commands() { return registry(); }

RegisteredCommand::RegisteredCommand(Command& command) { registry().push_back(&command); }

}  // namespace check
