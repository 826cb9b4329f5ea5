// A device that is served on a thread of its own, in a folder of its own.
#ifndef WARD_TESTS_UNIT_VFIO_USER_SERVER_RIG_H_
#define WARD_TESTS_UNIT_VFIO_USER_SERVER_RIG_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "emulator/vfio_user/device_server.h"
#include "tests/unit/vfio_user/wire_client.h"

namespace ward::test {

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct RigOptions {
  emulator::BoundaryListener* listener = nullptr;  // outlives the device
  bool tcp = false;
  const emulator::AccessKey* key = nullptr;
  int first_message_ms = 60000;
  int unread_ms = 60000;
  int dma_timeout_ms = 60000;  // no wait of a test ends by it, unless it wants to
};

class ServedDevice {
 public:
  explicit ServedDevice(const RigOptions& options = {});
  // Stops and joins.
  ~ServedDevice();
  ServedDevice(const ServedDevice&) = delete;
  ServedDevice& operator=(const ServedDevice&) = delete;

  WireClient Connect() const;
  // Has said its version.
  WireClient ConnectAgreed() const;
  // Agreed, with memory decoding and bus mastering on.
  WireClient ConnectReady() const;
  const std::string& path() const { return path_; }

  // Runs on the device's thread between two slices, and waits for it.
  void OnDevice(const std::function<void(emulator::ServedGpu*)>& work);

  // How long Stop and join took; may be called once.
  double StopMs();

 private:
  TempFolder folder_;
  std::string path_;
  emulator::ServerLog log_;
  std::unique_ptr<emulator::Endpoint> endpoint_;
  uint16_t port_ = 0;
  std::unique_ptr<emulator::Observers> observers_;
  emulator::ServedGpu* gpu_ = nullptr;
  std::unique_ptr<emulator::DeviceServer> server_;
  std::thread thread_;
};

// Whether a fresh client is served: that what was done to the device has not hurt it.
bool ServesFreshClient(const ServedDevice& device);

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_VFIO_USER_SERVER_RIG_H_
