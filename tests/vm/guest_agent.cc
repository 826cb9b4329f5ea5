// The guest's end of tools/vm/shell.py: does what it is told, line by line. A shell, started when
// there is something for it, gets the lines; functions it finds, and registers it reads and writes,
// by itself: under TCG starting a program costs a guest 30 to 100 ms. Between such accesses it
// watches the port of the conversation itself, for about a second, and then sleeps.
// It can be a guest's first process.
#include <fcntl.h>
#include <sys/mman.h>
#include <termios.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "tests/vm/first_process.h"
#include "tests/vm/polled_port.h"

namespace {

using ward::test::PolledPort;

constexpr char kShell[] = "while read -r line; do eval \"$line\" 2>&1; echo \"ended $?\"; done";
constexpr uint64_t kPageBytes = 4096;
constexpr uint16_t kSecondSerialPort = 0x2f8;  // standard input and output, by tools/vm/init.sh

// The page of a device that was used last, mapped.
class DevicePage {
 public:
  DevicePage() = default;
  ~DevicePage() { Unmap(); }
  DevicePage(const DevicePage&) = delete;
  DevicePage& operator=(const DevicePage&) = delete;

  // The 32 bits at a physical address aligned to 4; null when it can't be mapped.
  volatile uint32_t* Find(uint64_t address) {
    if (address % sizeof(uint32_t) != 0) return nullptr;
    const uint64_t offset = address % kPageBytes;
    if (page_ == nullptr || address - offset != start_) Map(address - offset);
    if (page_ == nullptr) return nullptr;
    return reinterpret_cast<volatile uint32_t*>(static_cast<uint8_t*>(page_) + offset);
  }

  void Unmap() {
    if (page_ != nullptr) ::munmap(page_, kPageBytes);
    page_ = nullptr;
  }

 private:
  void Map(uint64_t start) {
    Unmap();
    const int memory = ::open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
    if (memory < 0) return;
    void* page = ::mmap(nullptr, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
                        static_cast<off_t>(start));
    ::close(memory);
    if (page == MAP_FAILED) return;
    page_ = page;
    start_ = start;
  }

  void* page_ = nullptr;
  uint64_t start_ = 0;
};

// Takes " 31" or " 0x1f" from the beginning of `*text`.
std::optional<uint64_t> TakeNumber(std::string_view* text) {
  if (text->empty() || text->front() != ' ') return std::nullopt;
  const bool is_hexadecimal = text->substr(1, 2) == "0x";
  const char* const end = text->data() + text->size();
  uint64_t number = 0;
  const auto parsed = std::from_chars(text->data() + (is_hexadecimal ? 3 : 1), end, number,
                                      is_hexadecimal ? 16 : 10);
  if (parsed.ec != std::errc()) return std::nullopt;
  *text = std::string_view(parsed.ptr, static_cast<size_t>(end - parsed.ptr));
  return number;
}

std::string FormatWord(uint32_t value) {
  std::string text = "0x00000000\n";
  for (size_t digit = 9; value != 0; --digit, value /= 16)
    text[digit] = "0123456789ABCDEF"[value % 16];
  return text;
}

// The answer to "peek ADDRESS" or "poke ADDRESS VALUE", the address aligned to 4; nothing for other
// lines.
std::optional<std::string> DoAccess(std::string_view line, DevicePage* page) {
  constexpr size_t kWord = 4;
  const std::string_view word = line.substr(0, kWord);
  if (word != "peek" && word != "poke") return std::nullopt;
  line.remove_prefix(kWord);
  const auto address = TakeNumber(&line);
  const auto value = word == "poke" ? TakeNumber(&line) : 0;
  if (!address || !value || !line.empty()) return std::nullopt;
  volatile uint32_t* const place = page->Find(*address);
  if (place == nullptr) return "ended 1\n";
  if (word == "peek") return FormatWord(*place) + "ended 0\n";
  *place = static_cast<uint32_t>(*value);
  return "ended 0\n";
}

bool WriteAll(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(file, text.data(), text.size());
    if (size <= 0) return false;
    text.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

// The next line through the kernel; false at the end.
bool ReadLine(std::string* line) {
  char buffer[4096];
  if (std::fgets(buffer, sizeof(buffer), stdin) == nullptr) return false;
  *line = buffer;
  if (!line->empty() && line->back() == '\n') line->pop_back();
  return true;
}

// The first line of a small file; empty when there is none.
std::string ReadFile(const std::string& path) {
  char text[64];
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t size = file < 0 ? 0 : ::read(file, text, sizeof(text));
  if (file >= 0) ::close(file);
  const std::string_view content(text, size < 0 ? 0 : static_cast<size_t>(size));
  return std::string(content.substr(0, content.find('\n')));
}

// The answer to "find 0xVENDOR 0xDEVICE": where BAR 0 of the first such function of bus 0 begins,
// which answers from now on. Nothing for other lines.
std::optional<std::string> DoFind(std::string_view line) {
  constexpr std::string_view kWord = "find 0x";
  constexpr size_t kIdDigits = 4;
  constexpr int kSlots = 32;
  if (line.substr(0, kWord.size()) != kWord || line.size() != kWord.size() + 11)
    return std::nullopt;
  const std::string vendor(line.substr(kWord.size() - 2, 2 + kIdDigits));
  const std::string device(line.substr(line.size() - 2 - kIdDigits));
  for (int slot = 0; slot < kSlots; ++slot) {
    const std::string folder = std::string("/sys/bus/pci/devices/0000:00:") +
                               "0123456789abcdef"[slot / 16] + "0123456789abcdef"[slot % 16] +
                               ".0/";
    if (ReadFile(folder + "device") != device || ReadFile(folder + "vendor") != vendor) continue;
    const int enable = ::open((folder + "enable").c_str(), O_WRONLY | O_CLOEXEC);
    const bool enabled = enable >= 0 && WriteAll(enable, "1");
    if (enable >= 0) ::close(enable);
    const std::string resource = ReadFile(folder + "resource");
    if (enabled) return resource.substr(0, resource.find(' ')) + "\nended 0\n";
  }
  return "ended 1\n";
}

// To be called before the answer, which the host awaits: nothing comes in, and what the kernel has
// to write ends.
bool TakeWhenQuiet(PolledPort* port) {
  return port->is_taken() || (::tcdrain(STDOUT_FILENO) == 0 && port->Take());
}

// Starts the shell, whose output is ours; the end of a pipe to its input, or -1.
int StartShell() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return -1;
  if (::fork() == 0) {
    ::dup2(ends[0], STDIN_FILENO);
    ::execl("/bin/sh", "sh", "-c", kShell, nullptr);
    ::_exit(127);
  }
  ::close(ends[0]);
  return ends[1];
}

// Until the end of the conversation; the exit code.
int Converse() {
  int shell = -1;
  PolledPort port(kSecondSerialPort);
  DevicePage page;
  std::string line;
  while (true) {
    if (!port.is_taken() || !port.ReadLine(&line)) {
      port.Release();
      if (!ReadLine(&line)) return 0;
    }
    auto answer = DoAccess(line, &page);
    if (!answer) answer = DoFind(line);
    if (!answer) {
      port.Release();
      page.Unmap();  // what the line does may move the device, or give it to a driver
      if (shell < 0) shell = StartShell();
      if (shell < 0 || !WriteAll(shell, line + "\n")) return 1;
    } else if (TakeWhenQuiet(&port)) {
      port.Write(*answer);
    } else if (!WriteAll(STDOUT_FILENO, *answer)) {
      return 1;
    }
  }
}

}  // namespace

int main() {
  if (!ward::test::IsFirstProcess()) return Converse();
  ward::test::PowerOff(ward::test::BecomeInit() ? Converse() : 125);
}
