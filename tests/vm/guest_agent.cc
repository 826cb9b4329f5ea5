// The guest's end of tools/vm/shell.py: does what it is told, line by line. A shell that it keeps
// running gets the lines; registers of devices it reads and writes itself, because starting a
// program costs a guest that was just restored some 0.1 s under TCG.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

constexpr char kShell[] = "while read -r line; do eval \"$line\" 2>&1; echo \"ended $?\"; done";
constexpr uint64_t kPageBytes = 4096;

// One 32-bit access of the physical address, which is a device's: in `*value`, or from it.
bool Access(uint64_t address, bool write, uint32_t* value) {
  const int memory = ::open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
  if (memory < 0) return false;
  const uint64_t offset = address % kPageBytes;
  void* page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                      static_cast<off_t>(address - offset));
  ::close(memory);
  if (page == MAP_FAILED) return false;
  auto* word = reinterpret_cast<volatile uint32_t*>(static_cast<uint8_t*>(page) + offset);
  if (write) {
    *word = *value;
  } else {
    *value = *word;
  }
  ::munmap(page, kPageBytes);
  return true;
}

// "peek ADDRESS" and "poke ADDRESS VALUE", the addresses aligned to 4; false for other lines.
bool DoAccess(const char* line) {
  uint64_t address = 0;
  uint32_t value = 0;
  const bool write = std::sscanf(line, "poke %" SCNi64 " %" SCNi32, &address, &value) == 2;
  if (!write && std::sscanf(line, "peek %" SCNi64, &address) != 1) return false;
  const bool done = address % sizeof(value) == 0 && Access(address, write, &value);
  if (done && !write) std::printf("0x%08" PRIX32 "\n", value);
  std::printf("ended %d\n", done ? 0 : 1);
  std::fflush(stdout);
  return true;
}

// Starts the shell, whose output is ours; its input, or null.
std::FILE* StartShell() {
  int ends[2];
  if (::pipe(ends) != 0) return nullptr;
  if (::fork() == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::execl("/bin/sh", "sh", "-c", kShell, nullptr);
    ::_exit(127);
  }
  ::close(ends[0]);
  return ::fdopen(ends[1], "w");
}

}  // namespace

int main() {
  std::FILE* shell = StartShell();
  if (shell == nullptr) return 1;
  char line[4096];
  while (std::fgets(line, sizeof(line), stdin) != nullptr) {
    if (DoAccess(line)) continue;
    if (std::fputs(line, shell) < 0 || std::fflush(shell) != 0) return 1;
  }
  return 0;
}
