// What only the platform stands for: that handles can't be used against their purpose, and that a
// blob made by the chip is one that others can read.
#include "device/firmware_platform.h"

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/security_bench.h"

namespace ward::device {
namespace {

constexpr uint32_t kSession = 0x10000;
constexpr uint32_t kStranger = 0x10001;

RsaPrivateKey LoadKey(const PublishedIdentity& identity) {
  const char* reason = nullptr;
  auto key = RsaPrivateKey::LoadDer(identity.der(), &reason);
  REQUIRE(key.has_value());
  return std::move(*key);
}

struct WiredPlatform {
  WiredPlatform()
      : memory(ports.ports(), 1u << 20, 1u << 20),
        vault(8),
        grants(4),
        display(&memory, &grants, &ports.clock),
        platform(
            {&vault, &grants, &memory, &display, &ports.entropy, &ports.clock, 1000, -1, false},
            LoadKey(identity), {1, 2, 3}) {}

  uint32_t Generate(uint32_t usage) {
    const uint32_t slot = platform.AllocateSlot(kSession, usage);
    REQUIRE(platform.GenerateKey(slot, kSession));
    return slot;
  }

  PublishedIdentity identity;
  fakes::FakePorts ports;
  Memory memory;
  KeyVault vault;
  GrantTable grants;
  Display display;
  FirmwarePlatform platform;
};

TEST_CASE("P1_ only a read-back key leaves wrapped, under its own session's key") {
  WiredPlatform wired;
  Bytes response(64);
  wired.platform.OpenMailbox({}, response);
  const uint32_t wrapping = wired.Generate(firmware::kUsageUnwrap | firmware::kUsageDecrypt);
  const uint32_t content = wired.Generate(firmware::kUsageDecrypt);
  const uint32_t readback = wired.Generate(firmware::kUsageEncrypt);
  CHECK_FALSE(wired.platform.WrapAesEcb(wrapping, content, kSession, 16));
  CHECK_FALSE(wired.platform.WrapAesEcb(wrapping, wrapping, kSession, 16));
  CHECK_FALSE(wired.platform.WrapAesEcb(content, readback, kSession, 16));
  CHECK_FALSE(wired.platform.WrapAesEcb(wrapping, readback, kStranger, 16));
  CHECK_FALSE(wired.platform.WrapAesEcb(wrapping, readback, kSession, 49));
  CHECK(response == Bytes(64));
  CHECK(wired.platform.WrapAesEcb(wrapping, readback, kSession, 48));
  CHECK(response != Bytes(64));
}

TEST_CASE("P11_ a slot that has its key takes no second one") {
  WiredPlatform wired;
  const uint32_t slot = wired.Generate(firmware::kUsageDecrypt);
  CHECK_FALSE(wired.platform.GenerateKey(slot, kSession));
  const uint32_t empty = wired.platform.AllocateSlot(kSession, firmware::kUsageDecrypt);
  CHECK_FALSE(wired.platform.GenerateKey(empty, kStranger));
  CHECK(wired.platform.GenerateKey(empty, kSession));
}

TEST_CASE("a MAC key signs and verifies and does nothing else; no other key does MACs") {
  WiredPlatform wired;
  Bytes response(64);
  wired.platform.OpenMailbox({}, response);
  const uint32_t mac = wired.Generate(firmware::kUsageMac);
  const uint32_t wrapping = wired.Generate(firmware::kUsageUnwrap | firmware::kUsageDecrypt);
  const uint32_t readback = wired.Generate(firmware::kUsageEncrypt);
  const uint8_t message[5] = {1, 2, 3, 4, 5};
  uint8_t tag[16] = {};
  REQUIRE(wired.platform.ComputeMac(mac, kSession, message, 5, tag));
  CHECK(wired.platform.VerifyMac(mac, kSession, message, 5, tag));
  CHECK_FALSE(wired.platform.VerifyMac(mac, kSession, message, 4, tag));
  CHECK_FALSE(wired.platform.VerifyMac(mac, kStranger, message, 5, tag));
  tag[15] ^= 1;
  CHECK_FALSE(wired.platform.VerifyMac(mac, kSession, message, 5, tag));
  for (uint32_t other : {wrapping, readback, 7u, kNoSlot}) {
    CHECK_FALSE(wired.platform.ComputeMac(other, kSession, message, 5, tag));
  }
  const uint32_t fresh = wired.platform.AllocateSlot(kSession, firmware::kUsageEncrypt);
  CHECK_FALSE(wired.platform.XorKey(mac, fresh, kSession, tag));
  CHECK_FALSE(wired.platform.XorKey(readback, fresh, kSession, tag));
  CHECK_FALSE(wired.platform.XorKey(wrapping, fresh, kStranger, tag));
  CHECK_FALSE(wired.platform.WrapAesEcb(wrapping, mac, kSession, 16));
  CHECK_FALSE(wired.platform.WrapAesEcb(mac, readback, kSession, 16));
}

TEST_CASE("payload and response are reachable inside their bounds, and only while open") {
  WiredPlatform wired;
  const Bytes payload = {1, 2, 3, 4};
  Bytes response(4);
  uint8_t word[4] = {};
  wired.platform.OpenMailbox(payload, response);
  CHECK(wired.platform.ReadPayload(0, word, 4));
  CHECK(word[3] == 4);
  CHECK(wired.platform.ReadPayload(4, word, 0));
  CHECK_FALSE(wired.platform.ReadPayload(1, word, 4));
  CHECK_FALSE(wired.platform.ReadPayload(0xffffffff, word, 2));
  CHECK(wired.platform.WriteResponse(0, word, 4));
  CHECK_FALSE(wired.platform.WriteResponse(1, word, 4));
  CHECK_FALSE(wired.platform.CopyCertificate(0, 2, 3));
  CHECK_FALSE(wired.platform.CopyCertificate(1, 0, 3));
  CHECK(wired.platform.CopyCertificate(0, 1, 3));
  CHECK(response == Bytes{1, 1, 2, 3});
  wired.platform.CloseMailbox();
  CHECK_FALSE(wired.platform.ReadPayload(0, word, 1));
  CHECK_FALSE(wired.platform.WriteResponse(0, word, 1));
}

TEST_CASE("parameters put the key in the slot and the rest in the firmware's hands") {
  WiredPlatform wired;
  Bytes plain(47, 0x99);
  for (size_t i = 0; i < 40; ++i) plain[i] = static_cast<uint8_t>(i);
  Bytes payload(8);
  const Bytes blob = wired.identity.Wrap(plain);
  payload.insert(payload.end(), blob.begin(), blob.end());
  wired.platform.OpenMailbox(payload, {});
  Bytes around(24, 0xee);
  const auto unwrap = [&](uint32_t slot, uint32_t owner, uint32_t offset, uint32_t size) {
    around.assign(24, 0xee);
    return wired.platform.UnwrapRsaOaepParameters(slot, owner, offset, size, around.data());
  };
  const uint32_t slot = wired.platform.AllocateSlot(kSession, firmware::kUsageDecrypt);
  CHECK_FALSE(unwrap(slot, kSession, 7, 256));
  CHECK(around == Bytes(24));
  CHECK_FALSE(unwrap(slot, kSession, 8, 257));
  CHECK_FALSE(unwrap(slot, kStranger, 8, 256));
  CHECK(around == Bytes(24));
  REQUIRE(unwrap(slot, kSession, 8, 256));
  Bytes expected(plain.begin(), plain.begin() + 16);
  expected.insert(expected.end(), plain.begin() + 32, plain.begin() + 40);
  CHECK(around == expected);
  auto key = wired.vault.Release(slot, kSession, kKeyUsageDecrypt);
  REQUIRE(key.ok());
  CHECK(Bytes(key.value()->Expose().begin(), key.value()->Expose().end()) ==
        Bytes(plain.begin() + 16, plain.begin() + 32));
  // Locked: no second key, and nothing told.
  CHECK_FALSE(unwrap(slot, kSession, 8, 256));
  CHECK(around == Bytes(24));
}

TEST_CASE("a grant without entropy for its IV leaves the entry as it was") {
  WiredPlatform wired;
  REQUIRE(wired.platform.WriteGrant(1, {0x10001, 7, 2, kNoSlot, kNoSlot}));
  wired.ports.entropy.available = false;
  CHECK_FALSE(wired.platform.WriteGrant(1, {0x10001, 7, 2, kNoSlot, 3}));
  CHECK(wired.grants.At(1).readback_slot == kNoSlot);
  CHECK(wired.platform.WriteGrant(1, {0x10001, 7, 4, kNoSlot, kNoSlot}));
  CHECK(wired.grants.At(1).session_slot == 4);
}

TEST_CASE("a new session at an index starts with no counts and no history") {
  WiredPlatform wired;
  REQUIRE(wired.platform.WriteGrant(1, {0x10001, 7, 2, kNoSlot, kNoSlot}));
  wired.grants.CountRefusal(0x10001, 7, 1);
  wired.grants.At(1).floors[0].used = true;
  REQUIRE(wired.platform.WriteGrant(1, {0x20001, 7, 2, kNoSlot, kNoSlot}));
  CHECK(wired.platform.ReadRefusals(1).count == 0);
  CHECK_FALSE(wired.grants.At(1).floors[0].used);
}

TEST_CASE("what WrapKey wraps, libcrypto's own OAEP unwraps") {
  const PublishedIdentity identity;
  const RsaPrivateKey key = LoadKey(identity);
  AesKey sent;
  for (size_t i = 0; i < 16; ++i) sent.Expose()[i] = static_cast<uint8_t>(i + 1);
  Bytes blob(256);
  REQUIRE(key.WrapKey(sent, blob));

  const unsigned char* next = identity.der().data();
  EVP_PKEY* handle = d2i_AutoPrivateKey(nullptr, &next, static_cast<long>(identity.der().size()));
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(handle, nullptr);
  Bytes plain(256);
  size_t size = plain.size();
  EVP_PKEY_decrypt_init(context);
  EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING);
  EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha512());
  EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha512());
  CHECK(EVP_PKEY_decrypt(context, plain.data(), &size, blob.data(), blob.size()) == 1);
  EVP_PKEY_CTX_free(context);
  EVP_PKEY_free(handle);
  REQUIRE(size == 16);
  plain.resize(16);
  CHECK(plain == Bytes(sent.Expose().begin(), sent.Expose().end()));
}

}  // namespace
}  // namespace ward::device
