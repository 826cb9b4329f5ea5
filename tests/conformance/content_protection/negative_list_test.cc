// CryptoSession, DriverProtections, CrossProc: what section 10.2's negative list and 7.8's edge
// cases ask for beyond the other files (README.md has the whole list).
#include <algorithm>
#include <stdexcept>
#include <utility>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {
namespace {

using Pattern = D3D11_1DDI_ENCRYPTED_BLOCK_INFO;

struct KeyedSession : Stage {
  KeyedSession() : session(process.MakeKeyedSession(kSessionKey)) {}
  explicit KeyedSession(const MachineOptions& options)
      : Stage(options), session(process.MakeKeyedSession(kSessionKey)) {}
  SessionPointer session;
};

TEST_CASE(
    "CryptoSession.NegotiateTamperedAnywhere: any flipped bit is E_INVALIDARG, the key stays (R5)",
    "[negative]") {
  KeyedSession stage;
  const std::vector<uint8_t> blob = WrapOaep(stage.process.device_key(), kOtherKey);
  for (const size_t at : {0u, 1u, 63u, 128u, 255u}) {
    std::vector<uint8_t> tampered = blob;
    tampered[at] ^= 1;
    CHECK(stage.process.Negotiate(stage.session.get(), tampered) == E_INVALIDARG);
  }
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
  CHECK(stage.process.Negotiate(stage.session.get(), blob) == S_OK);
}

TEST_CASE("CryptoSession.NegotiateNotBelowModulus: a number that is no ciphertext is E_INVALIDARG",
          "[negative]") {
  KeyedSession stage;
  CHECK(stage.process.Negotiate(stage.session.get(), std::vector<uint8_t>(256, 0xFF)) ==
        E_INVALIDARG);
  CHECK(stage.process.Negotiate(stage.session.get(), std::vector<uint8_t>(256)) == E_INVALIDARG);
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("CryptoSession.RefreshMidStream: each queued blt has the key of its place (7.7)") {
  constexpr size_t kFrames = 8;
  constexpr uint32_t kBytes = 4096;
  KeyedSession stage;
  runtime::VideoContext& video = stage.process.app.video();
  runtime::CryptoSession* session = stage.session.get();
  const std::vector<uint8_t> text = MakeText(kBytes);
  std::vector<std::pair<ResourcePointer, ResourcePointer>> pairs;
  Key key = kSessionKey;
  for (size_t i = 0; i < kFrames; ++i) {
    pairs.emplace_back(stage.process.MakeStaging(kBytes), stage.process.MakeDefault(kBytes, true));
    // Every second frame has a content key, wrapped under the session key of its place.
    const bool has_content_key = i % 2 == 1;
    const Key& frame_key = has_content_key ? kContentKey : key;
    stage.process.app.Upload(pairs[i].first.get(), RunCtr(frame_key, kIv, text));
    const Key wrapped = EcbEncrypt(key, kContentKey);
    REQUIRE(video.DecryptionBlt(session, pairs[i].first.get(), pairs[i].second.get(), nullptr,
                                has_content_key ? ConstByteSpan(wrapped) : ConstByteSpan(),
                                kIv) == S_OK);
    Key random{};
    REQUIRE(video.StartSessionKeyRefresh(session, random) == S_OK);
    REQUIRE(video.FinishSessionKeyRefresh(session) == S_OK);
    key = Xor(key, random);
  }
  for (const auto& [staging, frame] : pairs) {
    CHECK(stage.process.ReadProtected(session, key, frame.get()) == text);
  }
}

TEST_CASE("DriverProtections.EncryptWithoutKey: no key, no ciphertext, IV zero (R26)",
          "[negative]") {
  KeyedSession stage;
  const SessionPointer session = stage.process.MakeSession();
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  const ResourcePointer staging = stage.process.MakeStaging(64);
  stage.process.app.Upload(staging.get(), MakeText(64));
  Key iv = kIv;
  CHECK(stage.process.app.video().EncryptionBlt(session.get(), frame.get(), staging.get(), iv) ==
        S_OK);
  CHECK(iv == Key{});
  CHECK(stage.process.app.Download(staging.get()) == MakeText(64));
}

// Blts of 64 bytes each, `blocks` blocks behind the first.
std::vector<uint8_t> DecryptAt(KeyedSession* stage, uint8_t blocks) {
  Key iv = kIv;
  iv[15] = static_cast<uint8_t>(iv[15] + blocks);
  return stage->process.DecryptAndRead(stage->session.get(), kSessionKey,
                                       RunCtr(kSessionKey, iv, MakeText(64)), iv);
}

TEST_CASE("DriverProtections.IvReuseAccepted: a range that was used comes through again (R21)") {
  KeyedSession stage;
  for (const uint8_t blocks : {0, 0, 3}) CHECK(DecryptAt(&stage, blocks) == MakeText(64));
}

TEST_CASE("DriverProtections.IvReuseStrict: no blt under keystream that was used (R21)",
          "[negative][needs-strict-iv]") {
  MachineOptions options;
  options.strict_iv = true;
  KeyedSession stage(options);
  CHECK(DecryptAt(&stage, 0) == MakeText(64));
  for (const uint8_t blocks : {0, 1, 3}) {
    CHECK(DecryptAt(&stage, blocks) == std::vector<uint8_t>(64));
  }
  CHECK(DecryptAt(&stage, 4) == MakeText(64));
  stage.session.reset();
  REQUIRE(stage.kernel->EventReports().size() == 1);
  CHECK(stage.kernel->EventReports()[0].refusal_count == 3);
  CHECK(stage.kernel->EventReports()[0].last_refusal == abi::kStatusIvReused);
}

// What the application encrypts for a pattern, byte by byte as 7.8 says; keystream goes on over
// encrypted bytes alone (R9).
std::vector<uint8_t> EncryptPattern(const Pattern& pattern, const std::vector<uint8_t>& text) {
  const uint64_t beginning = pattern.NumEncryptedBytesAtBeginning;
  const uint64_t skip = pattern.NumBytesInSkipPattern;
  const uint64_t period = skip + pattern.NumBytesInEncryptPattern;
  const std::vector<uint8_t> keystream =
      RunCtr(kSessionKey, kIv, std::vector<uint8_t>(text.size()));
  std::vector<uint8_t> mixed = text;
  size_t used = 0;
  for (size_t i = 0; i < mixed.size(); ++i) {
    const bool is_run =
        pattern.NumBytesInEncryptPattern != 0 && i >= beginning && (i - beginning) % period >= skip;
    if (i < beginning || is_run) mixed[i] ^= keystream[used++];
  }
  return mixed;
}

void CheckPattern(const Pattern& pattern, size_t size_bytes) {
  KeyedSession stage;
  const std::vector<uint8_t> text = MakeText(size_bytes);
  CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey,
                                     EncryptPattern(pattern, text), kIv, {}, &pattern) == text);
}

TEST_CASE("DriverProtections.PatternNothing: (0,x,0) is clear from the first byte (7.8)") {
  CheckPattern({0, 0, 0}, 256);
  CheckPattern({0, 16, 0}, 256);
}
TEST_CASE("DriverProtections.PatternSkipZero: (x,0,16) is encrypted throughout (7.8)") {
  CheckPattern({16, 0, 16}, 250);
  CheckPattern({32, 0, 16}, 250);
  CheckPattern({0, 0, 16}, 250);
}
TEST_CASE("DriverProtections.PatternBeyondEndRuns: a beginning past the end hides the runs (7.8)") {
  CheckPattern({4096, 16, 16}, 250);
  CheckPattern({256, 16, 16}, 256);
}
TEST_CASE("DriverProtections.PatternShortRun: the end cuts the last run, or the last skip (R10)") {
  for (const size_t size : {1u, 15u, 17u, 33u, 49u, 63u, 65u, 250u}) {
    CheckPattern({16, 32, 16}, size);
  }
}
TEST_CASE("DriverProtections.PatternSkipPastEnd: a skip past the end leaves the rest clear") {
  CheckPattern({16, 4096, 16}, 256);
}
TEST_CASE(
    "DriverProtections.PatternLongRuns: runs of several blocks, keystream without gaps (R9)") {
  CheckPattern({32, 16, 144}, 4096);
  CheckPattern({0, 144, 16}, 4096);
}
TEST_CASE("DriverProtections.PatternGreatest: the greatest aligned numbers overflow nothing") {
  CheckPattern({0xFFFFFFF0, 0xFFFFFFF0, 0xFFFFFFF0}, 256);
  CheckPattern({16, 0xFFFFFFF0, 0xFFFFFFF0}, 256);
  CheckPattern({16, 16, 0xFFFFFFF0}, 256);
}

TEST_CASE("DriverProtections.PatternExample: the documentation's (100,20,2) is unaligned (R10)",
          "[negative]") {
  KeyedSession stage;
  for (const Pattern& pattern :
       {Pattern{100, 20, 2}, Pattern{1, 0, 16}, Pattern{16, 0, 1}, Pattern{0xFFFFFFFF, 16, 16}}) {
    const std::vector<uint8_t> text = MakeText(256);
    CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey,
                                       EncryptPattern(pattern, text), kIv, {},
                                       &pattern) == std::vector<uint8_t>(256));
  }
}

TEST_CASE("CrossProc.Resource: another device's resources are none", "[negative]") {
  KeyedSession stage;
  Process other(stage.kernel.get());
  const ResourcePointer staging = other.MakeStaging(64);
  const ResourcePointer frame = other.MakeDefault(64, true);
  other.app.Upload(staging.get(), MakeText(64));
  runtime::VideoContext& video = stage.process.app.video();
  CHECK(video.DecryptionBlt(stage.session.get(), staging.get(), frame.get(), nullptr, {}, kIv) ==
        S_OK);
  Key iv = kIv;
  CHECK(video.EncryptionBlt(stage.session.get(), frame.get(), staging.get(), iv) == S_OK);
  CHECK(iv == Key{});
  CHECK(other.app.Download(staging.get()) == MakeText(64));
  REQUIRE(stage.kernel->EventReports().size() == 1);
  CHECK(stage.kernel->EventReports()[0].session != 0);
  CHECK(stage.kernel->EventReports()[0].last_reason == "not a resource's handle");
}

}  // namespace
}  // namespace ward::test
