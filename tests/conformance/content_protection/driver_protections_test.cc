// DriverProtections: where protected content may go, and what a blt refuses.
#include <vector>

#include "catch2/catch_test_macros.hpp"
#include "tests/conformance/content_protection/channel_party.h"
#include "umd/ddi/guids.h"

namespace ward::test {
namespace {

const GUID& kSetProtection = D3D11_1DDI_AUTHENTICATED_CONFIGURE_PROTECTION_GUID;
const GUID& kGetProtection = D3D11_1DDI_AUTHENTICATED_QUERY_PROTECTION;

struct KeyedSession : Stage {
  KeyedSession() : session(process.MakeKeyedSession(kSessionKey)) {}

  void CheckNothingHappened(runtime::Resource* frame) {
    CHECK(process.app.device().GetDeviceRemovedReason() == S_OK);
    CHECK(process.ReadProtected(session.get(), kSessionKey, frame) == std::vector<uint8_t>(256));
    CHECK(process.HasKey(session.get(), kSessionKey));
  }
  void Pattern(const D3D11_1DDI_ENCRYPTED_BLOCK_INFO& pattern) {
    const ResourcePointer frame = process.MakeDefault(256, true);
    CHECK(process.Decrypt(session.get(), MakeText(256), kIv, frame.get(), {}, &pattern) == S_OK);
    CheckNothingHappened(frame.get());
  }

  SessionPointer session;
};

std::vector<uint8_t> CopyOut(Process* process, runtime::Resource* source) {
  const ResourcePointer staging = process->MakeStaging(source->description().width);
  REQUIRE(process->app.context().CopyResource(staging.get(), source) == S_OK);
  return process->app.Download(staging.get());
}

TEST_CASE("DriverProtections.DecryptToOpen: an unprotected destination stays as it was (R27)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer open = stage.process.MakeDefault(256, false);
  CHECK(stage.process.Decrypt(stage.session.get(), MakeText(256), kIv, open.get()) == S_OK);
  CHECK(IsZero(CopyOut(&stage.process, open.get())));
  CHECK(stage.process.HasKey(stage.session.get(), kSessionKey));
}

TEST_CASE("DriverProtections.DecryptToStaging: a CPU's destination stays as it was (R27)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer staging = stage.process.MakeStaging(256);
  CHECK(stage.process.Decrypt(stage.session.get(), MakeText(256), kIv, staging.get()) == S_OK);
  CHECK(IsZero(stage.process.app.Download(staging.get())));
}

TEST_CASE("DriverProtections.EncryptToOpen: only a staging destination is written (R28)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, MakeText(256));
  REQUIRE(stage.process.Decrypt(stage.session.get(), ciphertext, kIv, frame.get()) == S_OK);
  const ResourcePointer open = stage.process.MakeDefault(256, false);
  Key wrapped{};
  REQUIRE(stage.process.app.video().GetEncryptionBltKey(stage.session.get(), wrapped) == S_OK);
  Key iv = kIv;
  CHECK(stage.process.app.video().EncryptionBlt(stage.session.get(), frame.get(), open.get(), iv) ==
        S_OK);
  CHECK(iv == Key{});
  CHECK(IsZero(CopyOut(&stage.process, open.get())));
}

TEST_CASE("DriverProtections.CopyOut: no copy leads from protected to open memory", "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, MakeText(256));
  REQUIRE(stage.process.Decrypt(stage.session.get(), ciphertext, kIv, frame.get()) == S_OK);
  CHECK(IsZero(CopyOut(&stage.process, frame.get())));
  const ResourcePointer open = stage.process.MakeDefault(256, false);
  REQUIRE(stage.process.app.context().CopyResource(open.get(), frame.get()) == S_OK);
  CHECK(IsZero(CopyOut(&stage.process, open.get())));
}

TEST_CASE("DriverProtections.Map: protected memory is not mapped", "[negative]") {
  Stage stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  runtime::MappedSubresource mapped;
  CHECK(FAILED(stage.process.app.context().Map(frame.get(), runtime::MapType::kRead, &mapped)));
  // What the runtime would not even ask for.
  runtime::Device& device = stage.process.app.device();
  D3D10DDI_MAPPED_SUBRESOURCE answer = {};
  device.functions().pfnResourceMap(device.driver_handle(), frame->driver_handle(), 0,
                                    D3D10_DDI_MAP_READ, 0, &answer);
  CHECK(answer.pData == nullptr);
  CHECK(stage.process.app.device().GetDeviceRemovedReason() == S_OK);
}

TEST_CASE("DriverProtections.DecryptBeforeKey: a session without a key writes nothing (R26)",
          "[negative]") {
  Stage stage;
  const SessionPointer session = stage.process.MakeSession();
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  CHECK(stage.process.Decrypt(session.get(), MakeText(256), kIv, frame.get()) == S_OK);
  REQUIRE(stage.process.Negotiate(session.get(),
                                  WrapOaep(stage.process.device_key(), kSessionKey)) == S_OK);
  CHECK(stage.process.ReadProtected(session.get(), kSessionKey, frame.get()) ==
        std::vector<uint8_t>(256));
}

TEST_CASE("DriverProtections.DecryptIvSize: an IV that is not 16 bytes is no IV (R20)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  const ResourcePointer staging = stage.process.MakeStaging(256);
  stage.process.app.Upload(staging.get(), MakeText(256));
  const std::vector<uint8_t> iv(32, 1);
  for (const size_t size : {0u, 8u, 15u, 17u, 32u}) {
    CHECK(stage.process.app.video().DecryptionBlt(stage.session.get(), staging.get(), frame.get(),
                                                  nullptr, {},
                                                  ConstByteSpan(iv).first(size)) == S_OK);
  }
  stage.CheckNothingHappened(frame.get());
}

TEST_CASE("DriverProtections.DecryptContentKeySize: a content key is 16 bytes (7.5)",
          "[negative]") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(256, true);
  const std::vector<uint8_t> wrapped(32, 1);
  for (const size_t size : {1u, 15u, 17u, 32u}) {
    CHECK(stage.process.Decrypt(stage.session.get(), MakeText(256), kIv, frame.get(),
                                ConstByteSpan(wrapped).first(size)) == S_OK);
  }
  stage.CheckNothingHappened(frame.get());
}

TEST_CASE("DriverProtections.DecryptPatternSkip: an unaligned skip is refused (R10)",
          "[negative]") {
  KeyedSession().Pattern({16, 20, 16});
}
TEST_CASE("DriverProtections.DecryptPatternEncrypt: an unaligned run is refused (R10)",
          "[negative]") {
  KeyedSession().Pattern({16, 16, 2});
}
TEST_CASE("DriverProtections.DecryptPatternBeginning: an unaligned beginning is refused (R10)",
          "[negative]") {
  KeyedSession().Pattern({100, 16, 16});
}

TEST_CASE("DriverProtections.PatternKnownAnswer: the reference's (16,16,16) (7.8)") {
  KeyedSession stage;
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO pattern = {16, 16, 16};
  std::vector<uint8_t> expected(64);
  const Key first = ParseKey("dcd04ae8f4bbc1fca8b52f59a91e3da1");
  const Key third = ParseKey("e0f41d30c0f1f03ce963843fe9b95c44");
  std::copy(first.begin(), first.end(), expected.begin());
  std::copy(third.begin(), third.end(), expected.begin() + 32);
  CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey, std::vector<uint8_t>(64),
                                     kIv, {}, &pattern) == expected);
}

TEST_CASE("DriverProtections.PatternBeginningOnly: (100,x,0) encrypts 100 bytes (7.8)") {
  KeyedSession stage;
  const std::vector<uint8_t> text = MakeText(256);
  std::vector<uint8_t> mixed = RunCtr(kSessionKey, kIv, text);
  std::copy(text.begin() + 100, text.end(), mixed.begin() + 100);
  for (const UINT skip : {0u, 20u}) {
    const D3D11_1DDI_ENCRYPTED_BLOCK_INFO pattern = {100, skip, 0};
    CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey, mixed, kIv, {},
                                       &pattern) == text);
  }
}

TEST_CASE("DriverProtections.PatternBeyondEnd: a beginning past the end is the whole buffer") {
  KeyedSession stage;
  const std::vector<uint8_t> text = MakeText(250);
  const D3D11_1DDI_ENCRYPTED_BLOCK_INFO pattern = {4096, 0, 0};
  CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey,
                                     RunCtr(kSessionKey, kIv, text), kIv, {}, &pattern) == text);
}

TEST_CASE("DriverProtections.CountWrap: Count wraps and IV stays (7.4)") {
  KeyedSession stage;
  const Key iv = ParseKey("0011223344556677ffffffffffffffff");
  std::vector<uint8_t> expected;
  for (const char* block :
       {"f627ceadf02f7cb53bf11c061ff3bdfc", "3db9543aaa4b2047e2b5e69a1ad4bf2a"}) {
    const Key bytes = ParseKey(block);
    expected.insert(expected.end(), bytes.begin(), bytes.end());
  }
  CHECK(stage.process.DecryptAndRead(stage.session.get(), kSessionKey, std::vector<uint8_t>(32),
                                     iv) == expected);
}

TEST_CASE("DriverProtections.ReadbackKeySize: another size than 16 gives zeros", "[negative]") {
  KeyedSession stage;
  for (const size_t size : {1u, 15u, 17u, 32u}) {
    std::vector<uint8_t> wrapped(size, 0x77);
    CHECK(stage.process.app.video().GetEncryptionBltKey(stage.session.get(), wrapped) == S_OK);
    CHECK(IsZero(wrapped));
  }
}

TEST_CASE("DriverProtections.ReadbackKeyNew: every call makes another key (7.6)") {
  KeyedSession stage;
  Key first{};
  Key second{};
  CHECK(stage.process.app.video().GetEncryptionBltKey(stage.session.get(), first) == S_OK);
  CHECK(stage.process.app.video().GetEncryptionBltKey(stage.session.get(), second) == S_OK);
  CHECK(first != second);
}

TEST_CASE("DriverProtections.EncryptIv: the driver's IV counts up and never repeats (R22)") {
  KeyedSession stage;
  const ResourcePointer frame = stage.process.MakeDefault(64, true);
  const std::vector<uint8_t> ciphertext = RunCtr(kSessionKey, kIv, MakeText(64));
  REQUIRE(stage.process.Decrypt(stage.session.get(), ciphertext, kIv, frame.get()) == S_OK);
  Key wrapped{};
  runtime::VideoContext& video = stage.process.app.video();
  REQUIRE(video.GetEncryptionBltKey(stage.session.get(), wrapped) == S_OK);
  const ResourcePointer staging = stage.process.MakeStaging(64);
  Key first{};
  Key second{};
  REQUIRE(video.EncryptionBlt(stage.session.get(), frame.get(), staging.get(), first) == S_OK);
  REQUIRE(video.EncryptionBlt(stage.session.get(), frame.get(), staging.get(), second) == S_OK);
  const auto iv_of = [](const Key& block) {
    uint64_t iv = 0;
    for (size_t i = 0; i < 8; ++i) iv = iv << 8 | block[i];
    return iv;
  };
  CHECK(iv_of(first) >> 63 == 0);
  CHECK(iv_of(second) == iv_of(first) + 1);
  CHECK(IsZero(ConstByteSpan(first).subspan(8)));
  CHECK(IsZero(ConstByteSpan(second).subspan(8)));
}

TEST_CASE("DriverProtections.AlwaysOn: protection stays reported after it is taken back (R24)") {
  Stage stage;
  ChannelParty channel(&stage.process);
  channel.Open();
  CHECK(channel.Query(kGetProtection, {}, 56).Word(48) == 1);
  CHECK(channel.Configure(kSetProtection, Words({1})).result == S_OK);
  CHECK(channel.Configure(kSetProtection, Words({0})).result == S_OK);
  CHECK(channel.Query(kGetProtection, {}, 56).Word(48) == 1);
}

TEST_CASE("DriverProtections.OtherChannel: a channel can't take back what another one asked for",
          "[negative]") {
  Stage stage;
  ChannelParty first(&stage.process);
  ChannelParty second(&stage.process, kSoftwareChannel);
  first.Open();
  second.Open();
  CHECK(first.Configure(kSetProtection, Words({3})).result == S_OK);
  CHECK(second.Query(kGetProtection, {}, 56).Word(48) == 3);
  CHECK(second.Configure(kSetProtection, Words({0})).result == S_OK);
  CHECK(second.Query(kGetProtection, {}, 56).Word(48) == 3);
  CHECK(first.Configure(kSetProtection, Words({1})).result == S_OK);
  CHECK(second.Query(kGetProtection, {}, 56).Word(48) == 1);
}

TEST_CASE("DriverProtections.ChannelEnds: what a channel asked for ends with it") {
  Stage stage;
  ChannelParty first(&stage.process);
  ChannelParty second(&stage.process);
  first.Open();
  second.Open();
  CHECK(first.Configure(kSetProtection, Words({2})).result == S_OK);
  CHECK(second.Query(kGetProtection, {}, 56).Word(48) == 3);
  first.channel.reset();
  CHECK(second.Query(kGetProtection, {}, 56).Word(48) == 1);
}

}  // namespace
}  // namespace ward::test
