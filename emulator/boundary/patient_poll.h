// poll(2) that signals neither end nor prolong.
#ifndef WARD_EMULATOR_BOUNDARY_PATIENT_POLL_H_
#define WARD_EMULATOR_BOUNDARY_PATIENT_POLL_H_

#include <poll.h>

#include <span>

namespace ward::emulator {

// How many of `watched` are ready, 0 after `patience_ms` milliseconds (0 and up) without any, or -1
// with errno, which is never EINTR.
int PollPatiently(std::span<pollfd> watched, int patience_ms);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_PATIENT_POLL_H_
