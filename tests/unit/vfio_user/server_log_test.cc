#include "emulator/vfio_user/server_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "base/file_descriptor.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

// Standard error goes into a pipe as long as this lives.
class CaughtErrors {
 public:
  CaughtErrors() : before_(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)) {
    int pipes[2];
    if (pipe2(pipes, O_CLOEXEC) != 0) throw 1;
    read_ = FileDescriptor(pipes[0]);
    const FileDescriptor write(pipes[1]);
    fcntl(read_.get(), F_SETFL, O_NONBLOCK);
    dup2(write.get(), STDERR_FILENO);
  }
  ~CaughtErrors() { dup2(before_.get(), STDERR_FILENO); }
  std::string Text() const {
    std::string text;
    char piece[4096];
    for (ssize_t got = 1; got > 0;) {
      got = read(read_.get(), piece, sizeof(piece));
      if (got > 0) text.append(piece, static_cast<size_t>(got));
    }
    return text;
  }

 private:
  FileDescriptor before_;
  FileDescriptor read_;
};

size_t CountLines(const std::string& text) {
  size_t lines = 0;
  for (const char c : text) lines += c == '\n';
  return lines;
}

TEST_CASE("V27 what clients make a server say is limited, and what was left out is counted") {
  const CaughtErrors errors;
  emulator::ServerLog log;
  for (int i = 0; i < 100000; ++i) log.Write("gpu0", "line " + std::to_string(i));
  const std::string text = errors.Text();
  CHECK(text.starts_with("ward: gpu0: line 0\n"));
  CHECK(CountLines(text) >= 50);
  // 50 at once, then 5 a second however long it took.
  CHECK(CountLines(text) < 1000);
}

TEST_CASE("V4 a log that nobody reads holds nobody up") {
  const CaughtErrors errors;
  fcntl(STDERR_FILENO, F_SETPIPE_SZ, 4096);
  const std::string filler(4096, '.');
  fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
  while (write(STDERR_FILENO, filler.data(), filler.size()) > 0) {
  }
  fcntl(STDERR_FILENO, F_SETFL, 0);
  emulator::ServerLog log;
  for (int i = 0; i < 60; ++i) log.Write("gpu0", "lost");  // would wait for ever
  CHECK(errors.Text().find("lost") == std::string::npos);
}

}  // namespace
}  // namespace ward::test
