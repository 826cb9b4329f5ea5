// Serves one chip to one client after another, on a thread of its own: what a client of one device
// does, or fails to do, no other device feels.
#ifndef WARD_EMULATOR_VFIO_USER_DEVICE_SERVER_H_
#define WARD_EMULATOR_VFIO_USER_DEVICE_SERVER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "emulator/vfio_user/access_key.h"
#include "emulator/vfio_user/device_status.h"
#include "emulator/vfio_user/endpoint.h"
#include "emulator/vfio_user/served_gpu.h"
#include "emulator/vfio_user/server_log.h"

namespace ward::emulator {

struct DeviceServerOptions {
  std::string name;             // for the log
  const Endpoint* endpoint;     // outlives the server
  const AccessKey* key;         // null: whoever connects is let in
  ServerLog* log;               // outlives the server
  int first_message_ms = 5000;  // a client that says nothing is given up
  int dma_timeout_ms = 1000;
  // Called on the device's thread after each slice; what it says is logged when it is new. May be
  // null.
  std::function<std::string()> trouble = nullptr;
  int unread_ms = 10000;  // one that is not read from, because it does not read, is given up
  // Microseconds for which Run goes on looking for input after some came (SpinWindow), before it
  // sleeps. 0: it sleeps at once.
  int spin_us = 0;
};

class DeviceServer {
 public:
  DeviceServer(std::unique_ptr<ServedGpu> gpu, const DeviceServerOptions& options);
  ~DeviceServer();
  DeviceServer(const DeviceServer&) = delete;
  DeviceServer& operator=(const DeviceServer&) = delete;

  // Serves until Stop. The client that is there then loses its connection.
  void Run();
  // In place of Run, for a host that has a loop of its own: does what is ready, `at_most` handlers,
  // without waiting. How many there were. A client of the device can make it wait all the same, for
  // as long as it may leave a DMA request unanswered.
  size_t RunReady(size_t at_most);
  // From any thread, once or often, also before Run.
  void Stop();
  // From any thread: has Run call `work` between two slices.
  void Post(std::function<void()> work);
  // From any thread: has Run call `answer` with how things stand, between two slices. A client can
  // keep it from that for as long as it may leave a DMA request unanswered.
  void AskStatus(std::function<void(const DeviceStatus&)> answer);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_DEVICE_SERVER_H_
