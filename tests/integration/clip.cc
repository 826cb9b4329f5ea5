#include "tests/integration/clip.h"

#include <algorithm>
#include <stdexcept>

#include "nlohmann/json.hpp"

namespace ward::test {
namespace {

constexpr size_t kBlockBytes = 4096;

void Pad(std::vector<uint8_t>* bytes) {
  bytes->resize((bytes->size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes);
}

}  // namespace

Clip MakeClip(uint32_t frame_count) {
  Clip clip;
  clip.frame_count = frame_count;
  clip.frames.resize(size_t{frame_count} * clip.frame_bytes());
  uint32_t noise = 1;
  for (uint32_t frame = 0; frame < frame_count; ++frame) {
    uint8_t* luma = clip.frames.data() + size_t{frame} * clip.frame_bytes();
    uint8_t* chroma = luma + size_t{clip.pitch} * clip.height;
    for (uint32_t y = 0; y < clip.height; ++y) {
      for (uint32_t x = 0; x < clip.pitch; ++x) {
        noise = noise * 1664525 + 1013904223;
        luma[y * clip.pitch + x] = 16 + (x + y + 7 * frame + (noise >> 28)) % 220;
      }
    }
    for (uint32_t y = 0; y < clip.height / 2; ++y) {
      for (uint32_t x = 0; x < clip.pitch; x += 2) {
        chroma[y * clip.pitch + x] = 16 + (x / 3 + 5 * frame) % 225;
        chroma[y * clip.pitch + x + 1] = 16 + (y + 11 * frame) % 225;
      }
    }
  }
  return clip;
}

std::vector<uint8_t> Encrypt(const Workspace& workspace, const Clip& clip) {
  workspace.Write("clip.nv12", clip.frames);
  std::string output;
  const int code = workspace.Run("openssl enc -aes-128-ctr -K " + clip.content_key + " -iv " +
                                     clip.iv + " -in clip.nv12 -out clip.enc",
                                 &output);
  if (code != 0) throw std::runtime_error("openssl enc: " + output);
  return workspace.Read("clip.enc");
}

void WriteJob(const Workspace& workspace, const std::string& name, const Clip& clip,
              const std::string& root_certificate) {
  const nlohmann::json header = {
      {"format", "ward-job-1"},  {"width", clip.width},
      {"height", clip.height},   {"frames", clip.frame_count},
      {"pitch", clip.pitch},     {"frame_bytes", clip.frame_bytes()},
      {"iv", clip.iv},           {"content_key", clip.content_key},
      {"color_matrix", "bt601"}, {"root_bytes", root_certificate.size()},
  };
  const std::string text = header.dump();
  std::vector<uint8_t> job(text.begin(), text.end());
  Pad(&job);
  job.insert(job.end(), root_certificate.begin(), root_certificate.end());
  Pad(&job);
  const std::vector<uint8_t> ciphertext = Encrypt(workspace, clip);
  for (uint32_t frame = 0; frame < clip.frame_count; ++frame) {
    const auto begin = ciphertext.begin() + size_t{frame} * clip.frame_bytes();
    job.insert(job.end(), begin, begin + clip.frame_bytes());
    Pad(&job);
  }
  workspace.Write(name, job);
}

}  // namespace ward::test
