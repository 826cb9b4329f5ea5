// A short NV12 clip, and the job that a player gets: encrypted by the openssl command line, which
// is not our code.
#ifndef WARD_TESTS_INTEGRATION_CLIP_H_
#define WARD_TESTS_INTEGRATION_CLIP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::test {

struct Clip {
  uint32_t width = 640;
  uint32_t height = 360;
  uint32_t pitch = 640;
  uint32_t frame_count = 3;
  std::string content_key = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
  std::string iv = "a1b2c3d4e5f607180000000000000001";
  std::vector<uint8_t> frames;  // one behind the other, rows with their padding

  uint32_t frame_bytes() const { return pitch * height * 3 / 2; }
  ConstByteSpan Frame(uint32_t index) const {
    return ConstByteSpan(frames).subspan(size_t{index} * frame_bytes(), frame_bytes());
  }
};

// Moving gradients in all three planes with a pseudo-random texture; padding bytes are not zero.
Clip MakeClip(uint32_t frame_count);

// Throws when the openssl command fails.
std::vector<uint8_t> Encrypt(const Workspace& workspace, const Clip& clip);

// Writes the job as examples/protected_player/job.h describes it.
void WriteJob(const Workspace& workspace, const std::string& name, const Clip& clip,
              const std::string& root_certificate);

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_CLIP_H_
