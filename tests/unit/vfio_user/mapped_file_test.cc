#include "emulator/vfio_user/mapped_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cerrno>
#include <vector>

#include "base/file_descriptor.h"
#include "catch2/catch_test_macros.hpp"
#include "tests/unit/vfio_user/huge_file.h"

namespace ward::test {
namespace {

using emulator::MappedFile;

FileDescriptor MakeFile(uint64_t size) {
  FileDescriptor file(memfd_create("mapped", MFD_CLOEXEC));
  REQUIRE(ftruncate(file.get(), static_cast<off_t>(size)) == 0);
  return file;
}

MappedFile Map(const FileDescriptor& file, uint64_t size) {
  int error = 0;
  auto mapped = MappedFile::Map(file.get(), size, &error);
  REQUIRE(mapped.has_value());
  return std::move(*mapped);
}

TEST_CASE("a mapped file is shared both ways") {
  const FileDescriptor file = MakeFile(8192);
  const MappedFile mapped = Map(file, 8192);
  mapped.memory()[5000] = 42;
  uint8_t byte = 0;
  REQUIRE(pread(file.get(), &byte, 1, 5000) == 1);
  CHECK(byte == 42);
  byte = 43;
  REQUIRE(pwrite(file.get(), &byte, 1, 7) == 1);
  CHECK(mapped.memory()[7] == 43);
  CHECK_FALSE(mapped.IsCut());
}

TEST_CASE("P14_ a page that the file no longer has reads zero, takes writes, and is not shared") {
  const FileDescriptor file = MakeFile(4 * 4096);
  const MappedFile mapped = Map(file, 4 * 4096);
  volatile uint8_t* memory = mapped.memory();
  for (int page = 0; page < 4; ++page) memory[page * 4096] = static_cast<uint8_t>(page + 1);
  REQUIRE(ftruncate(file.get(), 2 * 4096) == 0);
  CHECK(memory[0] == 1);
  CHECK_FALSE(mapped.IsCut());
  memory[3 * 4096 + 5] = 9;  // SIGBUS
  CHECK(mapped.IsCut());
  CHECK(memory[3 * 4096] == 0);
  CHECK(memory[3 * 4096 + 5] == 9);
  CHECK(memory[2 * 4096] == 0);
  CHECK(memory[4096] == 2);
  REQUIRE(ftruncate(file.get(), 4 * 4096) == 0);
  uint8_t byte = 1;
  REQUIRE(pread(file.get(), &byte, 1, 3 * 4096 + 5) == 1);
  CHECK(byte == 0);
}

TEST_CASE("P14_ V61 huge pages that the host does not have, or has no more, read zero") {
  uint64_t page = 0;
  const FileDescriptor file = MakeHugeFile(&page);
  REQUIRE(ftruncate(file.get(), static_cast<off_t>(2 * page)) == 0);
  const MappedFile mapped = Map(file, 2 * page);
  volatile uint8_t* memory = mapped.memory();
  REQUIRE(ftruncate(file.get(), 0) == 0);  // whether the host has huge pages or none
  memory[page + page / 2] = 7;             // SIGBUS
  CHECK(mapped.IsCut());
  CHECK(memory[page + page / 2] == 7);
  CHECK(memory[page] == 0);
  CHECK(memory[2 * page - 1] == 0);
  CHECK(memory[page - 1] == 0);
}

TEST_CASE("P14_ V61 a file that ends within a huge page is mapped and unmapped whole") {
  uint64_t page = 0;
  const FileDescriptor file = MakeHugeFile(&page);
  REQUIRE(ftruncate(file.get(), static_cast<off_t>(page)) == 0);
  uint8_t* memory = nullptr;
  {
    const MappedFile mapped = Map(file, 4097);
    memory = mapped.memory();
    CHECK(mapped.size() == 4097);
    REQUIRE(ftruncate(file.get(), 0) == 0);
    static_cast<volatile uint8_t*>(memory)[4096] = 1;
    CHECK(mapped.IsCut());
  }
  CHECK(madvise(memory, page, MADV_NORMAL) != 0);  // nothing is there any more
  CHECK(errno == ENOMEM);
}

TEST_CASE("the mark of one mapping is not another's, nor that of the next in its place") {
  const FileDescriptor file = MakeFile(4096), other = MakeFile(4096);
  const MappedFile stays = Map(other, 4096);
  for (int round = 0; round < 3; ++round) {
    REQUIRE(ftruncate(file.get(), 4096) == 0);
    const MappedFile mapped = Map(file, 4096);
    CHECK_FALSE(mapped.IsCut());
    REQUIRE(ftruncate(file.get(), 0) == 0);
    static_cast<volatile uint8_t*>(mapped.memory())[1] = 1;
    CHECK(mapped.IsCut());
  }
  CHECK_FALSE(stays.IsCut());
}

TEST_CASE("what can't be mapped says why") {
  int error = 0;
  CHECK_FALSE(MappedFile::Map(-1, 4096, &error));
  CHECK(error == EBADF);
  const FileDescriptor file = MakeFile(4096);
  CHECK_FALSE(MappedFile::Map(file.get(), uint64_t{1} << 60, &error));
  CHECK(error == ENOMEM);
}

TEST_CASE("there is a limit on mappings, and those that went make room") {
  const FileDescriptor file = MakeFile(4096);
  int error = 0;
  std::vector<MappedFile> mapped;
  while (auto next = MappedFile::Map(file.get(), 4096, &error)) mapped.push_back(std::move(*next));
  CHECK(error == ENOSPC);
  CHECK(mapped.size() >= 1000);
  mapped.pop_back();
  CHECK(MappedFile::Map(file.get(), 4096, &error).has_value());
}

// A SIGBUS of somebody else's has to end the process as ever: in a child.
TEST_CASE("a bus error that is none of ours ends the process as before") {
  const FileDescriptor file = MakeFile(4096);
  const MappedFile ours = Map(file, 4096);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    signal(SIGABRT, SIG_DFL);
    const FileDescriptor cut = MakeFile(4096);
    auto* memory = static_cast<volatile uint8_t*>(
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, cut.get(), 0));
    if (ftruncate(cut.get(), 0) != 0) _exit(1);
    memory[0] = 1;
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK_FALSE((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

}  // namespace
}  // namespace ward::test
