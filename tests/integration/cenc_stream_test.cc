// A real CENC stream: ffmpeg encodes and packages it, and what ffmpeg itself decrypts is what has
// to come out of the device, packet by packet.
#include <openssl/evp.h>

#include <sstream>
#include <string>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"
#include "tests/integration/browser_decryptor.h"
#include "tests/integration/mp4_track.h"

namespace ward::test {
namespace {

const char kStreamKey[] = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";

std::string Sha256(ConstByteSpan bytes) {
  uint8_t digest[32];
  REQUIRE(EVP_Digest(bytes.data(), bytes.size(), digest, nullptr, EVP_sha256(), nullptr) == 1);
  std::string text;
  for (const uint8_t byte : digest) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

void RunFfmpeg(const Workspace& workspace, const std::string& arguments) {
  std::string output;
  const int code = workspace.Run("ffmpeg -nostdin -v error -y " + arguments, &output);
  INFO(output);
  REQUIRE(code == 0);
}

struct Stream {
  Stream() {
    RunFfmpeg(workspace,
              "-f lavfi -i testsrc2=size=320x180:rate=10 -frames:v 8 -c:v libx264 -threads 1"
              " -pix_fmt yuv420p -slices 4 -encryption_scheme cenc-aes-ctr -encryption_key " +
                  std::string(kStreamKey) +
                  " -encryption_kid 00112233445566778899aabbccddeeff encrypted.mp4");
    samples = ReadMp4Track(workspace.Read("encrypted.mp4"));
    RunFfmpeg(workspace, "-decryption_key " + std::string(kStreamKey) +
                             " -i encrypted.mp4 -c copy -f framehash -hash sha256 hashes.txt");
    // "stream, dts, pts, duration, size, hash" a line.
    std::istringstream lines(workspace.ReadText("hashes.txt"));
    for (std::string line; std::getline(lines, line);) {
      if (line.empty() || line[0] == '#') continue;
      hashes.push_back(line.substr(line.rfind(' ') + 1));
    }
    REQUIRE(samples.size() == 8);
    REQUIRE(hashes.size() == samples.size());
  }

  Workspace workspace;
  std::vector<Mp4Sample> samples;
  std::vector<std::string> hashes;
};

TEST_CASE("a CENC stream through decoder buffers with sub-samples is what ffmpeg decrypts") {
  const Stream stream;
  DecoderStage stage(D3DWDDM2_0DDI_VIDEO_FUNCTIONS);
  DecoderParty party(&stage.process, 320, 180);
  party.Open();
  const Key wrapped = EcbEncrypt(kSessionKey, ParseKey(kStreamKey));
  size_t sub_sample_count = 0;
  for (size_t i = 0; i < stream.samples.size(); ++i) {
    INFO("sample " << i);
    const Mp4Sample& sample = stream.samples[i];
    CHECK(Sha256(sample.bytes) != stream.hashes[i]);
    std::vector<SubSample> list;
    for (const Mp4SubSample& part : sample.sub_samples) {
      list.push_back({part.clear_bytes, part.encrypted_bytes});
    }
    sub_sample_count += list.size();
    REQUIRE(party.Begin(wrapped) == S_OK);
    CHECK(party.SubmitSample(sample.bytes, &sample.iv, list) == S_OK);
    REQUIRE(party.End() == S_OK);
    CHECK(Sha256(party.ReadFrame()) == stream.hashes[i]);
  }
  CHECK(sub_sample_count > 2 * stream.samples.size());  // several slices a frame
}

TEST_CASE("a CENC stream decrypted as a browser does is what ffmpeg decrypts") {
  const Stream stream;
  Stage stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  BrowserDecryptor decryptor(&stage.process, session.get(), kSessionKey);
  const Key wrapped = EcbEncrypt(kSessionKey, ParseKey(kStreamKey));
  for (size_t i = 0; i < stream.samples.size(); ++i) {
    INFO("sample " << i);
    const Mp4Sample& sample = stream.samples[i];
    SubSampleSizes sizes;
    for (const Mp4SubSample& part : sample.sub_samples) {
      sizes.emplace_back(part.clear_bytes, part.encrypted_bytes);
    }
    CHECK(Sha256(decryptor.Decrypt(sample.bytes, sample.iv, sizes, wrapped)) == stream.hashes[i]);
  }
}

TEST_CASE("a CENC stream under another content key is not what ffmpeg decrypts") {
  const Stream stream;
  Stage stage;
  const SessionPointer session = stage.process.MakeKeyedSession(kSessionKey);
  BrowserDecryptor decryptor(&stage.process, session.get(), kSessionKey);
  const Mp4Sample& sample = stream.samples[0];
  SubSampleSizes sizes;
  for (const Mp4SubSample& part : sample.sub_samples) {
    sizes.emplace_back(part.clear_bytes, part.encrypted_bytes);
  }
  CHECK(Sha256(decryptor.Decrypt(sample.bytes, sample.iv, sizes,
                                 EcbEncrypt(kSessionKey, kOtherKey))) != stream.hashes[0]);
}

}  // namespace
}  // namespace ward::test
