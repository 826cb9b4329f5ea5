// A suite as a program: in one process with the chip model, or on a PCI function of a virtual
// machine, of silicon, or served by another process.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "catch2/catch_session.hpp"
#include "kmd/ports/open_function.h"
#include "tests/integration/function_under_test.h"

namespace {

bool Choose(const std::string& address, const std::string& root_path) {
  std::ifstream file(root_path);
  const std::string root{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::string error;
  if (root.empty()) {
    error =
        "--function wants --root: the file with the certificate that the device's chain ends in";
  } else if (ward::test::ChooseFunction(address, root, &error)) {
    return true;
  }
  std::cerr << "error: " << error << "\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  std::string address;
  std::string root;
  session.cli(session.cli() |
              Catch::Clara::Opt(address, "address")["--function"](
                  std::string("run on this PCI function: ") + ward::kmd::kFunctionForms) |
              Catch::Clara::Opt(root, "file")["--root"]("the root of its certificates, PEM"));
  const int parsed = session.applyCommandLine(argc, argv);
  if (parsed != 0) return parsed;
  if (!address.empty() && !Choose(address, root)) return 2;
  return session.run();
}
