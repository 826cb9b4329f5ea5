// The parts of the machine that serving and emulating need: QEMU, KVM, seccomp, servers, sockets.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <set>
#include <sstream>
#include <system_error>

#include "emulator/cli/doctor/finding.h"
#include "emulator/identity/identity.h"

namespace ward::emulator {
namespace {

constexpr int kVfioUserMajor = 10;  // QEMU 10.1 is the first with a vfio-user client
constexpr int kVfioUserMinor = 1;
constexpr char kQemu[] = "qemu-system-x86_64";

struct CloseProcess {
  void operator()(FILE* process) const { pclose(process); }
};

// What `program --version` says first; empty when it can't be run.
std::string VersionOf(const std::filesystem::path& program) {
  const std::string path = program.string();
  // It goes through a shell: a path that could mean something to it is not asked.
  if (path.find('\'') != std::string::npos) return "";
  const std::unique_ptr<FILE, CloseProcess> process(
      popen(fmt::format("'{}' --version 2>/dev/null </dev/null", path).c_str(), "r"));
  char line[256] = "";
  if (process == nullptr || std::fgets(line, sizeof(line), process.get()) == nullptr) return "";
  std::string text(line);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// All of a file of /proc, whose zeros become spaces. A process may end meanwhile: what can't be
// read is empty. (Streams' own iterators would throw then.)
std::string ReadWords(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  for (char c; file.get(c);) text += c;
  for (char& c : text) c = c == '\0' ? ' ' : c;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

std::string FirstLine(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::vector<std::string> ListNames(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code trouble;
  for (std::filesystem::directory_iterator entry(folder, trouble), end; !trouble && entry != end;
       entry.increment(trouble)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Finding ExamineIdentity(const std::string& directory) {
  if (directory.empty()) {
    return {"identity", FindingKind::kNote, "no --identity given: servers make one for each run",
            "ward identity create ~/ward-identity"};
  }
  std::string error;
  if (Identity::Load(directory, &error)) {
    return {"identity", FindingKind::kOk, directory + " is whole", ""};
  }
  return {"identity", FindingKind::kMissing, error,
          fmt::format("ward identity create '{}'", directory)};
}

std::vector<Finding> ExamineQemu() {
  std::vector<Finding> findings;
  const char* path = std::getenv("PATH");
  std::set<std::filesystem::path> seen;  // /bin may be /usr/bin
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path program = std::filesystem::path(folder) / kQemu;
    std::error_code trouble;
    const std::filesystem::path real = std::filesystem::canonical(program, trouble);
    if (trouble || access(program.c_str(), X_OK) != 0 || !seen.insert(real).second) continue;
    const std::string version = VersionOf(program);
    int major = 0;
    int minor = 0;
    if (std::sscanf(version.c_str(), "QEMU emulator version %d.%d", &major, &minor) != 2) {
      findings.push_back({"qemu", FindingKind::kNote,
                          program.string() + " does not tell its version",
                          fmt::format("run {} --version", program.string())});
      continue;
    }
    const bool has_client =
        major > kVfioUserMajor || (major == kVfioUserMajor && minor >= kVfioUserMinor);
    findings.push_back({"qemu", FindingKind::kOk,
                        fmt::format("{} {}.{}: {}", program.string(), major, minor,
                                    has_client ? "attaches to ward serve by vfio-user-pci"
                                               : "loads the device object that ./dev build makes; "
                                                 "vfio-user-pci begins with 10.1"),
                        ""});
  }
  if (findings.empty()) {
    findings.push_back({"qemu", FindingKind::kNote, fmt::format("no {} in PATH", kQemu),
                        "apt-get install qemu-system-x86"});
  }
  return findings;
}

// Never opens the device: on some machines that hangs, and only a guest that came up shows that its
// processors run.
Finding ExamineKvm(const std::filesystem::path& root) {
  const std::filesystem::path device = root / "dev/kvm";
  struct stat unused = {};
  if (stat(device.c_str(), &unused) != 0) {
    return {"kvm", FindingKind::kNote, "/dev/kvm is not there: guests run under TCG", ""};
  }
  if (access(device.c_str(), R_OK | W_OK) != 0) {
    return {"kvm", FindingKind::kNote, "/dev/kvm is closed to this user: guests run under TCG",
            "sudo usermod -aG kvm $(id -un)"};
  }
  return {"kvm", FindingKind::kNote,
          "/dev/kvm may be opened; whether its processors run only a probe guest tells",
          "WARD_ACCEL=auto ./dev demo"};
}

Finding ExamineSeccomp(const std::filesystem::path& root) {
  const std::string actions = FirstLine(root / "proc/sys/kernel/seccomp/actions_avail");
  if (actions.find("kill_process") != std::string::npos) {
    return {"seccomp", FindingKind::kOk, "the kernel has filters: ward serve restricts itself", ""};
  }
  return {"seccomp", FindingKind::kMissing, "the kernel has no filters that end a process",
          "a kernel with CONFIG_SECCOMP_FILTER, or ward serve --no-sandbox"};
}

std::vector<Finding> ExamineServers(const std::filesystem::path& root) {
  std::vector<Finding> findings;
  for (const std::string& name : ListNames(root / "proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (FirstLine(root / "proc" / name / "comm") != "ward") continue;
    const std::string words = ReadWords(root / "proc" / name / "cmdline");
    if (words.find(" serve") == std::string::npos) continue;
    findings.push_back(
        {"server", FindingKind::kOk, fmt::format("process {} runs: {}", name, words), ""});
  }
  return findings;
}

Finding ExamineSocket(const std::filesystem::path& root, const std::string& path) {
  constexpr unsigned kListens = 0x10000;  // __SO_ACCEPTCON
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) {
    return {"socket", FindingKind::kMissing, path + " is not there",
            fmt::format("ward serve --socket '{}'", path)};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return {"socket", FindingKind::kMissing, path + " is no socket", "give another path"};
  }
  std::ifstream table(root / "proc/net/unix");
  for (std::string line; std::getline(table, line);) {
    unsigned flags = 0;
    int end = 0;
    if (std::sscanf(line.c_str(), "%*s %*s %*s %x %*s %*s %*s %n", &flags, &end) != 1 || end == 0) {
      continue;
    }
    if ((flags & kListens) != 0 && line.substr(static_cast<size_t>(end)) == path) {
      return {"socket", FindingKind::kOk, path + " is listened at", ""};
    }
  }
  return {"socket", FindingKind::kMissing, path + ": nobody listens there any more",
          fmt::format("rm '{0}' && ward serve --socket '{0}'", path)};
}

}  // namespace ward::emulator
