#include "tests/fuzz/vfio_user/second_client.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "tests/fuzz/oracle.h"
#include "tests/unit/vfio_user/session_maker.h"

namespace ward::fuzz {
namespace {

namespace wire = abi::vfio_user;
using test::BytesOf;
using test::ClientRam;
using test::TestDriver;
using test::WireClient;
using test::WireMessage;
using wire::Command;

constexpr uint32_t kMagic = 0x44524157;  // WARD
constexpr uint64_t kPattern = 0x7061747465726e21;

wire::RegionInfo AskRegion(WireClient* client, uint32_t region, FileDescriptor* file) {
  WireMessage reply =
      client->Call(Command::kGetRegionInfo, BytesOf(wire::RegionInfo{32, 0, region, 0, 0, 0}));
  if (!reply.descriptors.empty()) *file = std::move(reply.descriptors.front());
  return reply.As<wire::RegionInfo>();
}

// A file of nothing but holes holds no byte of anybody.
bool IsZero(int file) {
  if (lseek(file, 0, SEEK_DATA) < 0) return errno == ENXIO;
  std::vector<uint8_t> bytes(OneThreadDevice::kVramBytes);
  if (pread(file, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return false;
  }
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

ino_t FileNumber(int file) {
  struct stat status{};
  return fstat(file, &status) == 0 ? status.st_ino : 0;
}

uint64_t VramWord(WireClient* client, uint64_t offset) {
  const WireMessage reply = client->ReadRegion(abi::kVramBar, offset, 8);
  return reply.body.size() == 24 ? LoadLe<uint64_t>(reply.body.data() + 16) : ~uint64_t{0};
}

void CheckRegisters(WireClient* client) {
  const char* const oracle = "fresh_answers";
  Expect(client->Register(abi::kRegDeviceMagic) == kMagic, oracle, "the device's magic");
  Expect(client->Register(abi::kRegScratch) == 0, oracle, "a register is as after power-on");
  client->SetRegister(abi::kRegScratch, 0x600d);
  Expect(client->Register(abi::kRegScratch) == 0x600d, oracle, "a register keeps what is written");
}

void CheckVram(WireClient* client, const std::vector<FileDescriptor>& former,
               const FreshChecks& checks) {
  FileDescriptor file;
  const wire::RegionInfo info = AskRegion(client, abi::kVramBar, &file);
  Expect(info.size == OneThreadDevice::kVramBytes && file.valid(), "fresh_answers",
         "visible VRAM and its file");
  Expect(IsZero(file.get()), "fresh_vram", "a new client's VRAM is zero");
  for (const FileDescriptor& kept : former) {
    Expect(FileNumber(kept.get()) != FileNumber(file.get()), "fresh_vram",
           "each client has a file of its own");
    Expect(!checks.former_is_zero || IsZero(kept.get()), "former_vram",
           "what a client leaves behind is zero");
  }
  for (const FileDescriptor& kept : former) {
    // He still writes there.
    const ssize_t written = pwrite(kept.get(), &kPattern, sizeof(kPattern), 0);
    Expect(written == sizeof(kPattern), "former_vram", "the file's size is sealed");
  }
  Expect(VramWord(client, 0) == 0, "fresh_vram", "nobody else reaches a client's VRAM");
  Expect(client->WriteRegion(abi::kVramBar, 8, BytesOf(kPattern)).error() == 0 &&
             VramWord(client, 8) == kPattern,
         "fresh_answers", "VRAM keeps what is written");
}

// A command that is not done by then is not done: a client's time, in a session of a server that
// does nothing for it, would be long.
bool FenceComes(WireClient* client, uint64_t value) {
  constexpr int kMostLooks = 1000;
  for (int look = 0; look < kMostLooks; ++look) {
    if (client->Register(abi::kRegLastFenceLo) == static_cast<uint32_t>(value)) return true;
  }
  return false;
}

void CheckQueue(WireClient* client, bool with_session) {
  const char* const oracle = "fresh_work";
  ClientRam ram(0x80000);
  Expect(client->Map(ram.bus(), ram.size(), ram.descriptor()) == 0, oracle, "memory is mapped");
  TestDriver driver(client, &ram);
  driver.StartQueue();
  ram.Store(ram.bus() + TestDriver::kData, kPattern);
  driver.PushCopy(ram.bus() + TestDriver::kData + 64, ram.bus() + TestDriver::kData, 8);
  driver.PushFence(1);
  driver.Doorbell();
  Expect(FenceComes(client, 1), oracle, "a command runs");
  Expect(ram.Load<uint64_t>(ram.bus() + TestDriver::kData + 64) == kPattern, oracle,
         "and does what it says");
  if (!with_session) return;
  driver.StartQueue();
  test::SessionMaker maker(client, &ram, &driver);
  Expect(maker.Make() != 0, oracle, "a crypto session is made");
}

}  // namespace

Bystander::Bystander(const OneThreadDevice& device)
    : client_(device.Connect()), ram_(0x10000), driver_(&client_, &ram_) {
  client_.Agree();
  client_.PowerUp();
  AskRegion(&client_, abi::kVramBar, &vram_);
  Expect(pwrite(vram_.get(), &kPattern, sizeof(kPattern), 0x1238) == sizeof(kPattern), "bystander",
         "its VRAM can be written to");
  Expect(client_.Map(ram_.bus(), ram_.size(), ram_.descriptor()) == 0, "bystander",
         "its memory is mapped");
  driver_.StartQueue();
}

void Bystander::Check() {
  const char* const oracle = "bystander";
  try {
    client_.SetRegister(abi::kRegScratch, ++round_);
    Expect(client_.Register(abi::kRegScratch) == round_, oracle, "its registers are its own");
    Expect(VramWord(&client_, 0x1238) == kPattern, oracle, "its VRAM is its own");
    driver_.PushFence(round_);
    driver_.Doorbell();
    Expect(driver_.AwaitFence(round_), oracle, "its commands run");
    Expect(ram_.Load<uint64_t>(ram_.bus() + TestDriver::kFence) == round_, oracle,
           "its memory is reached");
  } catch (const std::exception& failure) {
    Expect(false, oracle, failure.what());
  }
}

void CheckNewcomer(const OneThreadDevice& device) {
  try {
    WireClient client(device.Connect());
    Expect(client.Agree().error() == EBUSY, "newcomer", "a device that is taken says so");
    Expect(client.IsClosed(), "newcomer", "and lets go who came");
  } catch (const std::exception& failure) {
    Expect(false, "newcomer", failure.what());
  }
}

void CheckFresh(const OneThreadDevice& device, const std::vector<FileDescriptor>& former,
                const FreshChecks& checks) {
  try {
    WireClient client(device.Connect());
    const WireMessage agreed = client.Agree();
    Expect(agreed.error() == 0 && agreed.As<wire::Version>().major == wire::kMajor, "fresh_answers",
           "a new client is let in");
    client.PowerUp();
    CheckVram(&client, former, checks);
    CheckRegisters(&client);
    if (checks.queue) CheckQueue(&client, checks.session);
  } catch (const std::exception& failure) {
    Expect(false, "fresh_answers", failure.what());
  }
}

}  // namespace ward::fuzz
