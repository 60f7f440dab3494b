#pragma once
/// Floor 0. The machine: all that the sources know of a processor, in one header for each. Nothing outside this folder
/// asks which machine it is; docs/guide/porting.md says what another one needs.
///
/// Each header has in `hakmem::machine`:
///  - `kAddressBits`: a program's addresses lie below 2^kAddressBits, if it does not ask for others itself
///  - `pause()`: back-off inside a retry loop
///  - `Instructions`: a class whose static members do at once what compilers make several instructions of. Those that the
///    machine has: `decrement_is_positive(value)` and `decrement_is_negative(value)`, see DecrementsAtOnce;
///    `add_owned(count, n)`, see AddsOwnedAtOnce; and for counting instructions `trap_each(on)`, after which each
///    instruction of the thread ends in SIGTRAP, and `is_system_call(instruction)`
///  - `frame_of(context)`: where a signal has stopped a thread, whose ucontext_t is given, and the frame that it was in
///  - `kFrameRecord`: so many bytes before its address a frame keeps the address of the frame that has called it, and
///    behind that the address that it returns to

#if defined(__x86_64__) && defined(__LP64__)
#include "machine/x86_64.hpp"
#elif defined(__aarch64__) && defined(__LP64__)
#include "machine/aarch64.hpp"
#elif defined(__riscv) && __riscv_xlen == 64
#include "machine/riscv64.hpp"
#else
#error "hakmem does not know this machine: docs/guide/porting.md says what a port needs"
#endif
