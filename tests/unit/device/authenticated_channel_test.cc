// Channels and key refresh on the chip's real blocks.
#include "abi/generated/pci.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/channel_bench.h"

namespace ward::device {
namespace {

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
