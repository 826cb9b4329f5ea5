// The seal key's file and the count beside it: F9, faults at every step of writing it.
#include "emulator/seal/seal_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "catch2/catch_test_macros.hpp"
#include "tests/fakes/fault_tries.h"
#include "tests/unit/crypto/workspace.h"

// The disk between seal_file and the kernel.
namespace {
struct Disk {
  int steps_until_fault = -1;  // negative: none
  int error = 0;               // of the fault; 0: the machine loses its power
  bool writes_by_bytes = false;
  int steps = 0;
};
Disk disk;

// True when the step fails, with errno set.
bool Fails() {
  ++disk.steps;
  if (disk.steps_until_fault < 0 || disk.steps_until_fault-- != 0) return false;
  if (disk.error == 0) _exit(0);
  errno = disk.error;
  return true;
}
}  // namespace

extern "C" {
int __real_mkstemp(char* pattern);
ssize_t __real_write(int file, const void* bytes, size_t size);
int __real_fchmod(int file, mode_t mode);
int __real_fsync(int file);
int __real_rename(const char* from, const char* to);

int __wrap_mkstemp(char* pattern) { return Fails() ? -1 : __real_mkstemp(pattern); }
ssize_t __wrap_write(int file, const void* bytes, size_t size) {
  if (Fails()) return -1;
  return __real_write(file, bytes, disk.writes_by_bytes && size > 1 ? 1 : size);
}
int __wrap_fchmod(int file, mode_t mode) { return Fails() ? -1 : __real_fchmod(file, mode); }
int __wrap_fsync(int file) { return Fails() ? -1 : __real_fsync(file); }
int __wrap_rename(const char* from, const char* to) {
  return Fails() ? -1 : __real_rename(from, to);
}
}

namespace ward::emulator {
namespace {

using Outcome = device::StateSeal::Outcome;

class KeyFolder {
 public:
  KeyFolder() { Write("key", std::string(32, 'k')); }
  std::filesystem::path Path(const std::string& name) const { return workspace_ / name; }
  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name), std::ios::binary) << text;
    ::chmod(Path(name).c_str(), 0600);
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(Path(name), std::ios::binary);
    return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  }
  std::unique_ptr<SealFile> Open() const {
    std::string error;
    auto seal = SealFile::Open(Path("key"), &error);
    REQUIRE(seal != nullptr);
    return seal;
  }
  // Key and count, and nothing that was left over.
  bool IsTidy() const {
    return std::distance(std::filesystem::directory_iterator(Path("")), {}) <= 2;
  }

 private:
  test::Workspace workspace_;
};

// Runs `act` with the fault at step `step`; false when it has fewer steps.
template <typename Act>
bool RunWithFault(int step, int error, const Act& act) {
  disk = Disk{step, error};
  act();
  const bool reached = disk.steps > step;
  disk = Disk{};
  return reached;
}

TEST_CASE("generations count up, across openings, and each is resumed once") {
  const KeyFolder folder;
  CHECK(folder.Open()->IssueGeneration() == 1);
  auto seal = folder.Open();
  CHECK(seal->Resume(1) == Outcome::kDone);
  CHECK(seal->Resume(1) == Outcome::kSpent);
  CHECK(folder.Open()->Resume(1) == Outcome::kSpent);
  CHECK(seal->IssueGeneration() == 2);
  CHECK(folder.Open()->Resume(2) == Outcome::kDone);
  CHECK(seal->Resume(1) == Outcome::kSpent);
  CHECK(folder.Read("key.generation") == "issued 2\nresumed 2\n");
}

TEST_CASE("P16_one that is resumed spends every state that was issued before it was") {
  KeyFolder folder;
  const auto seal = folder.Open();
  const uint64_t first = seal->IssueGeneration();
  const uint64_t second = seal->IssueGeneration();
  REQUIRE(seal->Resume(first) == Outcome::kDone);
  // Both hold the same keys; what the first one's machine cleared since may not come back.
  CHECK(seal->Resume(second) == Outcome::kSpent);
  CHECK(seal->Resume(seal->IssueGeneration()) == Outcome::kDone);
}

TEST_CASE("P16_a key that is named by another path has the same count") {
  KeyFolder folder;
  std::filesystem::create_symlink(folder.Path("key"), folder.Path("alias"));
  const auto seal = folder.Open();
  const uint64_t generation = seal->IssueGeneration();
  REQUIRE(seal->Resume(generation) == Outcome::kDone);
  std::string error;
  const auto alias = SealFile::Open(folder.Path("alias"), &error);
  REQUIRE(alias != nullptr);
  CHECK(alias->Resume(generation) == Outcome::kSpent);
}

TEST_CASE("a host that resumed a generation issues greater ones") {
  const KeyFolder folder;
  auto seal = folder.Open();
  CHECK(seal->Resume(7) == Outcome::kDone);
  CHECK(seal->IssueGeneration() == 8);
}

TEST_CASE("the count is its owner's, and the key comes out as it stands in the file") {
  const KeyFolder folder;
  auto seal = folder.Open();
  const ConstByteSpan key = seal->Key().Expose();
  CHECK(std::string(key.begin(), key.end()) == std::string(32, 'k'));
  REQUIRE(seal->IssueGeneration() == 1);
  struct stat status = {};
  REQUIRE(::stat(folder.Path("key.generation").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a file that is no key is refused with what mends it") {
  const KeyFolder folder;
  std::string error;
  for (const std::string& text : {std::string(), std::string(31, 'k'), std::string(33, 'k')}) {
    folder.Write("key", text);
    CHECK(SealFile::Open(folder.Path("key"), &error) == nullptr);
    CHECK(error.find("is not 32 bytes long") != std::string::npos);
    CHECK(error.find("head -c 32") != std::string::npos);
  }
  CHECK(SealFile::Open(folder.Path("none"), &error) == nullptr);
  CHECK(error.find("is missing") != std::string::npos);
  CHECK(SealFile::Open(folder.Path(""), &error) == nullptr);
}

TEST_CASE("a key that is open to others is refused with what mends it") {
  const KeyFolder folder;
  for (const mode_t mode : {0640, 0620, 0604, 0644, 0666}) {
    INFO(mode);
    ::chmod(folder.Path("key").c_str(), mode);
    std::string error;
    CHECK(SealFile::Open(folder.Path("key"), &error) == nullptr);
    CHECK(error.find("chmod 600") != std::string::npos);
  }
  ::chmod(folder.Path("key").c_str(), 0400);
  CHECK(folder.Open() != nullptr);
}

TEST_CASE("a count that is not as it was written is not taken for an empty one") {
  const KeyFolder folder;
  auto seal = folder.Open();
  for (const char* text : {"", "issued 5", "issued 5\nresumed 6\n", "issued 5\nresumed 5\nmore",
                           "issued x\nresumed 5\n"}) {
    folder.Write("key.generation", text);
    CHECK(seal->IssueGeneration() == 0);
    CHECK(seal->Resume(100) == Outcome::kFailed);
    CHECK(seal->last_error().find("key.generation") != std::string::npos);
    CHECK(folder.Read("key.generation") == text);
  }
}

TEST_CASE("the last generation is followed by none") {
  const KeyFolder folder;
  folder.Write("key.generation", "issued 18446744073709551615\nresumed 0\n");
  CHECK(folder.Open()->IssueGeneration() == 0);
}

// The count has had some history, another one for each seed.
uint64_t PriorGenerations(uint32_t seed) { return 1 + seed * 7919u % 5; }

std::string CountText(uint64_t issued, uint64_t resumed) {
  return "issued " + std::to_string(issued) + "\nresumed " + std::to_string(resumed) + "\n";
}

// False when there is no such step any more.
bool FailsAndRecovers(int step, int error, uint64_t prior) {
  const KeyFolder folder;
  auto seal = folder.Open();
  for (uint64_t i = 1; i <= prior; ++i) REQUIRE(seal->IssueGeneration() == i);
  REQUIRE(seal->Resume(prior) == Outcome::kDone);
  uint64_t issued = 1;
  const bool reached = RunWithFault(step, error, [&] { issued = seal->IssueGeneration(); });
  if (reached) {
    CHECK(issued == 0);
    CHECK_FALSE(seal->last_error().empty());
  }
  Outcome outcome = Outcome::kDone;
  const bool failed = RunWithFault(step, error, [&] { outcome = seal->Resume(prior + 8); });
  if (failed) CHECK(outcome == Outcome::kFailed);
  // Only the directory's flush comes after the file is in place.
  const std::string after = folder.Read("key.generation");
  CHECK((after == CountText(prior, prior) || after == CountText(prior + 1, prior) ||
         after == CountText(prior + 8, prior + 8)));
  CHECK(folder.IsTidy());
  // Afterwards all is well, and nothing that was good once is good again.
  CHECK(seal->IssueGeneration() > prior);
  CHECK(seal->Resume(prior) == Outcome::kSpent);
  CHECK(seal->Resume(prior + 20) == Outcome::kDone);
  return reached;
}

TEST_CASE("F9_disk full, EIO and no permission at every step leave a whole count, and say so") {
  for (uint32_t round = 0; round < 5; ++round) {
    for (const int error : {ENOSPC, EIO, EACCES}) {
      bool reached = true;
      for (int step = 0; reached; ++step) {
        REQUIRE(step < 50);
        fakes::BeginFaultTry();
        reached = FailsAndRecovers(step, error, PriorGenerations(fakes::FaultSeed(round)));
      }
    }
  }
}

// False when there is no such step any more.
bool LosesPower(int step, uint64_t prior) {
  const KeyFolder folder;
  REQUIRE(folder.Open()->Resume(prior) == Outcome::kDone);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    disk = Disk{step, 0};
    folder.Open()->Resume(prior + 1);
    _exit(1);  // it has no such step
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  const std::string count = folder.Read("key.generation");
  CHECK((count == CountText(prior, prior) || count == CountText(prior + 1, prior + 1)));
  CHECK(folder.Open()->Resume(prior) == Outcome::kSpent);
  return WEXITSTATUS(status) != 1;
}

TEST_CASE("F9_a loss of power at every step leaves the old count or the new one") {
  for (uint32_t round = 0; round < 5; ++round) {
    bool reached = true;
    for (int step = 0; reached; ++step) {
      REQUIRE(step < 50);
      fakes::BeginFaultTry();
      reached = LosesPower(step, PriorGenerations(fakes::FaultSeed(round)));
    }
  }
}

TEST_CASE("F9_a disk that takes a byte at a time gets all of them") {
  const KeyFolder folder;
  auto seal = folder.Open();
  disk.writes_by_bytes = true;
  CHECK(seal->IssueGeneration() == 1);
  disk = Disk{};
  CHECK(folder.Read("key.generation") == "issued 1\nresumed 0\n");
}

TEST_CASE("processes that share a key never get one number twice") {
  const KeyFolder folder;
  constexpr int kChildren = 4;
  constexpr uint64_t kEach = 25;
  std::vector<pid_t> children;
  for (int i = 0; i < kChildren; ++i) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto seal = folder.Open();
      for (uint64_t n = 0; n < kEach; ++n) {
        if (seal->IssueGeneration() == 0) _exit(1);
      }
      _exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  // A number that was given twice would be missing in the count.
  CHECK(folder.Open()->IssueGeneration() == kChildren * kEach + 1);
}

}  // namespace
}  // namespace ward::emulator
