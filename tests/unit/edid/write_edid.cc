// write_edid OUTPUT WIDTH HEIGHT: writes what a display of that preferred size says at an output.
#include <cstdio>
#include <cstdlib>

#include "device/edid.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const auto number = [](const char* text) {
    return static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
  };
  const auto edid =
      ward::device::MakeEdid(number(argv[1]), {true, number(argv[2]), number(argv[3])});
  return std::fwrite(edid.data(), 1, edid.size(), stdout) == edid.size() ? 0 : 1;
}
