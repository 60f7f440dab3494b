#pragma once
/// The program: what `main` of a checker of one's own calls.

namespace check {

/// Takes the command line and does what it says, with all suites, decoders, commands and so on that are registered.
/// \return the exit code
int main(int argc, char** argv);

}  // namespace check
