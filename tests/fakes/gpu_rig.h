// A whole chip on fake ports.
#ifndef WARD_TESTS_FAKES_GPU_RIG_H_
#define WARD_TESTS_FAKES_GPU_RIG_H_

#include <cstdint>
#include <memory>

#include "base/assert.h"
#include "device/gpu.h"
#include "tests/fakes/fake_ports.h"
#include "tests/fakes/queue_rig.h"
#include "tests/fakes/test_identity.h"

namespace ward::fakes {

class GpuRig : public QueueRig {
 public:
  static constexpr uint64_t kVisibleBytes = 4 << 20;
  static constexpr uint64_t kProtectedBytes = 4 << 20;
  static constexpr uint64_t kBus = 0x10000000;
  static constexpr uint64_t kFences = kBus + kFencesOffset;
  static constexpr uint64_t kData = kBus + kDataOffset;

  static device::GpuOptions Options() {
    device::GpuOptions options;
    options.visible_vram_bytes = kVisibleBytes;
    options.protected_vram_bytes = kProtectedBytes;
    const TestIdentity& identity = LoadTestIdentity(WARD_SOURCE_DIR);
    options.identity_key = &*identity.key;
    options.identity_private_key = identity.private_key;
    options.identity_certificates = identity.certificates;
    return options;
  }

  explicit GpuRig(const device::GpuOptions& options = Options(),
                  device::ExecutorPort* executor = nullptr)
      : QueueRig(kBus), ports(options.visible_vram_bytes) {
    ports.executor = executor;
    ports.bus.Map(kBus, kBusBytes);
    auto created = device::Gpu::Create(options, ports.ports());
    WARD_ASSERT(created.ok());
    gpu = std::move(created.value());
  }

  uint32_t Read(uint64_t offset) override { return gpu->ReadRegister(offset, 4); }
  void Write(uint64_t offset, uint32_t value) override { gpu->WriteRegister(offset, 4, value); }
  uint32_t ReadConfig(uint32_t offset, uint32_t size_bytes) override {
    return gpu->ReadConfig(offset, size_bytes);
  }
  void WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) override {
    gpu->WriteConfig(offset, size_bytes, value);
  }
  void ResetFunction() override { gpu->Reset(device::ResetKind::kFunction); }
  uint8_t* Memory(uint64_t bus_address, uint64_t size_bytes = 1) override {
    return ports.bus.At(bus_address, size_bytes);
  }
  void StoreVram(uint64_t offset, uint64_t value) override {
    ports.vram.Store<uint64_t>(offset, value);
  }
  static uint64_t RingAddress(uint32_t queue) { return kBus + queue * kRingBytes; }
  static uint64_t FenceAddress(uint32_t queue) { return kFences + queue * 8; }

  // Until nothing can go on, waiting for the firmware by moving the clock.
  void Run(uint64_t budget_bytes = 1 << 20) override {
    for (int slice = 0; slice < 100000; ++slice) {
      const device::ProcessResult result = gpu->Process(budget_bytes);
      if (result.more) continue;
      if (result.wakeup_ns <= ports.clock.now_ns) return;
      ports.clock.now_ns = result.wakeup_ns;
    }
    WARD_ASSERT(!"the chip never came to rest");
  }

  FakePorts ports;
  std::unique_ptr<device::Gpu> gpu;
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_GPU_RIG_H_
