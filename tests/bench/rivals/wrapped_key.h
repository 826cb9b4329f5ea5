// A session key for the device, as an application wraps it (docs/spec/messages.md,
// NEGOTIATE_SESSION_KEY).
#ifndef WARD_TESTS_BENCH_RIVALS_WRAPPED_KEY_H_
#define WARD_TESTS_BENCH_RIVALS_WRAPPED_KEY_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/rivals/cipher.h"

namespace ward::bench {

// RSAES-OAEP with SHA-512 for the key in the certificate, a PEM file. Throws std::runtime_error.
std::vector<uint8_t> WrapKey(const Block& key, const std::string& certificate);

}  // namespace ward::bench

#endif  // WARD_TESTS_BENCH_RIVALS_WRAPPED_KEY_H_
