#include "tests/fuzz/firmware/message_writer.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <string_view>

#include "firmware/guid.h"
#include "firmware/opm_messages.h"
#include "tests/fuzz/channel_tables.h"

namespace ward::fuzz {
namespace {

namespace fw = firmware;

constexpr uint8_t kRaw = 0xff;  // a field's choice: bytes of the input instead
constexpr uint32_t kHeader = sizeof(abi::ResponseHeader);

constexpr const fw::Guid* kInformations[] = {
    &fw::kOpmGetSrmVersion,      &fw::kOpmGetConnectedDevice, &fw::kOpmGetConnectorType,
    &fw::kOpmGetProtectionTypes, &fw::kOpmGetVirtualLevel,    &fw::kOpmGetActualLevel,
    &fw::kOpmGetOutputFormat,    &fw::kOpmGetBusType,         &fw::kOpmGetOutputId};

// The `choice`th of those that live, in turn; 0 when none does.
template <typename Holders>
uint32_t PickNumber(const Holders& holders, uint8_t choice) {
  uint32_t live = 0;
  for (const auto& holder : holders) live += holder.number != 0;
  if (live == 0) return 0;
  uint32_t left = choice % live;
  for (const auto& holder : holders) {
    if (holder.number != 0 && left-- == 0) return holder.number;
  }
  return 0;
}

template <typename Holders>
uint64_t PickHandle(const Holders& holders, uint8_t choice) {
  uint32_t live = 0;
  for (const auto& holder : holders) live += holder.handle != 0;
  if (live == 0) return 0;
  uint32_t left = choice % live;
  for (const auto& holder : holders) {
    if (holder.handle != 0 && left-- == 0) return holder.handle;
  }
  return 0;
}

template <typename Holders>
const auto* FindByNumber(const Holders& holders, uint32_t number) {
  for (const auto& holder : holders) {
    if (number != 0 && holder.number == number) return &holder;
  }
  return static_cast<decltype(&*std::begin(holders))>(nullptr);
}

// GUIDs, with a wrong one at last.
void WriteGuid(std::string_view name, uint8_t choice, uint8_t* to) {
  std::memset(to, 0, 16);
  if (name == "crypto_type" && choice % 4 != 3) std::memcpy(to, fw::kAes128Ctr, 16);
  if (name == "decode_profile" && choice % 2 == 1) std::memcpy(to, fw::kH264VldNoFgt, 16);
  if (name == "key_exchange_type") {
    std::memcpy(to, choice % 2 == 0 ? fw::kRsaesOaep : fw::kHwProtection.bytes, 16);
  }
  if (name == "key_id") std::memset(to, choice % 8, 16);
}

}  // namespace

uint8_t* MessageWriter::Extend(uint32_t size_bytes) {
  const size_t before = message_.payload.size();
  message_.payload.resize(before + size_bytes);
  return message_.payload.data() + before;
}

FirmwareMessage MessageWriter::Write(InputReader* input) {
  message_ = {};
  const auto index = input->Take<uint8_t>();
  const auto shape = input->Take<uint8_t>();
  info_ = index < std::size(abi::kMessages) ? &abi::kMessages[index] : nullptr;
  message_.number = info_ != nullptr ? info_->number : index % 64;
  const uint32_t own = info_ != nullptr && info_->privileged ? 0 : 1;
  spoils_reserved_ = (shape & 0x80) != 0;
  message_.context = (shape & 3) == 3 ? 1 - own : own * (1 + (shape & 3));
  if (info_ != nullptr) {
    (void)Extend(info_->request_bytes);
    for (uint32_t i = 0; i < info_->request_field_count; ++i) {
      WriteField(info_->request_fields[i], input);
    }
    if (info_->request_variable) WriteVariablePart(input);
  } else {
    WriteRawPart(input);
  }
  if ((shape & 0x0c) == 0x0c) {
    // Cut short, or longer than it should be.
    message_.payload.resize(input->Take<uint8_t>() * ((shape & 0x10) != 0 ? 1u : 40u));
  }
  message_.payload_bytes = static_cast<uint32_t>(message_.payload.size());
  // As the security processor hands on what does not fit into the mailbox.
  if (message_.payload.size() > fw::kMaxPayloadBytes) message_.payload.clear();
  const uint32_t least = info_ != nullptr ? info_->response_bytes : kHeader;
  constexpr uint32_t kRoom = 4096;
  message_.response_capacity = least + ((shape & 0x20) == 0 ? kRoom : 0);
  if ((shape & 0x60) == 0x60) message_.response_capacity = kHeader + input->Take<uint8_t>();
  return message_;
}

void MessageWriter::WriteField(const abi::FieldInfo& field, InputReader* input) {
  uint8_t* to = message_.payload.data() + field.offset;
  if (field.kind == abi::FieldKind::kReserved) {
    if (spoils_reserved_) to[0] = input->Take<uint8_t>();
    return;
  }
  const auto choice = input->Take<uint8_t>();
  if (choice == kRaw) return input->TakeBytes({to, field.size_bytes});
  if (field.size_bytes == 16) return WriteGuid(field.name, choice, to);
  WriteNumber(field, choice);
}

void MessageWriter::WriteNumber(const abi::FieldInfo& field, uint8_t choice) {
  const std::string_view name = field.name;
  uint64_t value = choice;
  if (name == "session") value = PickNumber(state_->sessions, choice);
  if (name == "channel") value = PickNumber(state_->channels, choice);
  if (name == "protected_output") value = PickNumber(state_->protected_outputs, choice);
  if (name == "handle") value = PickHandle(state_->decoders, choice);
  if (name == "key_bytes" || name == "random_bytes" || name == "certificate_type") {
    value = choice % 8 != 7 ? (name == "certificate_type" ? 1 + choice % 2 : 16) : choice;
  }
  if (name == "handle_bytes") value = choice % 8 == 7 ? choice : choice % 2 == 0 ? 8 : 4;
  if (name == "channel_type") value = choice % 8;
  if (name == "function") value = choice % 5;
  if (name == "output_capacity" || name == "output_bytes") value = uint64_t{choice} * 8;
  if (name == "capacity_bytes" || name == "offset_bytes") value = uint64_t{choice} * 16;
  if (name == "output") value = choice % 4;
  if (name == "semantics") value = choice % 8 != 7 ? 1 : choice;
  if (name == "context" || name == "process_type" || name == "process") value = choice % 4;
  uint8_t* to = message_.payload.data() + field.offset;
  for (uint32_t i = 0; i < std::min<uint32_t>(field.size_bytes, 8); ++i) {
    to[i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

// What stands behind the fixed part, and its size in the field that tells it.
void MessageWriter::WriteVariablePart(InputReader* input) {
  const auto before = static_cast<uint32_t>(message_.payload.size());
  const auto choice = input->Take<uint8_t>();
  if (choice == kRaw) {
    WriteRawPart(input);
  } else {
    switch (info_->number) {
      case abi::kMessageCallTrusted:
        WriteTrustedInput(input);
        break;
      case abi::kMessageQueryChannel:
      case abi::kMessageConfigureChannel:
        WriteChannelStructure(input);
        break;
      case abi::kMessageGetOutputInformation:
      case abi::kMessageConfigureOutput:
        WriteOutputStructure(input);
        break;
      default:
        WriteBlob(input);
    }
  }
  const uint32_t written = static_cast<uint32_t>(message_.payload.size()) - before;
  for (uint32_t i = 0; i < info_->request_field_count; ++i) {
    const std::string_view name = info_->request_fields[i].name;
    if (name != "blob_bytes" && name != "input_bytes") continue;
    if (choice % 16 == 15 && choice != kRaw) continue;  // what the field's own choice made it
    StoreLe(message_.payload.data() + info_->request_fields[i].offset, written);
  }
}

void MessageWriter::WriteRawPart(InputReader* input) {
  const auto size = input->Take<uint16_t>();
  input->TakeBytes({Extend(size % 512), static_cast<size_t>(size % 512)});
}

// A blob that unwraps, to the public part that a protected output waits for.
void MessageWriter::WriteBlob(InputReader* input) {
  const auto flaw = input->Take<uint8_t>();
  const auto sequences = input->Take<uint16_t>();
  const uint32_t number = Load32(0);
  uint8_t* blob = Extend(flaw % 16 == 1 ? flaw : FuzzPlatform::kBlobBytes);
  if (flaw % 16 == 1 && flaw < 64) return;
  blob[0] = flaw % 16 == 2 ? 0 : FuzzPlatform::kGoodBlobMark;
  if (info_->number != abi::kMessageSetOutputKey) return;
  const auto* output = FindByNumber(state_->protected_outputs, number);
  if (output != nullptr && flaw % 16 != 3) std::memcpy(blob + 1, output->random, 16);
  StoreLe(blob + 33, flaw % 16 == 4 ? 0xffffffffu : uint32_t{sequences & 0xffu});
  StoreLe(blob + 37, flaw % 16 == 5 ? 0xffffffffu : uint32_t{sequences} >> 8);
}

// For the function that takes a key in: its name, and a blob with the token that is waited for.
void MessageWriter::WriteTrustedInput(InputReader* input) {
  constexpr uint32_t kRandom = 1, kImport = 2;
  const uint32_t function = Load32(4);
  const auto choice = input->Take<uint8_t>();
  if (function == kRandom) {
    StoreLe(Extend(4), uint32_t{choice} * (choice % 16 == 15 ? 2u : 1u));
  } else if (function != kImport || choice == kRaw || choice % 16 == 12) {
    (void)Extend(function == kImport ? choice / 16u : choice * 8u);
  } else {
    const auto* session = FindByNumber(state_->sessions, Load32(0));
    uint8_t* name = Extend(16 + FuzzPlatform::kBlobBytes);
    std::memset(name, choice % 8, 16);
    if (session != nullptr && choice % 16 < 12) std::memcpy(name, session->token_key_id, 16);
    uint8_t* blob = name + 16;
    blob[0] = choice % 16 == 13 ? 0 : FuzzPlatform::kGoodBlobMark;
    if (session != nullptr && choice % 16 != 14) StoreLe(blob + 1, session->token);
    if (choice % 16 == 15) blob[9 + choice % 8] = choice;
  }
}

// With the handle, number and OMAC that are right for the channel, unless the input spoils them.
void MessageWriter::WriteChannelStructure(InputReader* input) {
  const bool is_command = info_->number == abi::kMessageConfigureChannel;
  const auto type = input->Take<uint8_t>();
  const auto flaw = input->Take<uint8_t>();
  const fw::ChannelMessage& message =
      is_command ? *Pick(kChannelCommands, type) : *Pick(kChannelQueries, type);
  const auto* channel = FindByNumber(state_->channels, Load32(0));
  const uint32_t handle_bytes = channel != nullptr ? channel->handle_bytes : 8;
  fw::ChannelStructure structure(is_command ? fw::kConfigureInputHeader : fw::kQueryInputHeader,
                                 message.input, handle_bytes);
  const uint32_t first = is_command ? 1 : 0;  // behind the OMAC
  std::memcpy(structure.bytes() + (is_command ? fw::kOmacBytes : 0), message.type.bytes, 16);
  if (channel != nullptr) {
    structure.WriteHeader(first + 1, channel->handle);
    const uint64_t next = is_command ? channel->next_configure : channel->next_query;
    structure.WriteHeader(first + 2, next + (flaw % 8 == 1 ? flaw : 0));
  }
  // Payload fields: handles that live, small numbers, or raw ones.
  for (uint32_t place = 0; place < fw::Fields::kMaxCount; ++place) {
    const fw::Field kind = message.input.kinds[place];
    if (kind == fw::Field::kNone) break;
    const auto choice = input->Take<uint8_t>();
    if (kind == fw::Field::kGuid) continue;
    uint64_t value = choice == kRaw ? input->Take<uint64_t>() : choice % 16;
    // Of a process: one of few, so that one comes again.
    const bool is_process = &message == &fw::kConfigureSharedResource;
    if (is_process && choice != kRaw) value = choice % 4;
    if (kind == fw::Field::kHandle && choice != kRaw && !is_process) {
      value = place == 0   ? PickHandle(state_->decoders, choice)
              : place == 1 ? PickHandle(state_->sessions, choice)
                           : PickHandle(state_->devices, choice);
    }
    structure.Write(place, value);
  }
  const uint32_t size = structure.size_bytes();
  if (is_command && channel != nullptr && flaw % 8 != 2) {
    const auto tag = platform_->Tag(channel->key_slot,
                                    {structure.bytes() + fw::kOmacBytes, size - fw::kOmacBytes});
    std::copy(tag.begin(), tag.end(), structure.bytes());
  }
  const uint32_t sent = flaw % 8 == 3 ? flaw % (size + 16) : size;
  uint8_t* to = Extend(sent);
  if (sent != 0) std::memcpy(to, structure.bytes(), std::min(sent, size));
  if (!is_command && flaw % 8 != 4) {
    StoreLe(message_.payload.data() + offsetof(abi::QueryChannelRequest, output_bytes),
            fw::StructureBytes(fw::kOutputHeader, message.output, handle_bytes));
  }
}

void MessageWriter::WriteOutputStructure(InputReader* input) {
  const bool is_setting = info_->number == abi::kMessageConfigureOutput;
  const auto type = input->Take<uint8_t>();
  const auto flaw = input->Take<uint8_t>();
  const auto* output = FindByNumber(state_->protected_outputs, Load32(0));
  std::vector<uint8_t> structure(is_setting ? sizeof(fw::OpmSetting)
                                            : sizeof(fw::OpmInformationRequest));
  const fw::Guid& guid =
      is_setting ? fw::kOpmSetProtectionLevel : *kInformations[type % std::size(kInformations)];
  const size_t type_at = is_setting ? 16 : 32;
  if (flaw % 8 != 1) std::memcpy(structure.data() + type_at, guid.bytes, 16);
  if (output != nullptr) {
    const uint64_t next = is_setting ? output->next_configure : output->next_information;
    StoreLe(structure.data() + type_at + 16, static_cast<uint32_t>(next + (flaw % 8 == 2)));
  }
  StoreLe(structure.data() + type_at + 20, flaw % 8 == 3 ? uint32_t{flaw} : is_setting ? 16u : 4u);
  StoreLe(structure.data() + type_at + 24, flaw % 8 == 4 ? uint32_t{flaw} : fw::kOpmProtectionHdcp);
  if (is_setting) StoreLe(structure.data() + type_at + 28, uint32_t{type} % 3);
  if (output != nullptr && flaw % 8 != 5) {
    const auto tag = platform_->Tag(output->key_slot, ConstByteSpan(structure).subspan(16));
    std::copy(tag.begin(), tag.end(), structure.begin());
  }
  if (flaw % 8 == 6) structure.resize(structure.size() - flaw);
  uint8_t* to = Extend(static_cast<uint32_t>(structure.size()));
  std::memcpy(to, structure.data(), structure.size());
}

}  // namespace ward::fuzz
