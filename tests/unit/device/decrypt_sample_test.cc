// DECRYPT_SAMPLE: sub-samples and stripes against libcrypto and a byte-by-byte reference.
#include "abi/generated/status.h"
#include "tests/unit/device/crypto_bench.h"

namespace ward::device {
namespace {

using namespace crypto_bench;

using List = std::vector<SubSample>;

uint32_t SumOf(const List& list) {
  uint32_t sum = 0;
  for (const SubSample& sub_sample : list)
    sum += sub_sample.clear_bytes + sub_sample.encrypted_bytes;
  return sum;
}

abi::DecryptSampleCommand Sample(const List& list, const Bytes& counter,
                                 const Stripe& stripe = {}) {
  abi::DecryptSampleCommand command = {};
  command.opcode = abi::DecryptSampleCommand::kOpcode;
  command.session = kSession;
  command.length_bytes = SumOf(list);
  command.source = Bench::SystemVa();
  command.destination = Bench::ProtectedVa();
  std::copy(counter.begin(), counter.end(), command.iv);
  command.sub_sample_count = static_cast<uint32_t>(list.size());
  command.stripe_encrypted_blocks = stripe.encrypted_blocks;
  command.stripe_clear_blocks = stripe.clear_blocks;
  return command;
}

Bytes ListBytes(const List& list) {
  Bytes bytes(list.size() * 8);
  for (size_t i = 0; i < list.size(); ++i) {
    StoreLe(bytes.data() + 8 * i, list[i].clear_bytes);
    StoreLe(bytes.data() + 8 * i + 4, list[i].encrypted_bytes);
  }
  return bytes;
}

uint32_t Run(Bench* bench, const abi::DecryptSampleCommand& command, const List& list,
             uint64_t budget_bytes = 4096) {
  return bench->Finish(bench->Begin(command, ListBytes(list), bench->tables.Space(kContext)),
                       budget_bytes);
}

// Whether byte `i` of the sample is encrypted, by counting from its first byte.
bool IsEncrypted(const List& list, const Stripe& stripe, size_t i) {
  for (const SubSample& sub_sample : list) {
    if (i < sub_sample.clear_bytes) return false;
    i -= sub_sample.clear_bytes;
    if (i < sub_sample.encrypted_bytes) {
      if (!stripe.exists()) return true;
      if (i / 16 * 16 + 16 > sub_sample.encrypted_bytes) return false;
      return i / 16 % (stripe.encrypted_blocks + stripe.clear_blocks) < stripe.encrypted_blocks;
    }
    i -= sub_sample.encrypted_bytes;
  }
  return false;
}

TEST_CASE(
    "NIST SP 800-38A F.5.1 in two sub-samples: the keystream runs on, clear bytes take none") {
  Bench bench;
  const Bytes cipher =
      Hex("00010203"
          "874d6191b620e3261bef6864990db6ce9806f6"
          "a0a1a2a3a4"
          "6b7970fdff8617187bb9fffdff"
          "b0");
  const List list = {{4, 19}, {5, 13}, {1, 0}};
  bench.PutSystem(0, cipher);
  REQUIRE(Run(&bench, Sample(list, Hex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")), list) ==
          abi::kStatusOk);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), cipher.size()) ==
        Hex("00010203"
            "6bc1bee22e409f96e93d7e117393172aae2d8a"
            "a0a1a2a3a4"
            "571e03ac9c9eb76fac45af8e51"
            "b0"));
  CHECK(bench.memory.OwnerOf(Bench::PageOf(Bench::ProtectedVa())) == kSession);
}

TEST_CASE("lists, stripes, steps and both keys agree with a byte-by-byte reference") {
  const List lists[] = {
      {{0, 1}},
      {{7, 0}},
      {{0, 0}, {3, 70}, {0, 0}},
      {{100, 5000}, {17, 4099}, {0, 16}, {5000, 33}},
      List(1008, SubSample{1, 3}),
      List(300, SubSample{11, 160}),
  };
  const Stripe stripes[] = {{0, 0}, {1, 9}, {5, 5}, {2, 0}, {1, 100000}};
  for (const List& list : lists) {
    for (const Stripe& stripe : stripes) {
      for (const uint64_t budget : {uint64_t{1}, uint64_t{5003}, uint64_t{1} << 20}) {
        for (const bool by_content_key : {false, true}) {
          Bench bench;
          const Bytes counter = Counter(0x0123456789abcdef, 0xfffffffffffffffd);
          const Bytes cipher = Noise(SumOf(list), 3);
          bench.PutSystem(0, cipher);
          auto command = Sample(list, counter, stripe);
          if (by_content_key) command.flags = abi::DecryptSampleCommand::kFlagContentKey;
          REQUIRE(Run(&bench, command, list, budget) == abi::kStatusOk);
          const Reference reference(by_content_key ? kContentKey : kSessionKey, counter);
          CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), cipher.size()) ==
                reference.Apply(cipher, [&](size_t i) { return IsEncrypted(list, stripe, i); }));
        }
      }
    }
  }
}

TEST_CASE("a sample is what its sub-samples are one by one, each with the keystream's position") {
  const List list = {{3, 48}, {0, 160}, {9, 32}, {2, 16}};  // whole blocks: Count tells the place
  const Bytes cipher = Noise(SumOf(list), 8);
  Bench whole;
  whole.PutSystem(0, cipher);
  REQUIRE(Run(&whole, Sample(list, Counter(5, 7)), list) == abi::kStatusOk);
  Bench parts;
  parts.PutSystem(0, cipher);
  uint64_t offset = 0;
  uint64_t count = 7;
  for (const SubSample& sub_sample : list) {
    auto command = Sample({sub_sample}, Counter(5, count));
    command.source = Bench::SystemVa(offset);
    command.destination = Bench::ProtectedVa(offset);
    REQUIRE(Run(&parts, command, {sub_sample}) == abi::kStatusOk);
    offset += command.length_bytes;
    count += sub_sample.encrypted_bytes / 16;
  }
  CHECK(whole.ReadProtectedVa(Bench::ProtectedVa(), cipher.size()) ==
        parts.ReadProtectedVa(Bench::ProtectedVa(), cipher.size()));
}

TEST_CASE("sub-samples that do not add up are refused before the first byte moves") {
  Bench bench(true);
  bench.PutSystem(0, Noise(64, 1));
  const List list = {{16, 16}, {0, 32}};
  for (const uint32_t length : {63u, 65u, 1u, 4096u}) {
    auto command = Sample(list, Counter(5, 0));
    command.length_bytes = length;
    CHECK(Run(&bench, command, list) == abi::kStatusSubSamplesInvalid);
  }
  // 2^32 more than the length: the sum is not taken modulo 2^32.
  const List wrapping = {{0x80000000u, 0}, {0x80000000u, 64}};
  auto command = Sample(wrapping, Counter(5, 0));
  command.length_bytes = 64;
  CHECK(Run(&bench, command, wrapping) == abi::kStatusSubSamplesInvalid);
  CHECK(bench.ReadProtectedVa(Bench::ProtectedVa(), 64) == Bytes(64, 0));
  CHECK(bench.memory.OwnerOf(Bench::PageOf(Bench::ProtectedVa())) == kNoOwner);
  CHECK(Run(&bench, Sample(list, Counter(5, 0)), list) ==
        abi::kStatusOk);  // no counter was claimed
}

TEST_CASE("a stripe that encrypts nothing is refused") {
  Bench bench;
  const List list = {{0, 64}};
  CHECK(Run(&bench, Sample(list, Counter(5, 0), {0, 1}), list) == abi::kStatusSubSamplesInvalid);
  CHECK(Run(&bench, Sample(list, Counter(5, 0), {0, UINT32_MAX}), list) ==
        abi::kStatusSubSamplesInvalid);
  CHECK(Run(&bench, Sample(list, Counter(5, 0), {UINT32_MAX, UINT32_MAX}), list) == abi::kStatusOk);
}

TEST_CASE("a sample's operands, session, key and memory are checked as a blt's") {
  Bench bench;
  const List list = {{0, 16}};
  auto command = Sample(list, Counter(5, 0));
  command.length_bytes = 0;
  CHECK(Run(&bench, command, list) == abi::kStatusOperandInvalid);
  command.length_bytes = (256u << 20) + 1;
  CHECK(Run(&bench, command, list) == abi::kStatusOperandInvalid);
  command = Sample(list, Counter(5, 0));
  command.session = 0x00080001;
  CHECK(Run(&bench, command, list) == abi::kStatusSessionInvalid);
  command = Sample(list, Counter(5, 0));
  command.destination = Bench::VisibleVa();
  CHECK(Run(&bench, command, list) == abi::kStatusDestinationNotProtected);
  command = Sample(list, Counter(5, 0));
  command.source = Bench::ProtectedVa(kPage);
  CHECK(Run(&bench, command, list) == abi::kStatusProtectedReadRefused);
  bench.grants.At(1).content_slot = kNoSlot;
  command = Sample(list, Counter(5, 0));
  command.flags = abi::DecryptSampleCommand::kFlagContentKey;
  CHECK(Run(&bench, command, list) == abi::kStatusSessionNoContentKey);
  bench.grants.At(1).session_slot = kNoSlot;
  CHECK(Run(&bench, Sample(list, Counter(5, 0)), list) == abi::kStatusSessionNoKey);
}

TEST_CASE("R27 a sample stays in protected memory, with an open grant too") {
  Bench bench;
  bench.grants.At(1).open_decrypt = true;
  const List list = {{16, 32}};
  auto command = Sample(list, Bytes(16, 1));
  command.destination = Bench::VisibleVa();
  CHECK(Run(&bench, command, list) == abi::kStatusDestinationNotProtected);
}

TEST_CASE("R21 strict: a sample claims the blocks of its encrypted bytes, and no more") {
  Bench bench(true);
  const List list = {{1000, 20}, {0, 5}, {33, 8}};  // 33 bytes: 3 blocks
  CHECK(Run(&bench, Sample(list, Counter(5, 0)), list) == abi::kStatusOk);
  CHECK(Run(&bench, Sample({{0, 16}}, Counter(5, 2)), {{0, 16}}) == abi::kStatusIvReused);
  const List striped = {{0, 160}, {0, 31}};  // 1:4 and 1: blocks 0, 5 and 0
  CHECK(Run(&bench, Sample(striped, Counter(5, 3), {1, 4}), striped) == abi::kStatusOk);
  CHECK(Run(&bench, Sample({{0, 16}}, Counter(5, 5)), {{0, 16}}) == abi::kStatusIvReused);
  CHECK(Run(&bench, Sample({{16, 0}}, Counter(0, 0)), {{16, 0}}) == abi::kStatusOk);  // all clear
  CHECK(Run(&bench, Sample({{0, 16}}, Counter(5, 6)), {{0, 16}}) == abi::kStatusOk);
}

TEST_CASE("a sample whose key is replaced between two steps goes on under no other key") {
  Bench bench;
  const List list = {{16, 4 * kPage - 16}};
  auto job =
      bench.Begin(Sample(list, Counter(9, 0)), ListBytes(list), bench.tables.Space(kContext));
  REQUIRE(job.ok());
  REQUIRE_FALSE(bench.engine.Step(&job.value(), kPage).value());
  Grant& grant = bench.grants.At(1);
  grant.session_slot = bench.AddKey(kContentKey, kSession, kKeyUsageUnwrap | kKeyUsageDecrypt);
  const auto done = bench.engine.Step(&job.value(), kPage);
  REQUIRE_FALSE(done.ok());
  CHECK(done.fault().status == abi::kStatusSessionNoKey);
}

TEST_CASE("many small sub-samples cost what handling them costs") {
  Bench bench;
  const List list(1008, SubSample{0, 1});
  const uint64_t before = bench.memory.work();
  REQUIRE(Run(&bench, Sample(list, Counter(5, 0)), list) == abi::kStatusOk);
  CHECK(bench.memory.work() - before >= 2 * 1008 * Memory::kPieceWork);
}

}  // namespace
}  // namespace ward::device
