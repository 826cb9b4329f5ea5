// Every command with every status that it can end with. What can be written wrongly in any address
// field is tried in all of them, from the contract's table; the rest has a scenario each. Random
// commands then look for a status that a command has and nobody provoked.
#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/command_scenarios.h"

namespace ward::fakes::commands {
namespace {

bool IsWritten(const FieldInfo& field) {
  return std::set<std::string>{"destination", "iv_address", "response_address"}.count(field.name) !=
         0;
}

// Rings, buffers and answers: aligned, and never in protected memory.
bool IsControl(const CommandInfo& info) {
  return info.opcode == abi::WaitCommand::kOpcode ||
         info.opcode == abi::IndirectBufferCommand::kOpcode ||
         info.opcode == abi::SecurityMessageCommand::kOpcode;
}

using test::NeedsScope;
using test::Offers;

using Pair = std::pair<std::string, uint32_t>;  // command and status
using Pairs = std::set<Pair>;

// Tries what can be wrong with a header and a body, in every command.
void ProvokeHeaders(const CommandInfo& info, const Bytes& valid, Pairs* provoked) {
  const auto attempt = [&](uint32_t status, uint32_t queue, const Bytes& bytes) {
    Bench bench;
    INFO(info.name << " " << abi::StatusName(status));
    CHECK(bench.StatusOf(queue, bytes) == status);
    provoked->insert({info.name, status});
  };
  const uint32_t queue = QueueOf(info);
  Bytes bytes = valid;
  StoreLe<uint32_t>(bytes.data() + 4, 8);
  attempt(abi::kStatusCommandLengthInvalid, queue, bytes);
  bytes = valid;
  StoreLe<uint16_t>(bytes.data() + 2, 0x8000);
  attempt(abi::kStatusCommandFlagsInvalid, queue, bytes);
  if (info.size_bytes > 16) {
    attempt(abi::kStatusCommandStraddlesEnd, queue, Bytes(valid.begin(), valid.begin() + 16));
  }
  if (info.privileged) attempt(abi::kStatusCommandNotPermitted, kUser, valid);
  for (uint32_t i = 0; i < info.field_count; ++i) {
    if (info.fields[i].kind != FieldKind::kReserved) continue;
    bytes = valid;
    bytes[info.fields[i].offset] = 1;
    attempt(abi::kStatusReservedNotZero, queue, bytes);
    break;
  }
}

// Tries what can be wrong with an address, in every address field of a user's commands.
void ProvokeAddresses(const CommandInfo& info, const std::function<Bytes(Bench&)>& valid,
                      Pairs* provoked) {
  if (info.privileged) return;
  for (uint32_t i = 0; i < info.field_count; ++i) {
    const FieldInfo& field = info.fields[i];
    if (field.kind != FieldKind::kAddress) continue;
    std::vector<std::pair<uint32_t, uint64_t>> wrongs = {
        {abi::kStatusAddressOutOfRange, kWide},
        {abi::kStatusPageNotMapped, kUnmapped},
        {abi::kStatusPageTableInvalid, kBadEntry},
    };
    // What is written to protected memory by a decrypt blt is no bus access.
    const bool is_protected = std::string(info.name).find("DECRYPT") == 0 && IsWritten(field);
    if (!is_protected) wrongs.push_back({abi::kStatusBusError, kNoMemory});
    if (IsWritten(field)) wrongs.push_back({abi::kStatusPageNotWritable, kReadOnly});
    if (IsControl(info)) {
      wrongs.push_back({abi::kStatusAddressMisaligned, kSource + 4});
      wrongs.push_back({abi::kStatusControlInProtectedMemory, kProtected});
    }
    for (const auto& [status, address] : wrongs) {
      Bench bench;
      Bytes bytes = valid(bench);
      StoreLe<uint64_t>(bytes.data() + field.offset, address);
      INFO(info.name << "." << field.name << " " << abi::StatusName(status));
      CHECK(bench.StatusOf(kUser, bytes) == status);
      if (status != abi::kStatusBusError) {
        const uint64_t recorded = bench.rig.ReadQueue(kUser, abi::kRegFaultAddressLo) |
                                  uint64_t{bench.rig.ReadQueue(kUser, abi::kRegFaultAddressHi)}
                                      << 32;
        CHECK(recorded == address);
      }
      provoked->insert({info.name, status});
    }
  }
}

// Pairs that can exist and that nothing here provokes, with the reason for each command or for one.
std::map<Pair, std::string> NotYetProvoked() { return {}; }

// What no command can be made to end with from the outside.
bool IsBeyondReach(uint32_t status) {
  return status == abi::kStatusOpcodeUnknown ||             // it is no command then
         status == abi::kStatusCommandUnimplemented ||      // every described one is there
         status == abi::kStatusRingTailInvalid ||           // of a doorbell
         status == abi::kStatusRingConfigurationInvalid ||  // of a queue that is enabled
         status == abi::kStatusKeyDamaged;  // by nothing but a damaged vault: crypto_engine_test
}

void ProvokeMistakes(const CommandInfo& info, Pairs* provoked) {
  const auto valid = ValidCommands().at(info.name);
  Bytes bytes;
  {
    Bench bench;
    bytes = valid(bench);
  }
  ProvokeHeaders(info, bytes, provoked);
  ProvokeAddresses(info, valid, provoked);
}

std::vector<Scenarios> AllScenarios() {
  return {QueueScenarios(), DisplayScenarios(), KernelScenarios(), TransferScenarios(),
          SessionScenarios()};
}

void Provoke(const std::string& name, uint32_t status, const Scenario& scenario) {
  Bench bench;
  INFO(name << " " << abi::StatusName(status));
  CHECK(scenario.run(bench) == status);
}

// Those scenarios that need this alone; kCount: those that need nothing.
void ProvokeThose(Need need) {
  for (const Scenarios& scenarios : AllScenarios()) {
    for (const auto& [name, status, scenario] : scenarios) {
      if (scenario.need == need) Provoke(name, status, scenario);
    }
  }
}

// All that can be, which takes the chip's inside.
const Pairs& Provoked() {
  static const Pairs all = [] {
    Pairs provoked;
    for (const CommandInfo& info : abi::kCommands) ProvokeMistakes(info, &provoked);
    for (const Scenarios& scenarios : AllScenarios()) {
      for (const auto& [name, status, scenario] : scenarios) {
        Provoke(name, status, scenario);
        provoked.insert({name, status});
      }
    }
    return provoked;
  }();
  return all;
}

TEST_CASE("every command has a form that ends well") {
  const NeedsScope needs;
  const auto valid = ValidCommands();
  for (const CommandInfo& info : abi::kCommands) {
    Bench bench;
    INFO(info.name);
    REQUIRE(valid.count(info.name) == 1);
    CHECK(bench.StatusOf(QueueOf(info), valid.at(info.name)(bench)) == 0);
  }
}

TEST_CASE("every command ends with the status of what is wrong in its header and addresses") {
  const NeedsScope needs;
  Pairs provoked;
  for (const CommandInfo& info : abi::kCommands) ProvokeMistakes(info, &provoked);
  CHECK(provoked.size() > std::size(abi::kCommands));
}

TEST_CASE("every command ends with the statuses that its operands and its session lead to") {
  const NeedsScope needs;
  ProvokeThose(Need::kCount);
}

TEST_CASE("every decrypting command refuses counters that were used, under the strict policy",
          "[needs-strict-iv]") {
  const NeedsScope needs;
  NeedsScope::Use(Need::kStrictIv);
  ProvokeThose(Need::kStrictIv);
}

TEST_CASE(
    "every command ends with every status that it can have, and the list of the rest is empty",
    "[needs-inside]") {
  const NeedsScope needs;
  NeedsScope::Use(Need::kInside);
  static_cast<void>(Offers(Need::kStrictIv));
  const Pairs& provoked = Provoked();
  CHECK(NotYetProvoked().empty());
  for (const auto& [pair, reason] : NotYetProvoked()) CHECK(provoked.count(pair) == 0);
  // Each status of queues is some command's.
  for (const abi::StatusInfo& info : abi::kStatuses) {
    const bool of_a_queue = info.status_class == abi::StatusClass::kFault ||
                            info.status_class == abi::StatusClass::kRefusal;
    if (!of_a_queue) continue;
    INFO(info.name);
    const bool is_provoked = std::any_of(provoked.begin(), provoked.end(), [&](const Pair& pair) {
      return pair.second == info.code;
    });
    CHECK(is_provoked != IsBeyondReach(info.code));
  }
}

// A valid command with fields that are replaced by something else that means something.
Bytes Mutate(Bytes bytes, const CommandInfo& info, std::mt19937* dice) {
  const auto pick = [&](std::initializer_list<uint64_t> choices) {
    return choices.begin()[(*dice)() % choices.size()];
  };
  const uint32_t changes = 1 + (*dice)() % 3;
  for (uint32_t i = 0; i < changes; ++i) {
    const FieldInfo& field = info.fields[(*dice)() % info.field_count];
    if (field.offset + field.size_bytes > bytes.size()) continue;
    uint8_t* at = bytes.data() + field.offset;
    if (field.kind == FieldKind::kAddress) {
      StoreLe<uint64_t>(at, pick({kSource, kDestination, kIndirect, kReadOnly, kUnmapped, kNoMemory,
                                  kBadEntry, kProtected, kTwoOwners, kWide, 0 - uint64_t{16}}) +
                                pick({0, 0, 8, 16, 0xff0, 0xfff}));
    } else if (field.size_bytes == 4) {
      StoreLe<uint32_t>(
          at, static_cast<uint32_t>(pick({0, 1, 2, 3, 7, 8, 15, 16, 64, 4096, 8192, 1u << 20,
                                          1u << 28, 0x7fffffff, 0xffffffff, (*dice)()})));
    } else if (field.size_bytes == 8) {
      StoreLe<uint64_t>(at, pick({0, 1, 8, 4096, uint64_t{1} << 47, kWide, ~uint64_t{0}}));
    } else if (field.size_bytes == 2) {
      StoreLe<uint16_t>(at, static_cast<uint16_t>(pick({LoadLe<uint16_t>(at), 1, 2, 3, 4, 8})));
    } else {
      at[(*dice)() % field.size_bytes] = static_cast<uint8_t>((*dice)());
    }
  }
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  return bytes;
}

// What befalls a chip while a command is there, for the pairs that no operand leads to.
enum class Mishap { kNone, kEngineReset, kFailedSelfTest };

void BeginAnew(Bench* bench) {
  test::Inside(bench->rig).gpu->Reset(device::ResetKind::kPowerOn);
  bench->rig.CreateContext(1);
  bench->rig.StartQueue(kUser, 1);
}

// Runs random commands of a kind into the mishap; the statuses that were not provoked for it.
void TryRandom(const CommandInfo& info, Mishap mishap, int count, Pairs* unknown) {
  const Pairs& provoked = Provoked();
  const auto valid = ValidCommands();
  std::mt19937 dice(info.opcode);
  Bench well;
  well.MakeTwoOwners();
  std::optional<Bench> failed;
  if (mishap == Mishap::kFailedSelfTest) failed.emplace(test::ChipOptions{.fails_self_test = true});
  Bench& bench = failed ? *failed : well;
  const bool is_context = info.opcode == abi::ContextDestroyCommand::kOpcode ||
                          info.opcode == abi::ContextCreateCommand::kOpcode;
  for (int i = 0; i < count; ++i) {
    // A context that was made or ended has to be as it was.
    if (is_context) BeginAnew(&well);
    if (is_context && failed) BeginAnew(&*failed);
    // Valid ones too: a failed chip has no session for which they would be.
    Bytes bytes = valid.at(info.name)(well);
    if (i != 0) bytes = Mutate(std::move(bytes), info, &dice);
    const uint32_t queue = dice() % 8 == 0 ? kUser : QueueOf(info);
    const uint32_t status = mishap == Mishap::kEngineReset ? bench.StatusOfReset(queue, bytes)
                                                           : bench.StatusOf(queue, bytes);
    // A wait that never ends is none of the outcomes looked for here.
    if (bench.rig.State(queue) == 3) bench.rig.StartQueue(queue, queue == 0 ? 0 : 1);
    // What stood in an indirect buffer is another command.
    const uint32_t record = bench.rig.ReadQueue(queue, abi::kRegFaultCommand);
    if ((record & abi::kFaultCommandInIndirectMask) != 0) continue;
    if (status != 0 && provoked.count({info.name, status}) == 0) {
      unknown->insert({info.name, status});
    }
    GpuRig& inside = test::Inside(bench.rig);
    inside.ports.trace.events.clear();
    inside.ports.bus.ClearLog();
    inside.ports.vram.ClearLog();
  }
}

void CheckRandom(Mishap mishap, int count) {
  const NeedsScope needs;
  Pairs unknown;
  for (const CommandInfo& info : abi::kCommands) {
    const bool is_context = info.opcode == abi::ContextDestroyCommand::kOpcode ||
                            info.opcode == abi::ContextCreateCommand::kOpcode;
    TryRandom(info, mishap, is_context ? std::min(count, 50) : count, &unknown);
  }
  for (const auto& [name, status] : unknown) {
    INFO(name << " ended with " << abi::StatusName(status));
    CHECK(false);
  }
}

TEST_CASE("random commands end with no status that was not provoked for them", "[needs-inside]") {
  CheckRandom(Mishap::kNone, 400);
}

// Operands alone lead to neither.
TEST_CASE("nor do random commands amid which the engines are reset", "[needs-inside]") {
  CheckRandom(Mishap::kEngineReset, 100);
}

TEST_CASE("nor do random commands on a chip that failed its self test", "[needs-inside]") {
  CheckRandom(Mishap::kFailedSelfTest, 100);
}

}  // namespace
}  // namespace ward::fakes::commands
