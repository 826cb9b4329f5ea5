// The frame of a recording's file (docs/spec/recording.md): a header, then blocks, each with a
// digest that tells accidents, or sealed, which tells malice too and keeps the content secret.
#ifndef WARD_EMULATOR_RECORDING_BLOCK_GUARD_H_
#define WARD_EMULATOR_RECORDING_BLOCK_GUARD_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "device/crypto/sealed_stream.h"

namespace ward::emulator {

enum class RecordingBlock : uint32_t { kDevice = 1, kEvents = 2, kEnd = 3, kLast = kEnd };

struct BlockHead {
  RecordingBlock kind = RecordingBlock::kEvents;
  uint32_t content_bytes = 0;
};

class BlockGuard {
 public:
  static constexpr std::string_view kMagic = "WARDRECO";  // how every recording begins
  static constexpr size_t kHeaderBytes = 88;
  static constexpr size_t kHeadBytes = 16;
  static constexpr size_t kTagBytes = device::kSealTagBytes;
  static constexpr size_t kMaximumContent = 1 << 20;

  // For a new file, sealed when there is a key. Empty when the host has no random bytes, or
  // libcrypto fails.
  static std::optional<BlockGuard> Start(const SecretBytes<32>* key);
  // For the file that begins with `header`, which may be cut short. Otherwise nothing, and `*error`
  // continues "<file> ...".
  static std::optional<BlockGuard> Adopt(ConstByteSpan header, const SecretBytes<32>* key,
                                         std::string* error);

  ConstByteSpan header() const { return header_; }
  bool is_sealed() const;

  // Head, content and tag of block `number` in place of `*block`. False only when libcrypto fails.
  [[nodiscard]] bool Wrap(uint64_t number, RecordingBlock kind, ConstByteSpan content,
                          std::vector<uint8_t>* block);
  // Nothing when the kHeadBytes of `head` are not those that Wrap made for this number.
  std::optional<BlockHead> ReadHead(uint64_t number, ConstByteSpan head) const;
  // The content of a block, head included, whose head was read. False when it was altered.
  [[nodiscard]] bool Unwrap(uint64_t number, ConstByteSpan block, std::vector<uint8_t>* content);

 private:
  BlockGuard() = default;
  bool Derive(const SecretBytes<32>& key);
  // The seal of one block: its nonce is the file's, xor-ed with the number, so that none comes
  // twice under the file's key.
  const device::DerivedSeal& SealOf(uint64_t number);

  std::array<uint8_t, kHeaderBytes> header_ = {};
  device::DerivedSeal seal_;
  std::array<uint8_t, 12> nonce_ = {};  // the file's
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_RECORDING_BLOCK_GUARD_H_
