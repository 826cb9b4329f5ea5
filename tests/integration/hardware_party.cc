#include "tests/integration/hardware_party.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "abi/generated/commands.h"
#include "catch2/catch_test_macros.hpp"
#include "umd/crypto_session.h"
#include "umd/device.h"
#include "umd/resource.h"

namespace ward::test {
namespace {

using InputData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_INPUT_DATA;
using OutputData = D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION_OUTPUT_DATA;

std::vector<uint64_t> MakeRoom(size_t size_bytes) {
  return std::vector<uint64_t>(size_bytes / sizeof(uint64_t) + 1);
}

umd::CryptoSession& DriverSession(runtime::CryptoSession* session) {
  return *static_cast<umd::CryptoSession*>(session->driver_handle().pDrvPrivate);
}

umd::Resource& DriverResource(runtime::Resource* resource) {
  return *static_cast<umd::Resource*>(resource->driver_handle().pDrvPrivate);
}

}  // namespace

TrustedPacket::TrustedPacket(uint32_t function, ConstByteSpan input, uint32_t output_room)
    : input_(MakeRoom(sizeof(InputData) + input.size())),
      output_(MakeRoom(sizeof(OutputData) + output_room)) {
  data.HWProtectionFunctionID = function;
  data.pInputData = reinterpret_cast<InputData*>(input_.data());
  data.pOutputData = reinterpret_cast<OutputData*>(output_.data());
  this->input().HWProtectionDataSize = static_cast<UINT>(input.size());
  if (!input.empty()) {
    std::memcpy(reinterpret_cast<uint8_t*>(input_.data()) + offsetof(InputData, pbInput),
                input.data(), input.size());
  }
  output().MaxHWProtectionDataSize = output_room;
}

std::vector<uint8_t> TrustedPacket::OutputBytes(uint32_t size_bytes) const {
  const auto* begin =
      reinterpret_cast<const uint8_t*>(output_.data()) + offsetof(OutputData, pbOutput);
  return {begin, begin + size_bytes};
}

uint32_t NumberOf(runtime::CryptoSession* session) { return DriverSession(session).number(); }

abi::QuerySessionResponse QuerySession(runtime::CryptoSession* session) {
  abi::QuerySessionResponse response = {};
  REQUIRE(AskFirmware(session, abi::kMessageQuerySession, abi::QuerySessionRequest{}, &response) ==
          S_OK);
  return response;
}

std::unique_ptr<runtime::CryptoSession> CreateHardwareSession(Application* application) {
  std::unique_ptr<runtime::CryptoSession> session;
  REQUIRE(runtime::VideoDevice(&application->device())
              .CreateCryptoSession(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR,
                                   &D3D11_1DDI_DECODER_PROFILE_H264_VLD_NOFGT,
                                   D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION, &session) == S_OK);
  return session;
}

TrustedReply CallTrusted(Application* application, runtime::CryptoSession* session,
                         uint32_t function, ConstByteSpan input, uint32_t output_room) {
  TrustedPacket packet(function, input, output_room);
  TrustedReply reply;
  reply.transport = application->video().NegotiateCryptoSessionKeyExchange(session, packet.Bytes());
  reply.drm_result = packet.data.Status;
  reply.output = packet.OutputBytes(packet.output().HWProtectionDataSize);
  reply.transport_time = packet.output().TransportTime;
  reply.execution_time = packet.output().ExecutionTime;
  return reply;
}

std::vector<uint8_t> MakeImportPlain(uint64_t token, const Key& key) {
  std::vector<uint8_t> plain(40);
  StoreLe<uint64_t>(plain.data(), token);
  std::copy(key.begin(), key.end(), plain.begin() + 16);
  return plain;
}

std::vector<uint8_t> MakeImport(const Key& key_id, ConstByteSpan blob) {
  std::vector<uint8_t> input(key_id.begin(), key_id.end());
  input.insert(input.end(), blob.begin(), blob.end());
  return input;
}

TrustedReply ImportKey(Application* application, runtime::CryptoSession* session, const Key& key_id,
                       const Key& key) {
  uint64_t token = 0;
  REQUIRE(session->GetDataForNewHardwareKey(key_id, &token) == S_OK);
  const std::vector<uint8_t> blob = application->Wrap(MakeImportPlain(token, key));
  return CallTrusted(application, session, kTrustedImport, MakeImport(key_id, blob));
}

HRESULT SelectKey(runtime::CryptoSession* session, const Key& key_id) {
  abi::SelectKeyRequest request = {};
  std::copy(key_id.begin(), key_id.end(), request.key_id);
  abi::ResponseHeader response = {};
  return AskFirmware(session, abi::kMessageSelectKey, request, &response);
}

HRESULT DecryptUnderSelectedKey(runtime::CryptoSession* session, runtime::Resource* source,
                                runtime::Resource* destination, const Key& iv) {
  umd::Device* driver = umd::Device::From(session->device().driver_handle());
  abi::DecryptBltCommand command = {};
  command.flags = abi::DecryptBltCommand::kFlagContentKey;
  command.session = NumberOf(session);
  command.length_bytes = DriverResource(source).layout().size_bytes;
  std::copy(iv.begin(), iv.end(), command.iv);
  const umd::AddressField addresses[] = {
      {offsetof(abi::DecryptBltCommand, destination), DriverResource(destination).allocation(), 0,
       true},
      {offsetof(abi::DecryptBltCommand, source), DriverResource(source).allocation(), 0, false},
  };
  const HRESULT result = driver->commands().Append(command, addresses);
  return FAILED(result) ? result : driver->commands().Flush();
}

HRESULT CopyToSurface(runtime::Resource* buffer, runtime::Resource* surface) {
  umd::Device* driver = umd::Device::From(buffer->device().driver_handle());
  const uint32_t size_bytes = DriverResource(surface).layout().size_bytes;
  abi::CopyCommand command = {};
  command.row_bytes = size_bytes;
  command.row_count = 1;
  command.destination_pitch = size_bytes;
  command.source_pitch = size_bytes;
  const umd::AddressField addresses[] = {
      {offsetof(abi::CopyCommand, destination), DriverResource(surface).allocation(), 0, true},
      {offsetof(abi::CopyCommand, source), DriverResource(buffer).allocation(), 0, false},
  };
  const HRESULT result = driver->commands().Append(command, addresses);
  return FAILED(result) ? result : driver->commands().Flush();
}

}  // namespace ward::test
