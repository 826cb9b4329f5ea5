// A whole chip on fake ports, with the few moves that every test of it makes: start a queue, write
// commands to its ring, ring the doorbell, run.
#ifndef WARD_TESTS_FAKES_GPU_RIG_H_
#define WARD_TESTS_FAKES_GPU_RIG_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "device/gpu.h"
#include "tests/fakes/fake_ports.h"
#include "tests/fakes/test_identity.h"

namespace ward::fakes {

// A zeroed command with its header filled in.
template <typename T>
T MakeCommand(uint16_t flags = 0) {
  T command{};
  command.opcode = T::kOpcode;
  command.flags = flags;
  command.length = T::kSizeBytes;
  return command;
}

class GpuRig {
 public:
  static constexpr uint64_t kVisibleBytes = 4 << 20;
  static constexpr uint64_t kProtectedBytes = 4 << 20;
  // System memory that is mapped: rings, then fences, then room for tests from kData on.
  static constexpr uint64_t kBus = 0x10000000;
  static constexpr uint64_t kBusBytes = 8 << 20;
  static constexpr uint32_t kRingBytes = 4096;
  static constexpr uint64_t kFences = kBus + 0x100000;
  static constexpr uint64_t kData = kBus + 0x200000;
  // Page tables of context c: 64 KiB in visible VRAM from here, four tables that map the first
  // 2 MiB of its addresses.
  static constexpr uint64_t kTables = 0x100000;

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

  explicit GpuRig(const device::GpuOptions& options = Options())
      : ports(options.visible_vram_bytes) {
    ports.bus.Map(kBus, kBusBytes);
    auto created = device::Gpu::Create(options, ports.ports());
    WARD_ASSERT(created.ok());
    gpu = std::move(created.value());
  }

  uint32_t Read(uint64_t offset) { return gpu->ReadRegister(offset, 4); }
  void Write(uint64_t offset, uint32_t value) { gpu->WriteRegister(offset, 4, value); }
  static uint32_t At(uint32_t queue, uint32_t offset) {
    return offset + queue * abi::kQueueBlockStride;
  }
  uint32_t ReadQueue(uint32_t queue, uint32_t offset) { return Read(At(queue, offset)); }
  void WriteQueue(uint32_t queue, uint32_t offset, uint32_t value) {
    Write(At(queue, offset), value);
  }

  static uint64_t RingAddress(uint32_t queue) { return kBus + queue * kRingBytes; }
  static uint64_t FenceAddress(uint32_t queue) { return kFences + queue * 8; }
  void StartQueue(uint32_t queue, uint32_t context = 0) {
    WriteQueue(queue, abi::kRegQueueControl, abi::kQueueControlResetMask);
    WriteQueue(queue, abi::kRegRingBaseLo, static_cast<uint32_t>(RingAddress(queue)));
    WriteQueue(queue, abi::kRegFenceAddressLo, static_cast<uint32_t>(FenceAddress(queue)));
    WriteQueue(queue, abi::kRegRingSizeLog2, 12);
    WriteQueue(queue, abi::kRegQueueContext, context);
    WriteQueue(queue, abi::kRegQueueControl, abi::kQueueControlEnableMask);
    tails_[queue] = 0;
  }

  // Appends to the ring; the caller keeps commands from straddling its end. No doorbell.
  void PushBytes(uint32_t queue, ConstByteSpan bytes) {
    std::memcpy(ports.bus.At(RingAddress(queue) + tails_[queue], bytes.size()), bytes.data(),
                bytes.size());
    tails_[queue] = (tails_[queue] + static_cast<uint32_t>(bytes.size())) % kRingBytes;
  }
  template <typename T>
  void Push(uint32_t queue, const T& command) {
    PushBytes(queue, ConstByteSpan(reinterpret_cast<const uint8_t*>(&command), sizeof(command)));
  }
  void PushFence(uint32_t queue, uint64_t value, uint16_t flags = 0) {
    auto fence = MakeCommand<abi::FenceCommand>(flags);
    fence.value = value;
    Push(queue, fence);
  }
  // A security message with its payload.
  void PushMessage(uint32_t queue, uint32_t message, ConstByteSpan payload, uint64_t response,
                   uint32_t capacity) {
    std::vector<uint8_t> bytes(32 + (payload.size() + 15) / 16 * 16);
    auto command = MakeCommand<abi::SecurityMessageCommand>();
    command.length = static_cast<uint32_t>(bytes.size());
    command.message = message;
    command.payload_bytes = static_cast<uint32_t>(payload.size());
    command.response_address = response;
    command.response_capacity = capacity;
    std::memcpy(bytes.data(), &command, sizeof(command));
    if (!payload.empty()) std::memcpy(bytes.data() + 32, payload.data(), payload.size());
    PushBytes(queue, bytes);
  }
  void Doorbell(uint32_t queue) { Doorbell(queue, tails_[queue]); }
  void Doorbell(uint32_t queue, uint32_t tail) {
    Write(abi::kRegDoorbell + queue * abi::kDoorbellBlockStride, tail);
  }

  // Until nothing can go on, waiting for the firmware by moving the clock.
  void Run(uint64_t budget_bytes = 1 << 20) {
    for (int slice = 0; slice < 100000; ++slice) {
      const device::ProcessResult result = gpu->Process(budget_bytes);
      if (result.more) continue;
      if (result.wakeup_ns <= ports.clock.now_ns) return;
      ports.clock.now_ns = result.wakeup_ns;
    }
    WARD_ASSERT(!"the chip never came to rest");
  }
  void RingAndRun(uint32_t queue) {
    Doorbell(queue);
    Run();
  }

  uint64_t Fence(uint32_t queue) { return ports.bus.Load<uint64_t>(FenceAddress(queue)); }
  uint32_t FaultStatus(uint32_t queue) { return ReadQueue(queue, abi::kRegFaultStatus); }
  uint32_t State(uint32_t queue) { return ReadQueue(queue, abi::kRegQueueStatus); }

  static uint64_t TableRoot(uint32_t context) { return kTables + context * 0x10000; }
  // Makes a context through the kernel's queue, which is started when it is not running. Nothing is
  // mapped.
  void CreateContext(uint32_t context) {
    const uint64_t root = TableRoot(context);
    for (uint64_t level = 0; level < 3; ++level) {
      ports.vram.Store<uint64_t>(root + level * 0x1000,
                                 (root + (level + 1) * 0x1000) | abi::kPteValid | abi::kPteLocal);
    }
    if (ReadQueue(0, abi::kRegQueueControl) == 0) StartQueue(0);
    auto create = MakeCommand<abi::ContextCreateCommand>();
    create.context = context;
    create.page_table_root = root;
    Push(0, create);
    RingAndRun(0);
  }
  // One 4 KiB page below 2 MiB; `entry` holds address and bits.
  void MapPage(uint32_t context, uint64_t address, uint64_t entry) {
    ports.vram.Store<uint64_t>(TableRoot(context) + 0x3000 + address / 4096 * 8, entry);
  }
  void MapSystem(uint32_t context, uint64_t address, uint64_t bus_address, bool writable = true) {
    MapPage(context, address, bus_address | abi::kPteValid | (writable ? abi::kPteWritable : 0));
  }

  FakePorts ports;
  std::unique_ptr<device::Gpu> gpu;

 private:
  std::array<uint32_t, abi::kQueueBlockCount> tails_ = {};
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_GPU_RIG_H_
