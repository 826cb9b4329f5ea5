#include "tests/fuzz/device/reproduce/story.h"

#include <fmt/format.h>

#include <algorithm>

#include "tests/fuzz/device/grammar.h"
#include "tests/fuzz/device/machine.h"
#include "tests/fuzz/whole_file.h"

namespace ward::fuzz {
namespace {

class Collector final : public OperationSink {
 public:
  explicit Collector(std::vector<Step>* steps) : steps_(steps) {}
  void Do(const Operation& operation) override { steps_->emplace_back(operation); }

 private:
  std::vector<Step>* steps_;
};

size_t FindBaseEnd(const std::vector<Step>& steps) {
  const auto promise = std::find_if(steps.begin(), steps.end(), [](const Step& step) {
    return step.operation().kind == OperationKind::kPromise;
  });
  return promise == steps.end() ? 0 : static_cast<size_t>(promise - steps.begin());
}

bool IsText(std::string_view content) {
  if (content.starts_with(kTextHead)) return true;
  Operation operation;
  std::vector<uint8_t> room;
  std::string reason;
  if (ParseOperation(content.substr(0, content.find('\n')), &operation, &room, &reason))
    return true;
  // What somebody has edited: its mistakes are told by line, and not played as bytes.
  return content.find('\n') != std::string_view::npos &&
         std::all_of(content.begin(), content.end(), [](char c) {
           return (c >= ' ' && c <= '~') || c == '\n' || c == '\r' || c == '\t';
         });
}

}  // namespace

Story StoryOfInput(ConstByteSpan input) {
  Story story;
  Collector collector(&story.steps);
  const Machine machine(0, &collector);
  Grammar(machine.base(), &collector).Play(input);
  story.base_steps = FindBaseEnd(story.steps);
  return story;
}

std::optional<Story> StoryOfText(std::string_view text, std::string* error) {
  Story story;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(' ') == std::string_view::npos) continue;
    Operation operation;
    std::vector<uint8_t> room;
    std::string reason;
    if (!ParseOperation(line, &operation, &room, &reason)) {
      *error = fmt::format(":{}: {}", number, reason);
      return std::nullopt;
    }
    story.steps.emplace_back(operation);
  }
  if (story.steps.empty()) {
    *error = " holds no operation";
    return std::nullopt;
  }
  story.base_steps = FindBaseEnd(story.steps);
  return story;
}

std::optional<Story> LoadStory(const std::string& path, std::string* error) {
  const std::optional<std::string> content = ReadWhole(path, kMostStoryBytes, error);
  if (!content) return std::nullopt;
  if (!IsText(*content)) {
    return StoryOfInput({reinterpret_cast<const uint8_t*>(content->data()), content->size()});
  }
  auto story = StoryOfText(*content, error);
  if (!story) *error = Shown(path) + *error;
  return story;
}

}  // namespace ward::fuzz
