#include "tests/fuzz/vfio_user/wire_mutator.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "abi/generated/pci.h"

namespace ward::fuzz {
namespace {

namespace wire = abi::vfio_user;
using wire::Command;

constexpr Command kCommands[] = {
    Command::kVersion,       Command::kDmaMap,        Command::kDmaUnmap,
    Command::kGetInfo,       Command::kGetRegionInfo, Command::kGetRegionIoFds,
    Command::kGetIrqInfo,    Command::kSetIrqs,       Command::kRegionRead,
    Command::kRegionWrite,   Command::kDmaRead,       Command::kDmaWrite,
    Command::kReset,         Command::kDirtyPages,    Command::kRegionWriteMulti,
    Command::kDeviceFeature, Command::kInterrupt};
constexpr size_t kMaximumRecords = 300;
constexpr size_t kRoom = 1024;  // of a record's arguments

template <typename T>
void Append(const T& value, std::vector<uint8_t>* bytes) {
  const auto* begin = reinterpret_cast<const uint8_t*>(&value);
  bytes->insert(bytes->end(), begin, begin + sizeof(value));
}

std::vector<Record> Split(ConstByteSpan input) {
  std::vector<Record> records;
  while (records.size() < kMaximumRecords) {
    auto record = TakeRecord(&input);
    if (!record) break;
    records.push_back(std::move(*record));
  }
  return records;
}

std::vector<uint8_t> Join(const std::vector<Record>& records) {
  std::vector<uint8_t> input;
  for (const Record& record : records) AppendRecord(record, &input);
  return input;
}

uint8_t Number(Command command) {
  return command == Command::kInterrupt ? 0x80 : static_cast<uint8_t>(command);
}

}  // namespace

uint32_t WireMutator::InterestingNumber() {
  constexpr uint32_t kNumbers[] = {
      0,        1,        2,          3,          4,          7,         8,
      15,       16,       17,         31,         32,         33,        64,
      0xfff,    0x1000,   0x1001,     0xffff,     0x10000,    0xfffff,   0x100000,
      0x100001, 0x101000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
  return kNumbers[Pick(std::size(kNumbers))];
}

uint8_t WireMutator::PickDescriptors() {
  if (Pick(3) != 0) return static_cast<uint8_t>(DescriptorKind::kMemory);
  return static_cast<uint8_t>(Pick(16) | (Pick(4) == 0 ? Pick(16) << 4 : 0));
}

std::vector<uint8_t> WireMutator::MakeVersion() {
  static const std::string kTexts[] = {
      "",
      "{}",
      R"({"capabilities":{"max_msg_fds":16,"max_data_xfer_size":4096,"pgsizes":4096}})",
      R"({"capabilities":{"max_data_xfer_size":1048576,"ward_interrupt_messages":true}})",
      R"({"capabilities":{"max_data_xfer_size":4095}})",
      R"({"capabilities":{"ward_interrupt_messages":1}})",
      R"({"capabilities":[]})",
      R"([[[[[[[[]]]]]]]])",
  };
  std::vector<uint8_t> body;
  Append(wire::Version{static_cast<uint16_t>(Pick(8) == 0 ? 1 : 0), 0}, &body);
  const std::string& text = kTexts[Pick(std::size(kTexts))];
  body.insert(body.end(), text.begin(), text.end());
  if (!text.empty()) body.push_back(0);
  return body;
}

std::vector<uint8_t> WireMutator::MakeAccess(bool writes) {
  constexpr uint32_t kRegions[] = {abi::kRegisterBar, abi::kRegisterBar,   abi::kVramBar,
                                   abi::kMsixBar,     wire::kConfigRegion, wire::kConfigRegion};
  uint32_t region = kRegions[Pick(std::size(kRegions))];
  uint64_t offset = Pick(2) == 0 ? Pick(256) * 4 : InterestingNumber();
  uint32_t count = 1u << Pick(4);
  if (Pick(4) == 0) count = std::min<uint32_t>(InterestingNumber(), 0x2000);
  if (region == abi::kRegisterBar && Pick(4) != 0) {
    const abi::RegisterInfo& info = abi::kRegisters[Pick(std::size(abi::kRegisters))];
    offset = info.offset + Pick(info.block_count) * uint64_t{info.block_stride} +
             Pick(info.element_count) * 4;
    count = 4;
  }
  if (Pick(16) == 0) region = Pick(12);
  std::vector<uint8_t> body;
  Append(wire::RegionAccess{offset, region, count}, &body);
  if (!writes) return body;
  for (uint32_t i = 0; i < count; ++i) {
    body.push_back(static_cast<uint8_t>(Pick(2) == 0 ? random_() : Pick(8)));
  }
  return body;
}

std::vector<uint8_t> WireMutator::MakeBody(Command command) {
  std::vector<uint8_t> body;
  switch (command) {
    case Command::kVersion:
      return MakeVersion();
    case Command::kDmaMap:
      Append(wire::DmaMap{sizeof(wire::DmaMap), 1 + Pick(3), Pick(64) * uint64_t{4096},
                          kMemoryBus + Pick(64) * uint64_t{4096}, 1 + InterestingNumber()},
             &body);
      return body;
    case Command::kDmaUnmap:
      Append(wire::DmaUnmap{sizeof(wire::DmaUnmap), Pick(4), kMemoryBus + Pick(64) * uint64_t{4096},
                            InterestingNumber()},
             &body);
      return body;
    case Command::kGetInfo:
      Append(wire::DeviceInfo{sizeof(wire::DeviceInfo), 0, 0, 0}, &body);
      return body;
    case Command::kGetRegionInfo:
      Append(wire::RegionInfo{sizeof(wire::RegionInfo), 0, Pick(10), 0, 0, 0}, &body);
      return body;
    case Command::kGetIrqInfo:
      Append(wire::IrqInfo{sizeof(wire::IrqInfo), 0, Pick(6), 0}, &body);
      return body;
    case Command::kSetIrqs:
      Append(wire::IrqSet{sizeof(wire::IrqSet), 1u << Pick(3) | 8u << Pick(3), Pick(6), Pick(34),
                          Pick(17)},
             &body);
      return body;
    case Command::kRegionRead:
    case Command::kRegionWrite:
      return MakeAccess(command == Command::kRegionWrite);
    case Command::kDmaRead:
    case Command::kDmaWrite:
      Append(wire::DmaAccess{kMemoryBus, 8}, &body);
      return body;
    default:
      for (uint32_t left = Pick(5) == 0 ? Pick(40) : 0; left != 0; --left) body.push_back(0);
      return body;
  }
}

// With a header that is right, or with fields of it that are not.
Record WireMutator::MakeMessage() {
  const Command command = kCommands[Pick(std::size(kCommands))];
  const std::vector<uint8_t> body = MakeBody(command);
  const bool brings = command == Command::kDmaMap || command == Command::kSetIrqs || Pick(16) == 0;
  const uint8_t descriptors = brings ? PickDescriptors() : 0;
  Record record;
  if (Pick(4) != 0) {
    record.operation = static_cast<uint8_t>(Operation::kMessage);
    const auto flags = static_cast<uint8_t>(Pick(8) == 0 ? wire::kNoReply : 0);
    record.arguments = {Number(command), flags, descriptors};
  } else {
    record.operation = static_cast<uint8_t>(Operation::kHeader);
    record.arguments.push_back(static_cast<uint8_t>(1u << Pick(4)));
    const auto size = static_cast<uint32_t>(sizeof(wire::Header) + body.size());
    const uint32_t flags = Pick(2) == 0 ? 1u << Pick(8) : InterestingNumber();
    Append(wire::Header{static_cast<uint16_t>(Pick(8)), command,
                        Pick(2) == 0 ? InterestingNumber() : size + Pick(9) - 4, flags,
                        InterestingNumber()},
           &record.arguments);
    record.arguments.push_back(descriptors);
  }
  record.arguments.insert(record.arguments.end(), body.begin(), body.end());
  return record;
}

Record WireMutator::Make() {
  Record record;
  if (Pick(2) == 0) return MakeMessage();
  record.operation = static_cast<uint8_t>(Pick(kOperationCount));
  const auto operation = static_cast<Operation>(record.operation);
  for (uint32_t left = Pick(16); left != 0; --left) {
    record.arguments.push_back(static_cast<uint8_t>(Pick(2) == 0 ? Pick(8) : random_()));
  }
  if (operation == Operation::kMap) {
    // Memory for rings and data, by file or by message.
    record.arguments = {
        0, 0, static_cast<uint8_t>(16 + Pick(240)), 0, 3, static_cast<uint8_t>(Pick(2)), 0, 0};
  } else if (operation == Operation::kConfig && Pick(2) == 0) {
    record.arguments = {0, 1, static_cast<uint8_t>(Pick(4) == 0 ? Pick(8) : 6), 0, 0, 0};
  }
  return record;
}

void WireMutator::MutateOnce(std::vector<Record>* records) {
  const uint32_t at = Pick(records->size() + 1);
  const auto place = records->begin() + at;
  const bool is_end = place == records->end();
  switch (Pick(is_end ? 1 : 7)) {
    case 0:
    case 1:
      records->insert(place, Make());
      return;
    case 2:
      records->erase(place);
      return;
    case 3: {
      const Record copy = *place;
      records->insert(place, copy);
      return;
    }
    case 4:
      std::swap(*place, (*records)[Pick(records->size())]);
      return;
    default: {
      std::vector<uint8_t>& bytes = place->arguments;
      const size_t size = bytes.size();
      bytes.resize(std::max(size + 16, std::min(size * 2, kRoom)));
      bytes.resize(change_(bytes.data(), size, bytes.size()));
      return;
    }
  }
}

std::vector<uint8_t> WireMutator::Mutate(ConstByteSpan input) {
  std::vector<Record> records = Split(input);
  for (uint32_t left = 1 + Pick(4); left != 0; --left) MutateOnce(&records);
  return Join(records);
}

std::vector<uint8_t> WireMutator::CrossOver(ConstByteSpan one, ConstByteSpan other) {
  std::vector<Record> records = Split(one);
  const std::vector<Record> others = Split(other);
  if (others.empty()) return Join(records);
  const uint32_t begin = Pick(others.size());
  const uint32_t count = 1 + Pick(others.size() - begin);
  records.insert(records.begin() + Pick(records.size() + 1), others.begin() + begin,
                 others.begin() + begin + count);
  return Join(records);
}

}  // namespace ward::fuzz
