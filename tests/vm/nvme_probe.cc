// Tries the VFIO port on QEMU's NVMe controller (NVM Express base specification 1.4): MSI-X with
// its table in a register BAR, DMA, function-level reset.
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/vm/probe.h"

namespace {

using ward::abi::DmaBuffer;
using ward::abi::PciError;
using ward::kmd::VfioFunction;
using ward::probe::Check;

constexpr uint64_t kControllerConfig = 0x14;
constexpr uint64_t kControllerStatus = 0x1c;
constexpr uint64_t kAdminQueueSizes = 0x24;
constexpr uint64_t kAdminSubmission = 0x28;
constexpr uint64_t kAdminCompletion = 0x30;
constexpr uint64_t kSubmissionDoorbell = 0x1000;
constexpr uint64_t kCompletionDoorbell = 0x1004;
constexpr uint32_t kEnable = 1;
constexpr uint32_t kEntrySizes = 4u << 20 | 6u << 16;  // completion 16 bytes, submission 64 bytes
constexpr uint32_t kQueueEntries = 16;

struct Memory {
  DmaBuffer submission;
  DmaBuffer completion;
  DmaBuffer data;
};

void Write64(VfioFunction& nvme, uint64_t offset, uint64_t value) {
  nvme.BarWrite32(0, offset, static_cast<uint32_t>(value));
  nvme.BarWrite32(0, offset + 4, static_cast<uint32_t>(value >> 32));
}

bool Start(VfioFunction& nvme, const Memory& memory) {
  std::memset(memory.completion.cpu, 0, memory.completion.size_bytes);
  nvme.BarWrite32(0, kAdminQueueSizes, (kQueueEntries - 1) << 16 | (kQueueEntries - 1));
  Write64(nvme, kAdminSubmission, memory.submission.bus_address);
  Write64(nvme, kAdminCompletion, memory.completion.bus_address);
  nvme.BarWrite32(0, kControllerConfig, kEntrySizes | kEnable);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while ((nvme.BarRead32(0, kControllerStatus) & 1) == 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// The first command after a start: identify controller, its answer to `memory.data`.
void SendIdentify(VfioFunction& nvme, const Memory& memory) {
  uint8_t command[64] = {};
  const uint32_t opcode_and_id = 0x06 | 0x1234u << 16;
  const uint32_t controller = 1;
  std::memcpy(command, &opcode_and_id, sizeof(opcode_and_id));
  std::memcpy(command + 24, &memory.data.bus_address, sizeof(memory.data.bus_address));
  std::memcpy(command + 40, &controller, sizeof(controller));
  std::memcpy(memory.submission.cpu, command, sizeof(command));
  nvme.BarWrite32(0, kSubmissionDoorbell, 1);
}

void CheckIdentify(VfioFunction& nvme, const Memory& memory, const char* name) {
  std::memset(memory.data.cpu, 0, memory.data.size_bytes);
  SendIdentify(nvme, memory);
  const bool fired = nvme.WaitInterrupt(0, 5000) == PciError::kNone;
  uint32_t last = 0;
  std::memcpy(&last, memory.completion.cpu + 12, sizeof(last));
  // Command 0x1234, phase 1, status 0.
  const bool completed = last == (0x1234u | 1u << 16);
  const bool is_ours = std::memcmp(memory.data.cpu + 4, "ward-probe ", 11) == 0;
  nvme.BarWrite32(0, kCompletionDoorbell, 1);
  Check(fired && completed && is_ours, name, nvme);
}

// Ends when the host takes the controller away, which it does after the line "waiting".
int AwaitRemoval() {
  auto nvme = ward::probe::OpenFunction();
  Check(nvme->SetBusMaster(true) == PciError::kNone && nvme->EnableInterrupts(1) == PciError::kNone,
        "a controller to be unplugged", *nvme);
  std::printf("waiting\n");
  std::fflush(stdout);
  Check(nvme->WaitInterrupt(0, 60000) == PciError::kGone, "the wait ends as gone", *nvme);
  Check(nvme->WaitInterrupt(0, 60000) == PciError::kGone, "so does a second one", *nvme);
  return ward::probe::failures == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && std::strcmp(arguments[1], "await-removal") == 0) return AwaitRemoval();
  auto nvme = ward::probe::OpenFunction();
  Memory memory;
  Check(nvme->AllocateDma(4096, &memory.submission) == PciError::kNone &&
            nvme->AllocateDma(4096, &memory.completion) == PciError::kNone &&
            nvme->AllocateDma(4096, &memory.data) == PciError::kNone,
        "queue memory", *nvme);
  Check(nvme->SetBusMaster(true) == PciError::kNone, "bus mastering on", *nvme);
  Check(nvme->EnableInterrupts(2) == PciError::kNone, "two MSI-X vectors", *nvme);
  Check(Start(*nvme, memory), "the controller starts", *nvme);
  CheckIdentify(*nvme, memory, "identify by DMA and MSI-X vector 0");
  Check(nvme->WaitInterrupt(1, 20) == PciError::kTimeout, "vector 1 stays quiet", *nvme);

  Check(nvme->ResetFunction() == PciError::kNone, "function reset", *nvme);
  Check((nvme->BarRead32(0, kControllerConfig) & kEnable) == 0 &&
            (nvme->BarRead32(0, kControllerStatus) & 1) == 0,
        "after the reset the controller is off", *nvme);
  Check((nvme->ConfigRead(4, 2) & 6) == 2 && nvme->WaitInterrupt(0, 0) == PciError::kBadArgument,
        "after the reset bus mastering and interrupts are off, memory decoding on", *nvme);
  Check(nvme->SetBusMaster(true) == PciError::kNone &&
            nvme->EnableInterrupts(1) == PciError::kNone && Start(*nvme, memory),
        "the controller starts again with the old DMA memory", *nvme);
  CheckIdentify(*nvme, memory, "identify again");
  return ward::probe::failures == 0 ? 0 : 1;
}
