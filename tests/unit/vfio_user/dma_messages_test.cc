// Memory that the client keeps to itself: the chip reads rings and writes fences by messages.
// QEMU's rule stands over all: it answers DMA only when its own register access is answered.
#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/server_rig.h"
#include "tests/unit/vfio_user/test_driver.h"
#include "tests/unit/vfio_user/waiting_chip.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

TEST_CASE("V26 the chip's first look at a ring without a file is a DMA_READ of the ring") {
  WaitingChip chip;
  CHECK(chip.asked.header.command == Command::kDmaRead);
  CHECK(chip.asked.header.flags == wire::kTypeRequest);
  CHECK(chip.asked.header.error == 0);
  CHECK(chip.asked.body.size() == sizeof(wire::DmaAccess));
  CHECK(chip.asked.As<wire::DmaAccess>().address == chip.ram.bus());
}

TEST_CASE("the deadlock rule: register accesses are answered while the chip waits for DMA") {
  WaitingChip chip;
  CHECK(chip.client.Register(abi::kRegDeviceMagic) == 0x44524157);
  CHECK(chip.client.Register(abi::kRegLastFenceLo) == 0);
  CHECK(chip.client.Register(abi::kRegTimestampLo) != 0);
  CHECK(chip.client.ReadRegion(0, abi::kRegDeviceMagic, 2).body.size() == 18);
  chip.client.SetRegister(abi::kRegScratch, 41);  // acknowledged, done later, seen at once
  CHECK(chip.client.Register(abi::kRegScratch) == 41);
  CHECK(chip.client.Config(0, 2) == abi::kVendorId);
  CHECK(chip.client.Map(0x90000000, 0x1000, -1) == 0);
  CHECK(chip.client.CallError(Command::kGetInfo, BytesOf(wire::DeviceInfo{16, 0, 0, 0})) == 0);
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.client.Answer(chip.asked);
  CHECK(chip.driver.AwaitFence(7));
  CHECK(chip.client.Register(abi::kRegScratch) == 41);
}

TEST_CASE("writes that were acknowledged amid a wait are done in their order") {
  WaitingChip chip;
  for (uint32_t i = 1; i <= 100; ++i) chip.client.SetRegister(abi::kRegScratch, i);
  chip.client.SetRegister(abi::kRegInterruptVector, 9);
  chip.client.SetRegister(abi::kRegInterruptVector, 11);
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.client.Answer(chip.asked);
  CHECK(chip.driver.AwaitFence(7));
  CHECK(chip.client.Register(abi::kRegScratch) == 100);
  CHECK(chip.client.Register(abi::kRegInterruptVector) == 11);
}

TEST_CASE("a client that answers DMA meanwhile reads what it wrote before") {
  WaitingChip chip;
  // Write, read and the answer to the DMA request in one go: the read has not waited in vain.
  const auto message = [](uint16_t id, Command command, const WireBytes& body) {
    return WireClient::Encode({id, command, static_cast<uint32_t>(16 + body.size()), 0, 0}, body);
  };
  WireBytes all =
      message(501, Command::kRegionWrite, WireClient::WriteBody(0, abi::kRegScratch, BytesOf(43u)));
  const WireBytes read =
      message(502, Command::kRegionRead, WireClient::ReadBody(0, abi::kRegScratch, 4));
  const WireBytes refusal = BytesOf(wire::Header{chip.asked.header.id, chip.asked.header.command,
                                                 16, wire::kTypeReply | wire::kError, ENODEV});
  all.insert(all.end(), read.begin(), read.end());
  all.insert(all.end(), refusal.begin(), refusal.end());
  chip.client.SendBytes(all);
  CHECK(chip.client.AwaitReply(501).error() == 0);
  const WireMessage reply = chip.client.AwaitReply(502);
  REQUIRE(reply.body.size() == 20);
  CHECK(LoadLe<uint32_t>(reply.body.data() + 16) == 43);
}

TEST_CASE("as QEMU does it: DMA is answered only after the client's own access") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  ClientRam ram(1 << 20);
  ram.ServeTo(&client);
  client.policy = DmaPolicy::kAfterReply;
  REQUIRE(client.Map(ram.bus(), ram.size(), -1) == 0);
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  const uint64_t data = ram.bus() + TestDriver::kData;
  for (uint32_t i = 0; i < 0x9000; ++i) *ram.Find(data + i, 1) = static_cast<uint8_t>(i * 3);
  for (uint64_t round = 1; round <= 5; ++round) {
    driver.PushCopy(data + round * 0x10000, data, 0x9000);
    driver.PushFence(round);
    driver.Doorbell();
    REQUIRE(driver.AwaitFence(round));
    CHECK(std::memcmp(ram.Find(data, 0x9000), ram.Find(data + round * 0x10000, 0x9000), 0x9000) ==
          0);
  }
  CHECK(ram.Load<uint64_t>(ram.bus() + TestDriver::kFence) == 5);
}

TEST_CASE("F4_ V33 a window that is unmapped amid a wait is not asked for again") {
  WaitingChip chip;
  CHECK(chip.client.Unmap(chip.ram.bus(), chip.ram.size()) == 0);
  chip.client.Answer(chip.asked);
  // The fence can't be written any more. Nothing is asked: the next thing to come is this reply.
  chip.client.policy = DmaPolicy::kKept;
  CHECK_FALSE(chip.driver.AwaitFence(7));
  CHECK(chip.client.kept.empty());
  CHECK(chip.driver.Fault() == abi::kStatusBusError);
}

TEST_CASE(
    "V3 P17_ a reset amid a wait is done at once, and what it cut short is not taken up again") {
  WaitingChip chip;
  REQUIRE(chip.client.Call(Command::kReset, {}).error() == 0);
  CHECK(chip.client.Config(4, 2) == 0);
  chip.client.PowerUp();
  CHECK(chip.client.Register(abi::kRegQueueControl) == 0);
  CHECK(chip.client.Register(abi::kRegFaultStatus) == 0);
  chip.client.Answer(chip.asked);  // too late
  CHECK(chip.client.Register(abi::kRegRingHead) == 0);
  CHECK(chip.client.kept.empty());
  CHECK(chip.ram.Load<uint64_t>(chip.ram.bus() + TestDriver::kFence) == 0);
  // And it can be used again.
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.driver.StartQueue();
  chip.driver.PushFence(8);
  chip.driver.Doorbell();
  CHECK(chip.driver.AwaitFence(8));
}

TEST_CASE("V1 V3 writes on both sides of a reset amid a wait keep their places") {
  WaitingChip chip;
  chip.client.SetRegister(abi::kRegScratch, 1);
  const uint16_t reset = chip.client.Send(Command::kReset, {});
  CHECK(chip.client.AwaitReply(reset).error() == 0);
  chip.client.PowerUp();
  CHECK(chip.client.Register(abi::kRegScratch) == 0);
  chip.client.SetRegister(abi::kRegScratch, 2);
  CHECK(chip.client.Register(abi::kRegScratch) == 2);
}

TEST_CASE("F15_ bus mastering switched off amid a wait ends it, and no request comes after it") {
  WaitingChip chip;
  chip.client.SetConfig(4, 2, 2);
  CHECK(chip.client.Config(4, 2) == 2);
  CHECK_FALSE(chip.driver.AwaitFence(7));
  CHECK(chip.driver.Fault() == abi::kStatusBusError);
  CHECK(chip.client.kept.empty());
  chip.client.Answer(chip.asked);
  chip.client.PowerUp();
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.driver.StartQueue();
  chip.driver.PushFence(1);
  chip.driver.Doorbell();
  CHECK(chip.driver.AwaitFence(1));
}

TEST_CASE("what is written to config space and BAR4 amid a wait is not lost") {
  WaitingChip chip;
  chip.client.SetConfig(0x10, 4, 0xc0000000);
  chip.client.SetConfig(0x3c, 1, 0x5a);
  CHECK(chip.client.WriteRegion(4, 0x20, BytesOf(0xfee00000u)).error() == 0);
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.client.Answer(chip.asked);
  CHECK(chip.driver.AwaitFence(7));
  CHECK(chip.client.Config(0x10) == 0xc0000000);
  CHECK(chip.client.Config(0x3c, 1) == 0x5a);
  CHECK(chip.client.ReadRegion(4, 0x20, 4).body == [] {
    WireBytes body = BytesOf(wire::RegionAccess{0x20, 4, 4});
    const WireBytes value = BytesOf(0xfee00000u);
    body.insert(body.end(), value.begin(), value.end());
    return body;
  }());
}

TEST_CASE("F6_ a client that goes while the chip waits for it leaves a chip as new") {
  WaitingChip chip;
  chip.client.Close();
  CHECK(ServesFreshClient(chip.device));
}

TEST_CASE(
    "P14_ an answer with an id that nobody waits for is ignored; the right one still counts") {
  WaitingChip chip;
  wire::Header header = {static_cast<uint16_t>(chip.asked.header.id + 1), Command::kDmaRead, 16,
                         wire::kTypeReply | wire::kError, ENODEV};
  for (int i = 0; i < 50; ++i) chip.client.SendBytes(BytesOf(header));
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.client.Answer(chip.asked);
  chip.client.Answer(chip.asked);  // twice
  CHECK(chip.driver.AwaitFence(7));
}

TEST_CASE("P14_ an answer that does not fit what was asked ends the connection") {
  for (int wrong = 0; wrong < 6; ++wrong) {
    CAPTURE(wrong);
    WaitingChip chip;
    auto access = chip.asked.As<wire::DmaAccess>();
    wire::Header header = {chip.asked.header.id, Command::kDmaRead, 0, wire::kTypeReply, 0};
    WireBytes data(access.count);
    if (wrong == 0) data.pop_back();
    if (wrong == 1) data.push_back(0);
    if (wrong == 2) ++access.address;
    if (wrong == 3) ++access.count;
    if (wrong == 4) header.command = Command::kDmaWrite;
    WireBytes body = BytesOf(access);
    body.insert(body.end(), data.begin(), data.end());
    if (wrong == 5) body.clear();
    header.size = static_cast<uint32_t>(16 + body.size());
    chip.client.SendBytes(WireClient::Encode(header, body));
    CHECK(chip.client.IsClosed());
    CHECK(ServesFreshClient(chip.device));
  }
}

TEST_CASE("DMA that the client refuses is a bus error of the queue, and the connection stays") {
  WaitingChip chip;
  chip.Refuse(chip.asked);  // of what it reads ahead
  chip.asked = chip.Asked();
  CHECK(chip.asked.As<wire::DmaAccess>().count == sizeof(abi::CommandHeader));
  chip.Refuse(chip.asked);
  CHECK_FALSE(chip.driver.AwaitFence(7));
  CHECK(chip.driver.Fault() == abi::kStatusBusError);
  CHECK(chip.client.Register(abi::kRegFaultAddressLo) == static_cast<uint32_t>(chip.ram.bus()));
}

TEST_CASE("no message is larger than the client said it takes") {
  const ServedDevice device;
  WireClient client = device.Connect();
  REQUIRE(client.Agree(R"({"capabilities":{"max_data_xfer_size":4096,"more":"room for a reply"}})")
              .error() == 0);
  client.PowerUp();
  ClientRam ram(1 << 20);
  uint64_t largest = 0;
  client.memory = [&](uint64_t address, uint64_t size) {
    largest = std::max(largest, size);
    return ram.Find(address, size);
  };
  REQUIRE(client.Map(ram.bus(), ram.size(), -1) == 0);
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  const uint64_t data = ram.bus() + TestDriver::kData;
  for (uint32_t i = 0; i < 0x20000; ++i) *ram.Find(data + i, 1) = static_cast<uint8_t>(i >> 3);
  driver.PushCopy(data + 0x40000, data, 0x20000);
  driver.PushFence(1);
  driver.Doorbell();
  REQUIRE(driver.AwaitFence(1));
  CHECK(largest == 4096);
  CHECK(std::memcmp(ram.Find(data, 0x20000), ram.Find(data + 0x40000, 0x20000), 0x20000) == 0);
}

TEST_CASE("V37 data, then the fence, then the interrupt: in this order on the wire") {
  const ServedDevice device;
  WireClient client = device.Connect();
  REQUIRE(client.Agree(R"({"capabilities":{"ward_interrupt_messages":true,"max_msg_fds":1}})")
              .error() == 0);
  client.PowerUp();
  ClientRam ram(1 << 20);
  ram.ServeTo(&client);
  REQUIRE(client.Map(ram.bus(), ram.size(), -1) == 0);
  client.SetRegister(abi::kRegInterruptVector, 13);
  client.SetRegister(abi::kRegInterruptEnable, 1);
  TestDriver driver(&client, &ram);
  driver.StartQueue();
  const uint64_t data = ram.bus() + TestDriver::kData;
  driver.PushCopy(data + 0x1000, data, 0x100);
  driver.PushFence(3, true);
  client.policy = DmaPolicy::kKept;
  driver.Doorbell();
  std::vector<WireMessage> written;
  while (true) {
    auto message = client.kept.empty() ? client.Receive() : std::nullopt;
    if (!client.kept.empty()) {
      message = std::move(client.kept.front());
      client.kept.pop_front();
    }
    REQUIRE(message);
    if (message->header.command == Command::kInterrupt) {
      CHECK(message->header.flags == (wire::kTypeRequest | wire::kNoReply));
      CHECK(message->As<wire::Interrupt>().vector == 13);
      break;
    }
    client.Answer(*message);
    if (message->header.command == Command::kDmaWrite) written.push_back(std::move(*message));
  }
  REQUIRE(written.size() == 2);
  CHECK(written[0].As<wire::DmaAccess>().address == data + 0x1000);
  CHECK(written[1].As<wire::DmaAccess>().address == ram.bus() + TestDriver::kFence);
  CHECK(written[1].As<wire::DmaAccess>().count == 8);
}

TEST_CASE("F18_ a client that never answers DMA is given up, and the next one is served") {
  WaitingChip chip({.dma_timeout_ms = 100});
  CHECK(chip.client.IsClosed());
  CHECK(ServesFreshClient(chip.device));
}

// Asks and asks from a thread of its own, and reads all replies, until the server closes.
class Flood {
 public:
  explicit Flood(WireClient* client)
      : sender_([client] {
          const WireBytes body = BytesOf(wire::DeviceInfo{16, 0, 0, 0});
          const WireBytes one = WireClient::Encode({1, Command::kGetInfo, 32, 0, 0}, body);
          WireBytes many;
          for (int i = 0; i < 100; ++i) many.insert(many.end(), one.begin(), one.end());
          while (client->SendBytes(many)) {
          }
        }),
        reader_([client] {
          uint8_t bytes[65536];
          while (recv(client->socket(), bytes, sizeof(bytes), 0) > 0) {
          }
        }) {}
  ~Flood() {
    sender_.join();
    reader_.join();
  }

 private:
  std::thread sender_, reader_;
};

TEST_CASE("F18_ V4 a client that asks on and on, and answers no DMA, is given up all the same") {
  WaitingChip chip({.dma_timeout_ms = 200});
  {
    const Flood flood(&chip.client);
  }  // ends because the server closes
  CHECK(ServesFreshClient(chip.device));
}

TEST_CASE("F18_ V4 V15 a device stops amid a wait for DMA, flooded or not") {
  for (const bool floods : {false, true}) {
    CAPTURE(floods);
    WaitingChip chip;  // would wait a minute
    std::unique_ptr<Flood> flood;
    if (floods) flood = std::make_unique<Flood>(&chip.client);
    CHECK(chip.device.StopMs() < 20000);
  }
}

uint64_t ResidentBytes() {
  FILE* file = fopen("/proc/self/statm", "r");
  unsigned long total = 0, resident = 0;
  REQUIRE(fscanf(file, "%lu %lu", &total, &resident) == 2);
  fclose(file);
  return uint64_t{resident} * 4096;
}

// As many as the socket takes.
int SendWhileTaken(const WireClient& client, const WireBytes& message) {
  for (int sent = 0;; ++sent) {
    for (int patience = 0;
         send(client.socket(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0;
         ++patience) {
      if (patience == 50) return sent;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
}

TEST_CASE("F18_ what a client does not read is bounded, amid a wait for DMA and elsewhere") {
  for (const bool waits : {true, false}) {
    CAPTURE(waits);
    WaitingChip chip;
    if (!waits) {
      chip.client.policy = DmaPolicy::kAtOnce;
      chip.client.Answer(chip.asked);
      REQUIRE(chip.driver.AwaitFence(7));
    }
    ServedDevice other;
    const uint64_t before = ResidentBytes();
    const WireBytes read = WireClient::ReadBody(2, 0, 1 << 20);
    const int sent =
        SendWhileTaken(chip.client, WireClient::Encode({1, Command::kRegionRead, 32, 0, 0}, read));
    CHECK(sent > 50);  // 50 MiB, if all were answered
    CHECK(ResidentBytes() - before < (32u << 20));
    CHECK(ServesFreshClient(other));
    chip.client.Close();
    CHECK(ServesFreshClient(chip.device));
  }
}

int OpenDescriptors() {
  int count = 0;
  for (int i = 0; i < 1024; ++i) count += fcntl(i, F_GETFD) >= 0;
  return count;
}

TEST_CASE("F18_ descriptors that a client does not take are bounded") {
  const ServedDevice device;
  WireClient client = device.ConnectReady();
  const int before = OpenDescriptors();
  const WireBytes ask = BytesOf(wire::RegionInfo{32, 0, 2, 0, 0, 0});
  SendWhileTaken(client, WireClient::Encode({1, Command::kGetRegionInfo, 48, 0, 0}, ask));
  CHECK(OpenDescriptors() - before < 40);
  client.Close();
  CHECK(ServesFreshClient(device));
}

TEST_CASE("P14_ descriptors with accesses amid a wait are not kept until its end") {
  WaitingChip chip;
  const int before = OpenDescriptors();
  const int file = chip.ram.descriptor();
  for (int i = 0; i < 20; ++i) {
    CHECK(chip.client.CallError(Command::kRegionWrite,
                                WireClient::WriteBody(0, abi::kRegScratch, BytesOf(1u)),
                                std::vector<int>(16, file)) == EINVAL);
    CHECK(chip.client.CallError(Command::kReset, BytesOf(0)) == EINVAL);
  }
  CHECK(OpenDescriptors() == before);
  chip.client.policy = DmaPolicy::kAtOnce;
  chip.client.Answer(chip.asked);
  CHECK(chip.driver.AwaitFence(7));  // nothing has reset it
  CHECK(chip.client.Register(abi::kRegScratch) == 0);
}

TEST_CASE("P14_ V5 a client that has more done amid a wait than is kept for it is given up") {
  WaitingChip chip;
  const WireBytes write =
      WireClient::Encode({1, Command::kRegionWrite, 36, wire::kNoReply, 0},
                         WireClient::WriteBody(0, abi::kRegScratch, BytesOf(1u)));
  int sent = 0;
  while (sent < 100000 && chip.client.SendBytes(write)) ++sent;
  CHECK(sent < 100000);
  CHECK(chip.client.IsClosed());
  CHECK(ServesFreshClient(chip.device));
}

}  // namespace
}  // namespace ward::test
