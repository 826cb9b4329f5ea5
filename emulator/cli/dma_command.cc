#include "emulator/cli/dma_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "abi/generated/pci.h"
#include "emulator/cli/bench/attachment.h"
#include "emulator/cli/bench/command_text.h"
#include "emulator/cli/bench/input_file.h"
#include "emulator/cli/bench/kernel_queue.h"
#include "emulator/cli/bench/submission_text.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/size_value.h"

namespace ward::emulator {
namespace {

constexpr int kWrongUsage = 2;
constexpr uint32_t kTimeout = 60'000;  // milliseconds for one piece
constexpr size_t kLineBytes = 16;
constexpr uint64_t kLargestFill = 64ull << 20;
constexpr size_t kLargestFile = size_t{1} << 30;

using Bytes = std::vector<uint8_t>;

struct DmaArguments {
  std::string function;
  uint64_t address = 0;
  uint64_t size_bytes = 0;
  uint32_t value = 0;
  std::string bytes;
  std::string file;
  bool verify = false;
  bool json = false;
};

// What the copy engine does to visible VRAM, a piece of the bench's buffer at a time.
class Mover {
 public:
  explicit Mover(abi::PciFunction* function) : function_(function), queue_(function) {}

  bool Write(uint64_t address, const Bytes& bytes) {
    return ForPieces(address, bytes.size(), [&](uint64_t at, uint64_t done, uint64_t size) {
      std::copy_n(bytes.data() + done, size, buffer_);
      return Ring(fmt::format("COPY destination=vram:{:#x} source=dma:0 row_bytes={} row_count=1",
                              at, size));
    });
  }

  bool Read(uint64_t address, Bytes* bytes) {
    return ForPieces(address, bytes->size(), [&](uint64_t at, uint64_t done, uint64_t size) {
      if (!Ring(fmt::format("COPY destination=dma:0 source=vram:{:#x} row_bytes={} row_count=1", at,
                            size))) {
        return false;
      }
      std::copy_n(buffer_, size, bytes->data() + done);
      return true;
    });
  }

  bool Fill(uint64_t address, uint64_t size, uint32_t value) {
    return ForPieces(address, size, [&](uint64_t at, uint64_t, uint64_t piece) {
      return Ring(fmt::format("FILL destination=vram:{:#x} value={} row_bytes={} row_count=1", at,
                              value, piece));
    });
  }

  // Holds `wanted` against what the engine reads back, and what the processor sees through BAR2.
  bool Verify(uint64_t address, const Bytes& wanted) {
    Bytes found(wanted.size());
    if (!Read(address, &found)) return false;
    if (!Compare(address, wanted, found, "the copy engine")) return false;
    if (function_->BarReadBlock(abi::kVramBar, address, found.data(), found.size()) !=
        abi::PciError::kNone) {
      error_ = fmt::format("BAR2: {}", function_->LastErrorText());
      return false;
    }
    return Compare(address, wanted, found, "BAR2");
  }

  const std::string& error() const { return error_; }

 private:
  bool ForPieces(uint64_t address, uint64_t size,
                 const std::function<bool(uint64_t, uint64_t, uint64_t)>& move) {
    if (buffer_ == nullptr) buffer_ = queue_.Buffer(&error_);
    if (buffer_ == nullptr) return false;
    for (uint64_t done = 0; done < size;) {
      const uint64_t piece = std::min<uint64_t>(size - done, KernelQueue::kBufferBytes);
      if (!move(address + done, done, piece)) return false;
      done += piece;
    }
    return true;
  }

  bool Ring(const std::string& text) {
    TextScanner scanner(text);
    Mistake mistake;
    const std::vector<CommandText> commands = {*ScanCommand(&scanner, &mistake)};
    SubmissionResult result;
    if (!queue_.Submit(commands, kTimeout, &result, &error_)) return false;
    if (!IsDone(result)) error_ = DescribeSubmission(commands, result);
    return IsDone(result);
  }

  bool Compare(uint64_t address, const Bytes& wanted, const Bytes& found, const char* who) {
    const auto [at, expected] = std::mismatch(found.begin(), found.end(), wanted.begin());
    if (at == found.end()) return true;
    error_ = fmt::format("{} reads {:02x} at {:#x}, and {:02x} was written", who, *at,
                         address + static_cast<uint64_t>(at - found.begin()), *expected);
    return false;
  }

  abi::PciFunction* const function_;
  KernelQueue queue_;
  uint8_t* buffer_ = nullptr;
  std::string error_;
};

void PrintDump(uint64_t address, const Bytes& bytes) {
  for (size_t at = 0; at < bytes.size(); at += kLineBytes) {
    const size_t size = std::min(kLineBytes, bytes.size() - at);
    std::string numbers;
    std::string letters;
    for (size_t i = at; i < at + size; ++i) {
      numbers += fmt::format("{:02x} ", bytes[i]);
      letters += std::isprint(bytes[i]) != 0 ? static_cast<char>(bytes[i]) : '.';
    }
    fmt::print("{:010x}  {:<48} {}\n", address + at, numbers, letters);
  }
}

// The exit code of `work`, which moves something.
int Work(const DmaArguments& arguments, uint64_t size,
         const std::function<bool(Mover*, nlohmann::ordered_json*)>& work) {
  std::string error;
  const auto function = Attach(arguments.function, &error);
  if (function == nullptr) return Complain(error);
  const uint64_t end = function->BarSize(abi::kVramBar);
  if (arguments.address >= end || size > end - arguments.address) {
    return Complain(
        fmt::format("{:#x} and {} bytes do not lie in visible VRAM, which ends at {:#x}: {}",
                    arguments.address, size, end,
                    size <= end ? fmt::format("give an OFFSET up to {:#x}", end - size)
                                : fmt::format("give at most {} bytes", end)));
  }
  nlohmann::ordered_json document = {{"address", arguments.address}, {"bytes", size}};
  Mover mover(function.get());
  if (!work(&mover, &document)) return Complain(mover.error());
  if (arguments.json) fmt::print("{}\n", document.dump(2));
  return 0;
}

std::optional<Bytes> BytesToWrite(const DmaArguments& arguments) {
  if (!arguments.bytes.empty()) {
    auto bytes = ParseHexBytes(arguments.bytes);
    if (!bytes) {
      Complain(fmt::format("\"{}\" is no bytes in hexadecimal, as 00ff", arguments.bytes));
    }
    return bytes;
  }
  std::string error;
  const auto text = ReadInputFile(arguments.file, kLargestFile, &error);
  if (text && !text->empty()) return Bytes(text->begin(), text->end());
  Complain(text ? arguments.file + " is empty" : error);
  return std::nullopt;
}

int Write(const DmaArguments& arguments) {
  const auto bytes = BytesToWrite(arguments);
  if (!bytes) return kWrongUsage;
  return Work(arguments, bytes->size(), [&](Mover* mover, nlohmann::ordered_json* document) {
    if (!mover->Write(arguments.address, *bytes)) return false;
    (*document)["verified"] = arguments.verify;
    if (arguments.verify && !mover->Verify(arguments.address, *bytes)) return false;
    if (!arguments.json) {
      fmt::print("{} bytes written at {:#x}{}\n", bytes->size(), arguments.address,
                 arguments.verify ? ", and read back by the engine and through BAR2" : "");
    }
    return true;
  });
}

int Read(const DmaArguments& arguments) {
  return Work(arguments, arguments.size_bytes, [&](Mover* mover, nlohmann::ordered_json* document) {
    Bytes bytes(arguments.size_bytes);
    if (!mover->Read(arguments.address, &bytes)) return false;
    (*document)["data"] = fmt::format("{:02x}", fmt::join(bytes, ""));
    if (!arguments.json) PrintDump(arguments.address, bytes);
    return true;
  });
}

int Fill(const DmaArguments& arguments) {
  return Work(arguments, arguments.size_bytes, [&](Mover* mover, nlohmann::ordered_json* document) {
    if (!mover->Fill(arguments.address, arguments.size_bytes, arguments.value)) return false;
    (*document)["verified"] = arguments.verify;
    Bytes wanted(arguments.size_bytes);
    for (size_t i = 0; i < wanted.size(); ++i) {
      wanted[i] = static_cast<uint8_t>(arguments.value >> (8 * (i % 4)));
    }
    if (arguments.verify && !mover->Verify(arguments.address, wanted)) return false;
    if (!arguments.json) {
      fmt::print("{} bytes filled at {:#x}{}\n", arguments.size_bytes, arguments.address,
                 arguments.verify ? ", and read back by the engine and through BAR2" : "");
    }
    return true;
  });
}

CLI::App* AddAction(CLI::App* dma, const char* name, const char* summary,
                    const std::shared_ptr<DmaArguments>& arguments) {
  CLI::App* action = AddCommand(dma, name, summary);
  action->add_option("OFFSET", arguments->address, "Where, in visible VRAM")
      ->required()
      ->transform(SizeValue());
  AddFunctionOption(action, &arguments->function);
  action->add_flag("--json", arguments->json, "Print JSON, for scripts");
  return action;
}

}  // namespace

void AddDmaCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<DmaArguments>();
  CLI::App* dma = AddCommand(app, "dma", "Move bytes to and from VRAM with the copy engine");
  dma->require_subcommand(1);
  dma->footer(
      "The kernel's queue is brought up and the bytes go through a DMA buffer in system memory, "
      "so\n"
      "this needs a working IOMMU mapping, bus mastering, ring and engine: the first four things "
      "to\n"
      "see work on a new part. A served or in-process chip is new for each run; use write "
      "--verify\n"
      "there, or `ward script`, which does several things in one go.");

  CLI::App* write = AddAction(dma, "write", "Write bytes to visible VRAM", arguments);
  CLI::Option* bytes = write->add_option("BYTES", arguments->bytes, "In hexadecimal, as 00ff");
  CLI::Option* file = write->add_option("--file", arguments->file, "The bytes of a file instead");
  file->excludes(bytes);
  write->add_flag("--verify", arguments->verify, "Read back, by the engine and through BAR2");
  write->footer("Example: ward dma write 0x1000 c0ffee00 --verify");
  write->callback([arguments, exit_code, bytes, file] {
    if (bytes->count() + file->count() == 0) throw CLI::RequiredError("BYTES or --file");
    *exit_code = Write(*arguments);
  });

  for (const bool is_fill : {false, true}) {
    CLI::App* action =
        is_fill ? AddAction(dma, "fill", "Fill visible VRAM with a 32-bit value", arguments)
                : AddAction(dma, "read", "Read visible VRAM and print it", arguments);
    action->add_option("SIZE", arguments->size_bytes, "Bytes; 4K and 1M are understood")
        ->required()
        ->transform(SizeValue())
        ->check(CLI::Range(uint64_t{1}, kLargestFill));
    if (!is_fill) {
      action->footer("Example: ward dma read 0x1000 64 -f 0000:00:05.0");
      action->callback([arguments, exit_code] { *exit_code = Read(*arguments); });
      continue;
    }
    action->add_option("VALUE", arguments->value, "Little-endian, repeated")->required();
    action->add_flag("--verify", arguments->verify, "Read back, by the engine and through BAR2");
    action->footer("Example: ward dma fill 0x1000 64K 0xc0ffee --verify");
    action->callback([arguments, exit_code] { *exit_code = Fill(*arguments); });
  }
}

}  // namespace ward::emulator
