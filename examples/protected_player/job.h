// What the player is asked to play: a file or a disk, written by somebody else.
//
//   offset 0      one block of 4096 bytes: a JSON object, padded with NUL bytes
//   offset 4096   the trusted root certificate, PEM, padded with NULs to whole blocks
//   behind it     the frames' ciphertext, each padded to whole blocks
//
// The object's members, all needed:
//   "format"       "ward-job-1"
//   "width", "height"  of the picture in pixels, even, at most 8192
//   "frames"       how many, at least 1
//   "pitch"        bytes from row to row of both NV12 planes, at least the width
//   "frame_bytes"  pitch x height x 3 / 2, a multiple of 16: a frame in Map order, padding included
//   "iv"           32 hexadecimal digits: the counter block of the clip's first 16 bytes
//   "content_key"  32 hexadecimal digits: the AES-128 key of the clip
//   "color_matrix" "bt601" or "bt709", limited range
//   "root_bytes"   of the PEM without its padding, at most 65536
//
// The ciphertext is AES-128-CTR over the concatenated frames without the blocks' padding, as
// `openssl enc -aes-128-ctr` makes it: frame k starts at the counter of the clip plus
// k x frame_bytes / 16. The low 64 bits of the counter may not wrap on the way (the device does not
// carry into the upper half).
#ifndef WARD_EXAMPLES_PROTECTED_PLAYER_JOB_H_
#define WARD_EXAMPLES_PROTECTED_PLAYER_JOB_H_

#include <array>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "base/secret_bytes.h"

namespace ward::examples {

inline constexpr uint64_t kJobBlockBytes = 4096;

constexpr uint64_t RoundToBlocks(uint64_t size) {
  return (size + kJobBlockBytes - 1) / kJobBlockBytes * kJobBlockBytes;
}

class Job {
 public:
  // Throws StepFailure (step "job") for what is no job, with what is wrong and where.
  explicit Job(const std::string& path);

  uint32_t width() const { return width_; }
  uint32_t height() const { return height_; }
  uint32_t frame_count() const { return frame_count_; }
  uint32_t pitch() const { return pitch_; }
  uint32_t frame_bytes() const { return frame_bytes_; }
  bool is_bt709() const { return is_bt709_; }
  const std::string& root_certificate() const { return root_certificate_; }
  SecretBytes<16>& content_key() { return content_key_; }

  // Counter block of frame `index`.
  std::array<uint8_t, 16> CounterBlock(uint32_t index) const;
  // Ciphertext of frame `index`, frame_bytes() long.
  std::vector<uint8_t> ReadFrame(uint32_t index);

 private:
  void ReadHeader();
  void CheckHeader(uint32_t root_bytes) const;
  std::vector<uint8_t> ReadAt(uint64_t offset, uint64_t size, const std::string& what);
  [[noreturn]] void Refuse(const std::string& text) const;

  std::string path_;
  std::ifstream file_;
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  uint32_t frame_count_ = 0;
  uint32_t pitch_ = 0;
  uint32_t frame_bytes_ = 0;
  bool is_bt709_ = false;
  uint64_t frames_offset_ = 0;
  std::array<uint8_t, 16> iv_{};
  SecretBytes<16> content_key_;
  std::string root_certificate_;
};

}  // namespace ward::examples

#endif  // WARD_EXAMPLES_PROTECTED_PLAYER_JOB_H_
