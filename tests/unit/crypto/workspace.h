// A directory of its own for one test case, the files in it, and commands run there.
#ifndef WARD_TESTS_UNIT_CRYPTO_WORKSPACE_H_
#define WARD_TESTS_UNIT_CRYPTO_WORKSPACE_H_

#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "tests/unit/crypto/hex.h"

namespace ward::test {

class Workspace {
 public:
  Workspace() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ward-crypto-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    path_ = pattern;
  }
  ~Workspace() { std::filesystem::remove_all(path_); }
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  void Write(const std::string& name, ConstByteSpan bytes) const {
    std::ofstream file(path_ / name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file.flush()) throw std::runtime_error("cannot write " + name);
  }
  void WriteText(const std::string& name, const std::string& text) const {
    Write(name, {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  Bytes Read(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    if (!file) throw std::runtime_error("cannot read " + name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  std::string ReadText(const std::string& name) const {
    const Bytes bytes = Read(name);
    return {bytes.begin(), bytes.end()};
  }

  // Runs a shell command in the directory; its exit code, and what it said in `output`.
  int Run(const std::string& command, std::string* output = nullptr) const {
    const std::string line =
        "cd '" + path_.string() + "' && { " + command + " ; } >command.out 2>&1 </dev/null";
    const int status = std::system(line.c_str());
    if (output != nullptr) *output = ReadText("command.out");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_UNIT_CRYPTO_WORKSPACE_H_
