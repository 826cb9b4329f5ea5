// Runs what handles secrets, as a release compiles it, while memcheck counts those secrets as
// undefined: a branch or an address that depends on one is a report, and so is an answer, a trace
// or a clock that has one in it. The controls do what must not be done and have to be reported.
// Exit code 0: every case was silent, every control was not. Run it by test_side_channels.py.
#include <valgrind/memcheck.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "base/secret_bytes.h"
#include "device/crypto/aes_cmac.h"
#include "device/crypto/ctr_engine.h"
#include "tests/side_channels/leaking_code.h"
#include "tests/side_channels/secret_marks.h"
#include "tests/unit/device/channel_bench.h"
#include "tests/unit/device/hardware_bench.h"
#include "tests/unit/device/wrong_blobs.h"

namespace ward::side_channels {
namespace {

using namespace device;  // NOLINT: the benches are the device's

void Require(bool holds, const char* what) {
  if (!holds) throw std::runtime_error(what);
}

// A report when a bit of `bytes`, which others see, depends on a secret.
void ExpectPublic(ConstByteSpan bytes) {
  (void)VALGRIND_CHECK_MEM_IS_DEFINED(bytes.data(), bytes.size());
}

// All that others see of a message but its answer.
void ExpectPublicSurroundings(SecurityBench* bench) {
  for (const auto& event : bench->ports.trace.events) {
    (void)VALGRIND_CHECK_MEM_IS_DEFINED(event.arguments, sizeof(event.arguments));
    ExpectPublic({reinterpret_cast<const uint8_t*>(event.detail.data()), event.detail.size()});
  }
  (void)VALGRIND_CHECK_MEM_IS_DEFINED(&bench->ports.clock.now_ns, sizeof(uint64_t));
}

// Keys are secrets from here on.
template <typename Bench>
struct Marked : Bench {
  explicit Marked(const PublishedIdentity& identity) : Bench(identity) { is_marking = true; }
  ~Marked() { is_marking = false; }
};

// The verdict on an answer, all of which everybody may know.
uint32_t Judge(SecurityBench* bench, const Reply& reply) {
  ExpectPublic(reply.bytes);
  ExpectPublicSurroundings(bench);
  return reply.status;
}

void ExpectSecretKey(SecurityBench* bench, uint32_t slot, uint32_t session, uint32_t usage) {
  auto key = bench->vault.Release(slot, session, usage);
  Require(key.ok(), "the key is not in the vault");
  Require(IsSecret(key.value()->Expose()), "the key in the vault is no secret to memcheck");
}

void ExchangeRightBlobs() {
  const PublishedIdentity identity;
  Marked<SecurityBench> bench(identity);
  const uint32_t session = bench.CreateSession();
  for (const Block& key : {kSessionKey, kOtherKey}) {
    const Reply reply = bench.NegotiateBlob(session, identity.Wrap(key));
    Require(Judge(&bench, reply) == abi::kStatusOk, "a right blob was refused");
  }
  ExpectSecretKey(&bench, bench.GrantOf(session).session_slot, session, kKeyUsageUnwrap);
}

void RefuseBlobs(const PublishedIdentity& identity, const std::vector<Bytes>& blobs) {
  Marked<SecurityBench> bench(identity);
  const uint32_t session = bench.CreateSession();
  for (const Bytes& blob : blobs) {
    Require(Judge(&bench, bench.NegotiateBlob(session, blob)) == abi::kStatusKeyExchangeFailed,
            "a wrong blob was taken");
  }
}

void ExchangeWrongBlobs() {
  const PublishedIdentity identity;
  std::vector<Bytes> blobs = WrongBlobs(identity);
  const Bytes good = identity.Wrap(kSessionKey);
  for (size_t bit = 5; bit < 2048; bit += 127) blobs.push_back(Flipped(good, bit));
  RefuseBlobs(identity, blobs);
}

void ImportKeys() {
  const PublishedIdentity identity;
  Marked<HardwareBench> bench(identity);
  const auto import = [&](const Bytes& blob) {
    const Reply reply = bench.Import(blob);
    Require(Judge(&bench, reply) == abi::kStatusOk, "the import was not heard");
    return reply.Word(16);
  };
  const Bytes right = identity.Wrap(HardwareBench::Plain(bench.Token(), kOtherKey, 40));
  Require(import(Flipped(right, 800)) == kInvalidArgument, "a wrong import was taken");
  const std::vector<Bytes> blobs = WrongBlobs(identity);
  for (size_t i = 0; i < blobs.size(); i += 5) {
    bench.Token();
    Require(import(blobs[i]) == kInvalidArgument, "a wrong import was taken");
  }
  Require(import(identity.Wrap(HardwareBench::Plain(bench.Token(), kOtherKey, 41))) == 0,
          "a right import was refused");
  Require(bench.Select() == abi::kStatusOk, "the imported key can't be selected");
  ExpectSecretKey(&bench, bench.GrantOf(bench.session).content_slot, bench.session,
                  kKeyUsageDecrypt);
}

// Content keys come in and read-back keys go out wrapped under the session's.
void WrapKeys() {
  const PublishedIdentity identity;
  Marked<SecurityBench> bench(identity);
  const uint32_t session = bench.CreateSession();
  Require(bench.Negotiate(session, kSessionKey) == abi::kStatusOk, "no session key");
  Require(bench.SetContentKey(session, kWrappedContentKey) == abi::kStatusOk, "no content key");
  ExpectSecretKey(&bench, bench.GrantOf(session).content_slot, session, kKeyUsageDecrypt);
  Reply reply = bench.GetReadbackKey(session);
  MarkPublic(ByteSpan(reply.bytes).subspan(16, 16));  // ciphertext
  Require(Judge(&bench, reply) == abi::kStatusOk, "no read-back key");
  ExpectSecretKey(&bench, bench.GrantOf(session).readback_slot, session, kKeyUsageEncrypt);
  Require(Judge(&bench, bench.Query(session)) == abi::kStatusOk, "no answer to a query");
}

// The tags of right and wrong messages, which differ from the right one early, late and everywhere.
void VerifyChannelMessages() {
  const PublishedIdentity identity;
  Marked<ChannelBench> bench(identity);
  Require(bench.NegotiateChannel(kSessionKey) == abi::kStatusOk, "no channel key");
  const auto configure = [&](const Bytes& command) {
    Answered answered = bench.Configure(command);
    // The answer's own tag depends on the key, as it has to.
    if (answered.output.size() >= 16) MarkPublic(ByteSpan(answered.output).first(16));
    ExpectPublic(answered.output);
    ExpectPublicSurroundings(&bench);
    return answered.status;
  };
  const Bytes right = bench.Command(kInitialize, 0, 10, 20);
  for (const size_t bit : {size_t{0}, size_t{63}, size_t{64}, size_t{127}}) {
    Require(configure(Flipped(right, bit)) == abi::kStatusChannelMessageInvalid,
            "a forged message was taken");
  }
  Bytes forged = right;
  for (size_t i = 0; i < 16; ++i) forged[i] = static_cast<uint8_t>(~forged[i]);
  Require(configure(forged) == abi::kStatusChannelMessageInvalid, "a forged message was taken");
  Require(configure(right) == abi::kStatusOk, "a right message was refused");
}

// The block by itself, with message, key and the expected tag as secrets.
void VerifyTags() {
  AesKey key;
  Bytes message(40, 3);
  Bytes tag(kCmacTagBytes);
  Require(ComputeAesCmac(key, message, tag), "no tag");
  for (int wrong = 0; wrong <= 16; ++wrong) {
    Bytes sent = tag;
    if (wrong < 16) sent[wrong] ^= 1;
    MarkSecret(key.Expose());
    MarkSecret(sent);
    Require(VerifyAesCmac(key, message, sent) == (wrong == 16), "wrong verdict on a tag");
  }
}

// Check words of keys that are whole, and of one with a flipped bit.
void CheckVaultKeys() {
  is_marking = true;
  KeyVault vault(4);
  const uint32_t slot = vault.Allocate(7, kKeyUsageUnwrap | kKeyUsageDecrypt).value();
  const uint32_t other = vault.Allocate(8, kKeyUsageDecrypt).value();
  for (const uint32_t each : {slot, other}) {
    KeyVault::Key key;
    for (uint8_t& byte : key.Expose()) byte = static_cast<uint8_t>(each + 1);
    Require(vault.Store(each, each == slot ? 7 : 8, std::move(key)), "the key was not stored");
  }
  Require(vault.Release(slot, 7, kKeyUsageUnwrap).ok(), "a whole key was not released");
  Require(vault.Release(slot, 8, kKeyUsageUnwrap).fault().status == abi::kStatusSessionInvalid,
          "another session's key was released");
  vault.DamageForTest(slot);
  Require(vault.Release(slot, 7, kKeyUsageUnwrap).fault().status == abi::kStatusKeyDamaged,
          "a damaged key was released");
  Require(vault.ReleaseForCtr(other, 8, kKeyUsageDecrypt).ok(), "a whole key was not released");
  vault.Wipe(other);
  is_marking = false;
}

void Decrypt() {
  for (const auto block : {CtrEngine::Block::kWidest, CtrEngine::Block::kLibcrypto}) {
    CtrKey key;
    MarkSecret(key.key.Expose());
    key.Expand();
    CtrEngine engine(block);
    Bytes text(1000, 5);
    Require(engine.Begin(&key, {1, ~uint64_t{0} - 3}), "the block does not begin");
    Require(engine.Apply(0, text, text), "the block does not run");
    Require(!IsPublic(text), "what was decrypted does not depend on the key");
    engine.Finish();
  }
}

// Kept from inlining: the answer is a bit in a register by then, as for any caller.
[[gnu::noinline]] bool AreEqual(const AesKey& a, const AesKey& b) { return a == b; }

void HandleSecretBytes() {
  AesKey first;
  AesKey second;
  MarkSecret(first.Expose());
  second.CopyFrom(first);
  Require(IsSecret(second.Expose()), "a copy of a secret is none");
  bool equal = AreEqual(first, second);
  VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof(equal));
  Require(equal, "a copy differs");
  second.Expose()[15] ^= 1;
  equal = AreEqual(first, second);
  VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof(equal));
  Require(!equal, "what differs is equal");
  const AesKey moved = std::move(first);
  Require(IsSecret(moved.Expose()), "a moved secret is none");
  ExpectPublic(first.Expose());  // wiped: zeros
  second.Wipe();
  ExpectPublic(second.Expose());
}

void LeakByEarlyExit() {
  mistake = Mistake::kEarlyExit;
  VerifyTags();
}
void LeakInChannel() {
  mistake = Mistake::kEarlyExit;
  VerifyChannelMessages();
}
void LeakInVault() {
  mistake = Mistake::kEarlyExit;
  CheckVaultKeys();
}
void LeakByPadding() {
  mistake = Mistake::kBranchingPadding;
  const PublishedIdentity identity;
  RefuseBlobs(identity, {Flipped(identity.Wrap(kSessionKey), 2047)});
}
void LeakByTable() {
  uint8_t secret = 3;
  MarkSecret({&secret, 1});
  (void)LookUp(secret);
}
// A single bit of a key in an otherwise public answer.
void LeakInAnswer() {
  const PublishedIdentity identity;
  SecurityBench bench(identity);
  Reply reply = bench.Query(bench.CreateSession());
  uint8_t secret = 0;
  MarkSecret({&secret, 1});
  reply.bytes[20] = static_cast<uint8_t>(reply.bytes[20] ^ (secret & 4));
  Judge(&bench, reply);
}

struct Case {
  const char* name;
  void (*run)();
  bool leaks;
};

constexpr Case kCases[] = {
    {"key exchange with right blobs", ExchangeRightBlobs, false},
    {"key exchange with wrong blobs", ExchangeWrongBlobs, false},
    {"imported keys", ImportKeys, false},
    {"wrapped keys", WrapKeys, false},
    {"messages of a channel", VerifyChannelMessages, false},
    {"CMAC", VerifyTags, false},
    {"check words of the vault", CheckVaultKeys, false},
    {"decryption", Decrypt, false},
    {"SecretBytes", HandleSecretBytes, false},
    {"control: padding looked at with a branch", LeakByPadding, true},
    {"control: CMAC compared with an early exit", LeakByEarlyExit, true},
    {"control: the same in a channel", LeakInChannel, true},
    {"control: check words compared with an early exit", LeakInVault, true},
    {"control: an address from a secret", LeakByTable, true},
    {"control: a bit of a secret in an answer", LeakInAnswer, true},
};

// Whether the case is as it has to be.
bool Run(const Case& one) {
  const auto before = VALGRIND_COUNT_ERRORS;
  std::string trouble;
  try {
    one.run();
  } catch (const std::exception& error) {
    trouble = error.what();
  }
  mistake = Mistake::kNone;
  is_marking = false;
  const auto reports = VALGRIND_COUNT_ERRORS - before;
  if (trouble.empty() && (reports != 0) != one.leaks) {
    trouble = one.leaks ? "memcheck did not see the leak" : "memcheck saw a leak";
  }
  std::printf("%-4s  %-50s %6u reports%s%s\n", trouble.empty() ? "ok" : "FAIL", one.name,
              static_cast<unsigned>(reports), trouble.empty() ? "" : ": ", trouble.c_str());
  std::fflush(stdout);
  return trouble.empty();
}

int RunAll() {
  if (RUNNING_ON_VALGRIND == 0) {
    std::puts("no memcheck watches; run: python3 tests/side_channels/test_side_channels.py");
    return 1;
  }
  int silent = 0, reported = 0, failed = 0;
  for (const Case& one : kCases) {
    if (!Run(one)) {
      ++failed;
    } else {
      ++(one.leaks ? reported : silent);
    }
  }
  const bool crossed = crossings.blocks > 0 && crossings.keys > 0 && crossings.verdicts > 0;
  if (!crossed) std::puts("FAIL  no secret went through the chip: a mark is not where it was");
  std::printf(
      "%d cases without a report, %d leaks reported, %d failed; %llu blocks, %llu keys, "
      "%llu verdicts\n",
      silent, reported, failed, static_cast<unsigned long long>(crossings.blocks),
      static_cast<unsigned long long>(crossings.keys),
      static_cast<unsigned long long>(crossings.verdicts));
  return failed == 0 && crossed ? 0 : 1;
}

}  // namespace
}  // namespace ward::side_channels

int main() { return ward::side_channels::RunAll(); }
