#include "firmware/channel_exchange.h"

#include <cstring>

#include "base/rule.h"
#include "firmware/authenticated_channel.h"
#include "firmware/self_test.h"

namespace ward::firmware {
namespace {

// Queries and commands are answered in the same shape.
using Response = abi::QueryChannelResponse;
static_assert(sizeof(Response) == sizeof(abi::ConfigureChannelResponse));
static_assert(offsetof(Response, output_bytes) ==
              offsetof(abi::ConfigureChannelResponse, output_bytes));

void WriteFixedPart(const Call& call, uint32_t output_bytes) {
  Response response = {};
  response.output_bytes = output_bytes;
  const Answer written = SucceedWith(call, response);
  WARD_ASSERT(written.length_bytes == sizeof(response));
}

uint32_t RowOfTurn(const ChannelStep* steps, uint32_t count, uint32_t turn) {
  for (uint32_t row = 0; row < count; ++row) {
    const uint32_t last = row + steps[row].rows_late;
    if (last == row || turn < row || turn > last) continue;
    return turn == last ? row : turn + 1;
  }
  return turn;
}

}  // namespace

uint32_t RunSteps(const ChannelExchange& exchange, const ChannelStep* steps, uint32_t count) {
  for (uint32_t turn = 0; turn < count; ++turn) {
    const uint32_t status = steps[RowOfTurn(steps, count, turn)].run(exchange);
    if (status != abi::kStatusOk) return status;
  }
  return abi::kStatusOk;
}

bool IsTakenBy(const ChannelMessage& message, const Channel& channel) {
  const uint32_t type = channel.type == kChannelSoftware ? kOnSoftware : kOnHardware;
  if (WARD_BROKEN("R16.hardware_channel") && &message == &kConfigureCryptoSession) {
    return type == kOnSoftware;
  }
  return (message.channels & type) != 0;
}

bool TakeSequence(uint64_t* next, uint64_t sequence) {
  if (sequence < *next || (WARD_BROKEN("R14.first") && sequence == *next)) return false;
  *next = WARD_BROKEN("R14.no_wrap") ? static_cast<uint32_t>(sequence + 1) : sequence + 1;
  return true;
}

void ReadInput(const Call& call, uint32_t payload_offset, uint32_t input_bytes,
               ChannelStructure* input) {
  const uint32_t size = input->size_bytes();
  const bool read = call.platform->ReadPayload(payload_offset, input->bytes(),
                                               input_bytes < size ? input_bytes : size);
  WARD_ASSERT(read);
}

void CopyHeader(const ChannelStructure& input, const HeaderPlaces& places,
                ChannelStructure* output) {
  std::memcpy(output->bytes() + kConfigurePlaces.type_offset, input.bytes() + places.type_offset,
              sizeof(GuidBytes));
  if (WARD_BROKEN("8.4.header_comes_back")) return;
  output->WriteHeader(kConfigurePlaces.handle, input.ReadHeader(places.handle));
  output->WriteHeader(kConfigurePlaces.sequence, input.ReadHeader(places.sequence));
}

bool HasRoomFor(const Call& call, const ChannelStructure& output) {
  return call.message.response_capacity >= sizeof(Response) + output.size_bytes();
}

Answer RefuseUntouched(const Call& call, uint32_t status) {
  WriteFixedPart(call, 0);
  return {status, sizeof(Response)};
}

Answer AnswerWithOutput(const Call& call, const Channel& channel, uint32_t status, bool sign,
                        ChannelStructure* output) {
  if (status != abi::kStatusOk) output->ClearPayload();  // R29
  output->WriteHeader(kReturnCodePlace,
                      WARD_BROKEN("8.4.return_code") ? 0 : abi::StatusHresult(status));
  const uint32_t size = output->size_bytes();
  if (WARD_BROKEN("R29.payload") && status != abi::kStatusOk) output->bytes()[size - 1] = 1;
  if (WARD_RULE("8.4.signed", sign) &&
      (status == abi::kStatusOk || !WARD_BROKEN("8.4.refusals_signed")) &&
      !call.platform->ComputeMac(channel.key_slot, KeyOwner(channel), output->bytes() + kOmacBytes,
                                 size - kOmacBytes, output->bytes())) {
    if (IsLost(call.platform, channel)) return Refuse(abi::kStatusKeyDamaged);
    EnterFailure(call.platform, call.state, SelfTest::kAesCmac);
    return Refuse(abi::kStatusSelfTestFailed);
  }
  WriteFixedPart(call, size);
  const bool written = call.platform->WriteResponse(sizeof(Response), output->bytes(), size);
  WARD_ASSERT(written);
  return {status, static_cast<uint32_t>(sizeof(Response)) + size};
}

}  // namespace ward::firmware
