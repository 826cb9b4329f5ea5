// Where a target's first inputs are written to.
#ifndef WARD_TESTS_FUZZ_SEED_FOLDER_H_
#define WARD_TESTS_FUZZ_SEED_FOLDER_H_

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {

// Ends the program with exit code 2 and one line when it can't be written to: no seed is half
// there.
class SeedFolder {
 public:
  explicit SeedFolder(std::string path) : path_(std::move(path)) {
    std::string error;
    if (!MakeFolder(path_, &error)) Complain(error);
  }

  void Write(const std::string& name, const std::vector<uint8_t>& bytes) const {
    std::string error;
    if (!WriteWhole(path_ + "/" + name, {bytes.begin(), bytes.end()}, &error)) Complain(error);
  }

 private:
  [[noreturn]] static void Complain(const std::string& error) {
    std::fprintf(stderr, "error: %s\n", error.c_str());
    std::exit(2);
  }

  std::string path_;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_SEED_FOLDER_H_
