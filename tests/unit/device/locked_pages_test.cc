#include "device/locked_pages.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "catch2/catch_test_macros.hpp"
#include "tests/unit/device/process_mappings.h"

namespace ward::device {
namespace {

TEST_CASE("P4_ the pages stay out of core dumps and of forked children") {
  const LockedPages pages(100);
  const std::string flags = FlagsOfMapping(pages.data());
  INFO(flags);
  CHECK(flags.find(" dd ") != std::string::npos);
  CHECK(flags.find(" wf ") != std::string::npos);
}

TEST_CASE("pages are whole, zeroed, and as large as asked") {
  const LockedPages pages(5000);
  REQUIRE(pages.size_bytes() >= 5000);
  const auto* bytes = static_cast<const uint8_t*>(pages.data());
  for (size_t i = 0; i < pages.size_bytes(); ++i) REQUIRE(bytes[i] == 0);
}

TEST_CASE("P5_ a forked child finds zeros where its parent has a key") {
  const LockedPages pages(4096);
  auto* bytes = static_cast<uint8_t*>(pages.data());
  std::memset(bytes, 0x5c, 4096);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int other = 0;
    for (size_t i = 0; i < 4096; ++i) other |= bytes[i];
    _exit(other == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(bytes[4095] == 0x5c);
}

}  // namespace
}  // namespace ward::device
