// A suite as a program: in one process with the chip model, or on a PCI function of a virtual
// machine, of silicon, or served by another process.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "catch2/catch_session.hpp"
#include "kmd/ports/open_function.h"
#include "tests/integration/function_under_test.h"
#include "tests/integration/needs.h"

namespace {

bool Choose(const std::string& address, const std::string& root_path, const std::string& offers) {
  std::ifstream file(root_path);
  const std::string root{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::string error;
  if (root.empty()) {
    error =
        "--function wants --root: the file with the certificate that the device's chain ends in";
  } else if (ward::test::ChooseFunction(address, root, &error)) {
    if (ward::test::SetOffered(offers)) return true;
    error = "--offers: \"" + offers + "\" is no list of needs (tests/integration/needs.h)";
  }
  std::cerr << "error: " << error << "\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Catch::Session session;
  std::string address;
  std::string root;
  std::string offers;
  session.cli(session.cli() |
              Catch::Clara::Opt(address, "address")["--function"](
                  std::string("run on this PCI function: ") + ward::kmd::kFunctionForms) |
              Catch::Clara::Opt(root, "file")["--root"]("the root of its certificates, PEM") |
              Catch::Clara::Opt(offers, "needs")["--offers"](
                  "what it was set up with: a list of hand, injection, "
                  "latency, open-decrypt, power, strict-iv, vram"));
  const int parsed = session.applyCommandLine(argc, argv);
  if (parsed != 0) return parsed;
  if (!address.empty() && !Choose(address, root, offers)) return 2;
  return session.run();
}
