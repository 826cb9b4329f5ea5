// Channels and key refresh on the chip's real blocks: the application's side is libcrypto, the
// structures are written out by offset (DDI 6.2 to 6.4, 64 bits).
#include <openssl/evp.h>

#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/security_bench.h"

namespace ward::device {
namespace {

const Bytes kInitialize = test::FromHex("db4b110623350a478dcafbc2845154f0");
const Bytes kProtection = test::FromHex("58564550473f6243bf99bfdfcde9ed29");
const Bytes kOutputCount = test::FromHex("5e2b042c078cd546aabe8f75cbad4c31");
const Bytes kOutputId = test::FromHex("a3dc9d834e9be441b053892bd2a11ee7");

Bytes Cmac(const Block& key, ConstByteSpan message) {
  Bytes tag(16);
  size_t size = 0;
  EVP_Q_mac(nullptr, "CMAC", nullptr, "AES-128-CBC", nullptr, key.data(), key.size(),
            message.data(), message.size(), tag.data(), tag.size(), &size);
  return tag;
}

struct Answered {
  uint32_t status;
  Bytes output;
};

struct ChannelBench : SecurityBench {
  explicit ChannelBench(const PublishedIdentity& identity_of) : SecurityBench(identity_of) {
    const Reply reply = Send(abi::kMessageCreateChannel, Words({3, 8}));
    channel = reply.Word(16);
    handle = LoadLe<uint64_t>(reply.bytes.data() + 24);
  }
  uint32_t NegotiateChannel(const Block& key) {
    return Send(abi::kMessageNegotiateChannelKey, NegotiatePayload(channel, identity.Wrap(key)))
        .status;
  }
  Bytes Command(const Bytes& type, uint32_t sequence, uint32_t first, uint32_t second) const {
    Bytes bytes(56);
    std::copy(type.begin(), type.end(), bytes.begin() + 16);
    StoreLe(bytes.data() + 32, handle);
    StoreLe(bytes.data() + 40, sequence);
    StoreLe(bytes.data() + 48, first);
    StoreLe(bytes.data() + 52, second);
    const Bytes tag = Cmac(kSessionKey, ConstByteSpan(bytes).subspan(16));
    std::copy(tag.begin(), tag.end(), bytes.begin());
    return bytes;
  }
  Answered Configure(const Bytes& input) {
    return Receive(
        Send(abi::kMessageConfigureChannel,
             Joined(Words({channel, static_cast<uint32_t>(input.size()), 0, 0}), input)));
  }
  Answered QueryOutput(const Bytes& type, uint32_t sequence, uint64_t session, uint32_t index) {
    Bytes input(56);
    std::copy(type.begin(), type.end(), input.begin());
    StoreLe(input.data() + 16, handle);
    StoreLe(input.data() + 24, sequence);
    StoreLe(input.data() + 32, Handle(abi::kMessageGetDeviceHandle, Words({0, 0}), 16));
    StoreLe(input.data() + 40, session);
    StoreLe(input.data() + 48, index);
    return Receive(Send(abi::kMessageQueryChannel, Joined(Words({channel, 56, 80, 0}), input)));
  }
  uint64_t Handle(uint32_t message, const Bytes& payload, size_t offset) {
    return LoadLe<uint64_t>(Send(message, payload).bytes.data() + offset);
  }
  bool IsSigned(const Answered& answered) const {
    const ConstByteSpan output = answered.output;
    return output.size() >= 48 &&
           Cmac(kSessionKey, output.subspan(16)) == Bytes(output.begin(), output.begin() + 16);
  }

  uint32_t channel = 0;
  uint64_t handle = 0;

 private:
  static Answered Receive(const Reply& reply) {
    Answered answered = {reply.status, {}};
    if (reply.bytes.size() > 32) {
      answered.output.assign(reply.bytes.begin() + 32, reply.bytes.end());
    }
    return answered;
  }
};

TEST_CASE("an application with libcrypto opens a channel and sets protection") {
  const PublishedIdentity identity;
  ChannelBench bench(identity);
  REQUIRE(bench.NegotiateChannel(kOtherKey) == abi::kStatusOk);
  CHECK(bench.Configure(bench.Command(kInitialize, 0, 10, 20)).status ==
        abi::kStatusChannelMessageInvalid);
  REQUIRE(bench.NegotiateChannel(kSessionKey) == abi::kStatusOk);
  CHECK(bench.vault.allocated_count() == 1);
  const Answered initialized = bench.Configure(bench.Command(kInitialize, 0, 10, 20));
  CHECK(initialized.status == abi::kStatusOk);
  CHECK(bench.IsSigned(initialized));
  CHECK(bench.NegotiateChannel(kSessionKey) == abi::kStatusKeyExchangeFailed);
  const Answered protection = bench.Configure(bench.Command(kProtection, 20, 1, 0));
  CHECK(protection.status == abi::kStatusOk);
  CHECK(bench.IsSigned(protection));
  Bytes forged = bench.Command(kProtection, 21, 0, 0);
  forged[15] ^= 0x80;
  CHECK(bench.Configure(forged).status == abi::kStatusChannelMessageInvalid);
}

TEST_CASE("F19_ a damaged channel key costs that channel alone") {
  const PublishedIdentity identity;
  ChannelBench bench(identity);
  REQUIRE(bench.NegotiateChannel(kSessionKey) == abi::kStatusOk);
  const uint32_t session = bench.CreateSession();
  CHECK(session == bench.channel);  // their numbers may coincide, their keys do not
  REQUIRE(bench.Negotiate(session, kOtherKey) == abi::kStatusOk);
  bench.vault.DamageForTest(0);
  CHECK(bench.Configure(bench.Command(kInitialize, 0, 10, 20)).status == abi::kStatusKeyDamaged);
  CHECK(bench.NegotiateChannel(kSessionKey) == abi::kStatusKeyDamaged);
  CHECK(bench.Query(session).Word(16) == 1);
  CHECK(bench.Send(abi::kMessageDestroyChannel, SecurityBench::Words({bench.channel, 0})).status ==
        abi::kStatusOk);
  CHECK(bench.vault.allocated_count() == 1);
}

TEST_CASE("OUTPUT_ID names the output that scans pages of the session, while it does") {
  const PublishedIdentity identity;
  ChannelBench bench(identity);
  REQUIRE(bench.NegotiateChannel(kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.Configure(bench.Command(kInitialize, 0, 10, 20)).status == abi::kStatusOk);
  const Reply created = bench.Send(abi::kMessageCreateSession, SecurityBench::CreatePayload());
  const uint64_t session = LoadLe<uint64_t>(created.bytes.data() + 24);
  uint32_t sequence = 10;
  const auto count = [&] {
    const Answered answered = bench.QueryOutput(kOutputCount, sequence++, session, 0);
    REQUIRE(answered.output.size() == 72);
    CHECK(bench.IsSigned(answered));
    return LoadLe<uint32_t>(answered.output.data() + 64);
  };
  const auto show = [&](uint64_t local_address, bool active) {
    Display::State state = bench.display.Save();
    Display::Output& output = state.outputs[0];
    output.enabled = true;
    output.active = active;
    output.surface.local_address = local_address;
    output.surface.pitch = 2560;  // 640x360: 225 pages
    bench.display.Load(state);
  };
  show(abi::kProtectedVramLocalBase, true);
  CHECK(count() == 0);
  bench.PutPage(225, created.Word(16));
  CHECK(count() == 0);
  bench.PutPage(224, created.Word(16));
  CHECK(count() == 1);
  const Answered first = bench.QueryOutput(kOutputId, sequence++, session, 0);
  REQUIRE(first.output.size() == 80);
  CHECK(bench.IsSigned(first));
  CHECK(LoadLe<uint64_t>(first.output.data() + 72) == 1);
  CHECK(bench.QueryOutput(kOutputId, sequence++, session, 1).status ==
        abi::kStatusChannelMessageInvalid);
  show(abi::kProtectedVramLocalBase, false);
  CHECK(count() == 0);
  show(0, true);
  CHECK(count() == 0);
  show(abi::kProtectedVramLocalBase + 4096, true);
  CHECK(count() == 1);
  bench.PutPage(224, created.Word(16) + 1);
  bench.PutPage(225, created.Word(16) + 1);
  CHECK(count() == 0);
}

TEST_CASE("a refresh makes the published kind of key, with a new history for it alone") {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  const uint32_t session = bench.CreateSession();
  REQUIRE(bench.Negotiate(session, kSessionKey) == abi::kStatusOk);
  REQUIRE(bench.SetContentKey(session, kWrappedContentKey) == abi::kStatusOk);
  Grant& grant = bench.grants.At(session & 0xffff);
  grant.floors[0] = {true, 5, 6};
  grant.floors[1] = {true, 7, 8};
  const Reply start = bench.Send(abi::kMessageStartKeyRefresh, SecurityBench::Words({session, 16}));
  REQUIRE(start.status == abi::kStatusOk);
  CHECK(grant.floors[0].used);
  REQUIRE(bench.Send(abi::kMessageFinishKeyRefresh, SecurityBench::Words({session, 0})).status ==
          abi::kStatusOk);
  Block expected = start.BlockAt(16);
  for (size_t i = 0; i < 16; ++i) {
    expected[i] = static_cast<uint8_t>(expected[i] ^ kSessionKey[i]);
  }
  CHECK(bench.Holds(grant.session_slot, session, kKeyUsageUnwrap | kKeyUsageDecrypt, expected));
  CHECK(bench.Holds(grant.content_slot, session, kKeyUsageDecrypt, kContentKey));
  CHECK(bench.vault.allocated_count() == 2);
  CHECK_FALSE(grant.floors[0].used);
  CHECK(grant.floors[1].count == 8);
  // What is wrapped from now on comes under the new key.
  CHECK(bench.SetContentKey(session, Ecb(expected, kOtherKey, true)) == abi::kStatusOk);
  CHECK(bench.Holds(grant.content_slot, session, kKeyUsageDecrypt, kOtherKey));
}

TEST_CASE("a reset ends channels and decoders, and no handle of before comes again") {
  const PublishedIdentity identity;
  ChannelBench bench(identity);
  REQUIRE(bench.NegotiateChannel(kSessionKey) == abi::kStatusOk);
  bench.processor->Reset();
  bench.processor->Boot();
  CHECK(bench.vault.allocated_count() == 0);
  CHECK(bench.Configure(bench.Command(kInitialize, 0, 1, 1)).status == abi::kStatusChannelInvalid);
  for (int i = 0; i < 40; ++i) {
    const uint64_t handle =
        bench.Handle(abi::kMessageCreateDecoder, SecurityBench::Words({0, 0}), 16);
    CHECK(static_cast<uint32_t>(handle) != static_cast<uint32_t>(bench.handle));
  }
}

TEST_CASE("channel state is part of the saved state and its hash") {
  const PublishedIdentity identity;
  ChannelBench bench(identity);
  REQUIRE(bench.NegotiateChannel(kSessionKey) == abi::kStatusOk);
  const uint64_t hash = bench.StateHash();
  const auto state = bench.processor->Save();
  REQUIRE(bench.Configure(bench.Command(kInitialize, 0, 10, 20)).status == abi::kStatusOk);
  CHECK(bench.StateHash() != hash);
  bench.processor->Load(*state);
  CHECK(bench.StateHash() == hash);
  CHECK(bench.Configure(bench.Command(kInitialize, 0, 10, 20)).status == abi::kStatusOk);
}

}  // namespace
}  // namespace ward::device
