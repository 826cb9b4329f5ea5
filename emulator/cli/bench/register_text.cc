#include "emulator/cli/bench/register_text.h"

#include <fmt/format.h>

#include <string_view>

#include "abi/generated/status.h"

namespace ward::emulator {
namespace {

uint64_t Part(const abi::FieldReference& field, uint64_t value) {
  const uint32_t bits = static_cast<uint32_t>(field.high - field.low + 1);
  return value >> field.low & (bits >= 64 ? ~0ull : (1ull << bits) - 1);
}

// A field that holds a status code says so by its name, in the contract.
bool IsStatus(const abi::FieldReference& field) { return std::string_view(field.name) == "STATUS"; }

std::string FieldText(const abi::FieldReference& field, uint64_t value) {
  const uint64_t part = Part(field, value);
  if (IsStatus(field)) return fmt::format("{}={:#x} ({})", field.name, part, StatusName(part));
  return part < 10 ? fmt::format("{}={}", field.name, part)
                   : fmt::format("{}={:#x}", field.name, part);
}

}  // namespace

std::string StatusName(uint64_t code) {
  const abi::StatusInfo* status = abi::FindStatus(static_cast<uint32_t>(code));
  return status == nullptr ? fmt::format("{:#x}", code) : status->name;
}

std::string DescribeValue(const RegisterPlace& place, uint64_t value) {
  if (place.field) return fmt::format("{}.{}", place.name, FieldText(*place.field, value));
  std::string text = fmt::format("{} = {:#x}", place.name, value);
  if (!place.fields.empty()) text += " ";
  for (const abi::FieldReference& field : place.fields) text += " " + FieldText(field, value);
  return text;
}

std::string ExplainValue(const RegisterPlace& place, uint64_t value) {
  std::string text = fmt::format("{} = {:#x}", place.name, value);
  if (place.reference != nullptr) text += fmt::format("  {}", place.reference->summary);
  for (const abi::FieldReference& field : place.fields) {
    text += fmt::format("\n  {}  {}", FieldText(field, value), field.summary);
  }
  return text;
}

nlohmann::ordered_json ValueJson(const RegisterPlace& place, uint64_t value) {
  nlohmann::ordered_json document = {
      {"register", place.name}, {"offset", place.offset}, {"value", value}};
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();
  for (const abi::FieldReference& field : place.fields) {
    if (place.field && std::string_view(place.field->name) != field.name) continue;
    fields[field.name] = Part(field, value);
    if (IsStatus(field)) document["status"] = StatusName(Part(field, value));
  }
  document["fields"] = std::move(fields);
  return document;
}

}  // namespace ward::emulator
