// ward_player: plays a protected clip on a PCI function: a real one through VFIO, or a served one.
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>

#include "examples/protected_player/player.h"
#include "examples/protected_player/story.h"
#include "kmd/ports/open_function.h"

namespace {

constexpr char kUsage[] =
    "usage: ward_player [--function ADDRESS] [JOB [OUTPUT]]\n"
    "  ADDRESS  of the PCI function, see below; default $WARD_PCI_ADDRESS\n"
    "  JOB      file or disk with the clip; default /dev/ward/input\n"
    "  OUTPUT   file or disk for what was read back; default /dev/ward/output\n"
    "An address is ";

struct Arguments {
  std::string address;
  std::string job = "/dev/ward/input";
  std::string output = "/dev/ward/output";
};

bool Parse(int count, char** values, Arguments* arguments) {
  const char* address = std::getenv("WARD_PCI_ADDRESS");
  if (address != nullptr) arguments->address = address;
  int place = 0;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(values[i], "--function") == 0) {
      if (++i == count) return false;
      arguments->address = values[i];
    } else if (values[i][0] == '-' || place == 2) {
      return false;
    } else {
      (place++ == 0 ? arguments->job : arguments->output) = values[i];
    }
  }
  return !arguments->address.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, &arguments)) {
    std::cerr << kUsage << ward::kmd::kFunctionForms << "\n";
    return 2;
  }
  ward::examples::Story story(&std::cin, &std::cout);
  std::unique_ptr<ward::abi::PciFunction> function;
  std::string error;
  if (ward::kmd::OpenFunction(arguments.address, &function, &error) != ward::abi::PciError::kNone) {
    story.Fail("open_function", "E_FAIL", error);
    return 1;
  }
  return ward::examples::RunPlayer(function.get(), arguments.job, arguments.output, &story);
}
