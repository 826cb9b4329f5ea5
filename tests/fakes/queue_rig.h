// The few moves that every test of a chip's queues makes, whatever the chip is behind: start a
// queue, write commands to its ring, ring the doorbell, run.
#ifndef WARD_TESTS_FAKES_QUEUE_RIG_H_
#define WARD_TESTS_FAKES_QUEUE_RIG_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "base/bytes.h"
#include "tests/fakes/security_message.h"

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

class QueueRig {
 public:
  // System memory that is mapped, from bus(): rings, then fences, then room for tests.
  static constexpr uint64_t kBusBytes = 8 << 20;
  static constexpr uint32_t kRingBytes = 4096;
  static constexpr uint64_t kFencesOffset = 0x100000;
  static constexpr uint64_t kDataOffset = 0x200000;
  // Page tables of context c: 64 KiB in visible VRAM from here, four tables that map the first
  // 2 MiB of its addresses.
  static constexpr uint64_t kTables = 0x100000;

  explicit QueueRig(uint64_t bus) : bus_(bus) {}
  virtual ~QueueRig() = default;
  QueueRig(const QueueRig&) = delete;
  QueueRig& operator=(const QueueRig&) = delete;

  virtual uint32_t Read(uint64_t offset) = 0;
  virtual void Write(uint64_t offset, uint32_t value) = 0;
  virtual uint32_t ReadConfig(uint32_t offset, uint32_t size_bytes) = 0;
  virtual void WriteConfig(uint32_t offset, uint32_t size_bytes, uint32_t value) = 0;
  // Function-level reset by the host's driver; bus mastering is on again.
  virtual void ResetFunction() = 0;
  // The test's own door to memory; the range must be mapped.
  virtual uint8_t* Memory(uint64_t bus_address, uint64_t size_bytes = 1) = 0;
  virtual void StoreVram(uint64_t offset, uint64_t value) = 0;
  // Until nothing can go on. `budget_bytes` is what a chip on fake ports gets at a time.
  virtual void Run(uint64_t budget_bytes = 1 << 20) = 0;
  // Until the queue waits, for what nobody will do.
  virtual void RunIntoWait(uint32_t) { Run(); }
  // Until the queue has stopped with a fault. A chip on fake ports has done so by the time that the
  // write which stops it returns; a function may take its time.
  virtual void AwaitFault(uint32_t) {}

  template <typename T>
  T Load(uint64_t bus_address) {
    return LoadLe<T>(Memory(bus_address, sizeof(T)));
  }
  template <typename T>
  void Store(uint64_t bus_address, T value) {
    StoreLe<T>(Memory(bus_address, sizeof(T)), value);
  }

  static uint32_t At(uint32_t queue, uint32_t offset) {
    return offset + queue * abi::kQueueBlockStride;
  }
  uint32_t ReadQueue(uint32_t queue, uint32_t offset) { return Read(At(queue, offset)); }
  void WriteQueue(uint32_t queue, uint32_t offset, uint32_t value) {
    Write(At(queue, offset), value);
  }

  uint64_t bus() const { return bus_; }
  uint64_t data() const { return bus_ + kDataOffset; }
  uint64_t ring_address(uint32_t queue) const { return bus_ + uint64_t{queue} * kRingBytes; }
  uint64_t fence_address(uint32_t queue) const { return bus_ + kFencesOffset + queue * 8; }
  void StartQueue(uint32_t queue, uint32_t context = 0) {
    WriteQueue(queue, abi::kRegQueueControl, abi::kQueueControlResetMask);
    WriteQueue(queue, abi::kRegRingBaseLo, static_cast<uint32_t>(ring_address(queue)));
    WriteQueue(queue, abi::kRegRingBaseHi, static_cast<uint32_t>(ring_address(queue) >> 32));
    WriteQueue(queue, abi::kRegFenceAddressLo, static_cast<uint32_t>(fence_address(queue)));
    WriteQueue(queue, abi::kRegFenceAddressHi, static_cast<uint32_t>(fence_address(queue) >> 32));
    WriteQueue(queue, abi::kRegRingSizeLog2, 12);
    WriteQueue(queue, abi::kRegQueueContext, context);
    WriteQueue(queue, abi::kRegQueueControl, abi::kQueueControlEnableMask);
    tails_[queue] = 0;
  }

  // Appends to the ring; the caller keeps commands from straddling its end. No doorbell.
  void PushBytes(uint32_t queue, ConstByteSpan bytes) {
    std::memcpy(Memory(ring_address(queue) + tails_[queue], bytes.size()), bytes.data(),
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
    PushBytes(queue, MakeMessage(message, payload, response, capacity));
  }
  void Doorbell(uint32_t queue) { Doorbell(queue, tails_[queue]); }
  void Doorbell(uint32_t queue, uint32_t tail) {
    Write(abi::kRegDoorbell + queue * abi::kDoorbellBlockStride, tail);
  }

  void RingAndRun(uint32_t queue) {
    Doorbell(queue);
    Run();
  }

  // FAULT_STATUS of a queue that has a command in flight when the engines are reset.
  uint32_t ResetEngines(uint32_t queue) {
    Write(abi::kRegDeviceControl, abi::kDeviceControlResetEnginesMask);
    AwaitFault(queue);
    return FaultStatus(queue);
  }

  uint64_t Fence(uint32_t queue) { return Load<uint64_t>(fence_address(queue)); }
  uint32_t FaultStatus(uint32_t queue) { return ReadQueue(queue, abi::kRegFaultStatus); }
  uint32_t State(uint32_t queue) { return ReadQueue(queue, abi::kRegQueueStatus); }

  static uint64_t TableRoot(uint32_t context) { return kTables + context * 0x10000; }
  // Makes a context through the kernel's queue, which is started when it is not running. Nothing is
  // mapped.
  void CreateContext(uint32_t context) {
    const uint64_t root = TableRoot(context);
    for (uint64_t level = 0; level < 3; ++level) {
      StoreVram(root + level * 0x1000,
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
    StoreVram(TableRoot(context) + 0x3000 + address / 4096 * 8, entry);
  }
  void MapSystem(uint32_t context, uint64_t address, uint64_t bus_address, bool writable = true) {
    MapPage(context, address, bus_address | abi::kPteValid | (writable ? abi::kPteWritable : 0));
  }

 private:
  uint64_t bus_;
  std::array<uint32_t, abi::kQueueBlockCount> tails_ = {};
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_QUEUE_RIG_H_
