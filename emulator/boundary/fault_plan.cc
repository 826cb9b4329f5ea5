// The text form of what a FaultInjector does.
#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "emulator/boundary/fault_injector.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

constexpr char kFaultNames[] =
    "lost-interrupt, late-fence, slow-firmware, dma-error, engine-hang or hdcp-loss";
constexpr uint64_t kMostVector = 31;
constexpr uint64_t kMostSlowdown = 1000;
constexpr uint64_t kMostOutput = device::kGpuOutputCount - 1;

using Values = std::map<std::string, uint64_t>;

struct Key {
  const char* name;
  uint64_t least;
  uint64_t most;
  bool is_needed;
};

// Of a fault's name: which values it takes, and what becomes of them.
struct FaultForm {
  const char* name;
  std::vector<Key> keys;
  void (*add)(const Values& values, FaultPlan* plan);
};

uint64_t ValueOr(const Values& values, const char* key, uint64_t otherwise) {
  const auto found = values.find(key);
  return found == values.end() ? otherwise : found->second;
}

void AddLostInterrupt(const Values& values, FaultPlan* plan) {
  FaultPlan::LostInterrupt lost;
  if (values.count("vector") != 0) lost.vector = static_cast<uint32_t>(values.at("vector"));
  lost.every = ValueOr(values, "every", 1);
  plan->lost_interrupts.push_back(lost);
}

void AddDmaError(const Values& values, FaultPlan* plan) {
  plan->dma_errors.push_back({ValueOr(values, "nth", 0), ValueOr(values, "every", 0)});
}

void AddHdcpLoss(const Values& values, FaultPlan* plan) {
  plan->hdcp_losses.push_back(
      {static_cast<uint32_t>(ValueOr(values, "output", 0)), values.at("at-ns")});
  std::sort(plan->hdcp_losses.begin(), plan->hdcp_losses.end(),
            [](const FaultPlan::HdcpLoss& a, const FaultPlan::HdcpLoss& b) {
              return a.at_ns != b.at_ns ? a.at_ns < b.at_ns : a.output < b.output;
            });
}

const std::vector<FaultForm>& Forms() {
  static const std::vector<FaultForm> forms = {
      {"lost-interrupt",
       {{"vector", 0, kMostVector, false}, {"every", 1, UINT32_MAX, false}},
       AddLostInterrupt},
      {"dma-error", {{"nth", 1, UINT32_MAX, false}, {"every", 1, UINT32_MAX, false}}, AddDmaError},
      {"late-fence",
       {{"ns", 1, UINT32_MAX, true}},
       [](const Values& values, FaultPlan* plan) { plan->late_fence_ns = values.at("ns"); }},
      {"slow-firmware",
       {{"x", 1, kMostSlowdown, true}},
       [](const Values& values, FaultPlan* plan) {
         plan->firmware_slowdown = static_cast<uint32_t>(values.at("x"));
       }},
      {"engine-hang",
       {{"after", 1, UINT32_MAX, true}},
       [](const Values& values, FaultPlan* plan) { plan->engine_hang_after = values.at("after"); }},
      {"hdcp-loss",
       {{"output", 0, kMostOutput, false}, {"at-ns", 0, UINT64_MAX >> 1, true}},
       AddHdcpLoss},
  };
  return forms;
}

std::vector<std::string> Split(const std::string& text, std::string_view separators) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find_first_of(separators, begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<uint64_t> ParseNumber(const std::string& text) {
  constexpr size_t kMostDigits = 19;
  const bool is_number = !text.empty() && text.size() <= kMostDigits &&
                         text.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) return std::nullopt;
  return std::stoull(text);
}

std::string KeyNames(const FaultForm& form) {
  std::string names;
  for (const Key& key : form.keys) {
    names += fmt::format("{}{}=", names.empty() ? "" : " or ", key.name);
  }
  return names;
}

// Empty when `word` ("every=10") was taken into `values`, else what is wrong.
std::string TakeValue(const FaultForm& form, const std::string& word, Values* values) {
  const size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  const auto key = std::find_if(form.keys.begin(), form.keys.end(),
                                [&](const Key& known) { return name == known.name; });
  if (equals == std::string::npos || key == form.keys.end()) {
    return fmt::format("'{}': {} takes {}", word, form.name, KeyNames(form));
  }
  const auto number = ParseNumber(word.substr(equals + 1));
  if (!number || *number < key->least || *number > key->most) {
    return fmt::format("'{}': {} is a number from {} to {}", word, key->name, key->least,
                       key->most);
  }
  if (!values->emplace(name, *number).second) {
    return fmt::format("'{}': {} is there twice", word, name);
  }
  return "";
}

std::string TakeFault(const std::string& text, FaultPlan* plan) {
  const size_t colon = std::min(text.find(':'), text.size());
  const std::string name = text.substr(0, colon);
  const auto form = std::find_if(Forms().begin(), Forms().end(),
                                 [&](const FaultForm& known) { return name == known.name; });
  if (form == Forms().end()) return fmt::format("'{}': expected {}", name, kFaultNames);
  Values values;
  const std::string list = colon < text.size() ? text.substr(colon + 1) : "";
  for (const std::string& word : Split(list, ",")) {
    const std::string wrong = TakeValue(*form, word, &values);
    if (!wrong.empty()) return wrong;
  }
  for (const Key& key : form->keys) {
    if (key.is_needed && values.count(key.name) == 0) {
      return fmt::format("'{}': {} needs {}=", text, form->name, key.name);
    }
  }
  if (name == "dma-error" && values.empty()) {
    return fmt::format("'{}': {} needs {}", text, form->name, KeyNames(*form));
  }
  form->add(values, plan);
  return "";
}

}  // namespace

std::optional<FaultPlan> ParseFaults(const std::string& text, std::string* error) {
  FaultPlan plan;
  for (const std::string& fault : Split(text, " ;")) {
    const std::string wrong = TakeFault(fault, &plan);
    if (wrong.empty()) continue;
    *error = "inject: " + wrong;
    return std::nullopt;
  }
  return plan;
}

}  // namespace ward::emulator
