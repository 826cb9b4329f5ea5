// Windows of a client's memory: what may be added and taken away, and which bytes may be reached.
#include "emulator/vfio_user/client_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <limits>
#include <string>

#include "catch2/catch_test_macros.hpp"
#include "emulator/vfio_user/mapped_file.h"
#include "tests/unit/vfio_user/huge_file.h"
#include "tests/unit/vfio_user/server_rig.h"

namespace ward::test {
namespace {

namespace wire = abi::vfio_user;
using emulator::ClientMemory;

constexpr uint32_t kRead = wire::kDmaReadable, kWrite = wire::kDmaWritable, kBoth = kRead | kWrite;
constexpr uint64_t kMost = std::numeric_limits<uint64_t>::max();

FileDescriptor MakeFile(uint64_t size) {
  FileDescriptor file(memfd_create("client", MFD_CLOEXEC));
  REQUIRE(ftruncate(file.get(), static_cast<off_t>(size)) == 0);
  return file;
}

int Map(ClientMemory* memory, uint64_t address, uint64_t size, uint32_t rights = kBoth,
        int descriptor = -1, uint64_t offset = 0) {
  return memory->Map({sizeof(wire::DmaMap), rights, offset, address, size},
                     FileDescriptor(descriptor < 0 ? -1 : dup(descriptor)));
}

TEST_CASE("V31 a window whose end wraps, or that has no byte, is refused") {
  ClientMemory memory;
  CHECK(Map(&memory, 0x1000, 0) == EINVAL);
  CHECK(Map(&memory, kMost, 2) == EINVAL);
  CHECK(Map(&memory, kMost - 0xfff, 0x1001) == EINVAL);
  CHECK(Map(&memory, 1, kMost) == 0);  // to the last byte
  CHECK(memory.Unmap(1, kMost) == 0);
  CHECK(Map(&memory, kMost - 0xfff, 0x1000) == 0);
  CHECK(memory.Allows(kMost - 0xfff, 0x1000, kBoth));
  CHECK(memory.Allows(kMost, 1, kBoth));
  CHECK_FALSE(memory.Allows(kMost, 2, kBoth));
  CHECK_FALSE(memory.Allows(kMost - 0xfff, kMost, kBoth));
  const FileDescriptor file = MakeFile(0x1000);
  CHECK(Map(&memory, 0x1000, 0x1000, kBoth, file.get(), kMost - 0x800) == EINVAL);
  CHECK(Map(&memory, 0x1000, 0x1000, kBoth, file.get(), 1) == EINVAL);
  CHECK(Map(&memory, 0x1000, 0x1001, kBoth, file.get(), 0) == EINVAL);
  CHECK(memory.window_count() == 1);
  CHECK(memory.mapping_count() == 0);
}

TEST_CASE("V31 no byte is always allowed, wherever it is not") {
  ClientMemory memory;
  CHECK(memory.Allows(0, 0, kBoth));
  CHECK(memory.Allows(kMost, 0, kRead));
}

TEST_CASE("rights that are none or unknown are refused") {
  ClientMemory memory;
  for (const uint32_t rights : {0u, 4u, 7u, 0x80000003u}) {
    CHECK(Map(&memory, 0x1000, 0x1000, rights) == EINVAL);
  }
}

TEST_CASE("V28 V50 windows that overlap by one byte are refused, neighbours are not") {
  ClientMemory memory;
  REQUIRE(Map(&memory, 0x4000, 0x1000) == 0);
  CHECK(Map(&memory, 0x4000, 0x1000) == EEXIST);
  CHECK(Map(&memory, 0x3001, 0x1000) == EEXIST);
  CHECK(Map(&memory, 0x4fff, 0x1000) == EEXIST);
  CHECK(Map(&memory, 0x4800, 0x10) == EEXIST);
  CHECK(Map(&memory, 0x1000, 0x10000) == EEXIST);
  CHECK(Map(&memory, 0x3000, 0x1000) == 0);
  CHECK(Map(&memory, 0x5000, 0x1000) == 0);
  CHECK(memory.window_count() == 3);
}

TEST_CASE("V33 an unmapped window can't be reached; half of one can't be unmapped") {
  ClientMemory memory;
  REQUIRE(Map(&memory, 0x4000, 0x2000) == 0);
  CHECK(memory.Unmap(0x4000, 0x1000) == EINVAL);
  CHECK(memory.Unmap(0x5000, 0x1000) == EINVAL);
  CHECK(memory.Unmap(0x4800, 0x10) == EINVAL);
  CHECK(memory.Unmap(0x3000, 0x1800) == EINVAL);
  CHECK(memory.Unmap(0x4000, 0) == EINVAL);
  CHECK(memory.Unmap(kMost, 2) == EINVAL);
  CHECK(memory.Allows(0x4000, 0x2000, kBoth));
  // A viommu unmaps wide and empty ranges.
  CHECK(memory.Unmap(0x1000000, uint64_t{1} << 47) == 0);
  CHECK(memory.Unmap(0x0, 0x10000) == 0);
  for (const uint32_t right : {kRead, kWrite}) CHECK_FALSE(memory.Allows(0x4000, 1, right));
  CHECK(memory.Find(0x4000, 1).size == 0);
}

TEST_CASE("an unmap that would halve its last window takes nothing away") {
  ClientMemory memory;
  for (const uint64_t at : {0x1000, 0x2000, 0x3000}) REQUIRE(Map(&memory, at, 0x1000) == 0);
  CHECK(memory.Unmap(0x1000, 0x2800) == EINVAL);
  CHECK(memory.Allows(0x1000, 0x3000, kBoth));
}

TEST_CASE("V29 V30 a transfer crosses any number of windows, and no hole") {
  ClientMemory memory;
  for (uint64_t i = 0; i < 1000; ++i) {
    if (i != 700) REQUIRE(Map(&memory, 0x100000 + i * 0x1000, 0x1000) == 0);
  }
  CHECK(memory.Allows(0x100000, 700 * 0x1000, kBoth));
  CHECK_FALSE(memory.Allows(0x100000, 700 * 0x1000 + 1, kBoth));
  CHECK_FALSE(memory.Allows(0x100000, 1000 * 0x1000, kBoth));
  CHECK(memory.Allows(0x100000 + 701 * 0x1000, 299 * 0x1000, kBoth));
  CHECK_FALSE(memory.Allows(0x100000 + 701 * 0x1000, 299 * 0x1000 + 1, kBoth));
  CHECK_FALSE(memory.Allows(0xfffff, 2, kBoth));
  CHECK(memory.Find(0x100ff0, 0x100).size == 0x10);
}

TEST_CASE("V32 reads need a readable window and writes a writable one, in every piece") {
  ClientMemory memory;
  REQUIRE(Map(&memory, 0x1000, 0x1000, kRead) == 0);
  REQUIRE(Map(&memory, 0x2000, 0x1000, kBoth) == 0);
  REQUIRE(Map(&memory, 0x3000, 0x1000, kWrite) == 0);
  CHECK(memory.Allows(0x1000, 0x2000, kRead));
  CHECK_FALSE(memory.Allows(0x1000, 0x2000, kWrite));
  CHECK(memory.Allows(0x2000, 0x2000, kWrite));
  CHECK_FALSE(memory.Allows(0x2000, 0x2000, kRead));
}

TEST_CASE("V28 many windows of one file share one mapping, which goes with the last") {
  ClientMemory memory;
  const FileDescriptor file = MakeFile(0x10000);
  const FileDescriptor other = MakeFile(0x1000);
  for (uint64_t i = 0; i < 16; ++i) {
    REQUIRE(Map(&memory, i * 0x2000, 0x1000, kBoth, file.get(), i * 0x1000) == 0);
  }
  REQUIRE(Map(&memory, 0x1000, 0x1000, kBoth, other.get()) == 0);
  CHECK(memory.window_count() == 17);
  CHECK(memory.mapping_count() == 2);
  *memory.Find(0x2000, 1).memory = 0x77;  // the second page
  uint8_t byte = 0;
  REQUIRE(pread(file.get(), &byte, 1, 0x1000) == 1);
  CHECK(byte == 0x77);
  CHECK(memory.Unmap(0, 0x1000) == 0);
  CHECK(memory.mapping_count() == 2);
  memory.UnmapAll();
  CHECK(memory.mapping_count() == 0);
  CHECK(memory.window_count() == 0);
}

TEST_CASE("V18 a client's memory ends with windows still in it") {
  const FileDescriptor file = MakeFile(0x10000);
  auto memory = std::make_unique<ClientMemory>();
  REQUIRE(Map(memory.get(), 0, 0x1000, kBoth, file.get()) == 0);
  REQUIRE(Map(memory.get(), 0x1000, 0x1000, kBoth, file.get(), 0x1000) == 0);
  memory.reset();
  memory = std::make_unique<ClientMemory>();
  CHECK_FALSE(memory->Allows(0, 1, kRead));
}

TEST_CASE("a file that has grown is not reached beyond what was mapped") {
  ClientMemory memory;
  const FileDescriptor file = MakeFile(0x1000);
  REQUIRE(Map(&memory, 0, 0x1000, kBoth, file.get()) == 0);
  REQUIRE(ftruncate(file.get(), 0x4000) == 0);
  CHECK(Map(&memory, 0x10000, 0x4000, kBoth, file.get()) == EINVAL);
  memory.UnmapAll();
  CHECK(Map(&memory, 0x10000, 0x4000, kBoth, file.get()) == 0);
}

TEST_CASE(
    "V26 V35 a descriptor that can't be mapped is a window by messages; what is no memory is "
    "refused") {
  ClientMemory memory;
  const TempFolder folder;
  const std::string path = folder / "rom";
  {
    const FileDescriptor made(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(ftruncate(made.get(), 0x1000) == 0);
  }
  const FileDescriptor read_only(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  CHECK(Map(&memory, 0, 0x1000, kRead, read_only.get()) == 0);
  CHECK(memory.Allows(0, 0x1000, kRead));
  CHECK(memory.Find(0, 0x1000).size == 0x1000);
  CHECK(memory.Find(0, 0x1000).memory == nullptr);
  CHECK(memory.mapping_count() == 0);
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  const FileDescriptor in(pipes[0]), out(pipes[1]);
  const FileDescriptor directory(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const FileDescriptor zero(open("/dev/zero", O_RDWR | O_CLOEXEC));
  for (const int descriptor : {pipes[0], pipes[1], directory.get(), zero.get()}) {
    CHECK(Map(&memory, 0x10000, 0x10000, kBoth, descriptor) == EINVAL);
  }
  CHECK(memory.window_count() == 1);
}

TEST_CASE("V26 V35 a file in memory that may only be read is a window by messages") {
  ClientMemory memory;
  const FileDescriptor file = MakeFile(0x1000);
  const FileDescriptor read_only(
      open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(read_only.valid());
  CHECK(Map(&memory, 0, 0x1000, kRead, read_only.get()) == 0);
  CHECK(memory.Find(0, 0x1000).size == 0x1000);
  CHECK(memory.mapping_count() == 0);
}

// Behind any file system but the kernel's own memory there may be somebody who lets an access wait.
TEST_CASE("P14_ V62 a file that does not lie in memory is a window by messages") {
  ClientMemory memory;
  char path[] = "ward-on-disk-XXXXXX";
  const FileDescriptor file(mkostemp(path, O_CLOEXEC));
  REQUIRE(file.valid());
  REQUIRE(unlink(path) == 0);
  if (fcntl(file.get(), F_GET_SEALS) >= 0) SKIP("this folder lies in memory");
  REQUIRE(ftruncate(file.get(), 0x2000) == 0);
  CHECK(Map(&memory, 0, 0x1000, kBoth, file.get()) == 0);
  CHECK(Map(&memory, 0x1000, 0x1000, kBoth, file.get(), 0x1000) == 0);
  CHECK(memory.Allows(0, 0x2000, kBoth));
  CHECK(memory.Find(0, 0x1000).size == 0x1000);
  CHECK(memory.Find(0, 0x1000).memory == nullptr);
  CHECK(memory.mapping_count() == 0);
  CHECK(Map(&memory, 0x10000, 0x2001, kBoth, file.get()) == EINVAL);
}

TEST_CASE(
    "P14_ V61 huge pages that the host does not have are refused, and the next window is not") {
  ClientMemory memory;
  uint64_t page = 0;
  const FileDescriptor huge = MakeHugeFile(&page);
  REQUIRE(ftruncate(huge.get(), static_cast<off_t>(page)) == 0);
  REQUIRE(Map(&memory, 0, page, kBoth, huge.get()) == 0);
  const ClientMemory::Piece piece = memory.Find(0x1000, 16);
  REQUIRE(ftruncate(huge.get(), 0) == 0);
  CHECK(static_cast<volatile uint8_t*>(piece.memory)[0] == 0);
  CHECK_FALSE(memory.Allows(0x1000, 16, kRead));
  const FileDescriptor other = MakeFile(0x1000);
  CHECK(Map(&memory, page, 0x1000, kBoth, other.get()) == 0);
  CHECK(memory.Allows(page, 0x1000, kBoth));
}

TEST_CASE("P14_ V29 as many windows as were promised, and not one more") {
  ClientMemory memory;
  for (uint64_t i = 0; i < ClientMemory::kMaximumWindows; ++i) {
    if (Map(&memory, i * 0x1000, 0x1000) != 0) FAIL("window " << i);
  }
  CHECK(Map(&memory, uint64_t{1} << 40, 0x1000) == ENOSPC);
  CHECK(memory.Allows(0, ClientMemory::kMaximumWindows * 0x1000, kBoth));
  CHECK(memory.Unmap(0x5000, 0x1000) == 0);
  CHECK(Map(&memory, uint64_t{1} << 40, 0x1000) == 0);
}

TEST_CASE("P14_ one client can't use up the process's mappings or addresses") {
  ClientMemory memory;
  std::vector<FileDescriptor> files;
  for (uint64_t i = 0; i < ClientMemory::kMaximumFiles; ++i) {
    files.push_back(MakeFile(0x1000));
    REQUIRE(Map(&memory, i * 0x1000, 0x1000, kBoth, files.back().get()) == 0);
  }
  files.push_back(MakeFile(0x1000));
  CHECK(Map(&memory, 0x1000000, 0x1000, kBoth, files.back().get()) == ENOSPC);
  memory.UnmapAll();
  const FileDescriptor huge = MakeFile(ClientMemory::kMaximumFileBytes + 0x1000);
  CHECK(Map(&memory, 0, 0x1000, kBoth, huge.get()) == ENOSPC);
  const FileDescriptor large = MakeFile(ClientMemory::kMaximumFileBytes - 0x1000);
  CHECK(Map(&memory, 0, 0x1000, kBoth, large.get()) == 0);
  const FileDescriptor small = MakeFile(0x2000);
  CHECK(Map(&memory, 0x1000, 0x1000, kBoth, small.get()) == ENOSPC);
}

TEST_CASE("P14_ P13_ a client cuts its file off: the access is refused, and all later ones") {
  ClientMemory memory;
  const FileDescriptor file = MakeFile(0x10000);
  const FileDescriptor other = MakeFile(0x1000);
  REQUIRE(Map(&memory, 0, 0x10000, kBoth, file.get()) == 0);
  REQUIRE(Map(&memory, 0x10000, 0x1000, kBoth, other.get()) == 0);
  const ClientMemory::Piece piece = memory.Find(0x8000, 0x1000);
  piece.memory[0] = 1;
  REQUIRE(ftruncate(file.get(), 0) == 0);
  CHECK_FALSE(piece.file->IsCut());  // nobody has looked yet
  CHECK(static_cast<volatile uint8_t*>(piece.memory)[0] == 0);
  CHECK(piece.file->IsCut());
  CHECK_FALSE(memory.Allows(0, 1, kRead));
  CHECK_FALSE(memory.Allows(0xfff0, 0x20, kRead));
  CHECK(memory.Find(0x8000, 1).size == 0);
  CHECK(memory.Allows(0x10000, 0x1000, kBoth));
  // A new mapping of the file as it is now is another one.
  memory.UnmapAll();
  REQUIRE(ftruncate(file.get(), 0x1000) == 0);
  REQUIRE(Map(&memory, 0, 0x1000, kBoth, file.get()) == 0);
  CHECK(memory.Allows(0, 0x1000, kBoth));
}

}  // namespace
}  // namespace ward::test
