#include "kmd/ports/vfio_user/served_device.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "kmd/ports/vfio_user/region_areas.h"

namespace ward::kmd {
namespace {

namespace wire = abi::vfio_user;

using abi::PciError;
using Json = nlohmann::json;

// Room for a description with more areas than any region has; a server that wants more is broken.
constexpr uint32_t kMaximumInfoBytes = 64u << 10;
// What a server must at least move with one request: the widest register access.
constexpr uint32_t kLeastTransferBytes = 8;
constexpr uint32_t kPageBytes = 4096;
// BARs and configuration space; INTx, MSI and MSI-X.
constexpr uint32_t kLeastRegions = wire::kConfigRegion + 1;
constexpr uint32_t kLeastIrqs = wire::kMsixIrq + 1;

template <typename T>
void Append(const T& value, std::vector<uint8_t>* bytes) {
  const auto* from = reinterpret_cast<const uint8_t*>(&value);
  bytes->insert(bytes->end(), from, from + sizeof(value));
}

template <typename T>
std::vector<uint8_t> BodyOf(const T& value) {
  std::vector<uint8_t> bytes;
  Append(value, &bytes);
  return bytes;
}

// As much of a T as there is; the rest is zeros.
template <typename T>
T Load(const std::vector<uint8_t>& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(sizeof(value), bytes.size()));
  return value;
}

// A number that the server may leave out. False when it is there and out of range.
bool TakeNumber(const Json& capabilities, const char* name, uint64_t least, uint64_t most,
                uint32_t* number) {
  const auto found = capabilities.find(name);
  if (found == capabilities.end()) return true;
  if (!found->is_number_unsigned()) return false;
  const auto value = found->get<uint64_t>();
  if (value < least || value > most) return false;
  *number = static_cast<uint32_t>(value);
  return true;
}

}  // namespace

PciError ServedDevice::Ask(const Connection::Request& request, Message* reply) {
  posted_ = 0;
  return connection_->Ask(request, reply, &error_);
}

PciError ServedDevice::Malformed(wire::Command command) {
  error_ = std::string("the server's reply to ") + NameOf(command) +
           " does not fit the request; it is no server of this protocol";
  return connection_->Reject(error_);
}

template <typename T>
PciError ServedDevice::AskFor(const Connection::Request& request, Message* reply, T* answer) {
  const PciError asked = Ask(request, reply);
  if (asked != PciError::kNone) return asked;
  if (reply->body.size() < sizeof(T)) return Malformed(request.command);
  *answer = Load<T>(reply->body);
  return PciError::kNone;
}

PciError ServedDevice::Negotiate(bool interrupts_by_messages) {
  Json capabilities = {{"max_msg_fds", wire::kMaximumFds},
                       {"max_data_xfer_size", wire::kDefaultTransferBytes},
                       {"pgsizes", kPageBytes}};
  if (interrupts_by_messages) capabilities[wire::kInterruptMessages] = true;
  const std::string text = Json{{"capabilities", capabilities}}.dump();
  Connection::Request request{
      wire::Command::kVersion, BodyOf(wire::Version{wire::kMajor, wire::kMinor}), {}};
  // With its NUL.
  request.body.insert(request.body.end(), text.c_str(), text.c_str() + text.size() + 1);
  Message reply;
  const PciError asked = Ask(request, &reply);
  if (asked != PciError::kNone) return asked;
  const PciError agreed = TakeVersion(reply);
  if (agreed != PciError::kNone) return agreed;

  wire::DeviceInfo info{sizeof(info), 0, 0, 0};
  const PciError told = AskFor({wire::Command::kGetInfo, BodyOf(info), {}}, &reply, &info);
  if (told != PciError::kNone) return told;
  if ((info.flags & wire::kDevicePci) == 0 || info.region_count < kLeastRegions ||
      info.irq_count < kLeastIrqs) {
    error_ = "what is served there is no PCI function";
    return PciError::kUnsupported;
  }
  is_resettable_ = (info.flags & wire::kDeviceResettable) != 0;
  return PciError::kNone;
}

PciError ServedDevice::TakeVersion(const Message& reply) {
  if (reply.body.size() < sizeof(wire::Version)) return Malformed(wire::Command::kVersion);
  const auto version = Load<wire::Version>(reply.body);
  if (version.major != wire::kMajor) {
    error_ = "the server speaks version " + std::to_string(version.major) +
             " of the protocol, this driver version " + std::to_string(wire::kMajor);
    return PciError::kUnsupported;
  }
  const auto text = reply.body.begin() + sizeof(version);
  if (text == reply.body.end()) return PciError::kNone;  // all defaults
  if (reply.body.back() != 0) return Malformed(wire::Command::kVersion);
  return TakeCapabilities(std::string(text, reply.body.end() - 1));
}

PciError ServedDevice::TakeCapabilities(const std::string& text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed(wire::Command::kVersion);
  const auto capabilities = json.find("capabilities");
  if (capabilities == json.end()) return PciError::kNone;
  const bool is_taken =
      capabilities->is_object() &&
      TakeNumber(*capabilities, "max_msg_fds", 0, UINT32_MAX, &maximum_descriptors_) &&
      TakeNumber(*capabilities, "max_data_xfer_size", kLeastTransferBytes, UINT32_MAX,
                 &transfer_bytes_);
  if (!is_taken) return Malformed(wire::Command::kVersion);
  maximum_descriptors_ = std::min(maximum_descriptors_, wire::kMaximumFds);
  transfer_bytes_ = std::min(transfer_bytes_, wire::kDefaultTransferBytes);
  return PciError::kNone;
}

PciError ServedDevice::AskRegionInfo(uint32_t index, uint32_t room, Message* reply,
                                     wire::RegionInfo* info) {
  wire::RegionInfo asked{};
  asked.argsz = room;
  asked.index = index;
  Connection::Request request{wire::Command::kGetRegionInfo, BodyOf(asked), {}};
  request.maximum_reply_descriptors = 1;
  const PciError told = AskFor(request, reply, info);
  if (told != PciError::kNone) return told;
  const bool fits = info->index == index && info->argsz >= sizeof(*info) &&
                    info->argsz <= kMaximumInfoBytes && reply->body.size() <= room;
  return fits ? PciError::kNone : Malformed(request.command);
}

PciError ServedDevice::ReadRegion(uint32_t index, ServedRegion* region) {
  Message reply;
  wire::RegionInfo info{};
  PciError told = AskRegionInfo(index, sizeof(info), &reply, &info);
  if (told != PciError::kNone) return told;
  if (info.argsz > sizeof(info)) {
    // The second reply has room for all of it, and its own descriptor.
    Message whole;
    told = AskRegionInfo(index, info.argsz, &whole, &info);
    if (told != PciError::kNone) return told;
    reply = std::move(whole);
  }
  *region = {};
  region->size = info.size;
  region->file_offset = info.offset;
  const bool is_mappable = (info.flags & wire::kRegionMappable) != 0;
  if (is_mappable && !reply.descriptors.empty() && CoversWholeRegion(info, reply.body)) {
    region->file = std::move(reply.descriptors.front());
  }
  return PciError::kNone;
}

PciError ServedDevice::CountVectors(uint32_t index, uint32_t* count) {
  wire::IrqInfo info{sizeof(info), 0, index, 0};
  Message reply;
  const PciError told = AskFor({wire::Command::kGetIrqInfo, BodyOf(info), {}}, &reply, &info);
  if (told != PciError::kNone) return told;
  *count = (info.flags & wire::kIrqEventfd) != 0 ? info.count : 0;
  return PciError::kNone;
}

PciError ServedDevice::SetVectors(uint32_t index, uint32_t start, uint32_t count,
                                  const std::vector<int>& descriptors) {
  const wire::IrqSet set{sizeof(set), wire::kIrqDataEventfd | wire::kIrqActionTrigger, index, start,
                         count};
  Message reply;
  return Ask({wire::Command::kSetIrqs, BodyOf(set), descriptors}, &reply);
}

PciError ServedDevice::DisableVectors(uint32_t index) {
  const wire::IrqSet set{sizeof(set), wire::kIrqDataNone | wire::kIrqActionTrigger, index, 0, 0};
  Message reply;
  return Ask({wire::Command::kSetIrqs, BodyOf(set), {}}, &reply);
}

PciError ServedDevice::Read(uint32_t region, uint64_t offset, ByteSpan into) {
  while (!into.empty()) {
    const size_t size = std::min<size_t>(into.size(), transfer_bytes_);
    const PciError read = ReadPiece(region, offset, into.first(size));
    if (read != PciError::kNone) return read;
    into = into.subspan(size);
    offset += size;
  }
  return PciError::kNone;
}

PciError ServedDevice::Write(uint32_t region, uint64_t offset, ConstByteSpan from) {
  while (!from.empty()) {
    const size_t size = std::min<size_t>(from.size(), transfer_bytes_);
    const PciError written = WritePiece(region, offset, from.first(size));
    if (written != PciError::kNone) return written;
    from = from.subspan(size);
    offset += size;
  }
  return PciError::kNone;
}

PciError ServedDevice::Post(uint32_t region, uint64_t offset, ConstByteSpan from) {
  if (posted_ == kMostPosted) return Write(region, offset, from);
  ++posted_;
  const wire::RegionAccess access{offset, region, static_cast<uint32_t>(from.size())};
  Connection::Request request{wire::Command::kRegionWrite, BodyOf(access), {}};
  request.body.insert(request.body.end(), from.begin(), from.end());
  return connection_->Post(request, &error_);
}

PciError ServedDevice::ReadPiece(uint32_t region, uint64_t offset, ByteSpan into) {
  const wire::RegionAccess access{offset, region, static_cast<uint32_t>(into.size())};
  wire::RegionAccess answer{};
  Message reply;
  const PciError read = AskFor({wire::Command::kRegionRead, BodyOf(access), {}}, &reply, &answer);
  if (read != PciError::kNone) return read;
  if (reply.body.size() != sizeof(access) + into.size() || answer.count != access.count) {
    return Malformed(wire::Command::kRegionRead);
  }
  std::memcpy(into.data(), reply.body.data() + sizeof(access), into.size());
  return PciError::kNone;
}

PciError ServedDevice::WritePiece(uint32_t region, uint64_t offset, ConstByteSpan from) {
  const wire::RegionAccess access{offset, region, static_cast<uint32_t>(from.size())};
  Connection::Request request{wire::Command::kRegionWrite, BodyOf(access), {}};
  request.body.insert(request.body.end(), from.begin(), from.end());
  wire::RegionAccess answer{};
  Message reply;
  const PciError written = AskFor(request, &reply, &answer);
  if (written != PciError::kNone) return written;
  if (reply.body.size() != sizeof(access) || answer.count != access.count) {
    return Malformed(wire::Command::kRegionWrite);
  }
  return PciError::kNone;
}

PciError ServedDevice::MapDma(const abi::DmaBuffer& buffer, int descriptor) {
  const wire::DmaMap map{sizeof(map), wire::kDmaReadable | wire::kDmaWritable, 0,
                         buffer.bus_address, buffer.size_bytes};
  Connection::Request request{wire::Command::kDmaMap, BodyOf(map), {}};
  if (descriptor >= 0) request.descriptors.push_back(descriptor);
  Message reply;
  return Ask(request, &reply);
}

PciError ServedDevice::UnmapDma(const abi::DmaBuffer& buffer) {
  const wire::DmaUnmap unmap{sizeof(unmap), 0, buffer.bus_address, buffer.size_bytes};
  Message reply;
  return Ask({wire::Command::kDmaUnmap, BodyOf(unmap), {}}, &reply);
}

PciError ServedDevice::Reset() {
  Message reply;
  return Ask({wire::Command::kReset, {}, {}}, &reply);
}

}  // namespace ward::kmd
