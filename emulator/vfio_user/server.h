// `ward serve`: devices, a thread for each, and the process around them: signals, readiness, the
// sandbox.
#ifndef WARD_EMULATOR_VFIO_USER_SERVER_H_
#define WARD_EMULATOR_VFIO_USER_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulator/vfio_user/access_key.h"
#include "emulator/vfio_user/device_server.h"
#include "emulator/vfio_user/endpoint.h"
#include "emulator/vfio_user/served_gpu.h"
#include "emulator/vfio_user/server_log.h"
#include "emulator/vfio_user/status_server.h"
#include "emulator/vfio_user/thread_patience.h"

namespace ward::emulator {

struct ServerOptions {
  int ready_fd = -1;    // gets a line for each endpoint when all listen, and is closed; -1: none
  bool sandbox = true;  // only the system calls that serving needs
};

// What a device asks of whoever has it served; each may be null.
struct DeviceHooks {
  // On the device's thread, when the process gets SIGUSR1.
  std::function<void()> on_report;
  // What of its files is not whole, on the device's thread and after its end; empty: nothing.
  std::function<std::string()> trouble;
  // After the thread's end: nothing more will happen to it.
  std::function<void()> on_end;
};

class Server {
 public:
  // SIGTERM, SIGINT, SIGHUP and SIGUSR1 are kept for Run from here on: before any thread exists.
  Server();
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // `key` may be null.
  void Add(std::unique_ptr<Endpoint> endpoint, std::unique_ptr<ServedGpu> gpu, const AccessKey* key,
           DeviceHooks hooks);

  // As DeviceServerOptions::spin_us, of the devices that are added later.
  void SetSpin(int spin_us) { spin_us_ = spin_us; }

  // Where an operator may ask how the devices stand; all are added before.
  void AddStatus(std::unique_ptr<Endpoint> endpoint);

  // Serves until SIGTERM, SIGINT or SIGHUP. True in good order; false, with `error`, when it can't
  // begin, a device failed, or one of its files is not whole.
  bool Run(const ServerOptions& options, std::string* error);

 private:
  struct Device;
  void StartThreads();
  void WaitForEnd();
  // False: its thread has had its time and has not ended.
  static bool EndsInTime(Device* device, ThreadPatience* patience);
  // Those whose threads have ended are closed; the process ends when one has not.
  bool EndDevices(std::string* error);

  ServerLog log_;
  int spin_us_ = 0;
  std::vector<std::unique_ptr<Device>> devices_;
  std::unique_ptr<StatusServer> status_;  // asks the devices; null: nobody may ask
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_VFIO_USER_SERVER_H_
