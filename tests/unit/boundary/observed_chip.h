// A chip behind its boundary with observers, on fake ports: queue 0, the kernel's, and what a
// driver does with it.
#ifndef WARD_TESTS_UNIT_BOUNDARY_OBSERVED_CHIP_H_
#define WARD_TESTS_UNIT_BOUNDARY_OBSERVED_CHIP_H_

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "emulator/boundary/boundary.h"
#include "emulator/boundary/observers.h"
#include "tests/fakes/fake_ports.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/fakes/security_message.h"

namespace ward::test {

class ObservedChip {
 public:
  static constexpr uint64_t kBus = 0x10000000;
  static constexpr uint64_t kFence = kBus + 0x10000;
  static constexpr uint64_t kData = kBus + 0x20000;

  explicit ObservedChip(const emulator::ObserverOptions& options,
                        const device::GpuOptions& gpu_options = fakes::GpuRig::Options(),
                        emulator::BoundaryListener* listener = nullptr)
      : ports(fakes::GpuRig::kVisibleBytes) {
    std::string error;
    observers = emulator::Observers::Open(options, &error);
    WARD_ASSERT(observers != nullptr);
    observers->UseClock(&ports.clock);
    if (listener != nullptr) observers->AddListener(listener);
    ports.bus.Map(kBus, 1 << 20);
    device::Ports chip_ports = ports.ports();
    chip_ports.trace = observers->trace();
    auto created = emulator::Boundary::Create(gpu_options, chip_ports, observers->listener());
    WARD_ASSERT(created.ok());
    chip = std::move(created.value());
  }

  uint32_t Read(uint64_t offset, uint32_t size_bytes = 4) {
    return chip->ReadRegister(offset, size_bytes);
  }
  void Write(uint64_t offset, uint32_t value) { chip->WriteRegister(offset, 4, value); }
  void StartQueue() {
    Write(abi::kRegQueueControl, abi::kQueueControlResetMask);
    Write(abi::kRegRingBaseLo, static_cast<uint32_t>(kBus));
    Write(abi::kRegFenceAddressLo, static_cast<uint32_t>(kFence));
    Write(abi::kRegRingSizeLog2, 12);
    Write(abi::kRegQueueControl, abi::kQueueControlEnableMask);
    tail = 0;
  }
  void PushBytes(ConstByteSpan bytes) {
    std::memcpy(ports.bus.At(kBus + tail, bytes.size()), bytes.data(), bytes.size());
    tail += static_cast<uint32_t>(bytes.size());
  }
  template <typename T>
  void Push(const T& command) {
    PushBytes(ConstByteSpan(reinterpret_cast<const uint8_t*>(&command), sizeof(command)));
  }
  void PushFence(uint64_t value) {
    auto fence = fakes::MakeCommand<abi::FenceCommand>();
    fence.value = value;
    Push(fence);
  }
  // `payload` as it is, padded.
  void PushMessage(uint32_t message, ConstByteSpan payload) {
    PushBytes(fakes::MakeMessage(message, payload, kData, 4096));
  }
  void Run() {
    Write(abi::kRegDoorbell, tail);
    for (int slice = 0; slice < 1000; ++slice) {
      const device::ProcessResult result = chip->Process(1 << 20);
      if (result.more) continue;
      if (result.wakeup_ns <= ports.clock.now_ns) return;
      ports.clock.now_ns = result.wakeup_ns;
    }
  }

  fakes::FakePorts ports;
  std::unique_ptr<emulator::Observers> observers;
  std::unique_ptr<emulator::Boundary> chip;
  uint32_t tail = 0;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_BOUNDARY_OBSERVED_CHIP_H_
