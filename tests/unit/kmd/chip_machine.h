// The driver on the real chip model, in one process, and what tests need to give it commands.
#ifndef WARD_TESTS_UNIT_KMD_CHIP_MACHINE_H_
#define WARD_TESTS_UNIT_KMD_CHIP_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/private_data.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/identity/identity.h"
#include "emulator/in_process/in_process_host.h"
#include "kmd/adapter.h"
#include "tests/unit/kmd/limited_function.h"

namespace ward::kmd {

// One identity for all tests of the process: making one takes most of a second.
inline const emulator::Identity& TestIdentity() {
  static const emulator::Identity* const identity = [] {
    std::string error;
    auto made = emulator::Identity::Create(&error);
    REQUIRE(made.has_value());
    return new emulator::Identity(std::move(*made));
  }();
  return *identity;
}

// Commands whose addresses are allocations: Add copies the command and notes where they go.
class CommandBuffer {
 public:
  struct Operand {
    size_t field_offset;  // offsetof in the command
    AllocationHandle allocation;
    uint32_t offset;
  };

  template <typename Command>
  void Add(Command command, std::initializer_list<Operand> operands) {
    command.opcode = Command::kOpcode;
    command.length = Command::kSizeBytes;
    const size_t at = bytes.size();
    bytes.resize(at + sizeof(command));
    std::memcpy(bytes.data() + at, &command, sizeof(command));
    for (const Operand& operand : operands) {
      patches.push_back({static_cast<uint32_t>(allocations.size()), operand.offset,
                         static_cast<uint32_t>(at + operand.field_offset)});
      allocations.push_back(operand.allocation);
    }
  }
  void AddCopy(AllocationHandle destination, AllocationHandle source, uint32_t size_bytes) {
    abi::CopyCommand copy{};
    copy.row_bytes = size_bytes;
    copy.row_count = 1;
    Add(copy, {{offsetof(abi::CopyCommand, destination), destination, 0},
               {offsetof(abi::CopyCommand, source), source, 0}});
  }
  void AddFill(AllocationHandle destination, uint32_t offset, uint32_t size_bytes, uint32_t value) {
    abi::FillCommand fill{};
    fill.value = value;
    fill.row_bytes = size_bytes;
    fill.row_count = 1;
    Add(fill, {{offsetof(abi::FillCommand, destination), destination, offset}});
  }
  // Never satisfied while the 8 bytes at the start of the allocation are zero.
  void AddWait(AllocationHandle flag) {
    abi::WaitCommand wait{};
    wait.value = 1;
    Add(wait, {{offsetof(abi::WaitCommand, address), flag, 0}});
  }

  std::vector<uint8_t> bytes;
  std::vector<AllocationHandle> allocations;
  std::vector<Patch> patches;
};

class ChipMachine {
 public:
  static constexpr uint64_t kVisibleBytes = 16 << 20;
  static constexpr uint64_t kProtectedBytes = 4 << 20;

  static emulator::InProcessOptions Options() {
    emulator::InProcessOptions options;
    options.gpu.visible_vram_bytes = kVisibleBytes;
    options.gpu.protected_vram_bytes = kProtectedBytes;
    options.gpu.identity_key = &TestIdentity().key();
    options.gpu.identity_certificates = TestIdentity().certificate_bundle();
    options.entropy_seed = 1;
    return options;
  }

  explicit ChipMachine(const emulator::InProcessOptions& options = Options(), bool maps_vram = true)
      : maps_vram_(maps_vram) {
    auto made = emulator::InProcessHost::Create(options);
    if (!made.ok()) FAIL(made.fault().reason);
    host = std::move(made.value());
    Open();
  }
  void Open() {
    function = std::make_unique<LimitedFunction>(host.get());
    function->maps_vram = maps_vram_;
    auto opened = Adapter::Open(function.get());
    if (!opened.ok()) FAIL(opened.fault().reason);
    adapter = std::move(opened.value());
  }

  std::unique_ptr<emulator::InProcessHost> host;
  std::unique_ptr<LimitedFunction> function;
  std::unique_ptr<Adapter> adapter;

 private:
  bool maps_vram_;
};

// One runtime device with one context.
class Client {
 public:
  explicit Client(ChipMachine* machine) : adapter(machine->adapter.get()) {
    device = adapter->CreateDevice().value();
    auto made = adapter->CreateContext(device);
    if (!made.ok()) FAIL(made.fault().reason);
    context = made.value();
  }

  static abi::AllocationData Plain(Segment segment, uint64_t size_bytes) {
    return {0x10000, static_cast<uint32_t>(segment), size_bytes, 0, 0, 0, 0, 0, {}};
  }
  AllocationHandle Allocate(Segment segment, uint64_t size_bytes) {
    return Allocate(Plain(segment, size_bytes));
  }
  AllocationHandle Allocate(const abi::AllocationData& data) {
    auto made = adapter->Allocate(device, data);
    if (!made.ok()) FAIL(made.fault().reason);
    return made.value();
  }
  Result<uint64_t> Submit(const CommandBuffer& buffer) {
    return adapter->Submit(device, context, buffer.bytes, buffer.allocations, buffer.patches);
  }
  // Status of running a buffer to its end.
  uint32_t Run(const CommandBuffer& buffer) {
    const auto fence = Submit(buffer);
    if (!fence.ok()) return fence.fault().status;
    const auto waited = adapter->WaitFence(device, context, fence.value());
    return waited.ok() ? abi::kStatusOk : waited.fault().status;
  }
  // A copy of what the CPU sees.
  std::vector<uint8_t> Read(AllocationHandle allocation) {
    auto locked = adapter->Lock(device, allocation);
    if (!locked.ok()) FAIL(locked.fault().reason);
    std::vector<uint8_t> bytes(locked.value().begin(), locked.value().end());
    REQUIRE(adapter->Unlock(device, allocation).ok());
    return bytes;
  }
  void Write(AllocationHandle allocation, const std::vector<uint8_t>& bytes) {
    auto locked = adapter->Lock(device, allocation);
    if (!locked.ok()) FAIL(locked.fault().reason);
    REQUIRE(locked.value().size() >= bytes.size());
    std::memcpy(locked.value().data(), bytes.data(), bytes.size());
    REQUIRE(adapter->Unlock(device, allocation).ok());
  }

  Adapter* adapter;
  DeviceHandle device = 0;
  ContextHandle context = 0;
};

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_CHIP_MACHINE_H_
