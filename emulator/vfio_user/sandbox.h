// The system calls that serving needs, and no others: a client that finds a hole in the server
// finds itself in a process that can open no file, start no program and reach no other host.
#ifndef WARD_EMULATOR_VFIO_USER_SANDBOX_H_
#define WARD_EMULATOR_VFIO_USER_SANDBOX_H_

#include <string>

namespace ward::emulator {

// For all threads of the process, for ever. A forbidden call ends the process (SIGSYS). False, with
// what is wrong and what mends it, when the kernel has no such filters. Does nothing in a sanitized
// build, whose runtime needs more.
bool EnterSandbox(std::string* error);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_SANDBOX_H_
