// What an operator may know of a served device: numbers and states. No key, no handle, nothing of a
// client's memory.
#ifndef WARD_EMULATOR_VFIO_USER_DEVICE_STATUS_H_
#define WARD_EMULATOR_VFIO_USER_DEVICE_STATUS_H_

#include <chrono>
#include <cstdint>

#include "device/gpu.h"
#include "emulator/boundary/work_counter.h"

namespace ward::emulator {

struct DeviceStatus {
  std::chrono::steady_clock::time_point taken;
  bool has_client = false;
  std::chrono::steady_clock::time_point client_since;  // of the client that is there
  uint64_t clients = 0;                                // that were let in, this one too
  // Over all clients.
  uint64_t messages = 0;      // requests
  uint64_t refused = 0;       // those answered with an error
  uint64_t dma_messages = 0;  // asked of the clients
  WorkCounts work;
  device::GpuUsage usage;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_DEVICE_STATUS_H_
