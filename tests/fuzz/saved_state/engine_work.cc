#include "tests/fuzz/saved_state/engine_work.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "firmware/guid.h"

namespace ward::fuzz {
namespace {

using fakes::GpuRig;
using fakes::MakeCommand;

constexpr uint64_t kPage = 4096;
// Of context 1's addresses: the answers' page, then system memory, then protected memory.
constexpr uint64_t kAnswer = 0x10000;
constexpr uint64_t kSystem = 0x20000;
constexpr uint64_t kProtected = 0x80000;
constexpr uint64_t kPages = 32;
constexpr uint64_t kAnswerAt = GpuRig::kData + 0x10000;
constexpr uint64_t kSystemAt = GpuRig::kData + 0x20000;
constexpr uint32_t kFirstQueue = 5, kEndQueue = 16;

void Append(std::vector<uint8_t>* bytes, ConstByteSpan more) {
  bytes->insert(bytes->end(), more.begin(), more.end());
}
void Append32(std::vector<uint8_t>* bytes, uint32_t value) {
  uint8_t word[4];
  StoreLe(word, value);
  Append(bytes, word);
}

}  // namespace

void EngineWork::PushMessage(uint32_t message, const std::vector<uint8_t>& payload) {
  rig_->PushMessage(kSessionQueue, message, payload, kAnswer, kPage);
}

std::vector<uint8_t> EngineWork::SessionRequest() const {
  std::vector<uint8_t> create;
  Append(&create, firmware::kAes128Ctr);
  Append(&create, firmware::kNullGuid);
  Append(&create, firmware::kRsaesOaep);
  return create;
}

// The answer's first number, behind its header.
uint32_t EngineWork::Ask(uint32_t message, const std::vector<uint8_t>& payload) {
  PushMessage(message, payload);
  rig_->RingAndRun(kSessionQueue);
  WARD_ASSERT(rig_->Load<uint32_t>(kAnswerAt) == 0);
  return rig_->Load<uint32_t>(kAnswerAt + sizeof(abi::ResponseHeader));
}

void EngineWork::OpenSession() {
  rig_->MapSystem(1, kAnswer, kAnswerAt);
  for (uint64_t page = 0; page < kPages; ++page) {
    rig_->MapSystem(1, kSystem + page * kPage, kSystemAt + page * kPage);
    // The last one is the last that there is.
    const uint64_t place = page + 1 == kPages ? GpuRig::kProtectedBytes - kPage : page * kPage;
    rig_->MapPage(1, kProtected + page * kPage,
                  (abi::kProtectedVramLocalBase + place) | abi::kPteValid | abi::kPteWritable |
                      abi::kPteLocal);
  }
  rig_->StartQueue(kSessionQueue, 1);
  session_ = Ask(abi::kMessageCreateSession, SessionRequest());

  device::AesKey key;
  std::fill(key.Expose().begin(), key.Expose().end(), uint8_t{0x42});
  std::vector<uint8_t> blob(device::RsaPrivateKey::kModulusBytes);
  WARD_ASSERT(fakes::LoadTestIdentity(WARD_SOURCE_DIR).key->WrapKey(key, blob));
  std::vector<uint8_t> negotiate;
  Append32(&negotiate, session_);
  Append32(&negotiate, static_cast<uint32_t>(blob.size()));
  Append(&negotiate, blob);
  Ask(abi::kMessageNegotiateSessionKey, negotiate);
  std::vector<uint8_t> of_session;
  Append32(&of_session, session_);
  Append32(&of_session, 0);
  Ask(abi::kMessageGetReadbackKey, of_session);
  Ask(abi::kMessageCreateDecoder, std::vector<uint8_t>(8));
  std::vector<uint8_t> channel;
  Append32(&channel, 2);  // software
  Append32(&channel, 8);
  Ask(abi::kMessageCreateChannel, channel);
  const std::vector<uint8_t> output = {0, 0, 0, 0, 1, 0, 0, 0};
  rig_->PushMessage(0, abi::kMessageCreateProtectedOutput, output, kAnswerAt, kPage);
  rig_->RingAndRun(0);
  WARD_ASSERT(rig_->Load<uint32_t>(kAnswerAt) == 0);
}

template <typename Command>
void EngineWork::Push(uint32_t queue, const Command& command) {
  rig_->Push(queue, command);
}

void EngineWork::Begin() {
  for (uint32_t queue = kFirstQueue; queue < kEndQueue; ++queue) {
    rig_->StartQueue(queue, 1);
    rig_->WriteQueue(queue, abi::kRegQueueTimeout, 1000);
  }
  constexpr uint32_t kLong = 16 * kPage;
  auto pattern = MakeCommand<abi::DecryptBltCommand>(abi::DecryptBltCommand::kFlagPattern);
  pattern.session = session_;
  pattern.length_bytes = kLong;
  pattern.destination = kProtected;
  pattern.source = kSystem;
  pattern.encrypted_bytes_at_beginning = 32;
  pattern.skip_bytes = 144;
  pattern.encrypt_bytes = 16;
  Push(5, pattern);

  auto sample = MakeCommand<abi::DecryptSampleCommand>();
  constexpr uint32_t kSubSamples = 2;
  sample.length += 8 * kSubSamples;
  sample.session = session_;
  sample.length_bytes = kLong;
  sample.destination = kProtected + kLong;
  sample.source = kSystem + kLong;
  sample.iv[7] = 1;
  sample.sub_sample_count = kSubSamples;
  sample.stripe_encrypted_blocks = 1;
  sample.stripe_clear_blocks = 9;
  Push(6, sample);
  const uint32_t list[2 * kSubSamples] = {100, kLong / 2, 20, kLong / 2 - 120};
  rig_->PushBytes(6, ConstByteSpan(reinterpret_cast<const uint8_t*>(list), sizeof(list)));

  auto encrypt = MakeCommand<abi::EncryptBltCommand>();
  encrypt.session = session_;
  encrypt.length_bytes = 4 * kPage;
  encrypt.destination = kSystem;
  encrypt.source = kProtected;
  encrypt.iv_address = kAnswer;
  Push(7, encrypt);

  auto video = MakeCommand<abi::VideoBltCommand>();
  video.destination = kProtected;
  video.source_luma = kSystem;
  video.source_chroma = kSystem + kLong;
  video.destination_pitch = 4 * 64;
  video.source_pitch = 128;
  video.source_width = video.source_height = 128;
  video.destination_width = video.destination_height = 64;
  video.filter = 2;
  Push(8, video);

  auto copy = MakeCommand<abi::CopyCommand>();
  copy.destination = kSystem + kLong;
  copy.source = kSystem;
  copy.row_bytes = 100;
  copy.row_count = 128;
  copy.destination_pitch = copy.source_pitch = 128;
  Push(9, copy);
  BeginMore();

  for (uint32_t queue = kFirstQueue; queue < kEndQueue; ++queue) rig_->Doorbell(queue);
  // So that each has its turn, and none comes to its end.
  for (uint32_t queue = kFirstQueue; queue < kEndQueue; ++queue) rig_->gpu->Process(4096);
}

// Two waits, and jobs of the kinds that are there already.
void EngineWork::BeginMore() {
  auto wait = MakeCommand<abi::WaitVblankCommand>();
  wait.count = 100;
  Push(10, wait);

  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = kAnswer;
  indirect.length_bytes = 64;
  Push(11, indirect);
  auto inner = MakeCommand<abi::WaitCommand>();
  inner.address = kSystem;
  inner.value = UINT64_MAX;
  std::memcpy(rig_->Memory(kAnswerAt, sizeof(inner)), &inner, sizeof(inner));

  auto fill = MakeCommand<abi::FillCommand>();
  fill.destination = kSystem;
  fill.value = 0x12345678;
  fill.row_bytes = 4 * kPage;
  fill.row_count = 1;
  Push(12, fill);

  auto packed = MakeCommand<abi::VideoBltCommand>();
  packed.source_format = 2;  // XRGB8888: one plane
  packed.destination = kProtected + 8 * kPage;
  packed.source_luma = kSystem;
  packed.destination_pitch = packed.source_pitch = 4 * 128;
  packed.source_width = packed.source_height = 128;
  packed.destination_width = packed.destination_height = 128;
  Push(13, packed);

  // Long enough to be shared, where there is somebody to share it with.
  auto whole = MakeCommand<abi::DecryptBltCommand>();
  whole.session = session_;
  whole.length_bytes = 32 * kPage;
  whole.destination = kProtected;
  whole.source = kSystem;
  whole.iv[7] = 2;
  Push(14, whole);

  auto flip = MakeCommand<abi::WaitVblankCommand>(abi::WaitVblankCommand::kFlagFlip);
  Push(15, flip);
}

// What counts and draws: sessions, handles, counters, refusals.
void EngineWork::PushLater() {
  PushMessage(abi::kMessageCreateSession, SessionRequest());
  std::vector<uint8_t> channel;
  Append32(&channel, 3);  // hardware
  Append32(&channel, 4);
  PushMessage(abi::kMessageCreateChannel, channel);
  constexpr uint32_t kNoMessage = 4000;
  PushMessage(kNoMessage, {});
  auto blt = MakeCommand<abi::DecryptBltCommand>();
  blt.session = session_;
  blt.length_bytes = 64;
  blt.destination = kProtected;
  blt.source = kSystem;
  Push(kSessionQueue, blt);
  Push(kSessionQueue, blt);           // a counter comes again
  blt.destination = kSystem + kPage;  // into the open
  Push(kSessionQueue, blt);
  // The last counter that there is.
  blt.destination = kProtected;
  std::fill(std::begin(blt.iv), std::end(blt.iv), uint8_t{0xff});
  Push(kSessionQueue, blt);
  auto copy = MakeCommand<abi::CopyCommand>();  // of no bytes
  Push(kSessionQueue, copy);
}

}  // namespace ward::fuzz
