#include "tests/integration/function_under_test.h"

#include <utility>

#include "catch2/catch_test_macros.hpp"
#include "kmd/ports/open_function.h"

namespace ward::test {
namespace {

std::unique_ptr<abi::PciFunction>& ChosenFunction() {
  static std::unique_ptr<abi::PciFunction> function;
  return function;
}

}  // namespace

bool ChooseFunction(const std::string& address, std::string root, std::string* error) {
  SetSharedRoot(std::move(root));
  return kmd::OpenFunction(address, &ChosenFunction(), error) == abi::PciError::kNone;
}

FunctionUnderTest::FunctionUnderTest() : function_(ChosenFunction().get()) {
  if (function_ != nullptr) return;
  machine_ = MakeMachine();
  function_ = machine_.get();
}

FunctionUnderTest::FunctionUnderTest(const MachineOptions& options)
    : machine_(MakeHostMachine(options)), function_(machine_.get()) {}

emulator::InProcessHost& FunctionUnderTest::host() const {
  if (machine_ == nullptr) SKIP("looks into the machine, or does what only its host can");
  return *machine_;
}

std::unique_ptr<emulator::InProcessHost> MakeHostMachine(const MachineOptions& options) {
  if (ChosenFunction() != nullptr) SKIP("needs a machine of its own, set up from the host's side");
  return MakeMachine(options);
}

}  // namespace ward::test
