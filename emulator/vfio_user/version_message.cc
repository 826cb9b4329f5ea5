#include "emulator/vfio_user/version_message.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "abi/vfio_user.h"

namespace ward::emulator {
namespace {

namespace wire = abi::vfio_user;
using Json = nlohmann::ordered_json;

constexpr size_t kMaximumJsonBytes = 4096;
constexpr uint64_t kMinimumTransferBytes = 4096;

}  // namespace

std::optional<VersionMessage> VersionMessage::Parse(ConstByteSpan body) {
  wire::Version version{};
  if (body.size() < sizeof(version)) return std::nullopt;
  std::memcpy(&version, body.data(), sizeof(version));
  if (version.major != wire::kMajor) return std::nullopt;
  VersionMessage offer{wire::kDefaultTransferBytes};
  ConstByteSpan text = body.subspan(sizeof(version));
  if (text.empty()) return offer;
  // One NUL, at the end: what stands behind another one the parser would not see.
  if (text.size() > kMaximumJsonBytes || std::ranges::find(text, 0) != text.end() - 1) {
    return std::nullopt;
  }
  text = text.first(text.size() - 1);
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto capabilities = json.find("capabilities");
  if (capabilities == json.end()) return offer;
  if (!capabilities->is_object()) return std::nullopt;
  if (const auto size = capabilities->find("max_data_xfer_size"); size != capabilities->end()) {
    if (!size->is_number_unsigned()) return std::nullopt;
    offer.transfer_bytes = size->get<uint64_t>();
    if (offer.transfer_bytes < kMinimumTransferBytes) return std::nullopt;
  }
  if (const auto wants = capabilities->find(wire::kInterruptMessages);
      wants != capabilities->end()) {
    if (!wants->is_boolean()) return std::nullopt;
    offer.interrupt_messages = wants->get<bool>();
  }
  return offer;
}

std::vector<uint8_t> VersionMessage::Answer(size_t request_bytes, bool interrupt_messages) {
  Json capabilities;
  capabilities["max_msg_fds"] = wire::kMaximumFds;
  capabilities["max_data_xfer_size"] = wire::kDefaultTransferBytes;
  capabilities["pgsizes"] = 4096;
  if (interrupt_messages) capabilities[wire::kInterruptMessages] = true;
  std::string text = Json{{"capabilities", capabilities}}.dump();
  // A client that said little takes the protocol's defaults, which are no more than what we can do.
  if (sizeof(wire::Version) + text.size() + 1 > request_bytes) text = "{}";
  std::vector<uint8_t> body(sizeof(wire::Version));
  const wire::Version version = {wire::kMajor, wire::kMinor};
  std::memcpy(body.data(), &version, sizeof(version));
  if (body.size() + text.size() + 1 > request_bytes) return body;
  body.insert(body.end(), text.begin(), text.end());
  body.push_back(0);
  return body;
}

}  // namespace ward::emulator
