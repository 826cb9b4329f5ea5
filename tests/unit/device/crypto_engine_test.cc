#include "device/crypto_engine.h"

#include <memory>

#include "abi/generated/status.h"
#include "tests/unit/device/crypto_bench.h"

namespace ward::device {
namespace {

using namespace crypto_bench;

abi::DecryptBltCommand Decrypt(uint32_t size, const Bytes& counter, uint16_t flags = 0) {
  abi::DecryptBltCommand command = {};
  command.opcode = abi::DecryptBltCommand::kOpcode;
  command.flags = flags;
  command.length = abi::DecryptBltCommand::kSizeBytes;
  command.session = kSession;
  command.length_bytes = size;
  command.source = Bench::SystemVa();
  command.destination = Bench::ProtectedVa();
  std::copy(counter.begin(), counter.end(), command.iv);
  return command;
}

abi::DecryptBltCommand DecryptPattern(uint32_t size, const Bytes& counter, uint32_t beginning,
                                      uint32_t skip, uint32_t encrypt) {
  auto command = Decrypt(size, counter, abi::DecryptBltCommand::kFlagPattern);
  command.encrypted_bytes_at_beginning = beginning;
  command.skip_bytes = skip;
  command.encrypt_bytes = encrypt;
  return command;
}

abi::EncryptBltCommand Encrypt(uint32_t size, uint64_t source = Bench::ProtectedVa()) {
  abi::EncryptBltCommand command = {};
  command.opcode = abi::EncryptBltCommand::kOpcode;
  command.length = abi::EncryptBltCommand::kSizeBytes;
  command.session = kSession;
  command.length_bytes = size;
  command.source = source;
  command.destination = Bench::SystemVa(kPage * 16);
  command.iv_address = Bench::SystemVa(kPage * 60 + 3);
  return command;
}

TEST_CASE("NIST SP 800-38A F.5.1 ciphertext becomes its plaintext in protected memory") {
  Bench bench;
  bench.PutSystem(0, Hex("874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
                         "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee"));
  REQUIRE(bench.Run(Decrypt(64, Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))) == abi::kStatusOk);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), 64) ==
        Hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"));
  CHECK(bench.memory.OwnerOf(Bench::PageOf(Bench::ProtectedVa())) == kSession);
}

TEST_CASE(
    "known answers: a pattern takes no keystream for clear bytes, Count wraps without carry") {
  Bench bench;
  REQUIRE(bench.Run(DecryptPattern(64, Hex("00112233445566770000000000000001"), 16, 16, 16)) ==
          abi::kStatusOk);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), 64) ==
        Hex("dcd04ae8f4bbc1fca8b52f59a91e3da100000000000000000000000000000000"
            "e0f41d30c0f1f03ce963843fe9b95c4400000000000000000000000000000000"));
  REQUIRE(bench.Run(Decrypt(32, Hex("0011223344556677ffffffffffffffff"))) == abi::kStatusOk);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), 32) ==
        Hex("f627ceadf02f7cb53bf11c061ff3bdfc3db9543aaa4b2047e2b5e69a1ad4bf2a"));
}

TEST_CASE("lengths, patterns, steps and both keys agree with a byte-by-byte reference") {
  struct {
    uint32_t size, beginning, skip, encrypt;
    uint64_t budget;
    bool pattern, content;
  } const cases[] = {
      {1, 0, 0, 0, 1, false, false},
      {17, 0, 0, 0, 1, false, true},
      {100001, 0, 0, 0, 5003, false, false},
      {200000, 0, 0, 0, 1 << 20, false, false},
      {5000, 100, 0, 0, 4099, true, false},
      {5000, 100, 7, 0, 4099, true, false},
      {5000, 0, 0, 0, 4099, true, false},
      {5000, 6000, 3, 0, 4099, true, true},
      {50001, 160, 48, 16, 4099, true, false},
      {50001, 0, 16, 4112, 5001, true, true},
      {9000, 32, 0, 16, 4097, true, false},
      {9000, 16, 16384, 16, 4097, true, false},
      {20000, 4096, 4080, 32, 4097, true, false},
  };
  for (const auto& c : cases) {
    INFO(c.size << ": " << c.beginning << "/" << c.skip << "/" << c.encrypt);
    Bench bench;
    const Bytes cipher = Noise(c.size, c.size);
    const Bytes counter = Counter(0x0123456789abcdef, 0xfffffffffffffff8);
    bench.PutSystem(0, cipher);
    auto command = c.pattern ? DecryptPattern(c.size, counter, c.beginning, c.skip, c.encrypt)
                             : Decrypt(c.size, counter);
    if (c.content) command.flags |= abi::DecryptBltCommand::kFlagContentKey;
    REQUIRE(bench.Run(command, c.budget) == abi::kStatusOk);
    const auto is_encrypted = [&](uint64_t i) {
      if (!c.pattern || i < c.beginning) return true;
      if (c.encrypt == 0) return false;
      return (i - c.beginning) % (uint64_t{c.skip} + c.encrypt) >= c.skip;
    };
    const Reference reference(c.content ? kContentKey : kSessionKey, counter);
    CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), c.size) ==
          reference.Apply(cipher, is_encrypted));
  }
}

TEST_CASE("read-back: what protected memory held comes out under the read-back key, with its IV") {
  for (const uint64_t budget : {1u, 5003u, 1u << 20}) {
    Bench bench;
    const Bytes cipher = Noise(100001, 9);
    const Bytes counter = Counter(5, 0);
    bench.PutSystem(0, cipher);
    auto decrypt = Decrypt(100001, counter);
    REQUIRE(bench.Run(decrypt) == abi::kStatusOk);
    const Bytes plain = Reference(kSessionKey, counter).Apply(cipher);
    REQUIRE(bench.Run(Encrypt(100001), budget) == abi::kStatusOk);
    const Bytes iv = bench.ReadSystem(kPage * 60 + 3, 16);
    CHECK(iv == Counter(0x7000, 0));
    CHECK(bench.ReadSystem(kPage * 16, 100001) == Reference(kReadbackKey, iv).Apply(plain));
    REQUIRE(bench.Run(Encrypt(16)) == abi::kStatusOk);
    CHECK(bench.ReadSystem(kPage * 60 + 3, 16) == Counter(0x7001, 0));
  }
}

TEST_CASE("memory that is not protected can be encrypted too") {
  Bench bench;
  bench.PutVisible(0, Noise(1000, 3));
  REQUIRE(bench.Run(Encrypt(1000, Bench::VisibleVa())) == abi::kStatusOk);
  CHECK(bench.ReadSystem(kPage * 16, 1000) ==
        Reference(kReadbackKey, Counter(0x7000, 0)).Apply(Noise(1000, 3)));
}

TEST_CASE("the counter block is written after the last byte, not before") {
  Bench bench;
  auto job = bench.Begin(Encrypt(8192, Bench::VisibleVa()), bench.tables.Space(kContext));
  REQUIRE(job.ok());
  REQUIRE_FALSE(bench.engine.Step(&job.value(), 4096).value());
  CHECK(bench.ReadSystem(kPage * 60 + 3, 16) == Bytes(16, 0));
  REQUIRE(bench.engine.Step(&job.value(), 4096).value());
  CHECK(bench.ReadSystem(kPage * 60 + 3, 16) == Counter(0x7000, 0));
}

TEST_CASE("operands outside their documented ranges are OPERAND_INVALID") {
  Bench bench;
  const Bytes counter(16, 0);
  CHECK(bench.Run(Decrypt(0, counter)) == abi::kStatusOperandInvalid);
  CHECK(bench.Run(Decrypt((256u << 20) + 1, counter)) == abi::kStatusOperandInvalid);
  CHECK(bench.Run(Encrypt(0)) == abi::kStatusOperandInvalid);
  CHECK(bench.Run(Encrypt((256u << 20) + 1)) == abi::kStatusOperandInvalid);
  for (int field = 0; field < 3; ++field) {
    auto command = DecryptPattern(64, counter, field == 0, field == 1, field == 2);
    command.flags = 0;
    CHECK(bench.Run(command) == abi::kStatusOperandInvalid);
  }
}

TEST_CASE(
    "R10 a pattern that is not made of blocks is refused when something follows the beginning") {
  Bench bench;
  const Bytes counter(16, 0);
  CHECK(bench.Run(DecryptPattern(64, counter, 8, 16, 16)) == abi::kStatusPatternMisaligned);
  CHECK(bench.Run(DecryptPattern(64, counter, 16, 20, 16)) == abi::kStatusPatternMisaligned);
  CHECK(bench.Run(DecryptPattern(64, counter, 16, 16, 2)) == abi::kStatusPatternMisaligned);
  CHECK(bench.Run(DecryptPattern(64, counter, 100, 20, 2)) == abi::kStatusPatternMisaligned);
  CHECK(bench.Run(DecryptPattern(64, counter, 100, 20, 0)) == abi::kStatusOk);
  CHECK(bench.Run(DecryptPattern(63, counter, 16, 16, 16)) == abi::kStatusOk);
}

TEST_CASE("P8_ a session is its context's, whatever the command says") {
  Bench bench;
  const Bytes counter(16, 0);
  CHECK(bench.Run(Decrypt(16, counter), 4096, kContext + 1) == abi::kStatusSessionInvalid);
  CHECK(bench.Run(Encrypt(16), 4096, kContext + 1) == abi::kStatusSessionInvalid);
  auto command = Decrypt(16, counter);
  for (const uint32_t session : {0u, 0x00080001u, 0x00070000u, 0xffffffffu}) {
    command.session = session;
    CHECK(bench.Run(command) == abi::kStatusSessionInvalid);
  }
}

TEST_CASE("P11_ keys that are missing, damaged, another's, or for another use are not used") {
  Bench bench;
  const Bytes counter(16, 0);
  const auto with_content = Decrypt(16, counter, abi::DecryptBltCommand::kFlagContentKey);
  Grant& grant = bench.grants.At(1);
  const Grant good = grant;

  grant.session_slot = grant.content_slot = grant.readback_slot = kNoSlot;
  CHECK(bench.Run(Decrypt(16, counter)) == abi::kStatusSessionNoKey);
  CHECK(bench.Run(with_content) == abi::kStatusSessionNoContentKey);
  CHECK(bench.Run(Encrypt(16)) == abi::kStatusSessionNoReadbackKey);

  grant.session_slot = good.readback_slot;  // may encrypt only
  grant.content_slot = good.readback_slot;
  grant.readback_slot = good.session_slot;  // may decrypt only
  CHECK(bench.Run(Decrypt(16, counter)) == abi::kStatusSessionNoKey);
  CHECK(bench.Run(with_content) == abi::kStatusSessionNoContentKey);
  CHECK(bench.Run(Encrypt(16)) == abi::kStatusSessionNoReadbackKey);

  grant.session_slot = bench.grants.At(2).session_slot;
  CHECK(bench.Run(Decrypt(16, counter)) == abi::kStatusSessionInvalid);

  grant = good;
  bench.vault.DamageForTest(good.content_slot);
  CHECK(bench.Run(with_content) == abi::kStatusKeyDamaged);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), 16) == Bytes(16, 0));
}

TEST_CASE("P2_ decrypt writes protected memory only and reads none") {
  Bench bench;
  auto command = Decrypt(16, Bytes(16, 0));
  command.destination = Bench::VisibleVa();
  CHECK(bench.Run(command) == abi::kStatusDestinationNotProtected);
  command.destination = Bench::SystemVa(kPage);
  CHECK(bench.Run(command) == abi::kStatusDestinationNotProtected);
  command.destination = Bench::ProtectedVa(64 * kPage - 8);  // its end is visible VRAM
  CHECK(bench.Run(command) == abi::kStatusDestinationNotProtected);
  command.destination = Bench::ProtectedVa();
  command.source = Bench::ProtectedVa(kPage);
  CHECK(bench.Run(command) == abi::kStatusProtectedReadRefused);
}

TEST_CASE("R27 an open grant decrypts into memory that is not protected, and into no mixture") {
  Bench bench;
  Grant& grant = bench.grants.At(1);
  grant.open_decrypt = true;
  const Bytes counter(16, 7);
  Bytes text(3 * kPage);
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<uint8_t>(i * 7 + i / 251);
  bench.PutSystem(0, Reference(kSessionKey, counter).Apply(text));
  auto command = Decrypt(3 * kPage, counter);
  command.destination = Bench::VisibleVa();
  REQUIRE(bench.Run(command) == abi::kStatusOk);
  CHECK(bench.ReadProtectedVa(Bench::VisibleVa(), text.size()) == text);
  command.destination = Bench::SystemVa(8 * kPage);
  REQUIRE(bench.Run(command) == abi::kStatusOk);
  CHECK(bench.ReadProtectedVa(Bench::SystemVa(8 * kPage), text.size()) == text);
  command.destination = Bench::ProtectedVa(64 * kPage - 8);  // its end is visible VRAM
  CHECK(bench.Run(command) == abi::kStatusDestinationNotProtected);
  command.destination = Bench::VisibleVa();
  command.source = Bench::ProtectedVa();
  CHECK(bench.Run(command) == abi::kStatusProtectedReadRefused);
}

TEST_CASE("R27 a grant that is closed while an open blt runs stops it") {
  Bench bench;
  bench.grants.At(1).open_decrypt = true;
  auto command = Decrypt(8 * kPage, Bytes(16, 7));
  command.destination = Bench::VisibleVa();
  auto job = bench.Begin(command, bench.tables.Space(kContext));
  REQUIRE(job.ok());
  REQUIRE_FALSE(bench.engine.Step(&job.value(), kPage).value());
  bench.grants.At(1).open_decrypt = false;
  const auto step = bench.engine.Step(&job.value(), kPage);
  REQUIRE_FALSE(step.ok());
  CHECK(step.fault().status == abi::kStatusDestinationNotProtected);
}

TEST_CASE(
    "P1_ P8_ encrypt reads its session's pages only and writes memory that is not protected") {
  Bench bench;
  auto decrypt = Decrypt(16, Bytes(16, 0));
  decrypt.session = kOther;
  REQUIRE(bench.Run(decrypt) == abi::kStatusOk);
  CHECK(bench.Run(Encrypt(16)) == abi::kStatusProtectedOwnerMismatch);
  CHECK(bench.ReadSystem(kPage * 16, 16) == Bytes(16, 0));

  auto command = Encrypt(16, Bench::VisibleVa());
  command.destination = Bench::ProtectedVa(kPage);
  CHECK(bench.Run(command) == abi::kStatusDestinationProtected);
  command = Encrypt(16, Bench::VisibleVa());
  command.iv_address = Bench::ProtectedVa(kPage);
  CHECK(bench.Run(command) == abi::kStatusDestinationProtected);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(kPage), 16) == Bytes(16, 0));
  CHECK(bench.grants.At(1).readback_iv == 0x7000);  // refusals take no counter block
}

TEST_CASE("P2_ decrypt into another session's page zeroes the rest of it") {
  Bench bench;
  bench.PutProtected(63 * kPage, Noise(kPage, 4), kOther);
  REQUIRE(bench.Run(Decrypt(16, Bytes(16, 0))) == abi::kStatusOk);
  CHECK(bench.OwnerAt(63 * kPage) == kSession);
  CHECK(bench.ReadProtected(63 * kPage + 16, kPage - 16) == Bytes(kPage - 16, 0));
}

TEST_CASE(
    "a key that is replaced between two steps stops its blt, also when its slot is used again") {
  Bench bench(true);
  Grant& grant = bench.grants.At(1);
  const uint32_t old_slot = grant.session_slot;
  auto command = Decrypt(4 * kPage, Counter(9, 0));
  command.source = Bench::SystemVa();
  command.destination = Bench::ProtectedVa();
  auto job = bench.Begin(command, bench.tables.Space(kContext));
  REQUIRE(job.ok());
  REQUIRE_FALSE(bench.engine.Step(&job.value(), kPage).value());
  bench.vault.Wipe(old_slot);
  grant.session_slot = bench.AddKey(kContentKey, kSession, kKeyUsageUnwrap | kKeyUsageDecrypt);
  REQUIRE(grant.session_slot == old_slot);
  const Bytes before = bench.ReadProtectedVa(Bench::ProtectedVa(kPage), 3 * kPage);
  const auto done = bench.engine.Step(&job.value(), kPage);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusSessionNoKey);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(kPage), 3 * kPage) == before);
}

TEST_CASE("a cipher that does not run is DEVICE_IN_ERROR_STATE") {
  // No provider has such an algorithm, so the engine is made without its cipher.
  REQUIRE(EVP_set_default_properties(nullptr, "provider=none") == 1);
  const auto bench = std::make_unique<Bench>(false, CtrEngine::Block::kLibcrypto);
  REQUIRE(EVP_set_default_properties(nullptr, "") == 1);
  auto command = Decrypt(kPage, Counter(9, 0));
  command.source = Bench::SystemVa();
  command.destination = Bench::ProtectedVa();
  CHECK(bench->Run(command) == abi::kStatusDeviceInErrorState);
}

TEST_CASE("P8_ a session that ends between two steps stops its blt with SESSION_INVALID") {
  Bench bench;
  bench.PutSystem(0, Noise(3 * kPage, 5));
  auto job = bench.Begin(Decrypt(3 * kPage, Bytes(16, 0)), bench.tables.Space(kContext));
  REQUIRE(job.ok());
  REQUIRE(bench.engine.Step(&job.value(), kPage).ok());
  bench.memory.ReleaseOwner(kSession);
  bench.grants.At(1) = Grant();
  const auto done = bench.engine.Step(&job.value(), kPage);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusSessionInvalid);
  CHECK(bench.ReadProtected(0, 64 * kPage) == Bytes(64 * kPage, 0));
}

TEST_CASE("P8_ a source page that changes hands between two steps stops a read-back") {
  Bench bench;
  auto job = bench.Begin(Encrypt(3 * kPage), bench.tables.Space(kContext));
  REQUIRE(job.ok());
  REQUIRE(bench.engine.Step(&job.value(), kPage).ok());
  bench.PutProtected(Bench::PageOf(Bench::ProtectedVa(kPage)) * kPage, Noise(kPage, 6), kOther);
  const auto done = bench.engine.Step(&job.value(), kPage);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusProtectedOwnerMismatch);
  CHECK(bench.ReadSystem(kPage * 17, kPage) == Bytes(kPage, 0));
}

TEST_CASE(
    "R21 strict refuses a range that begins before the end of the last one, relaxed does not") {
  for (const bool strict : {false, true}) {
    Bench bench(strict);
    const uint32_t reused = strict ? abi::kStatusIvReused : abi::kStatusOk;
    CHECK(bench.Run(Decrypt(100, Counter(5, 10))) == abi::kStatusOk);  // Count 10 to 16
    CHECK(bench.Run(Decrypt(16, Counter(5, 16))) == reused);
    CHECK(bench.Run(Decrypt(16, Counter(5, 10))) == reused);
    CHECK(bench.Run(Decrypt(16, Counter(4, ~uint64_t{0} - 100))) == reused);
    CHECK(bench.Run(Decrypt(16, Counter(5, 17))) == abi::kStatusOk);
    CHECK(bench.Run(Decrypt(16, Counter(5, 17))) == reused);
    CHECK(bench.Run(Decrypt(16, Counter(6, 0))) == abi::kStatusOk);
    CHECK(bench.Run(Decrypt(16, Counter(5, 18))) == reused);
  }
}

TEST_CASE("R21 strict: the content key and the session key count apart") {
  Bench bench(true);
  CHECK(bench.Run(Decrypt(16, Counter(5, 0))) == abi::kStatusOk);
  CHECK(bench.Run(Decrypt(16, Counter(5, 0), abi::DecryptBltCommand::kFlagContentKey)) ==
        abi::kStatusOk);
  CHECK(bench.Run(Decrypt(16, Counter(5, 0))) == abi::kStatusIvReused);
}

TEST_CASE("R21 strict: only encrypted bytes count, and a refused blt claims nothing") {
  Bench bench(true);
  CHECK(bench.Run(DecryptPattern(4096, Counter(5, 0), 16, 48, 16)) == abi::kStatusOk);  // 64 blocks
  CHECK(bench.Run(Decrypt(16, Counter(5, 63))) == abi::kStatusIvReused);
  auto refused = Decrypt(16, Counter(5, 900));
  refused.destination = Bench::VisibleVa();
  CHECK(bench.Run(refused) == abi::kStatusDestinationNotProtected);
  CHECK(bench.Run(Decrypt(16, Counter(5, 64))) == abi::kStatusOk);
  CHECK(bench.Run(DecryptPattern(64, Counter(0, 0), 0, 0, 0)) == abi::kStatusOk);  // all clear
  CHECK(bench.Run(Decrypt(16, Counter(5, 65))) == abi::kStatusOk);
}

TEST_CASE(
    "R21 strict: a range to the end of Count uses up its IV; one past it needs an IV of its own") {
  const uint64_t last = ~uint64_t{0};
  Bench bench(true);
  CHECK(bench.Run(Decrypt(32, Counter(5, last - 1))) == abi::kStatusOk);  // to the very end
  CHECK(bench.Run(Decrypt(16, Counter(5, last))) == abi::kStatusIvReused);
  CHECK(bench.Run(Decrypt(16, Counter(6, 3))) == abi::kStatusOk);
  CHECK(bench.Run(Decrypt(32, Counter(6, last))) == abi::kStatusIvReused);  // would use (6, 0)
  CHECK(bench.Run(Decrypt(32, Counter(7, last))) == abi::kStatusOk);
  CHECK(bench.Run(Decrypt(16, Counter(7, 5))) == abi::kStatusIvReused);
  CHECK(bench.Run(Decrypt(16, Counter(last, last))) == abi::kStatusIvReused);
  CHECK(bench.Run(Decrypt(16, Counter(last, last - 1))) == abi::kStatusOk);
}

// What blts of every kind leave behind, and what they were charged.
struct Traces {
  uint64_t memory;
  uint64_t work;
  Bytes system;

  friend bool operator==(const Traces&, const Traces&) = default;
};

Traces RunAllKinds(bool shows_windows) {
  Bench bench;
  bench.ports.bus.shows_windows = bench.ports.vram.shows_windows = shows_windows;
  bench.grants.At(1).open_decrypt = true;
  bench.PutSystem(0, Noise(40 * kPage, 9));
  bench.PutProtected(60 * kPage, Noise(2 * kPage, 4), kOther);  // changes hands below
  for (const uint32_t size : {16, 100, 4096, 12295, 81920}) {
    REQUIRE(bench.Run(Decrypt(size, Counter(1, size))) == abi::kStatusOk);
    REQUIRE(bench.Run(DecryptPattern(size, Counter(2, size), 32, 144, 16)) == abi::kStatusOk);
    REQUIRE(bench.Run(DecryptPattern(size, Counter(3, size), 0, 16, 2048)) == abi::kStatusOk);
    REQUIRE(bench.Run(Encrypt(size)) == abi::kStatusOk);
    auto open = DecryptPattern(size, Counter(4, size), 0, 144, 16);
    for (const uint64_t to : {Bench::SystemVa(), Bench::SystemVa(48), Bench::VisibleVa(5)}) {
      open.destination = to;  // in place, overlapping, elsewhere
      REQUIRE(bench.Run(open) == abi::kStatusOk);
    }
  }
  StateHasher hasher;
  bench.memory.Hash(&hasher);
  hasher.Add(bench.ports.vram.bytes());
  return {hasher.value(), bench.memory.work(), bench.ReadSystem(0, 64 * kPage)};
}

TEST_CASE("a host that shows its memory gets the same bytes, owners and charges") {
  CHECK((RunAllKinds(true) == RunAllKinds(false)));
}

TEST_CASE("a host that shows its memory hears of every byte that is written there") {
  Bench bench;  // and one that does not show it
  bench.grants.At(1).open_decrypt = true;
  const Bytes system = Noise(64 * kPage, 21);
  const Bytes visible = Noise(64 * kPage, 22);
  bench.PutSystem(0, system);
  bench.PutVisible(0, visible);
  bench.PutProtected(0, Noise(4 * kPage, 23), kSession);
  for (const uint32_t size : {16, 100, 12295}) {
    auto open = DecryptPattern(size, Counter(4, size), 0, 144, 16);
    for (const uint64_t to : {Bench::SystemVa(), Bench::SystemVa(48), Bench::VisibleVa(5)}) {
      open.destination = to;  // in place, overlapping, elsewhere
      REQUIRE(bench.Run(open) == abi::kStatusOk);
    }
    REQUIRE(bench.Run(Encrypt(size)) == abi::kStatusOk);
  }
  const Bytes system_now = bench.ReadSystem(0, system.size());
  uint64_t changed = 0;
  uint64_t unheard = 0;
  for (uint64_t at = 0; at < system.size(); ++at) {
    changed += system_now[at] != system[at];
    unheard += system_now[at] != system[at] && !bench.ports.bus.HeardOfWrite(Bench::System(at));
  }
  CHECK(changed > 12295);
  for (uint64_t at = 0; at < visible.size(); ++at) {
    const bool is_changed = bench.ports.vram.bytes()[at] != visible[at];
    unheard += is_changed && !bench.ports.vram.HeardOfWrite(at);
  }
  CHECK(unheard == 0);
}

// Runs the pieces last to first, and counts them.
struct BackwardExecutor final : ExecutorPort {
  void RunAll(uint32_t count, Work* work) override {
    pieces += count;
    while (count != 0) work->Run(--count);
  }
  uint32_t pieces = 0;
};

TEST_CASE("long runs are handed to the executor, in pieces that any order puts together") {
  BackwardExecutor executor;
  Bench bench(false, CtrEngine::Block::kWidest, &executor);
  if (!CtrEngine().is_wide()) SKIP("libcrypto's block is not shared");
  bench.grants.At(1).open_decrypt = true;
  const Bytes text = Noise(60000, 12);  // three pieces and a part
  const Bytes counter = Counter(7, (uint64_t{1} << 32) - 9);
  bench.PutSystem(0, Reference(kSessionKey, counter).Apply(text));
  auto command = Decrypt(60000, counter);
  command.destination = Bench::VisibleVa();
  REQUIRE(bench.Run(command, 1 << 20) == abi::kStatusOk);
  CHECK(bench.ReadVisible(0, text.size()) == text);
  CHECK(executor.pieces == 4);
  command.length_bytes = 16 << 10;
  REQUIRE(bench.Run(command, 1 << 20) == abi::kStatusOk);
  CHECK(executor.pieces == 4);  // too short to hand over
}

}  // namespace
}  // namespace ward::device
