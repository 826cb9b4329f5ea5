#include "tests/bench/rivals/alg_socket.h"

#include <linux/if_alg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace ward::bench {
namespace {

// Of a request to the cipher: the sockets' limits (net.core.wmem_default, optmem_max) allow little
// more.
constexpr size_t kPieceBytes = 64 << 10;

[[noreturn]] void Fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

}  // namespace

AlgSocket::AlgSocket(const std::string& cipher, const Block& key) {
  sockaddr_alg address{};
  address.salg_family = AF_ALG;
  std::strncpy(reinterpret_cast<char*>(address.salg_type), "skcipher", sizeof(address.salg_type));
  std::strncpy(reinterpret_cast<char*>(address.salg_name), cipher.c_str(),
               sizeof(address.salg_name) - 1);
  transformation_ = socket(AF_ALG, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  if (transformation_ < 0) Fail("AF_ALG");
  if (bind(transformation_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      setsockopt(transformation_, SOL_ALG, ALG_SET_KEY, key.data(),
                 static_cast<socklen_t>(key.size())) != 0) {
    Fail(cipher.c_str());
  }
  operation_ = accept4(transformation_, nullptr, nullptr, SOCK_CLOEXEC);
  if (operation_ < 0) Fail(cipher.c_str());
}

AlgSocket::~AlgSocket() {
  if (operation_ >= 0) close(operation_);
  if (transformation_ >= 0) close(transformation_);
}

void AlgSocket::Decrypt(const Block& iv, ConstByteSpan input, ByteSpan output) {
  for (size_t done = 0; done < input.size();) {
    const size_t piece = std::min(input.size() - done, kPieceBytes);
    const bool has_more = done + piece < input.size();
    Send(done == 0 ? &iv : nullptr, input.subspan(done, piece), has_more);
    for (const size_t end = done + piece; done < end;) {
      const ssize_t got = read(operation_, output.data() + done, end - done);
      if (got <= 0) Fail("read");
      done += static_cast<size_t>(got);
    }
  }
}

void AlgSocket::Send(const Block* iv, ConstByteSpan input, bool has_more) {
  constexpr uint32_t kDirection = ALG_OP_DECRYPT;
  constexpr uint32_t kBlockBytes = std::tuple_size_v<Block>;
  constexpr size_t kIvBytes = sizeof(af_alg_iv) + kBlockBytes;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(kDirection)) + CMSG_SPACE(kIvBytes)] = {};
  iovec piece{const_cast<uint8_t*>(input.data()), input.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (iv != nullptr) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_ALG;
    header->cmsg_type = ALG_SET_OP;
    header->cmsg_len = CMSG_LEN(sizeof(kDirection));
    std::memcpy(CMSG_DATA(header), &kDirection, sizeof(kDirection));
    header = CMSG_NXTHDR(&message, header);
    header->cmsg_level = SOL_ALG;
    header->cmsg_type = ALG_SET_IV;
    header->cmsg_len = CMSG_LEN(kIvBytes);
    std::memcpy(CMSG_DATA(header), &kBlockBytes, sizeof(kBlockBytes));
    std::memcpy(CMSG_DATA(header) + sizeof(kBlockBytes), iv->data(), iv->size());
  }
  const ssize_t sent = sendmsg(operation_, &message, has_more ? MSG_MORE : 0);
  if (sent < 0) Fail("sendmsg");
  if (static_cast<size_t>(sent) != input.size()) {
    throw std::runtime_error("the kernel took " + std::to_string(sent) + " bytes");
  }
}

}  // namespace ward::bench
