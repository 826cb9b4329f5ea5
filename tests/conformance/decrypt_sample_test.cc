// DECRYPT_SAMPLE from the outside: its list, what it refuses, its cost, and a snapshot in the
// middle of it. What it computes is unit/device/decrypt_sample_test.cc's.
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "device/crypto/rsa_private_key.h"
#include "firmware/guid.h"
#include "tests/fakes/gpu_rig.h"

namespace ward::fakes {
namespace {

constexpr uint32_t kQueue = 1;
constexpr uint64_t kPage = 4096;
// Addresses of context 1.
constexpr uint64_t kResponse = 0x3000, kSource = 0x10000, kProtected = 0x20000;
constexpr uint32_t kSourcePages = 8;

using List = std::vector<std::pair<uint32_t, uint32_t>>;

class SampleRig : public GpuRig {
 public:
  SampleRig() {
    CreateContext(1);
    MapSystem(1, kResponse, kData);
    for (uint64_t page = 0; page < kSourcePages; ++page) {
      MapSystem(1, kSource + page * kPage, kData + 0x10000 + page * kPage);
      MapPage(1, kProtected + page * kPage,
              (abi::kProtectedVramLocalBase + page * kPage) | abi::kPteValid | abi::kPteWritable |
                  abi::kPteLocal);
    }
    uint8_t* source = ports.bus.At(kData + 0x10000, kSourcePages * kPage);
    for (uint64_t i = 0; i < kSourcePages * kPage; ++i)
      source[i] = static_cast<uint8_t>(i * 31 + 1);
    StartQueue(kQueue, 1);
    session = CreateSession();
  }

  uint32_t Send(uint32_t message, ConstByteSpan payload) {
    PushMessage(kQueue, message, payload, kResponse, 64);
    RingAndRun(kQueue);
    return ports.bus.Load<uint32_t>(kData);
  }
  // QUERY_SESSION's refusal_count and last_refusal.
  std::pair<uint32_t, uint32_t> Refusals() {
    uint8_t payload[8] = {};
    StoreLe(payload, session);
    REQUIRE(Send(abi::kMessageQuerySession, payload) == 0);
    return {ports.bus.Load<uint32_t>(kData + 20), ports.bus.Load<uint32_t>(kData + 24)};
  }

  static abi::DecryptSampleCommand Sample(uint32_t of_session, const List& list) {
    auto command = MakeCommand<abi::DecryptSampleCommand>();
    command.length += static_cast<uint32_t>((list.size() * 8 + 15) / 16 * 16);
    command.session = of_session;
    for (const auto& [clear, encrypted] : list) command.length_bytes += clear + encrypted;
    command.destination = kProtected;
    command.source = kSource;
    command.iv[7] = 9;
    command.sub_sample_count = static_cast<uint32_t>(list.size());
    return command;
  }
  // The command and as much of its list as its length has room for.
  void PushSample(const abi::DecryptSampleCommand& command, const List& list) {
    std::vector<uint8_t> bytes(command.length);
    std::memcpy(bytes.data(), &command, sizeof(command));
    for (size_t i = 0; i < list.size() && 88 + 8 * i <= bytes.size(); ++i) {
      StoreLe(bytes.data() + 80 + 8 * i, list[i].first);
      StoreLe(bytes.data() + 84 + 8 * i, list[i].second);
    }
    PushBytes(kQueue, bytes);
  }
  // The fault of the queue, which is started anew, or else its last refusal.
  uint32_t Do(const abi::DecryptSampleCommand& command, const List& list) {
    StartQueue(kQueue, 1);
    PushSample(command, list);
    RingAndRun(kQueue);
    const uint32_t fault = FaultStatus(kQueue);
    const uint32_t status = fault != 0 ? fault : ReadQueue(kQueue, abi::kRegRefusalStatus);
    StartQueue(kQueue, 1);
    return status;
  }

  uint32_t session;

 private:
  uint32_t CreateSession() {
    std::vector<uint8_t> request(sizeof(abi::CreateSessionRequest));
    std::memcpy(request.data(), firmware::kAes128Ctr, 16);
    std::memcpy(request.data() + 16, firmware::kH264VldNoFgt, 16);
    std::memcpy(request.data() + 32, firmware::kRsaesOaep, 16);
    REQUIRE(Send(abi::kMessageCreateSession, request) == 0);
    const uint32_t created = ports.bus.Load<uint32_t>(kData + 16);
    const device::RsaPrivateKey* key = Options().identity_key;
    std::vector<uint8_t> exchange(8 + device::RsaPrivateKey::kModulusBytes);
    StoreLe<uint32_t>(exchange.data(), created);
    StoreLe<uint32_t>(exchange.data() + 4, device::RsaPrivateKey::kModulusBytes);
    REQUIRE(key->WrapKey(device::AesKey{}, ByteSpan(exchange).subspan(8)));
    REQUIRE(Send(abi::kMessageNegotiateSessionKey, exchange) == 0);
    return created;
  }
};

TEST_CASE("DecryptSample.List: a list is as long as its count says, with zeros behind it",
          "[negative]") {
  SampleRig rig;
  const List list = {{16, 16}, {0, 32}, {4, 12}};
  const abi::DecryptSampleCommand good = SampleRig::Sample(rig.session, list);
  CHECK(rig.Do(good, list) == 0);
  abi::DecryptSampleCommand bad = good;
  bad.sub_sample_count = 0;
  CHECK(rig.Do(bad, list) == abi::kStatusOperandInvalid);
  bad.sub_sample_count = abi::kMaximumSubSamples + 1;
  CHECK(rig.Do(bad, list) == abi::kStatusOperandInvalid);
  bad.sub_sample_count = 0xffffffff;
  CHECK(rig.Do(bad, list) == abi::kStatusOperandInvalid);
  bad.sub_sample_count = 5;
  CHECK(rig.Do(bad, list) == abi::kStatusCommandLengthInvalid);
  bad.sub_sample_count = 2;
  CHECK(rig.Do(bad, list) == abi::kStatusCommandLengthInvalid);
  CHECK(rig.Do(good, {{16, 16}, {0, 32}, {4, 12}, {1, 0}}) == abi::kStatusReservedNotZero);
}

TEST_CASE("DecryptSample.Sum: sub-samples that do not add up are refused and counted",
          "[negative]") {
  SampleRig rig;
  const List list = {{16, 16}, {0, 32}};
  uint32_t count = 0;
  for (const uint32_t length : {63u, 65u, 1u, 32768u}) {
    abi::DecryptSampleCommand command = SampleRig::Sample(rig.session, list);
    command.length_bytes = length;
    CHECK(rig.Do(command, list) == abi::kStatusSubSamplesInvalid);
    CHECK(rig.Refusals() == std::pair<uint32_t, uint32_t>{++count, abi::kStatusSubSamplesInvalid});
  }
}

TEST_CASE("DecryptSample.Stripe: a stripe that encrypts nothing is refused and counted",
          "[negative]") {
  SampleRig rig;
  const List list = {{0, 64}};
  abi::DecryptSampleCommand command = SampleRig::Sample(rig.session, list);
  command.stripe_clear_blocks = 1;
  CHECK(rig.Do(command, list) == abi::kStatusSubSamplesInvalid);
  CHECK(rig.Refusals() == std::pair<uint32_t, uint32_t>{1, abi::kStatusSubSamplesInvalid});
  command.stripe_encrypted_blocks = 1;
  CHECK(rig.Do(command, list) == 0);
}

// Budget of a slice that moves a part of a sample.
constexpr uint64_t kSlice = 4096;

TEST_CASE("DecryptSample.Snapshot: a sample in flight is a value, its list included") {
  const List list = {{5, 5000}, {3000, 9000}, {1, 12000}};
  SampleRig whole;
  whole.PushSample(SampleRig::Sample(whole.session, list), list);
  whole.Doorbell(kQueue);
  whole.Run(kSlice);
  const uint64_t end = whole.gpu->StateHash();

  SampleRig rig;
  rig.PushSample(SampleRig::Sample(rig.session, list), list);
  rig.Doorbell(kQueue);
  rig.gpu->Process(kSlice);
  rig.gpu->Process(kSlice);
  const uint64_t middle = rig.gpu->StateHash();
  CHECK(middle != end);
  const device::GpuSnapshot snapshot = rig.gpu->TakeSnapshot();
  rig.Run(kSlice);
  CHECK(rig.gpu->StateHash() == end);
  rig.gpu->Restore(snapshot);
  CHECK(rig.gpu->StateHash() == middle);
  rig.Run(kSlice);
  CHECK(rig.gpu->StateHash() == end);
}

TEST_CASE("DecryptSample.Hash: the state tells two lists apart before they make a difference") {
  std::vector<uint64_t> hashes;
  for (const uint32_t last : {1000u, 2000u}) {
    SampleRig rig;
    const List list = {{0, 20000}, {3000 - last, last}};
    rig.PushSample(SampleRig::Sample(rig.session, list), list);
    rig.Doorbell(kQueue);
    rig.gpu->Process(kSlice);
    hashes.push_back(rig.gpu->StateHash());
  }
  CHECK(hashes[0] != hashes[1]);
}

TEST_CASE("DecryptSample.Cost: many small sub-samples use up a slice as many bytes do") {
  for (const bool is_small : {true, false}) {
    SampleRig rig;
    rig.StartQueue(kQueue, 1);
    const List list = is_small ? List(100, {0, 1}) : List{{0, 100}};
    const uint64_t before = rig.Fence(kQueue);
    for (uint64_t i = 1; i <= 4; ++i) {
      rig.PushSample(SampleRig::Sample(rig.session, list), list);
      rig.PushFence(kQueue, before + i);
    }
    rig.Doorbell(kQueue);
    rig.gpu->Process(2 * kSlice);
    CHECK((rig.Fence(kQueue) <= before + 1) == is_small);
    rig.Run();
    CHECK(rig.Fence(kQueue) == before + 4);
  }
}

}  // namespace
}  // namespace ward::fakes
