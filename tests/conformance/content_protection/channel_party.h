// The application's end of an authenticated channel: builds messages, signs commands, checks what
// comes back.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_CHANNEL_PARTY_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_CHANNEL_PARTY_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/conformance/content_protection/stage.h"
#include "umd/ddi/channel_messages.h"

namespace ward::test {

using ChannelPointer = std::unique_ptr<runtime::AuthenticatedChannel>;
using Message = std::vector<uint8_t>;

inline constexpr uint32_t kSoftwareChannel = 2;
inline constexpr uint32_t kHardwareChannel = 3;
inline constexpr uint32_t kQueryStart = 0x10000000;
inline constexpr uint32_t kConfigureStart = 0x20000000;

// A result and the output structure; that is filled with kUntouched before the call.
struct Reply {
  HRESULT result;
  Message bytes;

  uint32_t Word(size_t offset) const { return LoadLe<uint32_t>(bytes.data() + offset); }
  uint64_t Long(size_t offset) const { return LoadLe<uint64_t>(bytes.data() + offset); }
  bool HasOmac() const { return !IsZero(ConstByteSpan(bytes).first(16)); }
};
inline constexpr uint8_t kUntouched = 0xEE;

// Little-endian payload fields, one behind the other.
Message Words(std::initializer_list<uint32_t> words);
Message Longs(std::initializer_list<uint64_t> longs);
Message BytesOfGuid(const GUID& guid);

class ChannelParty {
 public:
  explicit ChannelParty(Process* process, uint32_t type = kHardwareChannel);

  HRESULT Negotiate(const Key& key);
  HRESULT NegotiateBlob(std::vector<uint8_t> blob);
  // INITIALIZE with kQueryStart and kConfigureStart.
  Reply Initialize();
  // Negotiate and Initialize, which must succeed.
  void Open();

  // A command with the next sequence number, signed.
  Message Command(const GUID& type, const Message& payload);
  // With a number of the test's own.
  Message CommandAt(uint32_t sequence, const GUID& type, const Message& payload);
  // Over all of `size` bytes that follow it; 0 for the whole message.
  void Sign(Message* message, size_t size = 0) const;
  Reply Send(const Message& message);
  Reply SendFrom(Process* process, const Message& message);
  Reply Configure(const GUID& type, const Message& payload) { return Send(Command(type, payload)); }

  Message Question(uint32_t sequence, const GUID& type, const Message& extra = {}) const;
  Reply Ask(const Message& question, size_t output_bytes);
  Reply AskFrom(Process* process, const Message& question, size_t output_bytes);
  // With the next sequence number.
  Reply Query(const GUID& type, const Message& extra, size_t output_bytes);

  // A signed output that repeats type, handle and number and gives its result (8.4).
  void CheckAnswered(const Reply& reply, const Message& message, bool is_query) const;

  uint64_t handle() const { return reinterpret_cast<uintptr_t>(channel->GetChannelHandle()); }

  ChannelPointer channel;
  Key key = kSessionKey;
  uint32_t next_query = kQueryStart;
  uint32_t next_configure = kConfigureStart;

 private:
  Process* process_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_CHANNEL_PARTY_H_
