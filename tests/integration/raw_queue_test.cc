// What only a broken or hostile driver sends: the fault record says what and where, the other queue
// goes on, and after a reset of the queue the next good command runs.
#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/integration/function_under_test.h"
#include "tests/integration/raw_driver.h"

namespace ward::test {
namespace {

constexpr uint64_t kTables = 0x100000;
constexpr uint64_t kMappedAddress = abi::kPageSize;
constexpr uint32_t kContext = 1;
constexpr uint32_t kStateFaulted = 4;

abi::IndirectBufferCommand IndirectBuffer(uint64_t address) {
  auto command = kmd::MakeCommand<abi::IndirectBufferCommand>();
  command.address = address;
  command.length_bytes = 64;
  return command;
}

abi::FillCommand Fill(uint64_t destination) {
  auto command = kmd::MakeCommand<abi::FillCommand>();
  command.destination = destination;
  command.value = 0x11223344;
  command.row_bytes = 64;
  command.row_count = 1;
  return command;
}

// The function as after a reset: another case may have left contexts in it.
abi::PciFunction* Fresh(abi::PciFunction* function) {
  REQUIRE(function->ResetFunction() == abi::PciError::kNone);
  return function;
}

// The kernel's queue, and a user's queue whose context maps page 1 to `entry`.
struct Queues {
  explicit Queues(uint64_t entry) : kernel(Fresh(machine.get()), abi::kKernelQueue, 0) {
    WritePageTables(machine.get(), kTables, entry);
    auto create = kmd::MakeCommand<abi::ContextCreateCommand>();
    create.context = kContext;
    create.page_table_root = kTables;
    kernel.Append(create);
    REQUIRE(kernel.RunFence());
    user = std::make_unique<RawDriver>(machine.get(), 1, kContext);
    REQUIRE(user->RunFence());
  }

  // The queue stopped with this record and did not run what stood behind; the other goes on.
  void CheckFault(RawDriver* queue, uint32_t status, uint64_t address, uint32_t opcode) {
    const uint64_t before = queue->fence();
    CHECK_FALSE(queue->RunFence());
    CHECK(queue->fence() == before);
    CHECK(queue->Read(abi::kRegQueueStatus) == kStateFaulted);
    CHECK(abi::StatusName(queue->fault_status()) == std::string(abi::StatusName(status)));
    CHECK((queue->Read(abi::kRegFaultCommand) & abi::kFaultCommandOpcodeMask) == opcode);
    CHECK((queue->Read(abi::kRegFaultAddressLo) | uint64_t{queue->Read(abi::kRegFaultAddressHi)}
                                                      << 32) == address);
    CHECK((queue == &kernel ? user.get() : &kernel)->RunFence());
    queue->Restart();
    CHECK(queue->RunFence());
  }

  const FunctionUnderTest machine;
  RawDriver kernel;
  std::unique_ptr<RawDriver> user;
};

TEST_CASE("A bad opcode stops its queue") {
  Queues queues(0);
  auto command = kmd::MakeCommand<abi::NoopCommand>();
  command.opcode = 0x7777;
  queues.user->Append(command);
  queues.CheckFault(queues.user.get(), abi::kStatusOpcodeUnknown, 0, 0);
}

TEST_CASE("An address that no page-table entry maps stops its queue") {
  Queues queues(0);
  queues.user->Append(Fill(kMappedAddress));
  queues.CheckFault(queues.user.get(), abi::kStatusPageNotMapped, kMappedAddress,
                    abi::FillCommand::kOpcode);
}

TEST_CASE("A bus address that the IOMMU does not map stops its queue") {
  constexpr uint64_t kNowhere = 0x7f0000000000;
  Queues queues(kNowhere | abi::kPteValid | abi::kPteWritable);
  queues.kernel.Append(Fill(kNowhere));
  queues.CheckFault(&queues.kernel, abi::kStatusBusError, kNowhere, abi::FillCommand::kOpcode);
  queues.user->Append(Fill(kMappedAddress));
  CHECK_FALSE(queues.user->RunFence());
  CHECK(queues.user->fault_status() == abi::kStatusBusError);
  CHECK(queues.kernel.RunFence());
}

TEST_CASE("An address wider than the address space stops its queue") {
  Queues queues(0);
  queues.user->Append(Fill(1ull << 48));
  queues.CheckFault(queues.user.get(), abi::kStatusAddressOutOfRange, 1ull << 48,
                    abi::FillCommand::kOpcode);
}

TEST_CASE("An indirect buffer in protected memory stops its queue, a user's as the kernel's") {
  Queues queues(abi::kProtectedVramLocalBase | abi::kPteValid | abi::kPteWritable | abi::kPteLocal);
  queues.user->Append(IndirectBuffer(kMappedAddress));
  queues.CheckFault(queues.user.get(), abi::kStatusControlInProtectedMemory, kMappedAddress,
                    abi::IndirectBufferCommand::kOpcode);
  const uint64_t physical = abi::kPhysicalLocal | abi::kProtectedVramLocalBase;
  queues.kernel.Append(IndirectBuffer(physical));
  queues.CheckFault(&queues.kernel, abi::kStatusControlInProtectedMemory, physical,
                    abi::IndirectBufferCommand::kOpcode);
}

TEST_CASE("A flip on a user's queue stops it") {
  Queues queues(0);
  queues.user->Append(kmd::MakeCommand<abi::FlipCommand>());
  queues.CheckFault(queues.user.get(), abi::kStatusCommandNotPermitted, 0,
                    abi::FlipCommand::kOpcode);
}

TEST_CASE("A doorbell outside the ring stops its queue") {
  Queues queues(0);
  queues.machine->BarWrite32(0, abi::kRegDoorbell + abi::kDoorbellBlockStride,
                             RawDriver::kRingBytes);
  CHECK(queues.user->fault_status() == abi::kStatusRingTailInvalid);
  CHECK(queues.kernel.RunFence());
  queues.user->Restart();
  CHECK(queues.user->RunFence());
}

}  // namespace
}  // namespace ward::test
