#include "device/saved_state.h"

#include <algorithm>
#include <cstring>

#include "abi/generated/status.h"
#include "device/crypto/sha256.h"
#include "device/state_archive.h"

namespace ward::device {
namespace {

constexpr uint8_t kMagic[8] = {'W', 'A', 'R', 'D', 'S', 'A', 'V', 'E'};
constexpr size_t kAbiOffset = sizeof(kMagic) + 4;
constexpr size_t kLayoutOffset = kAbiOffset + 4;
constexpr size_t kVersionEnd = kLayoutOffset + 8;
constexpr size_t kSectionHeaderBytes = 16;

size_t HeaderBytes() {
  static const size_t bytes = [] {
    const StateHeader header;
    StateWriter writer;
    WalkState(writer, header);
    return sizeof(kMagic) + writer.bytes().size();
  }();
  return bytes;
}

Fault Malformed(const char* reason) { return Fault{abi::kStatusStateMalformed, reason}; }

}  // namespace

StateFrameWriter::StateFrameWriter(const StateHeader& header) {
  Append(kMagic);
  StateWriter writer;
  WalkState(writer, header);
  Append(writer.bytes());
}

void StateFrameWriter::BeginSection(StateSection section) {
  uint8_t head[kSectionHeaderBytes] = {};
  StoreLe(head, static_cast<uint32_t>(section));
  Append(head);
  section_start_ = bytes_.size();
}

void StateFrameWriter::EndSection() {
  StoreLe(bytes_.data() + section_start_ - 8, uint64_t{bytes_.size() - section_start_});
}

std::vector<uint8_t> StateFrameWriter::Finish() {
  uint8_t digest[kSha256Bytes];
  if (!ComputeSha256(bytes_, digest)) return {};
  Append(digest);
  return std::move(bytes_);
}

Result<StateFrameReader> StateFrameReader::Open(ConstByteSpan bytes, const StateHeader& expected) {
  if (bytes.size() < kVersionEnd || std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) != 0) {
    return Malformed("these bytes are no saved state of a WardGPU");
  }
  // Before anything else: what follows may have another form.
  if (LoadLe<uint32_t>(bytes.data() + sizeof(kMagic)) != StateHeader::kFormat ||
      LoadLe<uint32_t>(bytes.data() + kAbiOffset) != expected.abi_version ||
      LoadLe<uint64_t>(bytes.data() + kLayoutOffset) != expected.layout) {
    return Fault{abi::kStatusStateVersion, "the state was saved by another version of the device"};
  }
  if (bytes.size() < HeaderBytes() + kSha256Bytes) return Malformed("the state is cut short");
  StateFrameReader frame(bytes);
  StateReader reader(bytes.subspan(sizeof(kMagic), HeaderBytes() - sizeof(kMagic)));
  WalkState(reader, frame.header_);
  frame.at_ = HeaderBytes();
  frame.end_ = bytes.size() - kSha256Bytes;
  uint8_t digest[kSha256Bytes];
  if (!ComputeSha256(bytes.first(frame.end_), digest) ||
      std::memcmp(digest, bytes.data() + frame.end_, sizeof(digest)) != 0) {
    return Fault{abi::kStatusStateDamaged,
                 "the state is damaged or cut short: its digest does not fit"};
  }
  if (!reader.AtEnd()) return Malformed("a value in the state's header is out of range");
  return frame;
}

bool StateFrameReader::NextIs(StateSection section) const {
  return end_ - at_ >= kSectionHeaderBytes &&
         LoadLe<uint64_t>(bytes_.data() + at_) == static_cast<uint64_t>(section);
}

ConstByteSpan StateFrameReader::TakeSection(StateSection section) {
  if (!NextIs(section)) return {};
  const auto length = LoadLe<uint64_t>(bytes_.data() + at_ + 8);
  if (length > end_ - at_ - kSectionHeaderBytes) return {};
  const size_t start = at_ + kSectionHeaderBytes;
  at_ = start + length;
  return bytes_.subspan(start, length);
}

}  // namespace ward::device
