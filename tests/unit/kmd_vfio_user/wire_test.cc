// Each message of the client's, byte for byte as docs/spec/vfio-user.md and the protocol's own text
// lay it out.
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/kmd_vfio_user/served_function.h"

namespace ward::kmd {
namespace {

using abi::PciError;
using Heard = ScriptedServer::Heard;

Heard ReadOf(uint32_t region, uint64_t offset, uint32_t count) {
  return {9, Pack(offset, region, count), 0};
}
Heard WriteOf(uint32_t region, uint64_t offset, const Bytes& data) {
  return {10, Pack(offset, region, static_cast<uint32_t>(data.size())) + data, 0};
}
Heard RegionInfoOf(uint32_t index) {
  return {5, Pack(32u, 0u, index, 0u, uint64_t{0}, uint64_t{0}), 0};
}
Heard VersionOf(const std::string& json) {
  return {1, Pack(uint16_t{0}, uint16_t{0}) + Bytes(json.begin(), json.end()) + Bytes{0}, 0};
}

void CheckHeard(ScriptedServer* server, const std::vector<Heard>& expected) {
  const std::vector<Heard> heard = server->TakeHeard();
  REQUIRE(heard.size() == expected.size());
  for (size_t i = 0; i < heard.size(); ++i) {
    INFO("message " << i << " of command " << heard[i].command);
    CHECK(heard[i].command == expected[i].command);
    CHECK(heard[i].body == expected[i].body);
    CHECK(heard[i].descriptors == expected[i].descriptors);
  }
}

// Everything between the greeting and the first thing that the driver asks.
std::vector<Heard> OpeningAfterVersion() {
  return {
      {4, Pack(16u, 0u, 0u, 0u), 0},
      RegionInfoOf(7),
      RegionInfoOf(0),
      RegionInfoOf(1),
      RegionInfoOf(2),
      RegionInfoOf(3),
      RegionInfoOf(4),
      RegionInfoOf(5),
      // Nothing decodes nor masters the bus while BARs are placed, apart from each other and from
      // DMA memory.
      ReadOf(7, 4, 2),
      WriteOf(7, 4, {0, 0}),
      ReadOf(7, 4, 2),
      ReadOf(7, 0x10, 4),
      WriteOf(7, 0x10, Pack(0xc0000000u)),
      ReadOf(7, 0x18, 4),
      WriteOf(7, 0x18, Pack(0u)),
      WriteOf(7, 0x1c, Pack(0x4000u)),
      ReadOf(7, 4, 2),
      WriteOf(7, 4, {2, 0}),
      ReadOf(7, 4, 2),
  };
}

TEST_CASE("opening greets, asks what is served, places the BARs and switches decoding on") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  std::vector<Heard> expected = {VersionOf(
      R"({"capabilities":{"max_data_xfer_size":1048576,"max_msg_fds":16,"pgsizes":4096}})")};
  for (Heard& message : OpeningAfterVersion()) expected.push_back(std::move(message));
  CheckHeard(&server, expected);
}

TEST_CASE("where no descriptor passes, interrupts are asked for as messages") {
  ScriptedServer::Options options;
  options.is_tcp = true;
  ScriptedServer server({}, options);
  const auto function = OpenAt(server);
  std::vector<Heard> expected = {
      VersionOf(R"({"capabilities":{"max_data_xfer_size":1048576,"max_msg_fds":16,"pgsizes":4096,)"
                R"("ward_interrupt_messages":true}})")};
  for (Heard& message : OpeningAfterVersion()) expected.push_back(std::move(message));
  CheckHeard(&server, expected);
}

TEST_CASE("register and configuration accesses") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  server.TakeHeard();
  StoreLe<uint32_t>(server.registers.data() + 0x104, 0xa1b2c3d4);
  CHECK(function->BarRead32(0, 0x104) == 0xa1b2c3d4);
  function->BarWrite32(0, 0xfffc, 0x01020304);
  CHECK(LoadLe<uint32_t>(server.registers.data() + 0xfffc) == 0x01020304);
  function->ConfigWrite(0x41, 1, 0xee);
  function->ConfigWrite(0x42, 2, 0xbbcc);
  CHECK(function->ConfigRead(0x40, 4) == 0xbbccee00);
  CheckHeard(&server,
             {ReadOf(0, 0x104, 4), WriteOf(0, 0xfffc, {4, 3, 2, 1}), WriteOf(7, 0x41, {0xee}),
              WriteOf(7, 0x42, {0xcc, 0xbb}), ReadOf(7, 0x40, 4)});
}

// Queue 0's doorbell and queue 15's (docs/spec/pci.md).
constexpr uint64_t kFirstDoorbell = 0x100000;
constexpr uint64_t kLastDoorbell = 0x1f0000;

// The flags of the writes to regions, in their order.
class WriteFlags {
 public:
  ScriptedServer::Hook Hook() {
    return [this](ScriptedServer*, const ScriptedServer::Received& request) {
      const std::lock_guard lock(mutex_);
      if (request.command == 10) flags_.push_back(request.flags);
      return false;
    };
  }
  std::vector<uint32_t> Take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(flags_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<uint32_t> flags_;
};

// A function with doorbells, opened.
struct DoorbellRig {
  explicit DoorbellRig(const std::string& options = "")
      : server(flags.Hook(), WithDoorbells()), function(OpenAt(server, options)) {
    flags.Take();
    server.TakeHeard();
  }
  static ScriptedServer::Options WithDoorbells() {
    ScriptedServer::Options served;
    served.register_bytes = 2 << 20;
    return served;
  }

  WriteFlags flags;
  ScriptedServer server;
  std::unique_ptr<VfioUserFunction> function;
};

TEST_CASE("doorbells are posted, other registers are not, and all comes in its order") {
  DoorbellRig rig;
  rig.function->BarWrite32(0, 0xfffc, 1);
  rig.function->BarWrite32(0, kFirstDoorbell, 2);
  rig.function->BarWrite32(0, kLastDoorbell, 3);
  CHECK(rig.function->BarRead32(0, kLastDoorbell) == 3);
  CheckHeard(&rig.server,
             {WriteOf(0, 0xfffc, {1, 0, 0, 0}), WriteOf(0, kFirstDoorbell, {2, 0, 0, 0}),
              WriteOf(0, kLastDoorbell, {3, 0, 0, 0}), ReadOf(0, kLastDoorbell, 4)});
  CHECK(rig.flags.Take() == std::vector<uint32_t>{0, 0x10, 0x10});
}

TEST_CASE("of many doorbells some are waited for") {
  DoorbellRig rig;
  for (uint32_t i = 0; i < 100; ++i) rig.function->BarWrite32(0, kFirstDoorbell, i);
  CHECK(rig.function->BarRead32(0, kFirstDoorbell) == 99);
  std::vector<uint32_t> expected(100, 0x10);
  for (size_t i = 32; i < expected.size(); i += 33) expected[i] = 0;
  CHECK(rig.flags.Take() == expected);
}

TEST_CASE("by messages a doorbell is waited for") {
  DoorbellRig rig(",messages");
  rig.function->BarWrite32(0, kFirstDoorbell, 5);
  CHECK(LoadLe<uint32_t>(rig.server.registers.data() + kFirstDoorbell) == 5);
  CHECK(rig.flags.Take() == std::vector<uint32_t>{0});
}

TEST_CASE("a doorbell of a server that has gone does nothing, and what comes then is told") {
  DoorbellRig rig;
  rig.server.Close();
  rig.server.WaitForEnd();
  for (uint32_t i = 0; i < 3; ++i) rig.function->BarWrite32(0, kFirstDoorbell, i);
  CHECK(rig.function->BarRead32(0, 0) == 0xffffffff);
  CHECK(std::string(rig.function->LastErrorText()) != "");
  CHECK(rig.flags.Take().empty());
}

TEST_CASE("what the function does not have is not asked for") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  server.TakeHeard();
  CHECK(function->BarRead32(0, 0x10000) == 0xffffffff);
  CHECK(function->BarRead32(0, 0xfffffffffffffffc) == 0xffffffff);
  CHECK(function->BarRead32(0, 2) == 0xffffffff);
  CHECK(function->BarRead32(1, 0) == 0xffffffff);
  CHECK(function->BarRead32(-1, 0) == 0xffffffff);
  CHECK(function->BarRead32(6, 0) == 0xffffffff);
  CHECK(function->ConfigRead(0x101, 1) == 0xffffffff);
  CHECK(function->ConfigRead(0x100, 4) == 0xffffffff);
  CHECK(function->ConfigRead(2, 4) == 0xffffffff);
  CHECK(function->ConfigRead(0, 3) == 0xffffffff);
  function->BarWrite32(0, 0x10000, 1);
  function->ConfigWrite(0x100, 4, 1);
  CHECK(function->BarSize(1) == 0);
  CHECK(function->BarSize(6) == 0);
  CHECK(function->MapBar(1) == nullptr);
  CHECK(server.TakeHeard().empty());
}

TEST_CASE("memory decoding that is off makes BARs all ones") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  function->ConfigWrite(4, 2, 0);
  server.TakeHeard();
  CHECK(function->BarRead32(0, 0) == 0xffffffff);
  function->BarWrite32(0, 0, 1);
  uint64_t word = 0;
  CHECK(function->BarReadBlock(2, 0, &word, sizeof(word)) == PciError::kBadArgument);
  CHECK(function->BarWriteBlock(2, 0, &word, sizeof(word)) == PciError::kBadArgument);
  CHECK(server.TakeHeard().empty());
  function->ConfigWrite(4, 2, 2);
  CHECK(function->BarRead32(0, 0) == 0);
}

TEST_CASE("a DMA buffer is announced with its file and taken back") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  server.TakeHeard();
  abi::DmaBuffer buffer;
  REQUIRE(function->AllocateDma(5000, &buffer) == PciError::kNone);
  CHECK(buffer.size_bytes == 8192);
  CHECK(buffer.bus_address == 0x1000000);
  function->FreeDma(buffer);
  CheckHeard(&server, {{2, Pack(32u, 3u, uint64_t{0}, uint64_t{0x1000000}, uint64_t{8192}), 1},
                       {3, Pack(24u, 0u, uint64_t{0x1000000}, uint64_t{8192}), 0}});
}

TEST_CASE("by messages a DMA buffer is announced without a file") {
  ScriptedServer server;
  const auto function = OpenAt(server, ",messages");
  server.TakeHeard();
  abi::DmaBuffer buffer;
  REQUIRE(function->AllocateDma(4096, &buffer) == PciError::kNone);
  CheckHeard(&server, {{2, Pack(32u, 3u, uint64_t{0}, uint64_t{0x1000000}, uint64_t{4096}), 0}});
}

TEST_CASE("vectors go with at most as many descriptors as the server takes") {
  ScriptedServer::Options options;
  const std::string text = R"({"capabilities":{"max_msg_fds":3}})";
  options.capabilities = Bytes(text.begin(), text.end());
  ScriptedServer server({}, options);
  const auto function = OpenAt(server);
  server.TakeHeard();
  REQUIRE(function->EnableInterrupts(5) == PciError::kNone);
  REQUIRE(function->EnableInterrupts(0) == PciError::kNone);
  REQUIRE(function->EnableInterrupts(0) == PciError::kNone);
  CheckHeard(&server, {{7, Pack(16u, 0u, 2u, 0u), 0},
                       {8, Pack(20u, 0x24u, 2u, 0u, 3u), 3},
                       {8, Pack(20u, 0x24u, 2u, 3u, 2u), 2},
                       {8, Pack(20u, 0x21u, 2u, 0u, 0u), 0}});
}

TEST_CASE("a server that names no number gets eight descriptors at once") {
  ScriptedServer server;
  const auto function = OpenAt(server);
  server.TakeHeard();
  REQUIRE(function->EnableInterrupts(9) == PciError::kNone);
  CheckHeard(&server, {{7, Pack(16u, 0u, 2u, 0u), 0},
                       {8, Pack(20u, 0x24u, 2u, 0u, 8u), 8},
                       {8, Pack(20u, 0x24u, 2u, 8u, 1u), 1}});
}

TEST_CASE("a reset is made quiet first, and BARs and decoding come back after it") {
  ScriptedServer server([](ScriptedServer* self, const ScriptedServer::Received& request) {
    if (request.command == 13) {
      self->config[4] = 0;
      for (int at = 0x10; at < 0x28; ++at) self->config[at] = at == 0x18 ? 0x0c : 0;
    }
    return false;
  });
  const auto function = OpenAt(server);
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  REQUIRE(function->EnableInterrupts(1) == PciError::kNone);
  server.TakeHeard();
  REQUIRE(function->ResetFunction() == PciError::kNone);
  CheckHeard(&server, {{8, Pack(20u, 0x21u, 2u, 0u, 0u), 0},
                       ReadOf(7, 4, 2),
                       WriteOf(7, 4, {2, 0}),
                       ReadOf(7, 4, 2),
                       {13, {}, 0},
                       ReadOf(7, 0x10, 4),
                       WriteOf(7, 0x10, Pack(0xc0000000u)),
                       ReadOf(7, 0x18, 4),
                       WriteOf(7, 0x18, Pack(0u)),
                       WriteOf(7, 0x1c, Pack(0x4000u)),
                       ReadOf(7, 4, 2),
                       WriteOf(7, 4, {2, 0}),
                       ReadOf(7, 4, 2)});
  CHECK(function->BarRead32(0, 0) == 0);
  CHECK(function->WaitInterrupt(0, 0) == PciError::kBadArgument);
}

TEST_CASE("closing switches interrupts and bus mastering off") {
  ScriptedServer server;
  auto function = OpenAt(server);
  REQUIRE(function->SetBusMaster(true) == PciError::kNone);
  REQUIRE(function->EnableInterrupts(2) == PciError::kNone);
  server.TakeHeard();
  function.reset();
  server.WaitForEnd();
  CheckHeard(&server, {{8, Pack(20u, 0x21u, 2u, 0u, 0u), 0},
                       ReadOf(7, 4, 2),
                       WriteOf(7, 4, {2, 0}),
                       ReadOf(7, 4, 2)});
}

TEST_CASE("each request has an id of its own, the size it says, and no flag") {
  std::vector<uint16_t> ids;
  bool is_clean = true;
  {
    ScriptedServer server([&](ScriptedServer*, const ScriptedServer::Received& request) {
      ids.push_back(request.id);
      is_clean = is_clean && request.flags == 0 && request.error == 0;
      return false;
    });
    const auto function = OpenAt(server);
    for (int i = 0; i < 500; ++i) function->BarRead32(0, 0);
  }
  CHECK(is_clean);
  REQUIRE(ids.size() > 500);
  for (size_t i = 1; i < ids.size(); ++i) {
    CHECK(ids[i - 1] + 1 == ids[i]);
  }
}

}  // namespace
}  // namespace ward::kmd
