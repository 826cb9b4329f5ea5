#include "emulator/cli/bench/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file_descriptor.h"

namespace ward::emulator {

std::optional<std::string> ReadInputFile(const std::string& path, size_t limit_bytes,
                                         std::string* error) {
  const FileDescriptor file(path == "-" ? dup(STDIN_FILENO)
                                        : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    *error = fmt::format("{} can't be read: {}", path, std::strerror(errno));
    return std::nullopt;
  }
  std::string text;
  char part[65536];
  while (text.size() <= limit_bytes) {
    const ssize_t got = read(file.get(), part, sizeof(part));
    if (got == 0) return text;
    if (got > 0) {
      text.append(part, static_cast<size_t>(got));
    } else if (errno != EINTR) {
      *error = fmt::format("{} can't be read: {}", path, std::strerror(errno));
      return std::nullopt;
    }
  }
  *error = fmt::format("{} has more than {} bytes", path, limit_bytes);
  return std::nullopt;
}

}  // namespace ward::emulator
