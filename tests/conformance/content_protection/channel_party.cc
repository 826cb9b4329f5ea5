#include "tests/conformance/content_protection/channel_party.h"

#include <algorithm>
#include <cstring>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

constexpr size_t kQueryHeaderBytes = 32;
constexpr size_t kCommandHeaderBytes = 48;

size_t PaddedBytes(size_t bytes) { return (bytes + 7) / 8 * 8; }

}  // namespace

Message Words(std::initializer_list<uint32_t> words) {
  Message bytes;
  for (const uint32_t word : words) {
    bytes.resize(bytes.size() + sizeof(word));
    StoreLe(bytes.data() + bytes.size() - sizeof(word), word);
  }
  return bytes;
}

Message Longs(std::initializer_list<uint64_t> longs) {
  Message bytes;
  for (const uint64_t value : longs) {
    bytes.resize(bytes.size() + sizeof(value));
    StoreLe(bytes.data() + bytes.size() - sizeof(value), value);
  }
  return bytes;
}

Message BytesOfGuid(const GUID& guid) {
  Message bytes(sizeof(guid));
  std::memcpy(bytes.data(), &guid, sizeof(guid));
  return bytes;
}

ChannelParty::ChannelParty(Process* process, uint32_t type) : process_(process) {
  REQUIRE(process->video_device().CreateAuthenticatedChannel(type, &channel) == S_OK);
}

HRESULT ChannelParty::Negotiate(const Key& new_key) {
  const HRESULT result = NegotiateBlob(WrapOaep(process_->device_key(), new_key));
  if (SUCCEEDED(result)) key = new_key;
  return result;
}

HRESULT ChannelParty::NegotiateBlob(std::vector<uint8_t> blob) {
  return process_->app.video().NegotiateAuthenticatedChannelKeyExchange(channel.get(), blob);
}

Reply ChannelParty::Initialize() {
  return Send(CommandAt(0, D3D11_1DDI_AUTHENTICATED_CONFIGURE_INITIALIZE_GUID,
                        Words({kQueryStart, kConfigureStart})));
}

void ChannelParty::Open() {
  REQUIRE(Negotiate(kSessionKey) == S_OK);
  REQUIRE(Initialize().result == S_OK);
}

Message ChannelParty::Command(const GUID& type, const Message& payload) {
  return CommandAt(next_configure++, type, payload);
}

Message ChannelParty::CommandAt(uint32_t sequence, const GUID& type, const Message& payload) {
  Message message(PaddedBytes(kCommandHeaderBytes + payload.size()));
  std::memcpy(message.data() + 16, &type, sizeof(type));
  StoreLe(message.data() + 32, handle());
  StoreLe(message.data() + 40, sequence);
  std::copy(payload.begin(), payload.end(), message.begin() + kCommandHeaderBytes);
  Sign(&message);
  return message;
}

void ChannelParty::Sign(Message* message, size_t size) const {
  const size_t end = size == 0 ? message->size() : size;
  const Key omac = Cmac(key, ConstByteSpan(*message).subspan(16, end - 16));
  std::copy(omac.begin(), omac.end(), message->begin());
}

Reply ChannelParty::Send(const Message& message) { return SendFrom(process_, message); }

Reply ChannelParty::SendFrom(Process* process, const Message& message) {
  D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT output;
  std::memset(&output, kUntouched, sizeof(output));
  Reply reply = {};
  reply.result = process->app.video().ConfigureAuthenticatedChannel(
      channel.get(), static_cast<UINT>(message.size()), message.data(), &output);
  reply.bytes.resize(sizeof(output));
  std::memcpy(reply.bytes.data(), &output, sizeof(output));
  return reply;
}

Message ChannelParty::Question(uint32_t sequence, const GUID& type, const Message& extra) const {
  Message message(PaddedBytes(kQueryHeaderBytes + extra.size()));
  std::memcpy(message.data(), &type, sizeof(type));
  StoreLe(message.data() + 16, handle());
  StoreLe(message.data() + 24, sequence);
  std::copy(extra.begin(), extra.end(), message.begin() + kQueryHeaderBytes);
  return message;
}

Reply ChannelParty::Ask(const Message& question, size_t output_bytes) {
  return AskFrom(process_, question, output_bytes);
}

Reply ChannelParty::AskFrom(Process* process, const Message& question, size_t output_bytes) {
  Reply reply = {S_OK, Message(output_bytes, kUntouched)};
  reply.result = process->app.video().QueryAuthenticatedChannel(
      channel.get(), static_cast<UINT>(question.size()), question.data(),
      static_cast<UINT>(output_bytes), reply.bytes.data());
  return reply;
}

Reply ChannelParty::Query(const GUID& type, const Message& extra, size_t output_bytes) {
  const Message question = Question(next_query++, type, extra);
  const Reply reply = Ask(question, output_bytes);
  if (SUCCEEDED(reply.result)) CheckAnswered(reply, question, true);
  return reply;
}

void ChannelParty::CheckAnswered(const Reply& reply, const Message& message, bool is_query) const {
  const uint8_t* header = message.data() + (is_query ? 0 : 16);
  CHECK(std::memcmp(reply.bytes.data() + 16, header, 16) == 0);
  CHECK(reply.Long(32) == LoadLe<uint64_t>(header + 16));
  CHECK(reply.Word(40) == LoadLe<uint32_t>(header + 24));
  CHECK(reply.Word(44) == static_cast<uint32_t>(reply.result));
  const Key omac = Cmac(key, ConstByteSpan(reply.bytes).subspan(16));
  CHECK(std::equal(omac.begin(), omac.end(), reply.bytes.begin()));
}

}  // namespace ward::test
