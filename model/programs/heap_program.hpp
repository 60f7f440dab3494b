#pragma once
/// Programs of a heap as data: what each of a few threads does. One description has three bodies
/// (heap_program_run.hpp): a sequence against a plain reference, a model under all schedules, and real threads.
///
///     T0: a=malloc(64) give a   T1: b=take free b
///
/// Each thread has eight variables, a to h, which hold a block or nothing. Every program makes sense, so that leaving
/// out any step leaves a program: a variable that gets a block frees the one it had, nothing can be freed or given, and
/// a thread frees at its end what it has left and exits.
///
///     T0: attached a=malloc(64) give a   T1: attached b=take free b
///
/// A thread that is attached has its context before all threads begin, with slabs of each size, two of 64 bytes; and it has
/// two blocks of one of these: one of its own in `a`, and in `b` one of the attached thread behind it, the last one of the
/// first. It neither frees nor exits at its end: that comes when all threads have ended. So between the threads there is
/// nothing but their steps.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace hakmem::programs {

struct Step {
  enum class Kind : std::uint8_t {
    kAllocate,  ///< "a=malloc(64)"
    kFree,      ///< "free a"
    kLateFree,  ///< "late_free a": past the thread's context, as after its end
    kGive,      ///< "give a": puts the block into the one place that all threads share; what lies there is freed
    kTake,      ///< "a=take": takes what lies there
    kRenew,     ///< "renew": the thread exits, and another one begins with its variables
    kTrim,      ///< "trim"
    kAttached,  ///< "attached": no step, and nowhere but in front of all steps of a thread
  };
  Kind kind;
  unsigned variable = 0;
  std::size_t bytes = 0;

  friend bool operator==(const Step&, const Step&) = default;
};

inline constexpr unsigned kVariables = 8;
inline constexpr unsigned kMostThreads = 4;
inline constexpr std::size_t kMostBytes = 1u << 20;

/// The steps of each thread, two to four of them.
using HeapProgram = std::vector<std::vector<Step>>;

std::string to_string(const Step& step);
std::string to_string(const HeapProgram& program);

/// The program that a text describes. Steps are separated by spaces, semicolons or line ends.
/// \param problem what is wrong with the text, if anything
HeapProgram parse_program(const std::string& text, std::string& problem);

/// The program with a number: the same for everybody. Two or three threads, two to twelve steps.
HeapProgram generate_program(std::uint64_t seed);

/// A program with a number, of attached threads: two of five steps each, or three of three.
HeapProgram generate_attached_program(std::uint64_t seed);

[[nodiscard]] bool is_attached(const std::vector<Step>& thread);

/// All programs that are smaller by one step, and by one thread where one has none left but two others remain. Who is
/// attached stays so.
std::vector<HeapProgram> smaller_programs(const HeapProgram& program);

std::size_t steps_of(const HeapProgram& program);

}  // namespace hakmem::programs
