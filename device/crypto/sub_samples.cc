#include "device/crypto/sub_samples.h"

#include <algorithm>

#include "device/crypto/aes_key.h"

namespace ward::device {

void SubSampleMap::Append(const SubSample& sub_sample) {
  sub_samples_.push_back(sub_sample);
  starts_.push_back({size_bytes_, keystream_bytes_});
  size_bytes_ += uint64_t{sub_sample.clear_bytes} + sub_sample.encrypted_bytes;
  keystream_bytes_ += CountKeystream(sub_sample.encrypted_bytes);
}

std::optional<EncryptedRun> SubSampleMap::FindRun(uint64_t from, uint64_t end) const {
  // The last sub-sample that begins at `from` or before: empty ones in front of it are passed by.
  const auto after =
      std::upper_bound(starts_.begin(), starts_.end(), from,
                       [](uint64_t offset, const Start& start) { return offset < start.offset; });
  if (after == starts_.begin()) return std::nullopt;  // there are none
  for (size_t i = static_cast<size_t>(after - starts_.begin()) - 1; i < starts_.size(); ++i) {
    if (starts_[i].offset >= end) return std::nullopt;
    if (const auto run = FindRunOf(i, from, end)) return run;
  }
  return std::nullopt;
}

// Among the first `encrypted_bytes` of the encrypted part of a sub-sample whose rest, if there is
// one, begins at a block's border.
uint64_t SubSampleMap::CountKeystream(uint64_t encrypted_bytes) const {
  if (!stripe_.exists()) return encrypted_bytes;
  const uint64_t blocks = encrypted_bytes / kAesBlockBytes;
  const uint64_t period = uint64_t{stripe_.encrypted_blocks} + stripe_.clear_blocks;
  const uint64_t last = std::min<uint64_t>(blocks % period, stripe_.encrypted_blocks);
  return (blocks / period * stripe_.encrypted_blocks + last) * kAesBlockBytes;
}

std::optional<EncryptedRun> SubSampleMap::FindRunOf(size_t index, uint64_t from,
                                                    uint64_t end) const {
  const uint64_t begin = starts_[index].offset + sub_samples_[index].clear_bytes;
  const uint64_t size = sub_samples_[index].encrypted_bytes;
  if (end <= begin) return std::nullopt;
  // From here on within the encrypted part.
  const uint64_t part_end = std::min(end - begin, size);
  uint64_t at = from > begin ? from - begin : 0;
  if (at >= part_end) return std::nullopt;
  if (!stripe_.exists()) {
    return EncryptedRun{begin + at, part_end - at, starts_[index].keystream + at};
  }
  const uint64_t period =
      (uint64_t{stripe_.encrypted_blocks} + stripe_.clear_blocks) * kAesBlockBytes;
  const uint64_t encrypted = uint64_t{stripe_.encrypted_blocks} * kAesBlockBytes;
  if (encrypted == 0) return std::nullopt;
  if (at % period >= encrypted) at += period - at % period;
  const uint64_t whole_end = std::min(part_end, size / kAesBlockBytes * kAesBlockBytes);
  if (at >= whole_end) return std::nullopt;
  const uint64_t run = std::min(encrypted - at % period, whole_end - at);
  const uint64_t position = at / period * encrypted + at % period;
  return EncryptedRun{begin + at, run, starts_[index].keystream + position};
}

}  // namespace ward::device
