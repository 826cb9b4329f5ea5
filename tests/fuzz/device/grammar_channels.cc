// The moves that speak to the security processor under keys that are no secrets.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <utility>

#include "abi/generated/messages.h"
#include "base/assert.h"
#include "device/crypto/aes_cmac.h"
#include "firmware/channel_messages.h"
#include "firmware/opm_messages.h"
#include "tests/fakes/security_message.h"
#include "tests/fuzz/device/grammar.h"

namespace ward::fuzz {
namespace {

namespace fw = firmware;

constexpr uint32_t kFirstNumber = 0x10000;  // of what is made first, of its kind
constexpr uint32_t kCapacity = 8192;

// Over what follows the OMAC.
void Sign(std::vector<uint8_t>* structure) {
  device::AesKey key;
  std::copy(BaseState::kPublicKey.begin(), BaseState::kPublicKey.end(), key.Expose().begin());
  const ByteSpan bytes(*structure);
  WARD_ASSERT(
      device::ComputeAesCmac(key, bytes.subspan(fw::kOmacBytes), bytes.first(fw::kOmacBytes)));
}

template <typename Structure>
std::vector<uint8_t> ToBytes(const Structure& structure) {
  return {BytesOf(structure).begin(), BytesOf(structure).end()};
}

void Append(std::vector<uint8_t>* bytes, ConstByteSpan more) {
  bytes->insert(bytes->end(), more.begin(), more.end());
}

template <typename T, size_t kCount>
const T& Pick(const T (&table)[kCount], uint32_t choice) {
  return table[choice % kCount];
}

constexpr const fw::Guid* kInformations[] = {
    &fw::kOpmGetActualLevel,     &fw::kOpmGetVirtualLevel, &fw::kOpmGetConnectedDevice,
    &fw::kOpmGetOutputFormat,    &fw::kOpmGetOutputId,     &fw::kOpmGetConnectorType,
    &fw::kOpmGetProtectionTypes, &fw::kOpmGetBusType,      &fw::kOpmGetSrmVersion,
    &fw::kOpmSetProtectionLevel};
constexpr const fw::ChannelMessage* kCommands[] = {
    &fw::kConfigureInitialize, &fw::kConfigureProtection, &fw::kConfigureCryptoSession,
    &fw::kConfigureSharedResource, &fw::kConfigureEncryptionWhenAccessible};

}  // namespace

// In order: made, keyed, then asked and told. The blob holds what an input's first random number
// is.
void Grammar::PushOutput() {
  const auto kind = input_.Take<uint8_t>();
  const auto choice = input_.Take<uint8_t>();
  if ((promises_ & kConfined) != 0) return;
  const uint64_t response = layout::kBus + layout::kResponse;
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
      const fw::OpmProtectionLevel level = {fw::kOpmProtectionHdcp, choice & 3u, {}};
      std::memcpy(setting.parameters, &level, sizeof(level));
      return PushOutputStructure(abi::kMessageConfigureOutput, ToBytes(setting));
    }
    case 3: {
      fw::OpmInformationRequest request = {};
      std::memcpy(request.type, Pick(kInformations, choice)->bytes, sizeof(request.type));
      request.sequence = next_information_++;
      request.parameters_bytes = choice % 10 < 2 ? 4 : 0;
      StoreLe<uint32_t>(request.parameters, fw::kOpmProtectionHdcp);
      return PushOutputStructure(abi::kMessageGetOutputInformation, ToBytes(request));
    }
    default: {
      const abi::DestroyProtectedOutputRequest destroy = {number, {}};
      return rings_.Push(0, fakes::MakeMessage(abi::kMessageDestroyProtectedOutput,
                                               BytesOf(destroy), response, kCapacity));
    }
  }
}

// Longer than a ring: by a buffer of its own.
void Grammar::PushOutputStructure(uint32_t message, std::vector<uint8_t> structure) {
  Sign(&structure);
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
  rings_.Push(queue, fakes::MakeMessage(message, payload, layout::kResponse, 4096));
}

// To the first channel of the context. Its handle is known to nobody who does not read answers.
void Grammar::PushChannel() {
  const uint32_t queue = PickUserQueue();
  const auto kind = input_.Take<uint8_t>();
  const auto choice = input_.Take<uint8_t>();
  std::vector<uint8_t> payload;
  uint32_t message = 0;
  if (kind % 3 == 0) {
    message = abi::kMessageCreateChannel;
    abi::CreateChannelRequest request = {};
    request.channel_type = 2 + choice % 2u;
    request.handle_bytes = (choice & 4) != 0 ? 4 : 8;
    payload = ToBytes(request);
  } else if (kind % 3 == 1) {
    message = abi::kMessageNegotiateChannelKey;
    abi::NegotiateChannelKeyRequest request = {};
    request.channel = kFirstNumber | choice % 4u;
    request.blob_bytes = static_cast<uint32_t>(base_.blob.size());
    payload = ToBytes(request);
    Append(&payload, base_.blob);
  } else {
    message = abi::kMessageConfigureChannel;
    const fw::ChannelMessage& command = *Pick(kCommands, choice / 4);
    fw::ChannelStructure input(fw::kConfigureInputHeader, command.input, 8);
    constexpr size_t kTypeOffset = fw::kOmacBytes;
    std::memcpy(input.bytes() + kTypeOffset, command.type.bytes, sizeof(command.type.bytes));
    std::vector<uint8_t> structure(input.bytes(), input.bytes() + input.size_bytes());
    if ((kind & 0x80) == 0) Sign(&structure);
    abi::ConfigureChannelRequest request = {};
    request.channel = kFirstNumber | choice % 4u;
    request.input_bytes = static_cast<uint32_t>(structure.size());
    payload = ToBytes(request);
    Append(&payload, structure);
  }
  rings_.Push(queue, fakes::MakeMessage(message, payload, layout::kResponse, 4096));
}

}  // namespace ward::fuzz
