// Fills the generated section of docs/spec/content-protection.md (./dev check generated).
//   write_state_page [--check] PAGE     --check writes nothing and fails when the page differs
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "tests/unit/state_page/state_machines.h"

int main(int argc, char** argv) {
  const bool only_check = argc == 3 && std::strcmp(argv[1], "--check") == 0;
  if (argc != 2 && !only_check) {
    std::cerr << "usage: write_state_page [--check] PAGE\n";
    return 2;
  }
  const std::string path = argv[argc - 1];
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  const std::string filled = ward::test::Fill(page.str(), ward::test::AllStateMachines());
  if (filled.empty()) {
    std::cerr << path
              << ": needs the markers of the generated section \"state machines\", once each\n";
    return 1;
  }
  if (filled == page.str()) return 0;
  if (only_check) {
    std::cerr << path << " differs from the state tables\n";
    return 1;
  }
  std::ofstream file(path);
  file << filled;
  file.close();
  if (file.fail()) std::cerr << path << ": can't be written\n";
  return file.fail() ? 1 : 0;
}
