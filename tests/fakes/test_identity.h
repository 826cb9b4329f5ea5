// A published RSA-2048 key (Wycheproof, tests/vectors) as device identity: the same in every run,
// and known to everybody, so never for anything but tests.
#ifndef WARD_TESTS_FAKES_TEST_IDENTITY_H_
#define WARD_TESTS_FAKES_TEST_IDENTITY_H_

#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.h"
#include "device/crypto/rsa_private_key.h"
#include "tests/fakes/vector_path.h"

namespace ward::fakes {

struct TestIdentity {
  std::vector<uint8_t> private_key;          // PKCS#8 DER
  std::optional<device::RsaPrivateKey> key;  // the same, checked once per process
  std::vector<uint8_t> certificates;         // bytes that the chip hands out and never looks into
};

// Reads it once per process. `source_dir` is the tree's root (WARD_SOURCE_DIR).
inline const TestIdentity& LoadTestIdentity(const std::string& source_dir) {
  static const TestIdentity identity = [&] {
    std::ifstream file(VectorPath(source_dir, "rsa_oaep_2048_sha512_mgf1sha512_test.json"));
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    const std::string label = "\"privateKeyPkcs8\": \"";
    const size_t begin = text.find(label) + label.size();
    const size_t end = text.find('"', begin);
    WARD_ASSERT(text.find(label) != std::string::npos && end != std::string::npos);
    TestIdentity made;
    for (size_t at = begin; at + 1 < end; at += 2) {
      made.private_key.push_back(static_cast<uint8_t>(std::stoul(text.substr(at, 2), nullptr, 16)));
    }
    const char* reason = nullptr;
    made.key = device::RsaPrivateKey::LoadDer(made.private_key, &reason);
    WARD_ASSERT(made.key.has_value());
    for (uint32_t i = 0; i < 1500; ++i) made.certificates.push_back(static_cast<uint8_t>(i * 7));
    return made;
  }();
  return identity;
}

}  // namespace ward::fakes

#endif  // WARD_TESTS_FAKES_TEST_IDENTITY_H_
