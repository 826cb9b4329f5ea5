#include "kmd/ports/vfio/vfio_function.h"

#include <memory>
#include <string>

#include "catch2/catch_test_macros.hpp"

using ward::abi::PciError;
using ward::kmd::VfioFunction;

// Holds with and without VFIO on the machine: no PCI domain is called that.
TEST_CASE("Opening a function that does not exist fails with a text and hands nothing out") {
  std::unique_ptr<VfioFunction> function;
  std::string error;
  CHECK(VfioFunction::Open("not-a-function", &function, &error) != PciError::kNone);
  CHECK(function == nullptr);
  CHECK_FALSE(error.empty());
}
