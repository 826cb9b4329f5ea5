// The moves that write commands and messages.
#include <algorithm>
#include <cstddef>
#include <cstring>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "abi/generated/pci.h"
#include "firmware/guid.h"
#include "tests/fakes/security_message.h"
#include "tests/fuzz/device/grammar.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;
// Of a context's addresses: system memory, free VRAM, protected VRAM, and what context 2 alone
// maps.
constexpr uint64_t kWindows[] = {layout::kSystemAt, layout::kFreeAt, layout::kProtectedAt,
                                 layout::kPrivateAt};
constexpr uint64_t kIndirectOfQueue = layout::kIndirectBytes / 4;
// Function of CALL_TRUSTED that takes an RSA operation.
constexpr uint8_t kImportFunction = 2;

// The list behind a DECRYPT_SAMPLE; its sum is the sample's length most of the time.
void AppendSubSamples(std::vector<uint8_t>* bytes, InputReader* input) {
  const uint32_t count = 1 + input->Take<uint8_t>() % 8;
  const bool adds_up = input->Take<uint8_t>() % 4 != 0;
  const size_t begin = bytes->size();
  bytes->resize(begin + (count + 1) / 2 * 16);
  uint32_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t clear = input->Take<uint8_t>();
    const uint32_t encrypted = input->Take<uint16_t>() & 0xfff;
    StoreLe(bytes->data() + begin + 8 * i, clear);
    StoreLe(bytes->data() + begin + 8 * i + 4, encrypted);
    sum += clear + encrypted;
  }
  StoreLe(bytes->data() + offsetof(abi::DecryptSampleCommand, length),
          static_cast<uint32_t>(bytes->size()));
  StoreLe(bytes->data() + offsetof(abi::DecryptSampleCommand, sub_sample_count), count);
  if (adds_up) StoreLe(bytes->data() + offsetof(abi::DecryptSampleCommand, length_bytes), sum);
}

// Of 64 bits there are negative ones too, and page tables lie at borders of pages.
void StoreNumber(const abi::FieldInfo& field, uint16_t number, uint8_t* at) {
  constexpr uint16_t kFirstNegative = 0xf000;
  if (field.size_bytes != 8) return StoreLe<uint16_t>(at, number);
  const bool is_root = std::strcmp(field.name, "page_table_root") == 0;
  StoreLe<uint64_t>(at, is_root && number % 8 == 7   ? abi::kProtectedVramLocalBase
                        : is_root && number % 2 == 0 ? uint64_t{number} << 11
                        : number >= kFirstNegative   ? 0 - uint64_t{0x10000u - number}
                                                     : number);
}

// As long as it says, and no key for all that: too short, too large a number, or anything.
void SpoilBlob(uint8_t choice, std::vector<uint8_t>* payload) {
  static_assert(sizeof(abi::NegotiateSessionKeyRequest) == sizeof(abi::NegotiateChannelKeyRequest));
  constexpr size_t kFixed = sizeof(abi::NegotiateSessionKeyRequest);
  if ((choice & 0x10) != 0) payload->resize(kFixed + choice / 2u);
  if ((choice & 0x20) != 0) std::fill(payload->begin() + kFixed, payload->end(), uint8_t{0xff});
  StoreLe(payload->data() + offsetof(abi::NegotiateSessionKeyRequest, blob_bytes),
          static_cast<uint32_t>(payload->size() - kFixed));
}

// Input and output as the function that is named wants them, or nearly so.
void FitTrusted(std::vector<uint8_t>* payload) {
  constexpr size_t kFixed = sizeof(abi::CallTrustedRequest);
  constexpr uint8_t kVersionFunction = 0, kRandomFunction = 1;
  uint8_t* const to = payload->data();
  const uint8_t function = to[offsetof(abi::CallTrustedRequest, function)];
  const uint8_t first = to[kFixed];
  StoreLe<uint32_t>(to + offsetof(abi::CallTrustedRequest, output_capacity),
                    to[offsetof(abi::CallTrustedRequest, output_capacity)] * 8u);
  if (function == kRandomFunction) StoreLe<uint32_t>(to + kFixed, first * 2u);
  payload->resize(kFixed + (function == kVersionFunction  ? first / 128u
                            : function == kRandomFunction ? 4u - first / 240u
                                                          : first));
  StoreLe(payload->data() + offsetof(abi::CallTrustedRequest, input_bytes),
          static_cast<uint32_t>(payload->size() - kFixed));
}

// What a message has to say to get anywhere, where the choice says so.
void FillPlausible(uint32_t number, uint8_t choice, std::vector<uint8_t>* payload) {
  uint8_t* const to = payload->data();
  if (number == abi::kMessageCreateSession && (choice & 4) != 0) {
    const auto put = [&](size_t offset, const uint8_t(&guid)[16]) {
      std::copy(std::begin(guid), std::end(guid), to + offset);
    };
    put(offsetof(abi::CreateSessionRequest, crypto_type), firmware::kAes128Ctr);
    put(offsetof(abi::CreateSessionRequest, decode_profile), firmware::kNullGuid);
    put(offsetof(abi::CreateSessionRequest, key_exchange_type),
        (choice & 8) != 0 ? firmware::kHwProtection.bytes : firmware::kRsaesOaep);
  } else if (number == abi::kMessageStartKeyRefresh && (choice & 0x20) != 0) {
    StoreLe<uint32_t>(to + offsetof(abi::StartKeyRefreshRequest, random_bytes), 16);
  } else if (number == abi::kMessageSetContentKey && (choice & 0x20) != 0) {
    StoreLe<uint32_t>(to + offsetof(abi::SetContentKeyRequest, key_bytes), 16);
  } else if (number == abi::kMessageGetCertificate && (choice & 4) != 0) {
    abi::GetCertificateRequest request = {to[0] % 4u, to[4] % 4u, {}, to[24] * 16u, to[28] * 16u};
    if ((choice & 8) == 0)
      std::copy(std::begin(firmware::kAes128Ctr), std::end(firmware::kAes128Ctr),
                request.crypto_type);
    std::copy(BytesOf(request).begin(), BytesOf(request).end(), to);
  } else if (number == abi::kMessageCheckSharedAccess && (choice & 4) != 0) {
    const abi::CheckSharedAccessRequest request = {1u + (choice >> 7), to[4] % 4u, to[8] % 4u};
    std::copy(BytesOf(request).begin(), BytesOf(request).end(), to);
  }
}

}  // namespace

// An address that means something to the queue, shifted a little.
uint64_t Grammar::PickAddress(uint32_t queue) {
  const uint8_t choice = input_.Take<uint8_t>();
  const uint64_t page = input_.Take<uint8_t>();
  const uint64_t offset = (choice & 0x80) != 0 ? input_.Take<uint16_t>() : 0;
  // Where nothing is mapped, or no address can be.
  if ((choice & 0x7c) == 0x7c) {
    BreakOrder();
    return input_.Take<uint64_t>();
  }
  if (queue != 0) {
    return ((Pick(kWindows, choice) + page) * kPage + offset) % (layout::kNamedPages * kPage);
  }
  BreakOrder();
  switch (choice % 4) {
    case 0:
      return layout::kBus + (page << 10) + offset;
    case 1:
      return (abi::kPhysicalLocal | page * kPage) + offset;
    case 2:
      return (abi::kPhysicalLocal | abi::kProtectedVramLocalBase | page * kPage) + offset;
    default:
      return input_.Take<uint64_t>();
  }
}

uint32_t Grammar::PickSession() {
  const uint8_t choice = input_.Take<uint8_t>();
  if (choice < 176) return base_.session;
  if (choice < 208) return base_.other_session;
  if (choice < 224) return base_.hardware_session;
  return choice;
}

std::vector<uint8_t> Grammar::MakeTableCommand(uint32_t queue) {
  const abi::CommandInfo& info = Pick(abi::kCommands, input_.Take<uint8_t>());
  std::vector<uint8_t> bytes(info.size_bytes);
  StoreLe<uint16_t>(bytes.data(), info.opcode);
  StoreLe<uint16_t>(bytes.data() + 2, static_cast<uint16_t>(input_.Take<uint8_t>() & info.flags));
  StoreLe<uint32_t>(bytes.data() + 4, info.size_bytes);
  for (uint32_t i = 3; i < info.field_count; ++i) {
    const abi::FieldInfo& field = info.fields[i];
    uint8_t* at = bytes.data() + field.offset;
    if (field.kind == abi::FieldKind::kAddress) {
      StoreLe<uint64_t>(at, PickAddress(queue));
    } else if (std::strcmp(field.name, "session") == 0) {
      StoreLe<uint32_t>(at, PickSession());
    } else if (field.kind == abi::FieldKind::kBytes) {
      input_.TakeBytes(ByteSpan(at, field.size_bytes));
    } else if (field.kind == abi::FieldKind::kNumber) {
      // Small numbers reach further: sizes, counts, modes, fences.
      const uint8_t small = input_.Take<uint8_t>();
      StoreNumber(field, small < kLargeNumber ? small : input_.Take<uint16_t>(), at);
    }
  }
  if (info.opcode == abi::DecryptSampleCommand::kOpcode) AppendSubSamples(&bytes, &input_);
  return bytes;
}

void Grammar::PushCommand() {
  const uint32_t queue = PickQueue();
  const std::vector<uint8_t> command = MakeTableCommand(queue);
  rings_.Push(queue, command);
}

// Commands in a buffer of their own, and the command that leads there.
void Grammar::PushIndirect() {
  const uint32_t queue = PickUserQueue();
  const uint32_t count = 1 + input_.Take<uint8_t>() % 3;
  std::vector<uint8_t> buffer;
  for (uint32_t i = 0; i < count; ++i) {
    const std::vector<uint8_t> command = MakeTableCommand(queue);
    buffer.insert(buffer.end(), command.begin(), command.end());
  }
  // Each queue has buffers of its own: what two of them read by turns would be read twice by right.
  const uint64_t place = (queue - 1) * kIndirectOfQueue + input_.Take<uint8_t>() % 4 * 256;
  if (buffer.size() > kIndirectOfQueue - 3 * 256) return;
  Do({.kind = OperationKind::kWriteMemory, .at = layout::kIndirect + place, .bytes = buffer});
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = layout::kIndirectAt * kPage + place;
  indirect.length_bytes = static_cast<uint32_t>((buffer.size() + 15) / 16 * 16);
  rings_.Push(queue, BytesOf(indirect));
}

void Grammar::PushMessage() {
  const uint32_t queue = PickQueue();
  const abi::MessageInfo& info = Pick(abi::kMessages, input_.Take<uint8_t>());
  const bool is_trusted = info.number == abi::kMessageCallTrusted;
  // What a trusted function may have: a key's name and a blob.
  const uint32_t variable_bytes = is_trusted ? 16 + 256 : 256;
  std::vector<uint8_t> payload(info.request_bytes + (info.request_variable ? variable_bytes : 0));
  const uint8_t choice = input_.Take<uint8_t>();
  // As a rule it is about a session that there is, and the blob is one that opens.
  const bool is_shared_access = info.number == abi::kMessageCheckSharedAccess;
  const bool is_about_session = !is_shared_access && info.number != abi::kMessageGetCertificate &&
                                info.number != abi::kMessageCreateSession && (choice & 3) != 0;
  const bool takes_blob = info.number == abi::kMessageNegotiateSessionKey ||
                          info.number == abi::kMessageNegotiateChannelKey;
  const bool has_blob = takes_blob && (choice & 4) != 0;
  input_.TakeBytes(ByteSpan(payload).first(has_blob ? 4 : payload.size()));
  if (has_blob) {
    StoreLe(payload.data() + 4, static_cast<uint32_t>(base_.blob.size()));
    std::copy(base_.blob.begin(), base_.blob.end(), payload.begin() + info.request_bytes);
  }
  if (takes_blob && !has_blob && (choice & 8) != 0) SpoilBlob(choice, &payload);
  if (payload.size() >= 4 && is_about_session) {
    const bool is_hardware = is_trusted || info.number == abi::kMessageGetNewKeyData ||
                             info.number == abi::kMessageSelectKey;
    const uint32_t own = queue == layout::kOtherQueue ? base_.other_session : base_.session;
    // Or about the first thing of another kind that was made.
    const bool is_session = std::strcmp(info.request_fields[0].name, "session") == 0;
    const uint32_t first_one = 0x10000u | choice >> 6;
    StoreLe<uint32_t>(payload.data(), !is_session               ? first_one
                                      : is_hardware             ? base_.hardware_session
                                      : (choice & 0x18) == 0x18 ? base_.other_session
                                                                : own);
  }
  FillPlausible(info.number, choice, &payload);
  const bool is_about_decoder =
      info.number == abi::kMessageDestroyDecoder || info.number == abi::kMessageGetDecoderSession;
  if (is_about_decoder && is_about_session) StoreLe(payload.data(), base_.decoder_handle);
  if (is_trusted) {
    StoreLe<uint32_t>(payload.data() + offsetof(abi::CallTrustedRequest, function), payload[4] % 5);
    StoreLe<uint32_t>(payload.data() + offsetof(abi::CallTrustedRequest, input_bytes),
                      payload[8] == 0 ? 0 : variable_bytes);
    if ((choice & 8) != 0) FitTrusted(&payload);
  }
  // The private key's operation takes about a millisecond, unless it was done before.
  const bool is_slow = (takes_blob && !has_blob) || info.number == abi::kMessageSetOutputKey ||
                       info.number == abi::kMessageRunSelfTest ||
                       (is_trusted && payload[4] == kImportFunction);
  if (is_slow) {
    if (slow_left_ == 0) return;
    --slow_left_;
  }
  // A shift of less than what is aligned names a capacity instead; the last one stays a shift.
  constexpr uint32_t kCapacities[] = {4096, 16, 8, 24, 32, 48, 64, 65536, 65537, 128};
  const uint64_t address = PickAddress(queue);
  const uint32_t shift = address & 15;
  rings_.Push(queue, fakes::MakeMessage(info.number, payload,
                                        shift == 15 ? address : address & ~uint64_t{15},
                                        Pick(kCapacities, shift)));
}

void Grammar::PushRawBytes() {
  const uint32_t queue = PickQueue();
  std::vector<uint8_t> bytes((1 + input_.Take<uint8_t>() % 8) * 16);
  input_.TakeBytes(bytes);
  BreakOrder();
  // A command of the user's may name nothing but its context's memory: that much is still promised.
  rings_.Push(queue, bytes);
}

// Where a page of a window lies: for the kernel's queue by physical address.
uint64_t Grammar::PlaceOf(uint32_t queue, uint32_t window, uint64_t page) const {
  if (queue != 0) return (Pick(kWindows, window) + page) * kPage;
  const uint64_t first[] = {layout::kBus, abi::kPhysicalLocal | layout::kFree,
                            abi::kPhysicalLocal | abi::kProtectedVramLocalBase};
  return first[window % 3] + page * kPage;
}

// Copies and fills of rows: narrow and wide ones, apart, end to end, and over each other.
void Grammar::PushRows() {
  constexpr uint32_t kRowBytes[] = {4096, 64, 3, 4100, 256, 1, 65536, 0};
  constexpr uint32_t kRowCounts[] = {1, 2, 3, 16, 40, 5, 0, 8};
  constexpr uint32_t kGaps[] = {0, 64, 4096, 5000};
  const uint32_t queue = PickQueue();
  const auto shape = input_.Take<uint8_t>();
  const auto windows = input_.Take<uint8_t>();
  const auto size = input_.Take<uint8_t>();
  const auto place = input_.Take<uint16_t>();
  if (queue == 0) BreakOrder();
  const uint32_t row_bytes = Pick(kRowBytes, size);
  const uint32_t row_count = Pick(kRowCounts, size >> 3);
  const uint32_t pitch = row_bytes + Pick(kGaps, shape >> 1 & 3);
  const uint64_t destination =
      PlaceOf(queue, windows & 3, place % 32) + (size >> 6) * uint64_t{1365};
  if ((shape & 1) != 0) {
    auto fill = MakeCommand<abi::FillCommand>();
    fill.destination = destination;
    fill.value = (shape & 0x40) != 0 ? 0 : 0x01010101u + (shape >> 5 & 1);
    fill.row_bytes = row_bytes;
    fill.row_count = row_count;
    fill.destination_pitch = (shape & 0x80) != 0 ? row_bytes - 1 : pitch;
    return rings_.Push(queue, BytesOf(fill));
  }
  auto copy = MakeCommand<abi::CopyCommand>();
  copy.destination = destination;
  copy.row_bytes = row_bytes;
  copy.row_count = row_count;
  copy.destination_pitch = pitch;
  copy.source_pitch = row_bytes + Pick(kGaps, shape >> 3 & 3);
  const uint64_t shift = place >> 5;
  switch (windows >> 4 & 3) {
    case 1:
      copy.source = destination + shift;
      break;
    case 2:
      copy.source = destination - std::min(destination, shift);
      break;
    default:
      copy.source = PlaceOf(queue, windows >> 2 & 3, shift % 64);
  }
  if ((shape & 0x20) != 0) copy.source_pitch = copy.destination_pitch;
  if ((shape & 0x80) != 0) copy.source_pitch = row_bytes - 1;
  rings_.Push(queue, BytesOf(copy));
}

void Grammar::PushDecrypt() {
  const uint32_t queue = PickUserQueue();
  const uint8_t page = input_.Take<uint8_t>();
  const uint8_t size = input_.Take<uint8_t>();
  auto blt = MakeCommand<abi::DecryptBltCommand>();
  blt.session = SessionOf(queue);
  blt.length_bytes = size < kLargeNumber ? 1u + size : 1u + input_.Take<uint16_t>() % 16384;
  blt.source = (layout::kSystemAt + page % 32) * kPage;
  blt.destination = (layout::kProtectedAt + page / 32 * 16u) * kPage;
  StoreBe64(blt.iv, input_.Take<uint8_t>());
  // Count near its end, now and then.
  const uint8_t count = input_.Take<uint8_t>();
  StoreBe64(blt.iv + 8, count < kLargeNumber ? 0 : 0 - uint64_t{count & 15u});
  rings_.Push(queue, BytesOf(blt));
}

void Grammar::PushReadBack() {
  const uint32_t queue = PickUserQueue();
  const uint8_t page = input_.Take<uint8_t>();
  const uint8_t whose = input_.Take<uint8_t>();
  auto blt = MakeCommand<abi::EncryptBltCommand>();
  blt.session = SessionOf(queue);
  blt.length_bytes = 1u + input_.Take<uint8_t>();
  const uint64_t source = whose % 4 == 0   ? BaseState::kOtherPage
                          : whose % 4 == 1 ? uint64_t{page} / 32 * 16
                                           : BaseState::kSessionPage;
  blt.source = (layout::kProtectedAt + source) * kPage;
  blt.destination = (layout::kFreeAt + page % 32) * kPage;
  const uint64_t counters = (whose & 0x80) != 0 ? layout::kSystemAt : layout::kFreeAt + 64;
  blt.iv_address = (counters + page % 32) * kPage;
  rings_.Push(queue, BytesOf(blt));
}

}  // namespace ward::fuzz
