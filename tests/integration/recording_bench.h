// A machine whose chip is recorded into a file, and what reads the file again.
#ifndef WARD_TESTS_INTEGRATION_RECORDING_BENCH_H_
#define WARD_TESTS_INTEGRATION_RECORDING_BENCH_H_

#include <filesystem>
#include <memory>
#include <string>

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"
#include "emulator/recording/recording_file.h"
#include "emulator/recording/recording_reader.h"
#include "tests/integration/machine.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::test {

// A key that others could read is refused.
inline void KeepToOwner(const std::filesystem::path& file) {
  std::filesystem::permissions(
      file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

class RecordingBench {
 public:
  RecordingBench() {
    options.path = folder / "run.rec";
    options.is_test_identity = true;
  }

  emulator::RecordingFile& Open() {
    file = emulator::RecordingFile::Open(options, TestGpuOptions(), &error);
    INFO(error);
    REQUIRE(file != nullptr);
    return *file;
  }
  // A machine with a recorded chip.
  emulator::InProcessHost& Start(uint64_t seed = 0) {
    if (file == nullptr) Open();
    MachineOptions machine_options;
    machine_options.listener = file.get();
    machine_options.entropy_seed = seed;
    machine = MakeMachine(machine_options);
    return *machine;
  }
  // Some calls of the host, and few bytes: registers and an EDID.
  void PlayLittle() {
    machine->BarWrite32(0, abi::kRegScratch, 0x12345678);
    REQUIRE(machine->BarRead32(0, abi::kRegScratch) == 0x12345678);
    REQUIRE(machine->boundary().AttachDisplay(1, {.width = 800, .height = 600}).ok());
    for (uint32_t i = 0; i < 8; ++i) machine->BarRead32(0, abi::kRegOutputEdid + 4 * i);
  }
  // Null with one line in `error`.
  std::unique_ptr<emulator::RecordingReader> Read(const SecretBytes<32>* key = nullptr,
                                                  bool accept_unfinished = false) {
    emulator::RecordingReader::Options reader_options;
    reader_options.path = options.path;
    reader_options.key = key;
    reader_options.accept_unfinished = accept_unfinished;
    return emulator::RecordingReader::Open(reader_options, &error);
  }
  std::string RunTool(const std::string& arguments, int expected_code) {
    std::string output;
    const int code = folder.Run("'" WARD_TOOL "' " + arguments, &output);
    INFO(arguments << "\n" << output);
    CHECK(code == expected_code);
    return output;
  }

  Workspace folder;
  emulator::RecordingOptions options;
  std::unique_ptr<emulator::RecordingFile> file;
  std::unique_ptr<emulator::InProcessHost> machine;
  std::string error;
};

inline bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace ward::test

#endif  // WARD_TESTS_INTEGRATION_RECORDING_BENCH_H_
