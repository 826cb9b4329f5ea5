// The JSON document of a server's status (docs/spec/server-status.md).
#ifndef WARD_EMULATOR_VFIO_USER_STATUS_DOCUMENT_H_
#define WARD_EMULATOR_VFIO_USER_STATUS_DOCUMENT_H_

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "emulator/vfio_user/device_status.h"

namespace ward::emulator {

struct DeviceEntry {
  std::string name;                    // of its endpoint
  bool is_fresh = false;               // it answered when it was asked
  std::optional<DeviceStatus> status;  // nothing: it never did
};

// One line, with its end.
std::string StatusDocument(const std::vector<DeviceEntry>& devices,
                           std::chrono::steady_clock::time_point started,
                           std::chrono::steady_clock::time_point now);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_STATUS_DOCUMENT_H_
