// The parts of the machine that driving a function by VFIO needs.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <system_error>

#include "abi/generated/pci.h"
#include "emulator/cli/doctor/finding.h"

namespace ward::emulator {
namespace {

constexpr uint64_t kWantedLockedBytes = 64ull << 20;  // rings, fences and buffers, with room

// The name that a link points to; empty without one.
std::string LinkName(const std::filesystem::path& link) {
  std::error_code trouble;
  const std::filesystem::path target = std::filesystem::read_symlink(link, trouble);
  return trouble ? "" : target.filename().string();
}

bool IsOurs(const std::filesystem::path& function) {
  return std::strtoul(FirstLine(function / "vendor").c_str(), nullptr, 16) == abi::kVendorId &&
         std::strtoul(FirstLine(function / "device").c_str(), nullptr, 16) == abi::kDeviceId;
}

Finding ExamineFunction(const std::filesystem::path& root, const std::string& address) {
  const std::filesystem::path function = root / "sys/bus/pci/devices" / address;
  const std::string driver = LinkName(function / "driver");
  if (driver != "vfio-pci") {
    return {"function", FindingKind::kMissing,
            fmt::format("{} is bound to {}", address, driver.empty() ? "nothing" : driver),
            fmt::format("echo vfio-pci | sudo tee /sys/bus/pci/devices/{0}/driver_override{1} && "
                        "echo {0} | sudo tee /sys/bus/pci/drivers_probe",
                        address,
                        driver.empty() ? ""
                                       : fmt::format(" && echo {0} | sudo tee "
                                                     "/sys/bus/pci/devices/{0}/driver/unbind",
                                                     address))};
  }
  const std::string group = LinkName(function / "iommu_group");
  if (group.empty()) {
    return {"function", FindingKind::kMissing,
            fmt::format("{} is bound to vfio-pci and has no IOMMU group", address),
            "boot with an IOMMU: intel_iommu=on, or -device intel-iommu before the function"};
  }
  const std::filesystem::path device = root / "dev/vfio" / group;
  if (access(device.c_str(), R_OK | W_OK) != 0) {
    return {"function", FindingKind::kMissing,
            fmt::format("{}: /dev/vfio/{} can't be opened by this user", address, group),
            fmt::format("sudo chown $(id -un) /dev/vfio/{}", group)};
  }
  return {"function", FindingKind::kOk,
          fmt::format("{} is bound to vfio-pci, IOMMU group {}; try: ward info -f {}", address,
                      group, address),
          ""};
}

uint64_t FreeHugePages(const std::filesystem::path& root) {
  std::ifstream info(root / "proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    constexpr std::string_view kKey = "HugePages_Free:";
    if (line.starts_with(kKey)) return std::strtoull(line.c_str() + kKey.size(), nullptr, 10);
  }
  return 0;
}

}  // namespace

std::vector<Finding> ExamineVfio(const std::filesystem::path& root) {
  std::vector<Finding> findings;
  std::error_code trouble;
  if (std::filesystem::exists(root / "dev/vfio/vfio", trouble)) {
    findings.push_back({"vfio", FindingKind::kOk, "/dev/vfio/vfio is there", ""});
  } else {
    findings.push_back({"vfio", FindingKind::kNote,
                        "no /dev/vfio/vfio: functions of this machine can't be driven",
                        "sudo modprobe vfio-pci"});
  }
  const size_t groups = ListNames(root / "sys/kernel/iommu_groups").size();
  if (groups != 0) {
    findings.push_back({"iommu", FindingKind::kOk, fmt::format("{} groups", groups), ""});
  } else {
    findings.push_back({"iommu", FindingKind::kNote,
                        "no IOMMU groups: functions of this machine can't be driven",
                        "boot with intel_iommu=on or amd_iommu=on, and switch it on in firmware"});
  }
  return findings;
}

std::vector<Finding> ExamineFunctions(const std::filesystem::path& root) {
  std::vector<Finding> findings;
  for (const std::string& address : ListNames(root / "sys/bus/pci/devices")) {
    if (IsOurs(root / "sys/bus/pci/devices" / address)) {
      findings.push_back(ExamineFunction(root, address));
    }
  }
  if (findings.empty()) {
    findings.push_back(
        {"function", FindingKind::kNote,
         fmt::format("no function {:04x}:{:04x} in this machine", abi::kVendorId, abi::kDeviceId),
         "ward serve, or in-process"});
  }
  return findings;
}

std::vector<Finding> ExamineMemory(const std::filesystem::path& root) {
  std::vector<Finding> findings;
  rlimit limit = {};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < kWantedLockedBytes) {
    findings.push_back({"memlock", FindingKind::kNote,
                        fmt::format("{} KiB may be locked, VFIO wants {} KiB", limit.rlim_cur >> 10,
                                    kWantedLockedBytes >> 10),
                        "ulimit -l unlimited, or LimitMEMLOCK= in the unit"});
  } else {
    findings.push_back({"memlock", FindingKind::kOk, "enough memory may be locked", ""});
  }
  const uint64_t pages = FreeHugePages(root);
  findings.push_back(
      {"hugepages", pages == 0 ? FindingKind::kNote : FindingKind::kOk,
       fmt::format("{} free{}", pages, pages == 0 ? "; guests run without them" : ""), ""});
  return findings;
}

}  // namespace ward::emulator
