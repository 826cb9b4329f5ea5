#include "tests/fuzz/vfio_user/one_thread_device.h"

#include <sys/socket.h>

#include <string>
#include <utility>

#include "base/assert.h"
#include "tests/fakes/test_identity.h"
#include "tests/fuzz/vfio_user/staged_system.h"

namespace ward::fuzz {

OneThreadDevice::OneThreadDevice() {
  // A name that the kernel makes up: nothing is left in the file system.
  FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  address_.sun_family = AF_UNIX;
  address_bytes_ = sizeof(address_);
  WARD_ASSERT(bind(listener.get(), reinterpret_cast<sockaddr*>(&address_), sizeof(sa_family_t)) ==
              0);
  WARD_ASSERT(
      getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address_), &address_bytes_) == 0);
  WARD_ASSERT(listen(listener.get(), 64) == 0);
  std::string error;
  endpoint_ = emulator::Endpoint::Adopt(std::move(listener), &error);
  observers_ = emulator::Observers::Open({}, &error);
  WARD_ASSERT(endpoint_ != nullptr && observers_ != nullptr);

  const fakes::TestIdentity& identity = fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  device::GpuOptions options;
  options.visible_vram_bytes = kVramBytes;
  options.protected_vram_bytes = kVramBytes;
  options.identity_key = &*identity.key;
  options.identity_certificates = identity.certificates;
  auto gpu = emulator::ServedGpu::Create(options, observers_.get());
  WARD_ASSERT(gpu.ok());
  server_ = std::make_unique<emulator::DeviceServer>(
      std::move(gpu.value()),
      emulator::DeviceServerOptions{
          .name = "fuzzed", .endpoint = endpoint_.get(), .key = nullptr, .log = &log_});
}

FileDescriptor OneThreadDevice::Connect() const {
  FileDescriptor connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  WARD_ASSERT(
      connect(connection.get(), reinterpret_cast<const sockaddr*>(&address_), address_bytes_) == 0);
  return connection;
}

size_t OneThreadDevice::RunReady(size_t at_most) {
  StagedSystem& system = StagedSystem::Get();
  WARD_ASSERT(!system.is_in_server);
  system.is_in_server = true;
  const size_t ran = server_->RunReady(at_most);
  system.is_in_server = false;
  return ran;
}

}  // namespace ward::fuzz
