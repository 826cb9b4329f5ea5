#include <fmt/format.h>

#include <algorithm>

#include "tests/fuzz/device/reproduce/describe.h"
#include "tests/fuzz/device/reproduce/writers.h"

namespace ward::fuzz {
namespace {

void AppendStep(const Operation& operation, std::string* text) {
  const std::string about = Describe(operation);
  const std::string line = ToText(operation);
  if (about.empty()) {
    *text += line + '\n';
  } else if (operation.bytes.empty()) {
    *text += fmt::format("{:<32}  # {}\n", line, about);
  } else {
    *text += fmt::format("# {}\n{}\n", about, line);
  }
}

}  // namespace

std::string CommentLine(std::string_view line) {
  std::string text(line);
  std::replace_if(text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (text.ends_with('\\')) text += '.';
  return text;
}

std::string WriteText(const Story& story, const Played& played) {
  std::string text =
      std::string(kTextHead) + ", from reset on. Play them with: device_reproduce run FILE\n";
  if (story.base_steps != 0) text += "\n# What makes the base.\n";
  for (size_t i = 0; i < story.steps.size(); ++i) {
    if (i == story.base_steps) text += "\n# The input.\n";
    AppendStep(story.steps[i].operation(), &text);
  }
  text += played.fell ? "\n# When this was written it fell in this process:\n"
                      : "\n# What it comes to in this process:\n";
  std::string_view rest = played.text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    text += fmt::format("#   {}\n", CommentLine(line));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return text;
}

const char* WhyNoGuest(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::kResetPower:
      return "power is the host's";
    case OperationKind::kTearDown:
      return "tear-down is the host's";
    case OperationKind::kSnapshot:
      return "snapshots are the host's";
    case OperationKind::kSetEntropy:
      return "random bytes are the host's";
    case OperationKind::kSetBus:
      return "the IOMMU is the host's";
    case OperationKind::kAnswerReads:
      return "memory that answers each read otherwise is no guest's";
    case OperationKind::kSetLinkFault:
      return "the display's cable is the host's";
    case OperationKind::kAttachDisplay:
    case OperationKind::kReadScanout:
      return "displays are the host's";
    case OperationKind::kSetWindows:
      return "how memory is reached is the host's";
    case OperationKind::kWriteConfig:
      return operation.at < 0x28 && operation.at + operation.size > 0x10
                 ? "the BARs stay where this put them"
                 : nullptr;
    case OperationKind::kReadRegister:
    case OperationKind::kWriteRegister:
    case OperationKind::kReadConfig:
    case OperationKind::kReadMsix:
    case OperationKind::kWriteMsix:
    case OperationKind::kWriteMemory:
    case OperationKind::kWriteVram:
    case OperationKind::kProcess:
    case OperationKind::kAdvanceClock:
    case OperationKind::kResetFunction:
    case OperationKind::kPromise:
      return nullptr;
  }
  return nullptr;
}

}  // namespace ward::fuzz
