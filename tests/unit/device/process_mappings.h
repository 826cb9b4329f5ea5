// What the kernel says of this process's memory: /proc/self/smaps.
#ifndef WARD_TESTS_UNIT_DEVICE_PROCESS_MAPPINGS_H_
#define WARD_TESTS_UNIT_DEVICE_PROCESS_MAPPINGS_H_

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace ward::device {

struct ProcessMapping {
  uintptr_t first = 0;
  uintptr_t end = 0;
  std::string flags;  // two letters each, between blanks

  bool Has(const std::string& flag) const { return flags.find(" " + flag + " ") != flags.npos; }
};

inline std::vector<ProcessMapping> ReadProcessMappings() {
  std::vector<ProcessMapping> mappings;
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  while (std::getline(maps, line)) {
    ProcessMapping mapping;
    char dash = 0;
    std::istringstream head(line);
    if (head >> std::hex >> mapping.first >> dash >> mapping.end && dash == '-') {
      mappings.push_back(mapping);
    } else if (!mappings.empty() && line.rfind("VmFlags:", 0) == 0) {
      mappings.back().flags = line + ' ';
    }
  }
  return mappings;
}

// The flags of the mapping that holds `address`; empty when none does.
inline std::string FlagsOfMapping(const void* address) {
  const auto wanted = reinterpret_cast<uintptr_t>(address);
  for (const ProcessMapping& mapping : ReadProcessMappings()) {
    if (mapping.first <= wanted && wanted < mapping.end) return mapping.flags;
  }
  return "";
}

// Bytes of address space that core dumps leave out ("dd").
inline uint64_t BytesOutsideCoreDumps() {
  uint64_t size_bytes = 0;
  for (const ProcessMapping& mapping : ReadProcessMappings()) {
    if (mapping.Has("dd")) size_bytes += mapping.end - mapping.first;
  }
  return size_bytes;
}

}  // namespace ward::device

#endif  // WARD_TESTS_UNIT_DEVICE_PROCESS_MAPPINGS_H_
