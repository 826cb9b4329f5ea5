// A chip that is worth saving: a session with three keys, protected pixels, a channel, a decoder, a
// protected output, and, when it is busy, work of every kind in flight. The other party of its
// keys and the oracle for its pixels are libcrypto.
#ifndef WARD_TESTS_UNIT_DEVICE_STATE_RIG_H_
#define WARD_TESTS_UNIT_DEVICE_STATE_RIG_H_

#include <algorithm>
#include <string>
#include <vector>

#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/fake_seal.h"
#include "tests/fakes/gpu_rig.h"
#include "tests/unit/device/security_bench.h"

namespace ward::fakes {

using device::Block;
using test::Bytes;

// Distinct, and found nowhere by chance.
inline constexpr Block kStateSessionKey = {0x9a, 0x1f, 0xe3, 0x47, 0xb0, 0x6c, 0xd2, 0x85,
                                           0x3e, 0x71, 0xf8, 0x2b, 0xc4, 0x59, 0x06, 0xad};
inline constexpr Block kStateContentKey = {0x5d, 0xc0, 0x38, 0xea, 0x17, 0x92, 0x7f, 0xb4,
                                           0xe6, 0x0b, 0xa3, 0x54, 0x1c, 0xd9, 0x68, 0xf1};
inline constexpr Block kStateChannelKey = {0xc7, 0x22, 0x8b, 0xf5, 0x60, 0xae, 0x19, 0xd3,
                                           0x4a, 0x97, 0x0e, 0xbc, 0x75, 0x31, 0xe8, 0x5f};
inline constexpr Block kStateOutputKey = {0x2e, 0xb9, 0x64, 0x1d, 0xf7, 0x83, 0x50, 0xca,
                                          0x9c, 0x45, 0xd8, 0x36, 0xa1, 0x7e, 0x0f, 0xe2};

class StateRig : public GpuRig {
 public:
  static constexpr uint64_t kResponse = kData;  // at kResponseAddress for context 1
  static constexpr uint64_t kCiphertext = kData + 0x10000;
  static constexpr uint64_t kReadBack = kData + 0x100000;  // ciphertext of ENCRYPT_BLT
  static constexpr uint64_t kReadBackIv = kData + 0x1000;
  static constexpr uint32_t kFrameBytes = 256 << 10;
  // Addresses of context 1.
  static constexpr uint64_t kResponseAddress = 0x3000;
  static constexpr uint64_t kIvAddress = 0x4000;
  static constexpr uint64_t kFlagAddress = 0x5000;
  static constexpr uint64_t kCiphertextAddress = 0x10000;
  static constexpr uint64_t kProtectedAddress = 0x80000;
  static constexpr uint64_t kReadBackAddress = 0x100000;
  static constexpr uint64_t kFlag = kData + 0x2000;

  explicit StateRig(const device::GpuOptions& options = Options()) : GpuRig(options) {}

  // Session, keys, pixels, channel, decoder, protected output, interrupts; all at rest.
  void SetUp(bool with_readback = true) {
    CreateContext(1);
    MapSystem(1, kResponseAddress, kResponse);
    MapSystem(1, kIvAddress, kReadBackIv);
    MapSystem(1, kFlagAddress, kFlag);
    for (uint64_t at = 0; at < kFrameBytes; at += 4096) {
      MapSystem(1, kCiphertextAddress + at, kCiphertext + at);
      MapSystem(1, kReadBackAddress + at, kReadBack + at);
      MapPage(1, kProtectedAddress + at,
              (abi::kProtectedVramLocalBase + at) | abi::kPteValid | abi::kPteWritable |
                  abi::kPteLocal);
    }
    FillCiphertext();
    session = Words(Send(1, abi::kMessageCreateSession, device::SecurityBench::CreatePayload()))[4];
    REQUIRE(NegotiateStatus() == 0);
    SetContentKey();
    if (with_readback) GetReadbackKey();
    OpenChannel();
    OpenOutput();
    Send(1, abi::kMessageCreateDecoder, Bytes(8));
    Decrypt();
    ports.vram.Store<uint64_t>(0x3000, 0x1122334455667788);
    RaiseInterrupts();
  }

  // Work of every kind in flight, none of it done: a decryption half way, one that has not begun, a
  // copy, a WAIT, a message in the mailbox and one before it.
  void MakeBusy() {
    StartQueue(1, 1);
    PushDecrypt(1);
    PushFence(1, 10);
    Doorbell(1);
    StartQueue(2, 1);
    auto wait = MakeCommand<abi::WaitCommand>();
    wait.address = kFlagAddress;
    wait.value = 5;
    Push(2, wait);
    PushFence(2, 20);
    Doorbell(2);
    StartQueue(3, 1);
    PushMessage(3, abi::kMessageNegotiateSessionKey, NegotiatePayload(kStateSessionKey),
                kResponseAddress + 0x100, 64);
    PushFence(3, 30);
    Doorbell(3);
    StartQueue(4, 1);
    PushMessage(4, abi::kMessageRunSelfTest, Bytes(8), kResponseAddress + 0x200, 64);
    PushFence(4, 40);
    Doorbell(4);
    StartQueue(5, 1);
    auto copy = MakeCommand<abi::CopyCommand>();
    copy.destination = kReadBackAddress;
    copy.source = kCiphertextAddress;
    copy.row_bytes = kFrameBytes;
    copy.row_count = 1;
    Push(5, copy);
    PushFence(5, 50);
    Doorbell(5);
    for (int slice = 0; slice < 24; ++slice) gpu->Process(4096);
    REQUIRE(State(1) == 2);
    REQUIRE(State(5) == 2);
    for (const uint32_t queue : {2, 3, 4}) REQUIRE(State(queue) == 3);
  }
  // What the outside does for the work to end.
  void LetGo() { ports.bus.Store<uint64_t>(kFlag, 5); }

  // The machine around another chip: same memory, same clock.
  void TakeMachineOf(const StateRig& other) {
    ports.bus = other.ports.bus;
    ports.clock.now_ns = other.ports.clock.now_ns;
    session = other.session;
    readback_key = other.readback_key;
    channel = other.channel;
  }

  Bytes Send(uint32_t queue, uint32_t message, const Bytes& payload) {
    StartQueue(queue, queue);
    PushMessage(queue, message, payload, queue == 0 ? kResponse : kResponseAddress, 4096);
    RingAndRun(queue);
    const uint8_t* at = ports.bus.At(kResponse, 4096);
    return Bytes(at, at + 4096);
  }
  static std::vector<uint32_t> Words(const Bytes& response) {
    std::vector<uint32_t> words(16);
    for (size_t i = 0; i < words.size(); ++i) {
      words[i] = LoadLe<uint32_t>(response.data() + 4 * i);
    }
    return words;
  }
  uint32_t StatusOf(uint32_t message, const Bytes& payload) {
    return Words(Send(1, message, payload))[0];
  }

  Bytes NegotiatePayload(const Block& key) const {
    return device::SecurityBench::NegotiatePayload(session, OtherParty().Wrap(key));
  }
  uint32_t NegotiateStatus() {
    return StatusOf(abi::kMessageNegotiateSessionKey, NegotiatePayload(kStateSessionKey));
  }
  // QUERY_SESSION.state.
  uint32_t SessionState() {
    return Words(Send(1, abi::kMessageQuerySession, WordBytes({session, 0})))[4];
  }

  void PushDecrypt(uint32_t queue) {
    auto command = MakeCommand<abi::DecryptBltCommand>();
    command.session = session;
    command.source = kCiphertextAddress;
    command.destination = kProtectedAddress;
    command.length_bytes = kFrameBytes;
    command.iv[7] = 3;
    Push(queue, command);
  }
  void Decrypt() {
    StartQueue(1, 1);
    PushDecrypt(1);
    RingAndRun(1);
    REQUIRE(FaultStatus(1) == 0);
    REQUIRE(RefusalStatus(1) == 0);
  }
  void PushEncrypt(uint32_t queue) {
    auto command = MakeCommand<abi::EncryptBltCommand>();
    command.session = session;
    command.source = kProtectedAddress;
    command.destination = kReadBackAddress;
    command.length_bytes = kFrameBytes;
    command.iv_address = kIvAddress;
    Push(queue, command);
  }
  uint32_t RefusalStatus(uint32_t queue) { return ReadQueue(queue, abi::kRegRefusalStatus); }

  // What ENCRYPT_BLT makes of the protected pixels, deciphered by libcrypto.
  Bytes ReadBackPixels() {
    StartQueue(1, 1);
    PushEncrypt(1);
    RingAndRun(1);
    REQUIRE(RefusalStatus(1) == 0);
    return DecipherReadBack();
  }
  Bytes DecipherReadBack() {
    return Ctr(readback_key, CounterBlock(),
               ConstByteSpan(ports.bus.At(kReadBack, kFrameBytes), kFrameBytes));
  }
  Block CounterBlock() {
    Block block;
    std::memcpy(block.data(), ports.bus.At(kReadBackIv, 16), 16);
    return block;
  }
  // What Decrypt has to put into protected memory.
  Bytes ExpectedPixels() {
    Block counter = {};
    counter[7] = 3;
    return Ctr(kStateSessionKey, counter,
               ConstByteSpan(ports.bus.At(kCiphertext, kFrameBytes), kFrameBytes));
  }

  static Bytes Ctr(const Block& key, const Block& counter, ConstByteSpan input) {
    EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
    Bytes output(input.size());
    int written = 0;
    EVP_EncryptInit_ex2(context, EVP_aes_128_ctr(), key.data(), counter.data(), nullptr);
    EVP_EncryptUpdate(context, output.data(), &written, input.data(),
                      static_cast<int>(input.size()));
    EVP_CIPHER_CTX_free(context);
    return output;
  }
  static Bytes WordBytes(std::initializer_list<uint32_t> words) {
    return device::SecurityBench::Words(words);
  }
  static const device::PublishedIdentity& OtherParty() {
    static const device::PublishedIdentity identity;
    return identity;
  }

  Bytes Save(device::StateSeal* seal = nullptr, bool with_visible_vram = true) const {
    auto saved = gpu->SaveState({seal, with_visible_vram});
    REQUIRE(saved.ok());
    return saved.value();
  }
  // 0, or the status of the refusal.
  uint32_t Load(ConstByteSpan state, device::StateSeal* seal = nullptr) {
    const auto loaded = gpu->LoadState(state, seal);
    return loaded.ok() ? 0 : loaded.fault().status;
  }

  uint32_t session = 0;
  uint32_t channel = 0;
  Block readback_key = {};

 private:
  void FillCiphertext() {
    SeededEntropy bytes;
    bytes.state = 77;
    bytes.Fill(ByteSpan(ports.bus.At(kCiphertext, kFrameBytes), kFrameBytes));
  }
  void SetContentKey() {
    Bytes payload = WordBytes({session, 16});
    const Block wrapped = device::Ecb(kStateSessionKey, kStateContentKey, true);
    payload.insert(payload.end(), wrapped.begin(), wrapped.end());
    REQUIRE(StatusOf(abi::kMessageSetContentKey, payload) == 0);
  }
  void GetReadbackKey() {
    const Bytes answer = Send(1, abi::kMessageGetReadbackKey, WordBytes({session, 0}));
    REQUIRE(Words(answer)[0] == 0);
    Block wrapped;
    std::memcpy(wrapped.data(), answer.data() + 16, 16);
    readback_key = device::Ecb(kStateSessionKey, wrapped, false);
  }
  void OpenChannel() {
    channel = Words(Send(1, abi::kMessageCreateChannel, WordBytes({3, 8})))[4];
    REQUIRE(StatusOf(abi::kMessageNegotiateChannelKey,
                     device::SecurityBench::NegotiatePayload(
                         channel, OtherParty().Wrap(kStateChannelKey))) == 0);
  }
  void OpenOutput() {
    const uint32_t number =
        Words(Send(0, abi::kMessageCreateProtectedOutput, WordBytes({0, 1})))[4];
    const Bytes random = Send(0, abi::kMessageGetOutputRandom, WordBytes({number, 0}));
    Bytes plain(random.begin() + 16, random.begin() + 32);
    plain.insert(plain.end(), kStateOutputKey.begin(), kStateOutputKey.end());
    const Bytes numbers = WordBytes({1, 7});
    plain.insert(plain.end(), numbers.begin(), numbers.end());
    REQUIRE(Words(Send(0, abi::kMessageSetOutputKey,
                       device::SecurityBench::NegotiatePayload(number,
                                                               OtherParty().Wrap(plain))))[0] == 0);
  }
  // A cause that is raised, and a vector that waits for its mask.
  void RaiseInterrupts() {
    gpu->WriteConfig(4, 2, 6);
    gpu->WriteConfig(0x52, 2, 0x8000);  // MSI-X on; all vectors are masked
    Write(abi::kRegInterruptEnable, 1);
    StartQueue(0);
    PushFence(0, 3, abi::FenceCommand::kFlagInterrupt);
    RingAndRun(0);
    REQUIRE((Read(abi::kRegInterruptCause) & 1) != 0);
    REQUIRE(gpu->ReadMsix(abi::kMsixPbaOffset, 4) != 0);
  }
};

}  // namespace ward::fakes

#endif  // WARD_TESTS_UNIT_DEVICE_STATE_RIG_H_
