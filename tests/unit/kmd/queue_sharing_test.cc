// Many contexts, few queues. The numbers of queues and contexts are the contract's, by hand.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/generated/messages.h"
#include "base/bytes.h"
#include "catch2/catch_test_macros.hpp"
#include "firmware/guid.h"
#include "tests/unit/kmd/chip_machine.h"

namespace ward::kmd {
namespace {

constexpr uint32_t kUserQueues = 15;
constexpr uint32_t kUserContexts = 1023;

// Submits on one of several contexts of a client.
Result<uint64_t> SubmitOn(Client* client, ContextHandle context, const CommandBuffer& commands) {
  return client->adapter->Submit(client->device, context, commands.bytes, commands.allocations,
                                 commands.patches);
}

std::vector<ContextHandle> MakeContexts(Client* client, size_t count) {
  std::vector<ContextHandle> contexts;
  for (size_t i = 0; i < count; ++i) {
    auto made = client->adapter->CreateContext(client->device);
    if (!made.ok()) FAIL(made.fault().reason);
    contexts.push_back(made.value());
  }
  return contexts;
}

CommandBuffer StoreWord(AllocationHandle table, uint32_t index, uint32_t value) {
  CommandBuffer commands;
  commands.AddFill(table, 4 * index, 4, value);
  return commands;
}

TEST_CASE("a thousand contexts share the queues, each with fences of its own") {
  emulator::InProcessOptions options = ChipMachine::Options();
  options.gpu.visible_vram_bytes = 64 << 20;  // the default: page tables take 24 MiB of it
  ChipMachine machine(options);
  Client client(&machine);
  constexpr uint32_t kCount = 1000;
  const std::vector<ContextHandle> contexts = MakeContexts(&client, kCount);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4 * kCount);
  constexpr uint32_t kRounds = 3;
  for (uint32_t round = 1; round <= kRounds; ++round) {
    for (uint32_t i = 0; i < kCount; ++i) {
      const auto fence = SubmitOn(&client, contexts[i], StoreWord(table, i, round * 10000 + i));
      REQUIRE(fence.ok());
      REQUIRE(fence.value() == round);
    }
  }
  for (uint32_t i = 0; i < kCount; ++i) {
    REQUIRE(client.adapter->WaitFence(client.device, contexts[i], kRounds).ok());
    REQUIRE(client.adapter->WaitFence(client.device, contexts[i], kRounds + 1).fault().status ==
            abi::kStatusInvalidArgument);
  }
  const std::vector<uint8_t> bytes = client.Read(table);
  for (uint32_t i = 0; i < kCount; ++i) {
    REQUIRE(LoadLe<uint32_t>(bytes.data() + 4 * i) == kRounds * 10000 + i);
  }
}

TEST_CASE("every context of the device can be taken, then it is over the limit until one ends") {
  ChipMachine machine;
  Adapter* adapter = machine.adapter.get();
  const DeviceHandle device = adapter->CreateDevice().value();
  std::vector<ContextHandle> contexts;
  for (uint32_t i = 0; i < kUserContexts; ++i) {
    auto made = adapter->CreateContext(device);
    REQUIRE(made.ok());
    contexts.push_back(made.value());
  }
  CHECK(adapter->CreateContext(device).fault().status == abi::kStatusLimitReached);
  REQUIRE(adapter->DestroyContext(device, contexts[3]).ok());
  CHECK(adapter->DestroyContext(device, contexts[3]).fault().status == abi::kStatusInvalidArgument);
  auto made = adapter->CreateContext(device);
  REQUIRE(made.ok());
  for (const ContextHandle used : contexts) CHECK(made.value() != used);
  adapter->DestroyDevice(device);
  CHECK(adapter->Memory().free_visible_bytes == ChipMachine::kVisibleBytes);
}

TEST_CASE("a context keeps its queue while it waits, and the others share what is left") {
  ChipMachine machine;
  Client client(&machine);
  const std::vector<ContextHandle> waiting = MakeContexts(&client, kUserQueues - 1);
  const std::vector<ContextHandle> others = MakeContexts(&client, 20);
  const AllocationHandle flag = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  for (uint32_t i = 0; i < waiting.size(); ++i) {
    CommandBuffer commands;
    commands.AddWait(flag);
    commands.AddFill(table, 4 * i, 4, 100 + i);
    REQUIRE(SubmitOn(&client, waiting[i], commands).ok());
  }
  for (uint32_t i = 0; i < others.size(); ++i) {
    REQUIRE(SubmitOn(&client, others[i], StoreWord(table, 100 + i, 7 + i)).ok());
    REQUIRE(client.adapter->WaitFence(client.device, others[i], 1).ok());
  }
  // The last of them ends what the first wait for.
  CommandBuffer release;
  release.AddFill(flag, 0, 8, 1);
  REQUIRE(SubmitOn(&client, others[0], release).ok());
  for (const ContextHandle context : waiting) {
    REQUIRE(client.adapter->WaitFence(client.device, context, 1).ok());
  }
  const std::vector<uint8_t> bytes = client.Read(table);
  for (uint32_t i = 0; i < waiting.size(); ++i) {
    CHECK(LoadLe<uint32_t>(bytes.data() + 4 * i) == 100 + i);
  }
  for (uint32_t i = 0; i < others.size(); ++i) {
    CHECK(LoadLe<uint32_t>(bytes.data() + 4 * (100 + i)) == 7 + i);
  }
}

TEST_CASE("while every queue hangs a submission is a timeout, and goes on when one ends") {
  ChipMachine machine;
  Client client(&machine);
  const std::vector<ContextHandle> hanging = MakeContexts(&client, kUserQueues);
  const AllocationHandle flag = client.Allocate(Segment::kSystem, 4096);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  CommandBuffer wait;
  wait.AddWait(flag);
  for (const ContextHandle context : hanging) REQUIRE(SubmitOn(&client, context, wait).ok());
  CHECK(SubmitOn(&client, client.context, StoreWord(table, 0, 1)).fault().status ==
        abi::kStatusDeviceTimeout);
  REQUIRE(client.adapter->DestroyContext(client.device, hanging[5]).ok());
  CHECK(SubmitOn(&client, client.context, StoreWord(table, 0, 2)).value() == 1);
  CHECK(LoadLe<uint32_t>(client.Read(table).data()) == 2);
}

TEST_CASE("a faulted context says why after its queue is another's") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  abi::FillCommand stray{};
  stray.destination = 0x123456789000;
  stray.row_bytes = 16;
  stray.row_count = 1;
  CommandBuffer bad;
  bad.AddFill(table, 0, 4, 5);
  bad.Add(stray, {});
  REQUIRE(client.Run(StoreWord(table, 1, 6)) == abi::kStatusOk);
  CHECK(client.Run(bad) == abi::kStatusQueueFaulted);
  const abi::QueueReport before = client.adapter->Report(client.device, client.context).value();
  CHECK(before.fault_status == abi::kStatusPageNotMapped);
  CHECK(before.fault_address == 0x123456789000);

  for (const ContextHandle context : MakeContexts(&client, 2 * kUserQueues)) {
    REQUIRE(SubmitOn(&client, context, StoreWord(table, 2, 7)).ok());
  }
  const abi::QueueReport after = client.adapter->Report(client.device, client.context).value();
  CHECK(std::memcmp(&before, &after, sizeof(before)) == 0);
  // The fence before the fault was reached, the one behind it never.
  CHECK(client.adapter->WaitFence(client.device, client.context, 1).ok());
  CHECK(client.adapter->WaitFence(client.device, client.context, 2).fault().status ==
        abi::kStatusQueueFaulted);
  CHECK(client.Run(StoreWord(table, 0, 9)) == abi::kStatusQueueFaulted);
  CHECK(LoadLe<uint32_t>(client.Read(table).data()) == 5);
  CHECK(client.adapter->Free(client.device, table).ok());
}

TEST_CASE("refusals of a context add up over the queues that it had") {
  ChipMachine machine;
  Client client(&machine);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  // Plaintext out of protected memory is refused, and no fault.
  const AllocationHandle secret = client.Allocate(Segment::kProtected, 4096);
  CommandBuffer leak;
  leak.AddCopy(table, secret, 16);
  for (uint32_t round = 1; round <= 3; ++round) {
    REQUIRE(client.Run(leak) == abi::kStatusOk);
    CHECK(client.adapter->Report(client.device, client.context).value().refusal_count == round);
    for (const ContextHandle context : MakeContexts(&client, kUserQueues)) {
      REQUIRE(SubmitOn(&client, context, StoreWord(table, 2, 7)).ok());
    }
    const abi::QueueReport report = client.adapter->Report(client.device, client.context).value();
    CHECK(report.refusal_count == round);
    CHECK(report.refusal_status != 0);
    CHECK(report.queue_state == 1);  // idle
    CHECK(report.escape == 1);
  }
}

TEST_CASE("a context without a queue does not find the commands of the next one") {
  ChipMachine machine;
  Client client(&machine);
  Client spy(&machine);
  const AllocationHandle loot = spy.Allocate(Segment::kVisible, 4096);
  constexpr uint64_t kCommandBuffer = 1ull << 21;
  // Reads the buffer for commands of its own address space, at the place of the next submission.
  abi::CopyCommand peek{};
  peek.source = kCommandBuffer + 4096;
  peek.row_bytes = 4096;
  peek.row_count = 1;
  CommandBuffer commands;
  commands.Add(peek, {{offsetof(abi::CopyCommand, destination), loot, 0}});
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  const std::vector<ContextHandle> contexts = MakeContexts(&client, 4 * kUserQueues);
  for (uint32_t i = 0; i < contexts.size(); ++i) {
    REQUIRE(SubmitOn(&client, contexts[i], StoreWord(table, 0, 0xdeadbeef)).ok());
    if (i % 5 == 0) REQUIRE(spy.Run(commands) == abi::kStatusOk);
    const std::vector<uint8_t> bytes = spy.Read(loot);
    for (size_t at = 0; at < bytes.size(); at += 4) {
      REQUIRE(LoadLe<uint32_t>(bytes.data() + at) != 0xdeadbeef);
    }
  }
}

// A message whose answer goes to the start of `answer`.
CommandBuffer Message(uint32_t number, const std::vector<uint8_t>& request,
                      AllocationHandle answer) {
  std::vector<uint8_t> bytes(sizeof(abi::SecurityMessageCommand) + (request.size() + 15) / 16 * 16);
  abi::SecurityMessageCommand command{};
  command.opcode = abi::SecurityMessageCommand::kOpcode;
  command.length = static_cast<uint32_t>(bytes.size());
  command.message = number;
  command.payload_bytes = static_cast<uint32_t>(request.size());
  command.response_capacity = 256;
  std::memcpy(bytes.data(), &command, sizeof(command));
  std::memcpy(bytes.data() + sizeof(command), request.data(), request.size());
  constexpr auto kField = offsetof(abi::SecurityMessageCommand, response_address);
  return {bytes, {answer}, {{0, 0, kField}}};
}

TEST_CASE("sessions are the context's, whichever queue it has") {
  ChipMachine machine;
  Client client(&machine);
  Client other(&machine);
  const AllocationHandle answer = client.Allocate(Segment::kVisible, 4096);
  const AllocationHandle other_answer = other.Allocate(Segment::kVisible, 4096);
  const AllocationHandle table = client.Allocate(Segment::kVisible, 4096);
  std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
  std::memcpy(request.data(), firmware::kAes128Ctr, 16);
  std::memcpy(request.data() + 32, firmware::kRsaesOaep, 16);
  REQUIRE(client.Run(Message(abi::kMessageCreateSession, request, answer)) == abi::kStatusOk);
  REQUIRE(LoadLe<uint32_t>(client.Read(answer).data()) == abi::kStatusOk);
  std::vector<uint8_t> query(8);
  std::memcpy(query.data(), client.Read(answer).data() + 16, 4);
  const std::vector<ContextHandle> contexts = MakeContexts(&client, 2 * kUserQueues);
  for (uint32_t round = 0; round < 20; ++round) {
    // Of the sharing contexts one fewer a round, so that it comes back on all kinds of queues.
    for (size_t i = round; i < contexts.size(); ++i) {
      REQUIRE(SubmitOn(&client, contexts[i], StoreWord(table, 0, 1)).ok());
    }
    REQUIRE(other.Run(Message(abi::kMessageQuerySession, query, other_answer)) == abi::kStatusOk);
    CHECK(LoadLe<uint32_t>(other.Read(other_answer).data()) == abi::kStatusSessionInvalid);
    REQUIRE(client.Run(Message(abi::kMessageQuerySession, query, answer)) == abi::kStatusOk);
    CHECK(LoadLe<uint32_t>(client.Read(answer).data()) == abi::kStatusOk);
  }
}

}  // namespace
}  // namespace ward::kmd
