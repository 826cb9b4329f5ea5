#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "tests/fuzz/fuzz_machine.h"

#if defined(__clang__)
#define WARD_UNINSTRUMENTED __attribute__((no_sanitize("coverage")))
#else
#define WARD_UNINSTRUMENTED
#endif

namespace ward::fuzz {
namespace {

// True when the canary stands in the bytes at any offset, twice in a row.
WARD_UNINSTRUMENTED bool HoldsCanary(ConstByteSpan bytes) {
  const uint8_t low = kCanary & 0xff;
  for (size_t at = 0; at + 8 <= bytes.size(); ++at) {
    if (bytes[at] != low) continue;
    if (LoadLe<uint64_t>(bytes.data() + at) == (uint64_t{kCanary} << 32 | kCanary)) return true;
  }
  return false;
}

void RecordWrite(BoundaryRecord* record, uint64_t address, ConstByteSpan bytes) {
  record->digest.Add(address);
  record->digest.Add(bytes);
  WARD_ASSERT(!record->look_for_canary || !HoldsCanary(bytes));
}

void CountAccess(BoundaryRecord* record, uint64_t size_bytes) {
  ++record->accesses;
  record->bytes += size_bytes;
}

}  // namespace

bool FuzzBus::Reaches(uint64_t bus_address, uint64_t size_bytes) {
  CountAccess(record_, size_bytes);
  const bool inside =
      bus_address >= kBase && RangeFits(bus_address - kBase, size_bytes, kSizeBytes);
  // Everything that a confined input may name lies in the window, so what does not is invented.
  WARD_ASSERT(inside || !confined);
  return inside && !refuse;
}

bool FuzzBus::Read(uint64_t bus_address, ByteSpan destination) {
  if (!Reaches(bus_address, destination.size())) return false;
  if (hostile != nullptr && !hostile->empty()) {
    hostile->TakeBytes(destination);
  } else {
    std::memcpy(destination.data(), bytes_.data() + (bus_address - kBase), destination.size());
  }
  return true;
}

bool FuzzBus::Write(uint64_t bus_address, ConstByteSpan source) {
  if (!Reaches(bus_address, source.size())) return false;
  RecordWrite(record_, bus_address, source);
  std::memcpy(bytes_.data() + (bus_address - kBase), source.data(), source.size());
  return true;
}

bool FuzzBus::WriteAtomic64(uint64_t bus_address, uint64_t value) {
  WARD_ASSERT(bus_address % 8 == 0);
  uint8_t bytes[8];
  StoreLe<uint64_t>(bytes, value);
  return Write(bus_address, bytes);
}

void FuzzVram::Check(uint64_t offset, uint64_t size_bytes) const {
  CountAccess(record_, size_bytes);
  WARD_ASSERT(RangeFits(offset, size_bytes, bytes_.size()));
  // A snapshot takes and gives all of it at once.
  const bool is_private = offset < kPrivate + kPrivateBytes && offset + size_bytes > kPrivate;
  WARD_ASSERT(!is_private_closed || !is_private || size_bytes == bytes_.size());
}

void FuzzVram::Read(uint64_t offset, ByteSpan destination) {
  Check(offset, destination.size());
  std::memcpy(destination.data(), bytes_.data() + offset, destination.size());
}

void FuzzVram::Write(uint64_t offset, ConstByteSpan source) {
  Check(offset, source.size());
  // A restored snapshot writes all of it at once, which is no output of the chip.
  if (source.size() != bytes_.size()) RecordWrite(record_, offset, source);
  std::memcpy(bytes_.data() + offset, source.data(), source.size());
}

void FuzzVram::WriteAtomic64(uint64_t offset, uint64_t value) {
  WARD_ASSERT(offset % 8 == 0);
  uint8_t bytes[8];
  StoreLe<uint64_t>(bytes, value);
  Write(offset, bytes);
}

void FuzzSmallPorts::SendVector(uint32_t vector) {
  WARD_ASSERT(vector < 32);
  record_->digest.Add(vector);
}

bool FuzzSmallPorts::Fill(ByteSpan destination) {
  if (!entropy_available) return false;
  for (uint8_t& byte : destination) {
    entropy_state = entropy_state * 6364136223846793005ull + 1442695040888963407ull;
    byte = static_cast<uint8_t>((entropy_state >> 33) ^ (entropy_state >> 51));
  }
  return true;
}

void FuzzSmallPorts::OnEvent(const TraceEvent& event) {
  record_->digest.Add(
      ConstByteSpan(reinterpret_cast<const uint8_t*>(event.name), std::strlen(event.name)));
  for (uint64_t argument : event.arguments) record_->digest.Add(argument);
}

}  // namespace ward::fuzz
