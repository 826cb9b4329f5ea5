// Tells an operator how a server's devices stand: each connection to its UNIX socket gets one JSON
// document (docs/spec/server-status.md) and is closed. A thread of its own: no device waits for who
// asks, and who asks waits for no device longer than a moment.
#ifndef WARD_EMULATOR_VFIO_USER_STATUS_SERVER_H_
#define WARD_EMULATOR_VFIO_USER_STATUS_SERVER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "emulator/vfio_user/device_status.h"
#include "emulator/vfio_user/endpoint.h"

namespace ward::emulator {

class StatusServer {
 public:
  // Has a device say how it stands, now or later, once or never, on any thread.
  using Ask = std::function<void(std::function<void(const DeviceStatus&)>)>;

  // A device that does not answer in this time is told as it stood when it last did.
  static constexpr auto kPatience = std::chrono::milliseconds(200);

  explicit StatusServer(std::unique_ptr<Endpoint> endpoint);
  ~StatusServer();
  StatusServer(const StatusServer&) = delete;
  StatusServer& operator=(const StatusServer&) = delete;

  // Before Start.
  void AddDevice(std::string name, Ask ask);
  // Listens from here on. A process that restricts its system calls does so after it.
  void Start();
  // Once; nobody is asked any more when it returns. The socket's name is gone then.
  void Stop();

 private:
  // What is known of a device. Its answers may come when nobody waits any more.
  struct Device;

  void Run();
  void Answer();
  std::string MakeDocument();

  std::unique_ptr<Endpoint> endpoint_;
  FileDescriptor stop_;
  const std::chrono::steady_clock::time_point started_;
  std::vector<std::shared_ptr<Device>> devices_;
  std::thread thread_;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_STATUS_SERVER_H_
