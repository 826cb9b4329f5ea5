#include "emulator/boundary/packet_capture.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "abi/generated/capture.h"
#include "abi/generated/commands.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr uint16_t kVersion = 1;

const abi::MessageCapture* FindMessageCapture(uint32_t number) {
  const auto* found =
      std::find_if(std::begin(abi::kMessageCaptures), std::end(abi::kMessageCaptures),
                   [&](const abi::MessageCapture& capture) { return capture.number == number; });
  return found != std::end(abi::kMessageCaptures) ? found : nullptr;
}

// Those of `bytes` that lie in the spans, up to the last of them.
std::vector<uint8_t> Keep(ConstByteSpan bytes, const abi::CapturedSpan* spans, uint32_t count) {
  std::vector<uint8_t> kept;
  for (uint32_t i = 0; i < count; ++i) {
    const size_t begin = std::min<size_t>(spans[i].offset, bytes.size());
    const size_t end = std::min<size_t>(begin + spans[i].size_bytes, bytes.size());
    if (begin == end) continue;
    kept.resize(std::max(kept.size(), end));
    std::copy(bytes.begin() + static_cast<ptrdiff_t>(begin),
              bytes.begin() + static_cast<ptrdiff_t>(end),
              kept.begin() + static_cast<ptrdiff_t>(begin));
  }
  return kept;
}

std::vector<uint8_t> FilterCommand(const TracePacket& packet) {
  const bool is_message = packet.number == abi::SecurityMessageCommand::kOpcode;
  const size_t most = is_message ? abi::SecurityMessageCommand::kSizeBytes : packet.bytes.size();
  const ConstByteSpan kept = packet.bytes.first(std::min(most, packet.bytes.size()));
  return {kept.begin(), kept.end()};
}

std::vector<uint8_t> FilterRequest(const TracePacket& packet) {
  const abi::MessageCapture* capture = FindMessageCapture(packet.number);
  if (capture == nullptr) return {};
  std::vector<uint8_t> kept = Keep(packet.bytes, capture->request, capture->request_count);
  if (capture->request_tail != 0 && packet.bytes.size() > capture->request_tail) {
    kept.resize(capture->request_tail);
    kept.insert(kept.end(), packet.bytes.begin() + capture->request_tail, packet.bytes.end());
  }
  return kept;
}

std::vector<uint8_t> FilterResponse(const TracePacket& packet) {
  const abi::MessageCapture* capture = FindMessageCapture(packet.number);
  if (capture != nullptr) return Keep(packet.bytes, capture->response, capture->response_count);
  // The header alone: what a message that the contract does not have answers.
  constexpr abi::CapturedSpan kHeader[] = {{0, 12}};
  return Keep(packet.bytes, kHeader, 1);
}

uint16_t KindOf(TracePacket::Kind kind) {
  switch (kind) {
    case TracePacket::Kind::kCommand:
      return abi::kCaptureCommand;
    case TracePacket::Kind::kMessage:
      return abi::kCaptureMessage;
    case TracePacket::Kind::kAnswer:
      break;
  }
  return abi::kCaptureAnswer;
}

std::vector<uint8_t> Assemble(abi::CaptureHeader header, ConstByteSpan data) {
  header.version = kVersion;
  header.data_bytes = static_cast<uint32_t>(data.size());
  std::vector<uint8_t> bytes(sizeof(header));
  std::memcpy(bytes.data(), &header, sizeof(header));
  bytes.insert(bytes.end(), data.begin(), data.end());
  return bytes;
}

}  // namespace

std::vector<uint8_t> FilterPacket(const TracePacket& packet) {
  switch (packet.kind) {
    case TracePacket::Kind::kCommand:
      return FilterCommand(packet);
    case TracePacket::Kind::kMessage:
      return FilterRequest(packet);
    case TracePacket::Kind::kAnswer:
      break;
  }
  return FilterResponse(packet);
}

void PacketCapture::OnBoundary(const BoundaryEvent&, uint64_t) {}

void PacketCapture::OnTrace(const TraceEvent& event, uint64_t now_ns) {
  const bool is_fault = std::strcmp(event.name, "fault") == 0;
  if (!is_fault && std::strcmp(event.name, "refusal") != 0) return;
  abi::CaptureHeader header = {};
  header.kind = is_fault ? abi::kCaptureFault : abi::kCaptureRefusal;
  header.queue = static_cast<uint32_t>(event.arguments[0]);
  header.position = static_cast<uint32_t>(event.arguments[1]);
  header.number = static_cast<uint32_t>(event.arguments[2]);
  const std::vector<uint8_t> bytes = Assemble(header, {});
  writer_.Write(now_ns, bytes, static_cast<uint32_t>(bytes.size()));
}

void PacketCapture::OnPacket(const TracePacket& packet, uint64_t now_ns) {
  abi::CaptureHeader header = {};
  header.kind = KindOf(packet.kind);
  header.queue = packet.queue;
  header.position = packet.position;
  header.indirect_offset = packet.indirect_offset;
  header.number = packet.number;
  header.original_bytes = static_cast<uint32_t>(packet.bytes.size());
  const std::vector<uint8_t> data = FilterPacket(packet);
  const std::vector<uint8_t> bytes = Assemble(header, data);
  writer_.Write(now_ns, bytes, static_cast<uint32_t>(sizeof(header) + packet.bytes.size()));
}

std::string PacketCapture::Trouble() const {
  return writer_.trouble().empty()
             ? std::string()
             : fmt::format("the capture {} ends: {}", path_, writer_.trouble());
}

}  // namespace ward::emulator
