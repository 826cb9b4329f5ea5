// A function that is open on a scripted server, and what the tests ask of both.
#ifndef WARD_TESTS_UNIT_KMD_VFIO_USER_SERVED_FUNCTION_H_
#define WARD_TESTS_UNIT_KMD_VFIO_USER_SERVED_FUNCTION_H_

#include <filesystem>
#include <iterator>
#include <memory>
#include <string>

#include "catch2/catch_test_macros.hpp"
#include "kmd/ports/vfio_user/vfio_user_function.h"
#include "tests/unit/kmd_vfio_user/scripted_server.h"

namespace ward::kmd {

inline std::unique_ptr<VfioUserFunction> OpenAt(const ScriptedServer& server,
                                                const std::string& options = "") {
  std::unique_ptr<VfioUserFunction> function;
  std::string error;
  const abi::PciError opened = VfioUserFunction::Open(server.where(options), &function, &error);
  INFO(error);
  REQUIRE(opened == abi::PciError::kNone);
  return function;
}

// How opening fails; "" and no text when it does not.
struct Failure {
  abi::PciError error = abi::PciError::kNone;
  std::string text;
};
inline Failure FailToOpen(const ScriptedServer& server, const std::string& options = "") {
  std::unique_ptr<VfioUserFunction> function;
  Failure failure;
  failure.error = VfioUserFunction::Open(server.where(options), &function, &failure.text);
  CHECK((function == nullptr) == (failure.error != abi::PciError::kNone));
  return failure;
}

// Open descriptors of this process.
inline size_t CountDescriptors() {
  std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(all), end(all)));
}

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_VFIO_USER_SERVED_FUNCTION_H_
