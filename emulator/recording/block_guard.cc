#include "emulator/recording/block_guard.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "device/crypto/sha256.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr std::string_view kMagic = BlockGuard::kMagic;
constexpr uint32_t kFormat = 1;
constexpr uint32_t kFlagSealed = 1;
// Places in the header.
constexpr size_t kFormatAt = 8;
constexpr size_t kAbiAt = 12;
constexpr size_t kFlagsAt = 16;
constexpr size_t kZeroAt = 20;
constexpr size_t kSaltAt = 24;
constexpr size_t kKeyCheckAt = kSaltAt + device::kSealSaltBytes;
constexpr size_t kDigestAt = kKeyCheckAt + device::kSealKeyCheckBytes;
constexpr size_t kDigestBytes = BlockGuard::kTagBytes;
static_assert(kDigestAt + kDigestBytes == BlockGuard::kHeaderBytes);
// Of a head: kind and length, then a check of both.
constexpr size_t kCheckedHeadBytes = 8;
static_assert(BlockGuard::kHeadBytes == kCheckedHeadBytes + 8);

constexpr uint32_t AbiVersion() {
  for (const abi::RegisterInfo& info : abi::kRegisters) {
    if (info.offset == abi::kRegAbiVersion) return info.reset_value;
  }
  return 0;
}

// The first bytes of SHA-256 over the file's header, the block's number and `bytes`: a block can't
// stand for another one, nor for one of another file.
bool Digest(ConstByteSpan header, uint64_t number, ConstByteSpan bytes, ByteSpan digest) {
  std::vector<uint8_t> message(header.begin(), header.end());
  message.resize(header.size() + sizeof(number));
  StoreLe(message.data() + header.size(), number);
  message.insert(message.end(), bytes.begin(), bytes.end());
  uint8_t full[device::kSha256Bytes];
  if (!device::ComputeSha256(message, full)) return false;
  std::copy_n(std::begin(full), digest.size(), digest.begin());
  return true;
}

bool DigestHeader(ConstByteSpan header, ByteSpan digest) {
  uint8_t full[device::kSha256Bytes];
  if (!device::ComputeSha256(header.first(kDigestAt), full)) return false;
  std::copy_n(std::begin(full), digest.size(), digest.begin());
  return true;
}

std::string FindHeaderFlaw(ConstByteSpan header) {
  if (header.empty()) return "is empty: no recording of a WardGPU";
  if (header.size() < kMagic.size() ||
      std::memcmp(header.data(), kMagic.data(), kMagic.size()) != 0) {
    return fmt::format("is no recording of a WardGPU: it does not begin with {}", kMagic);
  }
  if (header.size() < BlockGuard::kHeaderBytes) {
    return fmt::format("is cut short: it ends at byte {}, in the header of {} bytes", header.size(),
                       BlockGuard::kHeaderBytes);
  }
  const auto format = LoadLe<uint32_t>(header.data() + kFormatAt);
  if (format != kFormat) {
    return fmt::format("has format {}, and this program reads format {}", format, kFormat);
  }
  const auto version = LoadLe<uint32_t>(header.data() + kAbiAt);
  if (version != AbiVersion()) {
    return fmt::format("was recorded by a device of ABI {}.{}, and this program has {}.{}",
                       version >> 16, version & 0xffff, AbiVersion() >> 16, AbiVersion() & 0xffff);
  }
  uint8_t digest[kDigestBytes];
  if (!DigestHeader(header, digest) ||
      std::memcmp(digest, header.data() + kDigestAt, sizeof(digest)) != 0) {
    return fmt::format("is damaged in its header, bytes 0 to {}: the digest does not fit",
                       BlockGuard::kHeaderBytes - 1);
  }
  // Of these a later program may have made something that this one would pass over.
  constexpr char kMending[] = "replay it with the program that recorded it";
  const auto flags = LoadLe<uint32_t>(header.data() + kFlagsAt);
  if ((flags & ~kFlagSealed) != 0) {
    return fmt::format(
        "is of format {} with flags {:#x} in its header, of which {:#x} is unknown: {}", format,
        flags, flags & ~kFlagSealed, kMending);
  }
  const auto zero = LoadLe<uint32_t>(header.data() + kZeroAt);
  if (zero != 0) {
    return fmt::format(
        "is of format {} with flags {:#x}, and bytes {} to {} of its header are {:#x}, not zero: "
        "{}",
        format, flags, kZeroAt, kZeroAt + sizeof(zero) - 1, zero, kMending);
  }
  return "";
}

}  // namespace

std::optional<BlockGuard> BlockGuard::Start(const SecretBytes<32>* key) {
  BlockGuard guard;
  uint8_t* header = guard.header_.data();
  std::memcpy(header, kMagic.data(), kMagic.size());
  StoreLe(header + kFormatAt, kFormat);
  StoreLe(header + kAbiAt, AbiVersion());
  if (getentropy(header + kSaltAt, device::kSealSaltBytes) != 0) return std::nullopt;
  if (key != nullptr) {
    StoreLe(header + kFlagsAt, kFlagSealed);
    if (!guard.Derive(*key)) return std::nullopt;
    std::copy(std::begin(guard.seal_.key_check), std::end(guard.seal_.key_check),
              header + kKeyCheckAt);
  }
  if (!DigestHeader(guard.header_, ByteSpan(guard.header_).subspan(kDigestAt))) return std::nullopt;
  return guard;
}

std::optional<BlockGuard> BlockGuard::Adopt(ConstByteSpan header, const SecretBytes<32>* key,
                                            std::string* error) {
  *error = FindHeaderFlaw(header);
  if (!error->empty()) return std::nullopt;
  BlockGuard guard;
  std::copy_n(header.begin(), kHeaderBytes, guard.header_.begin());
  if (!guard.is_sealed()) return guard;
  if (key == nullptr) {
    *error = "is sealed: give the key that it was recorded with, --key FILE";
    return std::nullopt;
  }
  if (!guard.Derive(*key)) {
    *error = "can't be opened: libcrypto fails";
    return std::nullopt;
  }
  if (std::memcmp(guard.seal_.key_check, header.data() + kKeyCheckAt,
                  sizeof(guard.seal_.key_check)) != 0) {
    *error = "is sealed under another key than the one that was given";
    return std::nullopt;
  }
  return guard;
}

bool BlockGuard::is_sealed() const {
  return (LoadLe<uint32_t>(header_.data() + kFlagsAt) & kFlagSealed) != 0;
}

bool BlockGuard::Derive(const SecretBytes<32>& key) {
  const ConstByteSpan salt = ConstByteSpan(header_).subspan(kSaltAt, device::kSealSaltBytes);
  if (!device::DeriveSeal(key, salt, &seal_, device::SealPurpose::kRecording)) return false;
  std::copy(std::begin(seal_.nonce), std::end(seal_.nonce), nonce_.begin());
  return true;
}

const device::DerivedSeal& BlockGuard::SealOf(uint64_t number) {
  std::copy(nonce_.begin(), nonce_.end(), std::begin(seal_.nonce));
  for (size_t i = 0; i < sizeof(number); ++i) {
    seal_.nonce[i] = static_cast<uint8_t>(seal_.nonce[i] ^ (number >> (8 * i)));
  }
  return seal_;
}

bool BlockGuard::Wrap(uint64_t number, RecordingBlock kind, ConstByteSpan content,
                      std::vector<uint8_t>* block) {
  block->assign(kHeadBytes, 0);
  StoreLe(block->data(), static_cast<uint32_t>(kind));
  StoreLe(block->data() + 4, static_cast<uint32_t>(content.size()));
  const ByteSpan head(*block);
  if (!Digest(header_, number, head.first(kCheckedHeadBytes), head.subspan(kCheckedHeadBytes))) {
    return false;
  }
  if (is_sealed()) {
    std::vector<uint8_t> public_part(header_.begin(), header_.end());
    public_part.insert(public_part.end(), block->begin(), block->end());
    device::SealingStream stream(SealOf(number), public_part);
    stream.Add(content);
    return stream.Finish(block);
  }
  block->insert(block->end(), content.begin(), content.end());
  uint8_t digest[kTagBytes];
  if (!Digest(header_, number, *block, digest)) return false;
  block->insert(block->end(), std::begin(digest), std::end(digest));
  return true;
}

std::optional<BlockHead> BlockGuard::ReadHead(uint64_t number, ConstByteSpan head) const {
  uint8_t check[kHeadBytes - kCheckedHeadBytes];
  const auto kind = LoadLe<uint32_t>(head.data());
  const auto content_bytes = LoadLe<uint32_t>(head.data() + 4);
  if (!Digest(header_, number, head.first(kCheckedHeadBytes), check) ||
      std::memcmp(check, head.data() + kCheckedHeadBytes, sizeof(check)) != 0 || kind == 0 ||
      kind > static_cast<uint32_t>(RecordingBlock::kLast) || content_bytes > kMaximumContent) {
    return std::nullopt;
  }
  return BlockHead{static_cast<RecordingBlock>(kind), content_bytes};
}

bool BlockGuard::Unwrap(uint64_t number, ConstByteSpan block, std::vector<uint8_t>* content) {
  const ConstByteSpan body = block.subspan(kHeadBytes);
  content->resize(body.size() - kTagBytes);
  if (is_sealed()) {
    std::vector<uint8_t> public_part(header_.begin(), header_.end());
    public_part.insert(public_part.end(), block.begin(), block.begin() + kHeadBytes);
    device::OpeningStream stream(SealOf(number), public_part, body);
    if (!stream.ok()) return false;
    stream.Read(*content);
    return stream.AtEnd();
  }
  uint8_t digest[kTagBytes];
  if (!Digest(header_, number, block.first(block.size() - kTagBytes), digest) ||
      std::memcmp(digest, body.data() + body.size() - kTagBytes, sizeof(digest)) != 0) {
    return false;
  }
  std::copy_n(body.begin(), content->size(), content->begin());
  return true;
}

}  // namespace ward::emulator
