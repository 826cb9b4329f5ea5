// The moves that speak to the security processor under keys that are no secrets.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "abi/generated/messages.h"
#include "firmware/opm_messages.h"
#include "tests/fakes/security_message.h"
#include "tests/fuzz/channel_tables.h"
#include "tests/fuzz/device/channel_writer.h"
#include "tests/fuzz/device/grammar.h"

namespace ward::fuzz {
namespace {

namespace fw = firmware;

constexpr uint32_t kFirstNumber = 0x10000;  // of what is made first, of its kind
constexpr uint32_t kCapacity = 8192;

template <typename Structure>
std::vector<uint8_t> ToBytes(const Structure& structure) {
  return {BytesOf(structure).begin(), BytesOf(structure).end()};
}

void Append(std::vector<uint8_t>* bytes, ConstByteSpan more) {
  bytes->insert(bytes->end(), more.begin(), more.end());
}

constexpr const fw::Guid* kInformations[] = {
    &fw::kOpmGetActualLevel,     &fw::kOpmGetVirtualLevel, &fw::kOpmGetConnectedDevice,
    &fw::kOpmGetOutputFormat,    &fw::kOpmGetOutputId,     &fw::kOpmGetConnectorType,
    &fw::kOpmGetProtectionTypes, &fw::kOpmGetBusType,      &fw::kOpmGetSrmVersion,
    &fw::kOpmSetProtectionLevel};

}  // namespace

// In order: made, keyed, then asked and told. The blob holds what an input's first random number
// is.
void Grammar::PushOutput() {
  const auto kind = input_.Take<uint8_t>();
  const auto choice = input_.Take<uint8_t>();
  if ((promises_ & kConfined) != 0) return;
  const uint64_t response = layout::kBus + layout::kResponse;
  const uint32_t flaw = kind >> 4;
  const uint32_t number = kFirstNumber | (choice >> 6);
  switch (kind % 5) {
    case 0: {
      const abi::CreateProtectedOutputRequest create = {choice & 1u, (choice & 0x20) == 0};
      return rings_.Push(0, fakes::MakeMessage(abi::kMessageCreateProtectedOutput, BytesOf(create),
                                               response, kCapacity));
    }
    case 1: {
      abi::SetOutputKeyRequest key = {};
      key.protected_output = number;
      key.blob_bytes = static_cast<uint32_t>(base_.output_blob.size());
      std::vector<uint8_t> payload = ToBytes(key);
      Append(&payload, base_.output_blob);
      return rings_.Push(
          0, fakes::MakeMessage(abi::kMessageSetOutputKey, payload, response, kCapacity));
    }
    case 2: {
      fw::OpmSetting setting = {};
      std::memcpy(setting.type, fw::kOpmSetProtectionLevel.bytes, sizeof(setting.type));
      setting.sequence = next_setting_++;
      setting.parameters_bytes = sizeof(fw::OpmProtectionLevel);
      const fw::OpmProtectionLevel level = {fw::kOpmProtectionHdcp + (flaw == 1), choice & 3u, {}};
      std::memcpy(setting.parameters, &level, sizeof(level));
      if (flaw == 2) setting.parameters_bytes = choice;
      if (flaw == 3) setting.parameters[sizeof(level) - 1] = 1;
      if (flaw == 4) setting.type[0] ^= 1;
      if (flaw == 5) setting.sequence = 0;
      return PushOutputStructure(abi::kMessageConfigureOutput, flaw, ToBytes(setting));
    }
    case 3: {
      fw::OpmInformationRequest request = {};
      std::memcpy(request.type, Pick(kInformations, choice)->bytes, sizeof(request.type));
      request.sequence = next_information_++;
      request.parameters_bytes = choice % 10 < 2 ? 4 : 0;
      StoreLe<uint32_t>(request.parameters, fw::kOpmProtectionHdcp + (flaw == 1));
      if (flaw == 2) request.parameters_bytes = choice / 16u;
      if (flaw == 4) request.type[0] ^= 1;
      if (flaw == 5) request.sequence = 0;
      return PushOutputStructure(abi::kMessageGetOutputInformation, flaw, ToBytes(request));
    }
    default: {
      const abi::DestroyProtectedOutputRequest destroy = {number, {}};
      return rings_.Push(0, fakes::MakeMessage(abi::kMessageDestroyProtectedOutput,
                                               BytesOf(destroy), response, kCapacity));
    }
  }
}

// Longer than a ring: by a buffer of its own. `flaw`: what is wrong about it; 0: nothing is.
void Grammar::PushOutputStructure(uint32_t message, uint32_t flaw, std::vector<uint8_t> structure) {
  SignStructure(&structure);
  if (flaw == 6) structure[0] ^= 1;
  if (flaw == 7) structure.resize(structure.size() - 16);
  static_assert(sizeof(abi::GetOutputInformationRequest) == sizeof(abi::ConfigureOutputRequest));
  abi::ConfigureOutputRequest request = {};
  request.protected_output = kFirstNumber;
  request.input_bytes = static_cast<uint32_t>(structure.size());
  std::vector<uint8_t> payload = ToBytes(request);
  Append(&payload, structure);
  const std::vector<uint8_t> command =
      fakes::MakeMessage(message, payload, layout::kBus + layout::kResponse, kCapacity);
  // The user's queues have their buffers there.
  BreakOrder();
  Do({.kind = OperationKind::kWriteMemory, .at = layout::kIndirect, .bytes = command});
  auto indirect = MakeCommand<abi::IndirectBufferCommand>();
  indirect.address = layout::kIndirect;
  indirect.length_bytes = static_cast<uint32_t>(command.size());
  rings_.Push(0, BytesOf(indirect));
}

// A token, the import that carries it, the key's choice. The blob holds the token that an input's
// first one is.
void Grammar::PushTrusted() {
  constexpr uint32_t kImportFunction = 2;
  const uint32_t queue = PickUserQueue();
  const auto kind = input_.Take<uint8_t>();
  const uint8_t name[16] = {static_cast<uint8_t>(kind >> 4)};
  std::vector<uint8_t> payload;
  uint32_t message = abi::kMessageCallTrusted;
  switch (kind % 4) {
    case 0: {
      message = abi::kMessageGetNewKeyData;
      abi::GetNewKeyDataRequest request = {};
      request.session = base_.hardware_session;
      std::memcpy(request.key_id, name, sizeof(name));
      payload = ToBytes(request);
      break;
    }
    case 1: {
      abi::CallTrustedRequest request = {};
      request.session = base_.hardware_session;
      request.function = kImportFunction;
      request.input_bytes = static_cast<uint32_t>(sizeof(name) + base_.import_blob.size());
      payload = ToBytes(request);
      Append(&payload, name);
      Append(&payload, base_.import_blob);
      break;
    }
    case 2: {
      message = abi::kMessageSelectKey;
      abi::SelectKeyRequest request = {};
      request.session = base_.hardware_session;
      std::memcpy(request.key_id, name, sizeof(name));
      payload = ToBytes(request);
      break;
    }
    default: {
      auto blt = MakeCommand<abi::DecryptBltCommand>();
      blt.flags = abi::DecryptBltCommand::kFlagContentKey;
      blt.session = base_.hardware_session;
      blt.length_bytes = 1u + kind;
      blt.destination = (layout::kProtectedAt + 128) * abi::kPageSize;
      return rings_.Push(queue, BytesOf(blt));
    }
  }
  PushAnswered(queue, message, payload);
}

// To a channel that the input made: its handle is known to nobody who does not read answers.
void Grammar::PushChannel() {
  const uint32_t queue = PickUserQueue();
  const auto kind = input_.Take<uint8_t>();
  const auto choice = input_.Take<uint8_t>();
  BaseChannel channel;
  channel.number = kFirstNumber | ((choice % 4u) ^ static_cast<uint32_t>(base_.channels.size()));
  if (kind % 3 == 0) {
    abi::CreateChannelRequest request = {};
    request.channel_type = 2 + choice % 2u;
    request.handle_bytes = (choice & 4) != 0 ? 4 : 8;
    return PushAnswered(queue, abi::kMessageCreateChannel, BytesOf(request));
  }
  if (kind % 3 == 1) {
    return PushAnswered(queue, abi::kMessageNegotiateChannelKey,
                        MakeChannelKey(channel.number, base_.blob));
  }
  const ChannelInput input = {.is_command = true, .message = Pick(kChannelCommands, choice / 4u)};
  std::vector<uint8_t> structure = MakeChannelStructure(channel, input);
  if ((kind & 0x80) != 0) structure[0] ^= 1;
  PushAnswered(queue, abi::kMessageConfigureChannel,
               MakeChannelRequest(channel.number, input, structure, 0));
}

// What context 1's channels are asked and told, with the number that comes next; now and then one
// thing about it is wrong.
void Grammar::PushKnownChannel() {
  const uint32_t queue = PickUserQueue();
  const auto kind = input_.Take<uint8_t>();
  const auto flaw = input_.Take<uint8_t>();
  const auto value = input_.Take<uint8_t>();
  const uint32_t which = kind >> 5 & 1;
  BaseChannel channel = base_.channels[which];
  ChannelInput input;
  input.is_command = (kind & 0x80) != 0;
  input.message =
      input.is_command ? Pick(kChannelCommands, kind & 31u) : Pick(kChannelQueries, kind & 31u);
  input.sequence = next_channel_[which]++;
  PickChannelValues(value, &input);
  const uint32_t output_bytes =
      fw::StructureBytes(fw::kOutputHeader, input.message->output, channel.handle_bytes);
  if (flaw == 1) ++channel.handle;
  if (flaw == 2) input.sequence = 0;
  std::vector<uint8_t> structure = MakeChannelStructure(channel, input);
  if (flaw == 3) structure[0] ^= 1;      // of a query, its type
  if (flaw == 4) structure[16] ^= 0xff;  // of a command, its type, under a wrong OMAC
  if (flaw == 5) structure.back() ^= 1;
  if (flaw == 6 || flaw == 7) structure.resize(flaw == 6 ? structure.size() + 8 : value % 80u);
  if (input.is_command && flaw == 8) {
    structure[16] ^= 0xff;
    SignStructure(&structure);
  }
  if (input.is_command && flaw == 9) {
    structure.back() ^= 1;
    SignStructure(&structure);
  }
  const uint32_t message =
      input.is_command ? abi::kMessageConfigureChannel : abi::kMessageQueryChannel;
  const std::vector<uint8_t> payload = MakeChannelRequest(
      channel.number, input, structure, flaw == 10 ? output_bytes - 8 : output_bytes + value / 128);
  if (flaw == 11) {
    const uint32_t capacity = sizeof(abi::QueryChannelResponse) + value % 64u / 8 * 8;
    return rings_.Push(queue, fakes::MakeMessage(message, payload, layout::kResponse, capacity));
  }
  PushAnswered(queue, message, payload);
}

// Handles that are right by half of the values, flags and indices that are small.
void Grammar::PickChannelValues(uint8_t value, ChannelInput* input) const {
  const fw::Fields& fields = input->message->input;
  const bool is_about_decoder =
      input->message == &fw::kConfigureCryptoSession || input->message == &fw::kQueryCryptoSession;
  const uint64_t decoder_first[] = {base_.decoder_handle, base_.session_handle,
                                    base_.device_handle};
  const uint64_t device_first[] = {base_.device_handle, base_.session_handle, 0};
  const bool is_shared = input->message == &fw::kConfigureSharedResource;
  for (uint32_t place = 0; place < std::size(decoder_first); ++place) {
    const uint32_t bits = value >> 2 * place & 3u;
    if (fields.kinds[place] == fw::Field::kHandle && !is_shared) {
      input->values[place] = is_about_decoder ? decoder_first[place] : device_first[place];
      if (bits == 3) ++input->values[place];
    } else {
      input->values[place] = bits;
    }
  }
}

void Grammar::PushAnswered(uint32_t queue, uint32_t message, ConstByteSpan payload) {
  rings_.Push(queue, fakes::MakeMessage(message, payload, layout::kResponse, 4096));
}

}  // namespace ward::fuzz
