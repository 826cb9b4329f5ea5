#ifndef WARD_TESTS_UNIT_CRYPTO_VECTOR_FILE_H_
#define WARD_TESTS_UNIT_CRYPTO_VECTOR_FILE_H_

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace ward::test {

// A file of tests/vectors.
inline nlohmann::json ReadVectorFile(const std::string& name) {
  std::ifstream file(std::string(WARD_SOURCE_DIR "/tests/vectors/") + name);
  if (!file) throw std::runtime_error("cannot read tests/vectors/" + name);
  return nlohmann::json::parse(file);
}

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_CRYPTO_VECTOR_FILE_H_
