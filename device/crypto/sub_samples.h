// Which bytes of a CENC sample are encrypted, and where each stands in the keystream: sub-samples
// of clear and encrypted bytes, with or without pattern encryption (ISO/IEC 23001-7, cenc and
// cens). Clear bytes do not advance the keystream, which runs on across sub-samples.
#ifndef WARD_DEVICE_CRYPTO_SUB_SAMPLES_H_
#define WARD_DEVICE_CRYPTO_SUB_SAMPLES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/state_fields.h"
#include "device/crypto/encrypted_blocks.h"

namespace ward::device {

struct SubSample {
  uint32_t clear_bytes = 0;
  uint32_t encrypted_bytes = 0;  // behind them

  friend bool operator==(const SubSample&, const SubSample&) = default;
  WARD_STATE_FIELDS(clear_bytes, encrypted_bytes)
};

// Cipher blocks that are encrypted, then blocks that are left clear, in turn. It begins anew in
// each sub-sample, and a last block that is not whole is clear. Both 0: everything is encrypted.
struct Stripe {
  uint32_t encrypted_blocks = 0;
  uint32_t clear_blocks = 0;

  bool exists() const { return encrypted_blocks != 0 || clear_blocks != 0; }
  friend bool operator==(const Stripe&, const Stripe&) = default;
  WARD_STATE_FIELDS(encrypted_blocks, clear_blocks)
};

// A value: the same list always gives the same runs.
class SubSampleMap {
 public:
  SubSampleMap() = default;
  explicit SubSampleMap(const Stripe& stripe) : stripe_(stripe) {}

  void Append(const SubSample& sub_sample);

  const Stripe& stripe() const { return stripe_; }
  const std::vector<SubSample>& sub_samples() const { return sub_samples_; }
  uint64_t size_bytes() const { return size_bytes_; }
  // Bytes of keystream that the sample takes.
  uint64_t keystream_bytes() const { return keystream_bytes_; }

  // As FindEncryptedRun of encrypted_blocks.h; nothing lies past the last sub-sample.
  std::optional<EncryptedRun> FindRun(uint64_t from, uint64_t end) const;

  // As WARD_STATE_FIELDS: stripe and list, of which all else follows.
  template <typename Archive, typename Self>
  static void ListFields(Archive& archive, Self& self) {
    if constexpr (Archive::kReads) {
      Stripe stripe;
      std::vector<SubSample> list;
      archive.Fields("stripe, sub_samples", stripe, list);
      self = SubSampleMap(stripe);
      for (const SubSample& sub_sample : list) self.Append(sub_sample);
    } else {
      archive.Fields("stripe, sub_samples", self.stripe_, self.sub_samples_);
    }
  }

 private:
  struct Start {
    uint64_t offset;     // of the sub-sample in the sample
    uint64_t keystream;  // that sub-samples before it take
  };

  uint64_t CountKeystream(uint64_t encrypted_bytes) const;
  std::optional<EncryptedRun> FindRunOf(size_t index, uint64_t from, uint64_t end) const;

  Stripe stripe_;
  std::vector<SubSample> sub_samples_;
  std::vector<Start> starts_;
  uint64_t size_bytes_ = 0;
  uint64_t keystream_bytes_ = 0;
};

}  // namespace ward::device

#endif  // WARD_DEVICE_CRYPTO_SUB_SAMPLES_H_
