#ifndef WARD_TESTS_UNIT_CRYPTO_VECTOR_FILE_H_
#define WARD_TESTS_UNIT_CRYPTO_VECTOR_FILE_H_

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "tests/fakes/vector_path.h"

namespace ward::test {

// A file of tests/vectors.
inline nlohmann::json ReadVectorFile(const std::string& name) {
  std::ifstream file(fakes::VectorPath(WARD_SOURCE_DIR, name));
  if (!file) throw std::runtime_error("cannot read tests/vectors/" + name);
  return nlohmann::json::parse(file);
}

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_CRYPTO_VECTOR_FILE_H_
