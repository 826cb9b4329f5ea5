// The kernel's ciphers for programs: a socket of the family AF_ALG
// (Documentation/crypto/userspace-if of Linux).
#ifndef WARD_TESTS_BENCH_RIVALS_ALG_SOCKET_H_
#define WARD_TESTS_BENCH_RIVALS_ALG_SOCKET_H_

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "tests/bench/rivals/cipher.h"

namespace ward::bench {

class AlgSocket {
 public:
  // `cipher` as /proc/crypto has it, by its name ("ctr(aes)") or its driver's. Throws
  // std::runtime_error when the kernel has no such one.
  AlgSocket(const std::string& cipher, const Block& key);
  ~AlgSocket();
  AlgSocket(const AlgSocket&) = delete;
  AlgSocket& operator=(const AlgSocket&) = delete;

  // As many requests to the kernel's cipher as a socket's limits make of it. Throws
  // std::runtime_error with what the kernel says.
  void Decrypt(const Block& iv, ConstByteSpan input, ByteSpan output);

 private:
  // `iv`: null goes on where the last request ended.
  void Send(const Block* iv, ConstByteSpan input, bool has_more);

  int transformation_ = -1;
  int operation_ = -1;
};

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_ALG_SOCKET_H_
