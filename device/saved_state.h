// The frame of a saved state (docs/spec/saved-state.md): header, sections, digest. Knows nothing of
// what the sections hold.
#ifndef WARD_DEVICE_SAVED_STATE_H_
#define WARD_DEVICE_SAVED_STATE_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/state_fields.h"
#include "device/crypto/sealed_stream.h"
#include "device/gpu.h"

namespace ward::device {

// What a state has to have in common with the chip that loads it.
struct StateOrigin {
  uint64_t visible_vram_bytes = 0;
  uint64_t protected_vram_bytes = 0;
  LatencyPreset latency = LatencyPreset::kFast;
  bool strict_iv = false;
  bool open_decrypt = false;
  uint8_t identity[32] = {};  // SecurityProcessor::fingerprint

  friend bool operator==(const StateOrigin&, const StateOrigin&) = default;
  WARD_STATE_FIELDS(visible_vram_bytes, protected_vram_bytes, latency, strict_iv, open_decrypt,
                    identity)
};

struct StateHeader {
  // Of magic, format, ABI version and layout themselves: where they stand.
  static constexpr uint32_t kFormat = 1;

  uint32_t format = kFormat;
  uint32_t abi_version = 0;  // as register ABI_VERSION
  uint64_t layout = 0;       // StateLayout of this structure and what the sections hold
  StateOrigin origin;
  bool is_sealed = false;
  uint64_t generation = 0;  // when sealed: StateSeal::IssueGeneration
  uint8_t salt[kSealSaltBytes] = {};
  uint8_t key_check[kSealKeyCheckBytes] = {};

  WARD_STATE_FIELDS(format, abi_version, layout, origin, is_sealed, generation, salt, key_check)
};

// Sections, each there at most once and in this order.
enum class StateSection : uint32_t { kBlocks = 1, kVisibleVram = 2, kSecrets = 3 };

class StateFrameWriter {
 public:
  explicit StateFrameWriter(const StateHeader& header);

  void BeginSection(StateSection section);
  void Append(ConstByteSpan bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  void EndSection();
  // All that is written so far. Between sections it is what a seal authenticates beside its own
  // bytes.
  ConstByteSpan so_far() const { return bytes_; }
  std::vector<uint8_t>* bytes() { return &bytes_; }
  // Nothing when libcrypto fails.
  std::vector<uint8_t> Finish();

 private:
  std::vector<uint8_t> bytes_;
  size_t section_start_ = 0;
};

class StateFrameReader {
 public:
  // Looks at the frame and the digest. STATE_MALFORMED, STATE_VERSION unless ABI version and layout
  // are those of `expected`, STATE_DAMAGED. The bytes outlive the reader.
  static Result<StateFrameReader> Open(ConstByteSpan bytes, const StateHeader& expected);

  const StateHeader& header() const { return header_; }
  bool NextIs(StateSection section) const;
  // The next section; empty when the next one is another, or there is none.
  ConstByteSpan TakeSection(StateSection section);
  // What StateFrameWriter::so_far() was before the next section.
  ConstByteSpan so_far() const { return bytes_.first(at_); }
  bool AtEnd() const { return at_ == end_; }

 private:
  explicit StateFrameReader(ConstByteSpan bytes) : bytes_(bytes) {}

  ConstByteSpan bytes_;
  StateHeader header_;
  size_t at_ = 0;
  size_t end_ = 0;  // of the sections
};

}  // namespace ward::device

#endif  // WARD_DEVICE_SAVED_STATE_H_
