#include "tests/bench/chip/device_subject.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "abi/generated/registers.h"
#include "emulator/in_process/in_process_host.h"
#include "tests/bench/chip/figure_table.h"
#include "tests/fakes/test_identity.h"

namespace ward::bench {
namespace {

using Host = std::unique_ptr<emulator::InProcessHost>;

constexpr uint32_t kFirmwareReady = 1;
constexpr double kKibOfAMib = 1024;

Host MakeDevice(bool is_key_checked) {
  const fakes::TestIdentity& identity = fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  emulator::InProcessOptions options;
  options.gpu.identity_key = is_key_checked ? &*identity.key : nullptr;
  options.gpu.identity_private_key = identity.private_key;
  options.gpu.identity_certificates = identity.certificates;
  auto made = emulator::InProcessHost::Create(options);
  if (!made.ok()) throw std::runtime_error(made.fault().reason);
  Host host = std::move(made.value());
  constexpr uint32_t kCommandRegister = 4;
  constexpr uint32_t kMemoryDecoding = 2;
  host->ConfigWrite(kCommandRegister, 2, kMemoryDecoding);
  host->EnableInterrupts(1);
  for (int looks = 0; (host->BarRead32(0, abi::kRegDeviceStatus) &
                       abi::kDeviceStatusFirmwareStateMask) != kFirmwareReady;
       ++looks) {
    if (looks > 1000) throw std::runtime_error("the firmware is not ready");
    host->WaitInterrupt(0, 1);
  }
  return host;
}

double MeasureStart(bool is_key_checked, uint32_t count) {
  fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  return MedianNanoseconds(count, [&] { MakeDevice(is_key_checked); });
}

struct Memory {
  double resident = 0;   // KiB
  double committed = 0;  // KiB: mappings that the kernel accounts for
};

Memory ReadMemory() {
  std::ifstream maps("/proc/self/smaps");
  Memory memory;
  double size = 0;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    double kib = 0;
    if (name == "Size:" && words >> kib) size = kib;
    if (name == "Rss:" && words >> kib) memory.resident += kib;
    if (name != "VmFlags:") continue;
    for (std::string flag; words >> flag;) {
      if (flag == "ac") memory.committed += size;
    }
  }
  if (memory.resident == 0) throw std::runtime_error("/proc/self/smaps says nothing");
  return memory;
}

// Each call makes one more, whatever the count.
Memory AddDevice(std::vector<Host>* devices) {
  fakes::LoadTestIdentity(WARD_SOURCE_DIR);
  const Memory before = ReadMemory();
  devices->push_back(MakeDevice(true));
  const Memory after = ReadMemory();
  return {after.resident - before.resident, after.committed - before.committed};
}

}  // namespace

std::unique_ptr<Subject> MakeDeviceSubject() {
  auto table = std::make_unique<FigureTable>("device");
  const auto devices = std::make_shared<std::vector<Host>>();
  table->Add("start", [](uint32_t count) { return MeasureStart(false, count); });
  table->Add("start_again", [](uint32_t count) { return MeasureStart(true, count); });
  table->Add("resident",
             [devices](uint32_t) { return AddDevice(devices.get()).resident / kKibOfAMib; });
  table->Add("committed",
             [devices](uint32_t) { return AddDevice(devices.get()).committed / kKibOfAMib; });
  return table;
}

}  // namespace ward::bench
