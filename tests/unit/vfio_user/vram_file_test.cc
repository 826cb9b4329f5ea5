#include "emulator/vfio_user/vram_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

using emulator::VramFile;

constexpr uint64_t kBytes = 1 << 20;

TEST_CASE("V17 what a client keeps of its VRAM is zeroed, and is not what the next one gets") {
  VramFile vram;
  CHECK(vram.memory() == nullptr);
  REQUIRE(vram.Renew(kBytes));
  CHECK(vram.size() == kBytes);
  const FileDescriptor kept(fcntl(vram.descriptor(), F_DUPFD_CLOEXEC, 0));
  auto* mapped = static_cast<volatile uint8_t*>(
      mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, kept.get(), 0));
  REQUIRE(mapped != MAP_FAILED);
  vram.memory()[0] = 1;
  vram.memory()[kBytes - 1] = 2;
  CHECK(mapped[kBytes - 1] == 2);
  vram.Drop();
  CHECK(vram.memory() == nullptr);
  CHECK(mapped[0] == 0);
  CHECK(mapped[kBytes - 1] == 0);
  REQUIRE(vram.Renew(kBytes));
  mapped[0] = 3;  // the one who left writes on
  CHECK(vram.memory()[0] == 0);
  vram.memory()[1] = 4;
  CHECK(mapped[1] == 0);
  struct stat before{}, after{};
  REQUIRE(fstat(kept.get(), &before) == 0);
  REQUIRE(fstat(vram.descriptor(), &after) == 0);
  CHECK(before.st_ino != after.st_ino);
}

TEST_CASE("a client can neither cut its VRAM off, nor grow it, nor unseal it") {
  VramFile vram;
  REQUIRE(vram.Renew(kBytes));
  CHECK(ftruncate(vram.descriptor(), 0) != 0);
  CHECK(ftruncate(vram.descriptor(), 2 * kBytes) != 0);
  CHECK(fcntl(vram.descriptor(), F_ADD_SEALS, F_SEAL_WRITE) != 0);
  CHECK(fcntl(vram.descriptor(), F_GET_SEALS) == (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
}

TEST_CASE("V46 a size that there is no memory for is refused, and leaves nothing behind") {
  VramFile vram;
  REQUIRE(vram.Renew(kBytes));
  CHECK_FALSE(vram.Renew(uint64_t{1} << 62));
  CHECK(vram.memory() == nullptr);
  CHECK(vram.descriptor() < 0);
  CHECK(vram.Renew(kBytes));
}

}  // namespace
}  // namespace ward::test
