// An indirect buffer in an indirect buffer: once, and not twice.
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

// Physical addresses of the kernel's queue: three buffers and what their fills write.
constexpr uint64_t kOuter = GpuRig::kData;
constexpr uint64_t kInner = GpuRig::kData + 0x1000;
constexpr uint64_t kThird = GpuRig::kData + 0x2000;
constexpr uint64_t kMarks = GpuRig::kData + 0x10000;

class NestingRig : public GpuRig {
 public:
  NestingRig() { StartQueue(0); }

  // Appends to a buffer.
  template <typename T>
  void Put(uint64_t buffer, const T& command) {
    uint32_t& at = sizes_[buffer];
    std::memcpy(ports.bus.At(buffer + at, sizeof(command)), &command, sizeof(command));
    at += sizeof(command);
  }
  // A fill that marks its place in `order()`: each writes the next mark's value behind the last.
  void PutMark(uint64_t buffer, uint32_t value) {
    auto fill = MakeCommand<abi::FillCommand>();
    fill.destination = kMarks + 4 * next_mark_++;
    fill.value = value;
    fill.row_bytes = 4;
    fill.row_count = 1;
    Put(buffer, fill);
  }
  static abi::IndirectBufferCommand Enter(uint64_t buffer, uint32_t bytes) {
    auto command = MakeCommand<abi::IndirectBufferCommand>();
    command.address = buffer;
    command.length_bytes = bytes;
    return command;
  }
  uint32_t SizeOf(uint64_t buffer) { return sizes_[buffer]; }
  uint32_t Mark(uint32_t index) { return ports.bus.Load<uint32_t>(kMarks + 4 * index); }
  // Values in the order in which the chip wrote them.
  std::vector<uint32_t> WrittenOrder() {
    std::vector<uint32_t> order;
    for (const FakeBus::AccessRecord& access : ports.bus.log()) {
      if (access.kind != FakeBus::Kind::kWrite || access.address < kMarks) continue;
      order.push_back(ports.bus.Load<uint32_t>(access.address));
    }
    return order;
  }

 private:
  std::map<uint64_t, uint32_t> sizes_;
  uint32_t next_mark_ = 0;
};

TEST_CASE("a nested indirect buffer runs in place, and its outer one goes on behind it") {
  NestingRig rig;
  rig.PutMark(kInner, 2);
  rig.PutMark(kInner, 3);
  rig.PutMark(kOuter, 1);
  rig.Put(kOuter, NestingRig::Enter(kInner, rig.SizeOf(kInner)));
  rig.PutMark(kOuter, 4);
  rig.Put(kOuter, NestingRig::Enter(kInner, rig.SizeOf(kInner)));  // and once more, as its last
  rig.Push(0, NestingRig::Enter(kOuter, rig.SizeOf(kOuter)));
  rig.PushFence(0, 1);
  rig.RingAndRun(0);
  CHECK(rig.FaultStatus(0) == 0);
  CHECK(rig.Fence(0) == 1);
  CHECK(rig.WrittenOrder() == std::vector<uint32_t>{1, 2, 3, 4, 2, 3});
}

TEST_CASE("the same nesting runs in slices of one command each") {
  NestingRig rig;
  rig.PutMark(kInner, 2);
  rig.PutMark(kOuter, 1);
  rig.Put(kOuter, NestingRig::Enter(kInner, rig.SizeOf(kInner)));
  rig.PutMark(kOuter, 3);
  rig.Push(0, NestingRig::Enter(kOuter, rig.SizeOf(kOuter)));
  rig.PushFence(0, 1);
  rig.Doorbell(0);
  int slices = 0;
  while (rig.gpu->Process(1).more && slices < 100) {
    ++slices;
    // A snapshot may fall between any two.
    const auto snapshot = rig.gpu->TakeSnapshot();
    const uint64_t hash = rig.gpu->StateHash();
    rig.gpu->Reset(device::ResetKind::kPowerOn);
    rig.gpu->Restore(snapshot);
    CHECK(rig.gpu->StateHash() == hash);
  }
  CHECK(slices == 5);
  CHECK(rig.Fence(0) == 1);
  CHECK(rig.WrittenOrder() == std::vector<uint32_t>{1, 2, 3});
}

TEST_CASE("two deep is a fault that says where both offsets are") {
  NestingRig rig;
  rig.PutMark(kThird, 9);
  rig.PutMark(kInner, 2);
  rig.Put(kInner, NestingRig::Enter(kThird, rig.SizeOf(kThird)));
  rig.PutMark(kOuter, 1);
  rig.PutMark(kOuter, 7);
  rig.Put(kOuter, NestingRig::Enter(kInner, rig.SizeOf(kInner)));
  rig.PushFence(0, 1);
  rig.Push(0, NestingRig::Enter(kOuter, rig.SizeOf(kOuter)));
  rig.PushFence(0, 2);
  rig.RingAndRun(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusCommandNotPermitted);
  CHECK(rig.ReadQueue(0, abi::kRegFaultPosition) == 16);
  CHECK(rig.ReadQueue(0, abi::kRegFaultIndirectOffset) == 48);
  CHECK(rig.ReadQueue(0, abi::kRegFaultOuterOffset) == 96);
  CHECK(rig.ReadQueue(0, abi::kRegFaultCommand) ==
        (abi::IndirectBufferCommand::kOpcode | abi::kFaultCommandInIndirectMask |
         abi::kFaultCommandNestedMask));
  CHECK(rig.Fence(0) == 1);
  CHECK(rig.WrittenOrder() == std::vector<uint32_t>{1, 7, 2});
  rig.WriteQueue(0, abi::kRegQueueControl, abi::kQueueControlResetMask);
  CHECK(rig.ReadQueue(0, abi::kRegFaultOuterOffset) == 0);
  CHECK(rig.ReadQueue(0, abi::kRegFaultCommand) == 0);
}

TEST_CASE("a buffer that enters itself ends at the second entry") {
  NestingRig rig;
  rig.PutMark(kOuter, 1);
  rig.Put(kOuter, NestingRig::Enter(kOuter, 80));
  rig.Push(0, NestingRig::Enter(kOuter, rig.SizeOf(kOuter)));
  rig.RingAndRun(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusCommandNotPermitted);
  CHECK(rig.WrittenOrder() == std::vector<uint32_t>{1, 1});
}

TEST_CASE("a nested buffer may not be longer, or lie elsewhere, than one of the ring") {
  struct Case {
    uint64_t address;
    uint32_t bytes, status;
  };
  for (const Case& c :
       {Case{kInner, 0, abi::kStatusOperandInvalid}, Case{kInner, 24, abi::kStatusOperandInvalid},
        Case{kInner, abi::kMaximumIndirectBytes + 16, abi::kStatusOperandInvalid},
        Case{kInner + 8, 16, abi::kStatusAddressMisaligned},
        Case{abi::kPhysicalLocal | abi::kProtectedVramLocalBase, 16,
             abi::kStatusControlInProtectedMemory}}) {
    NestingRig rig;
    rig.Put(kOuter, NestingRig::Enter(c.address, c.bytes));
    rig.Push(0, NestingRig::Enter(kOuter, rig.SizeOf(kOuter)));
    rig.RingAndRun(0);
    CHECK(rig.FaultStatus(0) == c.status);
    // The command that faulted stands in the outer buffer.
    CHECK((rig.ReadQueue(0, abi::kRegFaultCommand) & abi::kFaultCommandNestedMask) == 0);
  }
}

TEST_CASE("a fence may stand in no indirect buffer, nested or not") {
  NestingRig rig;
  auto fence = MakeCommand<abi::FenceCommand>();
  fence.value = 5;
  rig.Put(kInner, fence);
  rig.Put(kOuter, NestingRig::Enter(kInner, rig.SizeOf(kInner)));
  rig.Push(0, NestingRig::Enter(kOuter, rig.SizeOf(kOuter)));
  rig.RingAndRun(0);
  CHECK(rig.FaultStatus(0) == abi::kStatusCommandNotPermitted);
  CHECK(rig.Fence(0) == 0);
}

}  // namespace
}  // namespace ward::fakes
