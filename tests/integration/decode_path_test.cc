// The documented call order of an application that decodes protected video over RSAES-OAEP
// (DDI 10.1, steps 1 to 14), from the first query to the last destroy.
#include <openssl/rand.h>

#include <set>
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/decoder_party.h"

namespace ward::test {
namespace {

const GUID& kAes = D3D11_1DDI_CRYPTO_TYPE_AES128_CTR;
constexpr uint32_t kCapsNeeded =
    0x2 | 0x8 | 0x10 | 0x20;  // hardware, partial, content key, refresh

Key MakeRandomKey() {
  Key key{};
  REQUIRE(RAND_bytes(key.data(), static_cast<int>(key.size())) == 1);
  return key;
}

uint64_t Value(HANDLE handle) { return reinterpret_cast<uintptr_t>(handle); }

// The stream of the application: frames of a header and two slices, each buffer under the next IV.
class Movie {
 public:
  explicit Movie(uint64_t first_iv) : next_iv_(first_iv) {}

  // Plays a frame with `key`; `content_key` as DecoderBeginFrame takes it.
  void PlayFrame(DecoderParty* party, ConstByteSpan content_key, const Key& key) {
    frame_ = {0, 0, 0, 1, 0x65, static_cast<uint8_t>(++frame_count_)};
    REQUIRE(party->Begin(content_key) == S_OK);
    party->Fill(runtime::DecoderBufferType::kPictureParameters, MakeText(64));
    party->Fill(runtime::DecoderBufferType::kSliceControl, MakeText(20));
    runtime::DecoderBufferDescription control[2];
    control[0].type = runtime::DecoderBufferType::kPictureParameters;
    control[0].data_bytes = 64;
    control[1].type = runtime::DecoderBufferType::kSliceControl;
    control[1].data_bytes = 20;
    CHECK(party->context.SubmitDecoderBuffers(party->decoder.get(), control) == S_OK);
    CHECK(party->Submit(frame_, nullptr) == S_OK);
    for (const size_t size : {1000u + frame_count_, 333u}) {
      std::vector<uint8_t> slice = MakeText(size);
      slice[0] = static_cast<uint8_t>(next_iv_);
      Key iv{};
      StoreBe64(iv.data(), next_iv_++);
      CHECK(party->Submit(RunCtr(key, iv, slice), &iv) == S_OK);
      frame_.insert(frame_.end(), slice.begin(), slice.end());
    }
    REQUIRE(party->End() == S_OK);
  }
  const std::vector<uint8_t>& last_frame() const { return frame_; }

 private:
  uint64_t next_iv_;
  uint32_t frame_count_ = 0;
  std::vector<uint8_t> frame_;
};

// Steps 2 to 8 and 10, each looked at as the application would.
struct Playback : Stage {
  Playback() : channel_key(MakeRandomKey()), session_key(MakeRandomKey()) {
    runtime::VideoDevice video = process.video_device();
    runtime::ContentProtectionCaps caps;
    REQUIRE(video.GetContentProtectionCaps(&kAes, &DecoderProfile(), &caps) == S_OK);
    REQUIRE((caps.caps & kCapsNeeded) == kCapsNeeded);
    bool has_oaep = false;
    for (uint32_t i = 0; i < caps.key_exchange_type_count; ++i) {
      GUID type{};
      REQUIRE(video.CheckCryptoKeyExchange(&kAes, &DecoderProfile(), i, &type) == S_OK);
      has_oaep = has_oaep || type == D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP;
    }
    REQUIRE(has_oaep);
  }

  // Steps 3 to 6; the channel verified the chain to its root when it wrapped its key.
  void OpenChannel(ChannelParty* channel) {
    REQUIRE(channel->Negotiate(channel_key) == S_OK);
    REQUIRE(channel->Initialize().result == S_OK);
    CHECK(channel->Query(D3D11_1DDI_AUTHENTICATED_QUERY_CHANNEL_TYPE, {}, 56).Word(48) ==
          kHardwareChannel);
    const Reply access =
        channel->Query(D3D11_1DDI_AUTHENTICATED_QUERY_ACCESSIBILITY_ATTRIBUTES, {}, 64);
    CHECK(access.Word(52) == 0);
    CHECK(access.Word(56) == 0);
  }

  Key channel_key;
  Key session_key;
};

TEST_CASE("the decode path, from the first query to the last destroy (DDI 10.1)") {
  Playback stage;
  DecoderParty party(&stage.process);
  ChannelParty& channel = party.channel;
  stage.OpenChannel(&channel);
  CHECK(stage.channel_key != stage.session_key);
  party.session = party.MakeSession(stage.session_key);  // step 7
  const Key content_key = MakeRandomKey();               // step 8

  // Step 9: the tie, and its confirmation.
  HANDLE decoder = nullptr;
  HANDLE session = nullptr;
  REQUIRE(party.decoder->GetDriverHandle(&decoder) == S_OK);
  REQUIRE(party.session->GetCryptoSessionHandle(&session) == S_OK);
  const uint64_t device =
      channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_DEVICE_HANDLE, {}, 56).Long(48);
  CHECK(std::set<uint64_t>{Value(decoder), Value(session), device, channel.handle()}.size() == 4);
  REQUIRE(party.Tie(party.session.get()) == S_OK);
  const Reply tied =
      channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION, Longs({Value(decoder)}), 72);
  CHECK(tied.Long(56) == Value(session));
  CHECK(tied.Long(64) == device);

  // Steps 10 and 11.
  const GUID& set_protection = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
  CHECK(channel.Configure(set_protection, Words({1})).result == S_OK);
  CHECK(channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION, {}, 56).Word(48) == 1);
  CHECK(channel
            .Query(D3D11_1DDI_AUTHENTICATED_QUERY_OUTPUT_ID_COUNT, Longs({device, Value(session)}),
                   72)
            .result == S_OK);

  // Step 12: frames under the content key, wrapped, and under the session key.
  Movie movie(0x123456789);
  for (int i = 0; i < 3; ++i) {
    movie.PlayFrame(&party, EcbEncrypt(stage.session_key, content_key), content_key);
    CHECK(party.ReadFrame(party.session.get(), stage.session_key) == movie.last_frame());
  }
  movie.PlayFrame(&party, {}, stage.session_key);
  CHECK(party.ReadFrame(party.session.get(), stage.session_key) == movie.last_frame());

  // Step 13: a refresh in mid-stream.
  Key random{};
  runtime::VideoContext& video = stage.process.app.video();
  REQUIRE(video.StartSessionKeyRefresh(party.session.get(), random) == S_OK);
  movie.PlayFrame(&party, {}, stage.session_key);
  CHECK(party.ReadFrame(party.session.get(), stage.session_key) == movie.last_frame());
  REQUIRE(video.FinishSessionKeyRefresh(party.session.get()) == S_OK);
  const Key refreshed = Xor(stage.session_key, random);
  movie.PlayFrame(&party, {}, refreshed);
  CHECK(party.ReadFrame(party.session.get(), refreshed) == movie.last_frame());
  movie.PlayFrame(&party, EcbEncrypt(refreshed, content_key), content_key);
  CHECK(party.ReadFrame(party.session.get(), refreshed) == movie.last_frame());

  // Step 14: in this order, and the device lives through it.
  CHECK(channel.Configure(set_protection, Words({0})).result == S_OK);
  party.decoder.reset();
  CHECK(channel.Query(D3D11_1DDI_AUTHENTICATED_QUERY_CRYPTO_SESSION, Longs({Value(decoder)}), 72)
            .result == E_INVALIDARG);
  party.session.reset();
  channel.channel.reset();
  CHECK(stage.process.app.context().Flush() == S_OK);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("what one application decodes, another one on the same device reads nothing of") {
  Playback stage;
  DecoderParty party(&stage.process);
  stage.OpenChannel(&party.channel);
  party.session = party.MakeSession(stage.session_key);
  REQUIRE(party.Tie(party.session.get()) == S_OK);
  Movie movie(1);
  movie.PlayFrame(&party, {}, stage.session_key);
  const ResourcePointer copy = stage.process.MakeDefault(64u << 10, true);
  uint32_t bytes = 0;
  REQUIRE(party.CopyFrame(copy.get(), &bytes) == S_OK);
  CHECK(bytes == movie.last_frame().size());
  const SessionPointer other = stage.process.MakeKeyedSession(kOtherKey);
  CHECK(stage.process.ReadProtected(other.get(), kOtherKey, copy.get()).empty());
  // The end of the session takes the frame with it.
  party.session.reset();
  CHECK(IsZero(stage.process.ReadProtected(other.get(), kOtherKey, copy.get())));
}

}  // namespace
}  // namespace ward::test
