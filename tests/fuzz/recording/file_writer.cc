#include "tests/fuzz/recording/file_writer.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

#include "abi/generated/pci.h"
#include "base/assert.h"
#include "device/crypto/sealed_stream.h"
#include "device/crypto/sha256.h"

namespace ward::fuzz {
namespace {

using emulator::BlockGuard;
using emulator::RecordingBlock;

// Places in the header (docs/spec/recording.md).
constexpr size_t kFormatAt = 8, kAbiAt = 12, kFlagsAt = 16, kSaltAt = 24;
constexpr size_t kKeyCheckAt = kSaltAt + device::kSealSaltBytes;
constexpr size_t kDigestAt = BlockGuard::kHeaderBytes - BlockGuard::kTagBytes;
constexpr uint32_t kAbiVersion = abi::kAbiMajor << 16 | abi::kAbiMinor;
constexpr int kMostParts = 64;

std::vector<uint8_t> Sha256(ConstByteSpan bytes) {
  std::vector<uint8_t> digest(device::kSha256Bytes);
  WARD_ASSERT(device::ComputeSha256(bytes, digest));
  return digest;
}

void FitDigest(std::vector<uint8_t>* header) {
  const std::vector<uint8_t> digest = Sha256(ConstByteSpan(*header).first(kDigestAt));
  std::copy_n(digest.begin(), BlockGuard::kTagBytes, header->begin() + kDigestAt);
}

// The salt is zeros, so that the same input is the same file.
std::vector<uint8_t> MakeHeader(const SecretBytes<32>* key) {
  std::vector<uint8_t> header(BlockGuard::kHeaderBytes);
  std::memcpy(header.data(), BlockGuard::kMagic.data(), BlockGuard::kMagic.size());
  StoreLe<uint32_t>(header.data() + kFormatAt, 1);
  StoreLe(header.data() + kAbiAt, kAbiVersion);
  if (key != nullptr) {
    StoreLe<uint32_t>(header.data() + kFlagsAt, 1);
    device::DerivedSeal seal;
    const ConstByteSpan salt = ConstByteSpan(header).subspan(kSaltAt, device::kSealSaltBytes);
    WARD_ASSERT(device::DeriveSeal(*key, salt, &seal, device::SealPurpose::kRecording));
    std::copy(std::begin(seal.key_check), std::end(seal.key_check), header.begin() + kKeyCheckAt);
  }
  FitDigest(&header);
  return header;
}

}  // namespace

std::vector<uint8_t> FileWriter::Write(InputReader* input, bool is_sealed) {
  header_ = MakeHeader(is_sealed ? key_ : nullptr);
  std::string error;
  std::optional<BlockGuard> guard = BlockGuard::Adopt(header_, is_sealed ? key_ : nullptr, &error);
  WARD_ASSERT(guard.has_value());
  guard_ = &*guard;
  number_ = 0;
  // What stands in the header may be edited; blocks are those of the one that was not.
  std::vector<uint8_t> written = header_;
  for (uint32_t left = input->Take<uint8_t>() % 4; left != 0; --left) {
    const auto at = input->Take<uint8_t>() % BlockGuard::kHeaderBytes;
    written[at] = input->Take<uint8_t>();
    if (at < kDigestAt) FitDigest(&written);
  }
  file_ = written;
  for (int left = kMostParts; left != 0 && !input->empty() && file_.size() < kMostBytes; --left) {
    WritePart(input);
  }
  guard_ = nullptr;
  return std::move(file_);
}

void FileWriter::WritePart(InputReader* input) {
  const auto part = input->Take<uint8_t>();
  std::vector<uint8_t> content;
  switch (static_cast<FilePart>(part % static_cast<uint8_t>(FilePart::kCount))) {
    case FilePart::kDevice:
      content = base_->device;
      Edit(&content, input);
      return WriteBlock(static_cast<uint32_t>(RecordingBlock::kDevice), content);
    case FilePart::kBaseEvents: {
      const size_t at = std::min<size_t>(input->Take<uint16_t>(), base_->events.size());
      const size_t size = std::min<size_t>(input->Take<uint16_t>(), base_->events.size() - at);
      const auto begin = base_->events.begin() + static_cast<ptrdiff_t>(at);
      content.assign(begin, begin + static_cast<ptrdiff_t>(size));
      Edit(&content, input);
      return WriteBlock(static_cast<uint32_t>(RecordingBlock::kEvents), content);
    }
    case FilePart::kEvents:
      return WriteBlock(static_cast<uint32_t>(RecordingBlock::kEvents), TakeSized(input));
    case FilePart::kEnd: {
      content.resize(12);
      const auto count = input->Take<uint16_t>();
      StoreLe(content.data(), count == 0xffff ? base_->event_count : count);
      StoreLe(content.data() + 8, uint32_t{input->Take<uint8_t>()});
      Edit(&content, input);
      return WriteBlock(static_cast<uint32_t>(RecordingBlock::kEnd), content);
    }
    case FilePart::kBlock: {
      const auto kind = input->Take<uint8_t>();
      return WriteBlock(kind, TakeSized(input));
    }
    case FilePart::kHugeHead:
      return WriteHugeHead(input->Take<uint32_t>());
    case FilePart::kRaw:
      content = TakeSized(input);
      file_.insert(file_.end(), content.begin(), content.end());
      return;
    case FilePart::kSkipNumber:
      number_ += input->Take<uint8_t>();
      return;
    case FilePart::kCount:
      return;
  }
}

std::vector<uint8_t> FileWriter::TakeSized(InputReader* input) {
  std::vector<uint8_t> bytes(input->Take<uint16_t>() % 2048);
  input->TakeBytes(bytes);
  return bytes;
}

// A count, then places and bytes; 0 leaves everything as it is.
void FileWriter::Edit(std::vector<uint8_t>* content, InputReader* input) {
  for (uint32_t left = input->Take<uint8_t>() % 8; left != 0 && !content->empty(); --left) {
    const size_t at = input->Take<uint16_t>() % content->size();
    (*content)[at] = input->Take<uint8_t>();
  }
}

void FileWriter::WriteBlock(uint32_t kind, ConstByteSpan content) {
  std::vector<uint8_t> block;
  WARD_ASSERT(guard_->Wrap(number_++, static_cast<RecordingBlock>(kind), content, &block));
  file_.insert(file_.end(), block.begin(), block.end());
}

// With a check that fits: nothing but the length itself can be the reason to refuse it.
void FileWriter::WriteHugeHead(uint32_t content_bytes) {
  constexpr size_t kChecked = 8;
  std::vector<uint8_t> head(BlockGuard::kHeadBytes);
  StoreLe(head.data(), static_cast<uint32_t>(RecordingBlock::kEvents));
  StoreLe(head.data() + 4, content_bytes);
  std::vector<uint8_t> message = header_;
  message.resize(header_.size() + sizeof(number_));
  StoreLe(message.data() + header_.size(), number_);
  message.insert(message.end(), head.begin(), head.begin() + kChecked);
  const std::vector<uint8_t> digest = Sha256(message);
  std::copy_n(digest.begin(), BlockGuard::kHeadBytes - kChecked, head.begin() + kChecked);
  file_.insert(file_.end(), head.begin(), head.end());
  ++number_;
}

}  // namespace ward::fuzz
