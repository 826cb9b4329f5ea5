// What one connection has said, as any reader of the protocol's page would keep it: requests that
// wait for their replies, and windows that the client has opened. It judges what the server sends.
#ifndef WARD_TESTS_FUZZ_VFIO_USER_WIRE_MODEL_H_
#define WARD_TESTS_FUZZ_VFIO_USER_WIRE_MODEL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "abi/vfio_user.h"
#include "base/bytes.h"

namespace ward::fuzz {

class WireModel {
 public:
  // Bytes that the server will read, in their order.
  void OnSent(ConstByteSpan bytes);
  // A whole message of the server's. Ends the process if it should not have been sent.
  void OnReceived(const abi::vfio_user::Header& header, ConstByteSpan body);

  uint64_t sent_messages() const { return sent_messages_; }
  // Requests without their reply.
  size_t unanswered() const { return unanswered_; }
  // Nothing that was sent has broken the connection, or was left half said.
  bool IsWhole() const { return !is_broken_ && partial_.empty(); }

 private:
  using Key = std::pair<uint16_t, abi::vfio_user::Command>;
  struct Window {
    uint64_t size;
    uint32_t rights;
  };
  struct Request {
    uint64_t number = 0;  // of the messages that were sent
    // Of those that open and close windows, and write the command register.
    std::vector<uint8_t> body;
  };
  void OnMessage(const abi::vfio_user::Header& header, ConstByteSpan body);
  void OnReply(const abi::vfio_user::Header& header);
  void OnDma(bool reads, ConstByteSpan body) const;
  void Unmap(ConstByteSpan request);
  bool Allows(uint64_t address, uint64_t size, uint32_t right) const;

  std::vector<uint8_t> partial_;
  bool is_broken_ = false;
  uint64_t sent_messages_ = 0;
  size_t unanswered_ = 0;
  std::map<Key, std::deque<Request>> waiting_;  // oldest first
  std::map<uint64_t, Window> windows_;          // that the server has acknowledged
  // The server has acknowledged that the function may not reach memory nor send interrupts, and
  // nothing was sent since that lets it. As after its reset, at the beginning too.
  bool is_master_off_ = true;
  uint64_t last_master_on_ = 0;  // number of the last request that lets it
  bool is_sure_ = true;          // false once a window was opened or closed without a reply
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_VFIO_USER_WIRE_MODEL_H_
