// Telling whoever started a server that it is ready: a descriptor that was handed over, and
// systemd's NOTIFY_SOCKET.
#ifndef WARD_EMULATOR_VFIO_USER_READINESS_H_
#define WARD_EMULATOR_VFIO_USER_READINESS_H_

#include <string>
#include <vector>

namespace ward::emulator {

// Connects to NOTIFY_SOCKET, if there is one: done before the sandbox is entered.
void OpenNotifySocket();
// Writes a line for each endpoint to `ready_fd` (-1: none) and closes it, and says READY=1.
void TellReady(int ready_fd, const std::vector<std::string>& endpoints);
// Says STOPPING=1.
void TellStopping();

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_READINESS_H_
