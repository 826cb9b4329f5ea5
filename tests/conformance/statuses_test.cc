// Every status that stops a queue or refuses a command, provoked from the outside. What the list
// leaves out is named with its reason, and a status that nobody thought of fails the test.
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "firmware/guid.h"
#include "tests/conformance/chip.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kQueue = 1;
// Addresses of context 1.
constexpr uint64_t kSystem = 0x3000, kReadOnly = 0x4000, kUnmapped = 0x5000, kNoMemory = 0x6000;
constexpr uint64_t kBadEntry = 0x7000, kProtected = 0x8000, kOtherProtected = 0x9000;
constexpr uint32_t kLength = 64;

// A chip with a user's queue, and a view of each kind of memory.
class Bench {
 public:
  explicit Bench(const test::ChipOptions& options = {.strict_iv = true})
      : chip(test::MakeChip(options)), rig(*chip) {
    rig.CreateContext(1);
    rig.MapSystem(1, kSystem, rig.data());
    rig.MapSystem(1, kReadOnly, rig.data() + 0x1000, false);
    rig.MapSystem(1, kNoMemory, 0x7000000000);
    rig.MapPage(1, kBadEntry, abi::kPteValid | 0x10);
    const uint64_t hidden =
        abi::kProtectedVramLocalBase | abi::kPteValid | abi::kPteWritable | abi::kPteLocal;
    rig.MapPage(1, kProtected, hidden);
    rig.MapPage(1, kOtherProtected, hidden + 0x1000);
    rig.StartQueue(kQueue, 1);
  }

  // The fault or else the last refusal of the queue after the command.
  template <typename T>
  uint32_t Status(uint32_t queue, const T& command) {
    rig.Push(queue, command);
    return StatusAfterRun(queue);
  }
  uint32_t StatusAfterRun(uint32_t queue) {
    rig.RingAndRun(queue);
    const uint32_t fault = rig.FaultStatus(queue);
    return fault != 0 ? fault : rig.ReadQueue(queue, abi::kRegRefusalStatus);
  }

  uint32_t Send(uint32_t message, ConstByteSpan payload) {
    rig.PushMessage(kQueue, message, payload, kSystem, 64);
    rig.RingAndRun(kQueue);
    return rig.Load<uint32_t>(rig.data());
  }
  uint32_t CreateSession() {
    std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
    std::memcpy(request.data(), firmware::kAes128Ctr, 16);
    std::memcpy(request.data() + 32, firmware::kRsaesOaep, 16);
    REQUIRE(Send(abi::kMessageCreateSession, request) == 0);
    return rig.Load<uint32_t>(rig.data() + 16);
  }
  uint32_t CreateKeyedSession(bool readback = true) {
    const uint32_t session = CreateSession();
    const std::vector<uint8_t>& blob = test::WrappedZeroKey();
    std::vector<uint8_t> request(8);
    StoreLe<uint32_t>(request.data(), session);
    StoreLe(request.data() + 4, static_cast<uint32_t>(blob.size()));
    request.insert(request.end(), blob.begin(), blob.end());
    REQUIRE(Send(abi::kMessageNegotiateSessionKey, request) == 0);
    std::vector<uint8_t> readback_request(8);
    StoreLe<uint32_t>(readback_request.data(), session);
    if (readback) REQUIRE(Send(abi::kMessageGetReadbackKey, readback_request) == 0);
    return session;
  }
  uint32_t Decrypt(uint32_t session, uint64_t destination, uint16_t flags = 0, uint8_t iv = 1) {
    auto command = MakeCommand<abi::DecryptBltCommand>(flags);
    command.session = session;
    command.length_bytes = kLength;
    command.destination = destination;
    command.source = kSystem;
    command.iv[7] = iv;
    command.encrypt_bytes = flags == abi::DecryptBltCommand::kFlagPattern ? 7 : 0;
    return Status(kQueue, command);
  }
  // One clear sub-sample of that many bytes for a sample of kLength.
  uint32_t DecryptSample(uint32_t session, uint32_t sub_sample_bytes) {
    auto command = MakeCommand<abi::DecryptSampleCommand>();
    command.length += 16;
    command.session = session;
    command.length_bytes = kLength;
    command.destination = kProtected;
    command.source = kSystem;
    command.sub_sample_count = 1;
    rig.Push(kQueue, command);
    uint8_t list[16] = {};
    StoreLe(list, sub_sample_bytes);
    rig.PushBytes(kQueue, list);
    return StatusAfterRun(kQueue);
  }
  uint32_t Encrypt(uint32_t session, uint64_t destination, uint64_t source) {
    auto command = MakeCommand<abi::EncryptBltCommand>();
    command.session = session;
    command.length_bytes = kLength;
    command.destination = destination;
    command.source = source;
    command.iv_address = kSystem + 0x800;
    return Status(kQueue, command);
  }
  uint32_t Fill(uint64_t destination) {
    auto command = MakeCommand<abi::FillCommand>();
    command.destination = destination;
    command.row_bytes = 16;
    command.row_count = 1;
    return Status(kQueue, command);
  }
  uint32_t Wait(uint64_t address) {
    auto command = MakeCommand<abi::WaitCommand>();
    command.address = address;
    return Status(kQueue, command);
  }
  uint32_t Context(bool create, uint32_t context) {
    auto made = MakeCommand<abi::ContextCreateCommand>();
    made.context = context;
    auto ended = MakeCommand<abi::ContextDestroyCommand>();
    ended.context = context;
    return create ? Status(0, made) : Status(0, ended);
  }
  uint32_t Flip(uint64_t address) {
    auto command = MakeCommand<abi::FlipCommand>();
    command.address = address;
    command.pitch = 2560;
    command.width = 640;
    command.height = 360;
    return Status(0, command);
  }

  const std::unique_ptr<QueueRig> chip;
  QueueRig& rig;
};

using Scenario = test::Scenario<Bench>;
using test::Need;
using test::NeedsScope;
using test::Offers;

template <typename T>
uint32_t BadHeader(Bench& bench, const std::function<void(T&)>& spoil) {
  auto command = MakeCommand<T>();
  spoil(command);
  return bench.Status(kQueue, command);
}

std::map<std::string, Scenario> QueueScenarios() {
  using abi::NoopCommand;
  using abi::WaitCommand;
  return {
      {"RING_TAIL_INVALID",
       [](Bench& b) {
         b.rig.Doorbell(kQueue, 8);
         return b.rig.FaultStatus(kQueue);
       }},
      {"RING_CONFIGURATION_INVALID",
       [](Bench& b) {
         b.rig.WriteQueue(2, abi::kRegRingSizeLog2, 11);
         b.rig.WriteQueue(2, abi::kRegQueueControl, abi::kQueueControlEnableMask);
         return b.rig.FaultStatus(2);
       }},
      {"COMMAND_LENGTH_INVALID",
       [](Bench& b) { return BadHeader<NoopCommand>(b, [](auto& c) { c.length = 8; }); }},
      {"OPCODE_UNKNOWN",
       [](Bench& b) { return BadHeader<NoopCommand>(b, [](auto& c) { c.opcode = 0x7777; }); }},
      {"COMMAND_FLAGS_INVALID",
       [](Bench& b) { return BadHeader<NoopCommand>(b, [](auto& c) { c.flags = 1; }); }},
      {"RESERVED_NOT_ZERO",
       [](Bench& b) { return BadHeader<WaitCommand>(b, [](auto& c) { c.reserved_24[3] = 1; }); }},
      {"COMMAND_STRADDLES_END",
       [](Bench& b) { return BadHeader<NoopCommand>(b, [](auto& c) { c.length = 8192; }); }},
      {"COMMAND_NOT_PERMITTED",
       [](Bench& b) { return b.Status(kQueue, MakeCommand<abi::FlipCommand>()); }},
      {"FENCE_NOT_MONOTONIC",
       [](Bench& b) { return b.Status(kQueue, MakeCommand<abi::FenceCommand>()); }},
      {"OPERAND_INVALID",
       [](Bench& b) { return b.Status(kQueue, MakeCommand<abi::IndirectBufferCommand>()); }},
      {"ENGINE_RESET",
       [](Bench& b) {
         auto wait = MakeCommand<WaitCommand>();
         wait.address = kSystem;
         wait.value = 1;
         b.rig.Push(kQueue, wait);
         b.rig.Doorbell(kQueue);
         b.rig.RunIntoWait(kQueue);
         return b.rig.ResetEngines(kQueue);
       }},
      {"PAGE_NOT_MAPPED", [](Bench& b) { return b.Fill(kUnmapped); }},
      {"PAGE_NOT_WRITABLE", [](Bench& b) { return b.Fill(kReadOnly); }},
      {"PAGE_TABLE_INVALID", [](Bench& b) { return b.Fill(kBadEntry); }},
      {"ADDRESS_OUT_OF_RANGE", [](Bench& b) { return b.Fill(uint64_t{1} << 48); }},
      {"ADDRESS_MISALIGNED", [](Bench& b) { return b.Wait(kSystem + 4); }},
      {"BUS_ERROR", [](Bench& b) { return b.Fill(kNoMemory); }},
      {"CONTROL_IN_PROTECTED_MEMORY", [](Bench& b) { return b.Wait(kProtected); }},
      {"CONTEXT_INVALID",
       [](Bench& b) {
         b.rig.StartQueue(2, 77);
         const uint32_t of_queue = b.rig.FaultStatus(2);
         const uint32_t of_command = b.Context(false, 9);
         return of_queue == of_command ? of_command : 0;
       }},
      {"CONTEXT_EXISTS", [](Bench& b) { return b.Context(true, 1); }},
      {"CONTEXT_BUSY", [](Bench& b) { return b.Context(false, 1); }},
      {"OUTPUT_INVALID", [](Bench& b) { return b.Flip(abi::kPhysicalLocal); }},
      {"SCANOUT_REFUSED",
       [](Bench& b) {
         b.rig.Write(abi::kRegOutputControl, 1);
         return b.Flip(b.rig.data());
       }},
  };
}

std::map<std::string, Scenario> SessionScenarios() {
  return {
      {"PROTECTED_READ_REFUSED",
       [](Bench& b) {
         auto copy = MakeCommand<abi::CopyCommand>();
         copy.source = kProtected;
         copy.destination = kSystem;
         copy.row_bytes = copy.row_count = 1;
         return b.Status(kQueue, copy);
       }},
      {"PROTECTED_OWNER_MISMATCH",
       [](Bench& b) {
         const uint32_t owner = b.CreateKeyedSession();
         const uint32_t other = b.CreateKeyedSession();
         CHECK(b.Decrypt(owner, kProtected) == 0);
         return b.Encrypt(other, kSystem, kProtected);
       }},
      {"DESTINATION_NOT_PROTECTED",
       [](Bench& b) { return b.Decrypt(b.CreateKeyedSession(), kSystem + 0x400); }},
      {"DESTINATION_PROTECTED",
       [](Bench& b) { return b.Encrypt(b.CreateKeyedSession(), kProtected, kSystem); }},
      {"SESSION_INVALID", [](Bench& b) { return b.Decrypt(12345, kProtected); }},
      {"SESSION_LOST",
       {[](Bench& b) {
          const uint32_t session = b.CreateKeyedSession();
          test::Inside(b.rig).gpu->TearDown();
          return b.Decrypt(session, kProtected);
        },
        Need::kInside}},
      {"SESSION_NO_KEY", [](Bench& b) { return b.Decrypt(b.CreateSession(), kProtected); }},
      {"SESSION_NO_CONTENT_KEY",
       [](Bench& b) {
         return b.Decrypt(b.CreateKeyedSession(), kProtected,
                          abi::DecryptBltCommand::kFlagContentKey);
       }},
      {"SESSION_NO_READBACK_KEY",
       [](Bench& b) { return b.Encrypt(b.CreateKeyedSession(false), kSystem, kProtected); }},
      {"PATTERN_MISALIGNED",
       [](Bench& b) {
         return b.Decrypt(b.CreateKeyedSession(), kProtected, abi::DecryptBltCommand::kFlagPattern);
       }},
      {"SUB_SAMPLES_INVALID",
       [](Bench& b) { return b.DecryptSample(b.CreateKeyedSession(), kLength + 1); }},
      {"IV_REUSED",
       {[](Bench& b) {
          const uint32_t session = b.CreateKeyedSession();
          CHECK(b.Decrypt(session, kProtected, 0, 5) == 0);
          return b.Decrypt(session, kProtected, 0, 5);
        },
        Need::kStrictIv}},
  };
}

uint32_t CodeOf(const std::string& name) {
  for (const abi::StatusInfo& info : abi::kStatuses) {
    if (name == info.name) return info.code;
  }
  return 0;
}

TEST_CASE("each status of queue and addresses is provoked from the outside") {
  const NeedsScope needs;
  for (const auto& [name, scenario] : QueueScenarios()) {
    Bench bench;
    INFO(name);
    CHECK(scenario.run(bench) == CodeOf(name));
  }
}

void ProvokeOfSession(const std::string& name, const Scenario& scenario) {
  Bench bench;
  INFO(name);
  CHECK(scenario.run(bench) == CodeOf(name));
  CHECK(bench.rig.FaultStatus(kQueue) == 0);
}

TEST_CASE("each status of sessions and protected memory is provoked from the outside") {
  const NeedsScope needs;
  for (const auto& [name, scenario] : SessionScenarios()) {
    if (scenario.need == Need::kCount || Offers(scenario.need)) ProvokeOfSession(name, scenario);
  }
}

TEST_CASE("a counter range that was used is refused under the strict policy", "[needs-strict-iv]") {
  const NeedsScope needs;
  NeedsScope::Use(Need::kStrictIv);
  ProvokeOfSession("IV_REUSED", SessionScenarios().at("IV_REUSED"));
}

TEST_CASE("the error state's status is provoked by a failed self test", "[needs-inside]") {
  const NeedsScope needs;
  Bench bench({.fails_self_test = true});
  CHECK(bench.Fill(kSystem) == abi::kStatusDeviceInErrorState);
}

TEST_CASE("no status of a queue is left without a scenario or a reason") {
  const std::map<std::string, std::string> left_out = {
      {"COMMAND_UNIMPLEMENTED", "every described command is implemented"},
      {"KEY_DAMAGED", "nothing outside of the vault can damage a key; see crypto_engine_test"},
      {"DEVICE_IN_ERROR_STATE", "has a test of its own above"},
  };
  const auto queue = QueueScenarios();
  const auto session = SessionScenarios();
  for (const abi::StatusInfo& info : abi::kStatuses) {
    const bool of_a_queue = info.status_class == abi::StatusClass::kFault ||
                            info.status_class == abi::StatusClass::kRefusal;
    if (!of_a_queue) continue;
    INFO(info.name);
    CHECK(queue.count(info.name) + session.count(info.name) + left_out.count(info.name) == 1);
  }
  for (const abi::CommandInfo& info : abi::kCommands) CHECK(info.implemented);
}

}  // namespace
}  // namespace ward::fakes
