// A served device whose server runs in the caller's thread, when it is told to.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_ONE_THREAD_DEVICE_H_
#define WARD_TESTS_FUZZ_VFIO_USER_ONE_THREAD_DEVICE_H_

#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/file_descriptor.h"
#include "emulator/boundary/observers.h"
#include "emulator/vfio_user/device_server.h"
#include "emulator/vfio_user/endpoint.h"
#include "emulator/vfio_user/served_gpu.h"
#include "emulator/vfio_user/server_log.h"

namespace ward::fuzz {

class OneThreadDevice {
 public:
  static constexpr uint64_t kVramBytes = 2 << 20;  // visible, and protected

  OneThreadDevice();

  // A new connection, not yet accepted. It does not wait: sends fail with EAGAIN.
  FileDescriptor Connect() const;
  // Does what is ready, `at_most` handlers; how many there were.
  size_t RunReady(size_t at_most);

 private:
  emulator::ServerLog log_;
  sockaddr_un address_{};
  socklen_t address_bytes_ = 0;
  std::unique_ptr<emulator::Endpoint> endpoint_;
  std::unique_ptr<emulator::Observers> observers_;
  std::unique_ptr<emulator::DeviceServer> server_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_ONE_THREAD_DEVICE_H_
