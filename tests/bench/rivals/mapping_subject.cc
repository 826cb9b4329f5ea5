#include "tests/bench/rivals/mapping_subject.h"

#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <vector>

#include "abi/generated/pci.h"
#include "tests/bench/attachments/sampler.h"

namespace ward::bench {
namespace {

constexpr size_t kLargeBytes = 32u << 20;
constexpr size_t kMib = 1u << 20;

// Of the mapping that holds `at`, as the kernel tells it.
size_t LargePageBytesAt(const uint8_t* at) {
  const auto address = reinterpret_cast<uintptr_t>(at);
  std::ifstream maps("/proc/self/smaps");
  bool is_inside = false;
  for (std::string line; std::getline(maps, line);) {
    uintptr_t first = 0;
    uintptr_t end = 0;
    size_t kib = 0;
    if (std::sscanf(line.c_str(), "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2) {
      is_inside = first <= address && address < end;
    } else if (is_inside && std::sscanf(line.c_str(), "AnonHugePages: %zu kB", &kib) == 1) {
      return kib * 1024;
    }
  }
  return 0;
}

}  // namespace

double MappingSubject::Measure(const std::string& figure, uint32_t count) {
  const bool is_large = figure == "large";
  if (!is_large && figure != "small") throw std::invalid_argument(figure);
  Sampler samples(count);
  while (samples.WantsMore()) {
    samples.Add(is_large ? TimeBuffers(1, kLargeBytes) / (kLargeBytes / kMib)
                         : TimeBuffers(kMib / abi::kPageSize, abi::kPageSize));
  }
  return samples.Median();
}

double MappingSubject::TimeBuffers(size_t buffers, size_t bytes) {
  std::vector<abi::DmaBuffer> made(buffers);
  const auto start = Clock::now();
  for (abi::DmaBuffer& buffer : made) {
    if (function_->AllocateDma(bytes, &buffer) != abi::PciError::kNone) {
      throw std::runtime_error(std::string("no DMA memory: ") + function_->LastErrorText());
    }
  }
  const double nanoseconds = NanosecondsSince(start);
  const abi::DmaBuffer first = made.front();
  const bool has_large_pages =
      bytes < abi::kLargePageSize ||
      (LargePageBytesAt(first.cpu) >= bytes && first.bus_address % abi::kLargePageSize == 0);
  for (const abi::DmaBuffer& buffer : made) function_->FreeDma(buffer);
  if (!has_large_pages) throw std::runtime_error("a large buffer is not of large pages");
  return nanoseconds;
}

}  // namespace ward::bench
