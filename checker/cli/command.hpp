#pragma once
/// Commands that the program has beside the checker's own: its users register them.

#include <string>
#include <vector>

namespace check {

/// Takes down what a command wants to know from the command line.
class Arguments {
 public:
  /// \param name "--json", or a word without dashes for what stands by itself. \param value must live as long
  virtual void text(const char* name, std::string& value, const char* help) = 0;
  /// \param least, most what the number may be
  virtual void number(const char* name, unsigned& value, unsigned least, unsigned most, const char* help) = 0;

 protected:
  ~Arguments() = default;
};

class Command {
 public:
  virtual ~Command() = default;
  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual const char* help() const = 0;
  /// Before the command line is read.
  virtual void take(Arguments& arguments) = 0;
  /// \return the exit code
  virtual int run() = 0;
};

/// All that are registered, in the order in which they were.
const std::vector<Command*>& commands();

/// Makes a command known, which must live as long as the program: a constant at namespace scope.
struct RegisteredCommand {
  explicit RegisteredCommand(Command& command);
};

}  // namespace check
