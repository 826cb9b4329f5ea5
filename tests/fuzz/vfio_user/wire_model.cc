#include "tests/fuzz/vfio_user/wire_model.h"

#include <algorithm>
#include <cstring>

#include "tests/fuzz/oracle.h"

namespace ward::fuzz {

namespace wire = abi::vfio_user;
using wire::Command;

namespace {

bool OpensOrCloses(Command command) {
  return command == Command::kDmaMap || command == Command::kDmaUnmap;
}

template <typename T>
bool Load(ConstByteSpan bytes, T* value) {
  if (bytes.size() < sizeof(T)) return false;
  std::memcpy(value, bytes.data(), sizeof(T));
  return true;
}

// What a request does to bit 2 of the function's command register, at 4 of its configuration space.
enum class BusMaster : uint8_t { kUntouched, kOff, kOn };
BusMaster Switches(Command command, ConstByteSpan body) {
  constexpr uint64_t kPlace = 4;
  constexpr uint8_t kBit = 1u << 2;
  wire::RegionAccess access{};
  if (command != Command::kRegionWrite || !Load(body, &access) ||
      access.region != wire::kConfigRegion || access.offset > kPlace ||
      body.size() - sizeof(access) <= kPlace - access.offset) {
    return BusMaster::kUntouched;
  }
  const uint8_t value = body[sizeof(access) + (kPlace - access.offset)];
  return (value & kBit) != 0 ? BusMaster::kOn : BusMaster::kOff;
}

}  // namespace

void WireModel::OnSent(ConstByteSpan bytes) {
  partial_.insert(partial_.end(), bytes.begin(), bytes.end());
  size_t at = 0;
  wire::Header header{};
  while (!is_broken_ && Load(ConstByteSpan(partial_).subspan(at), &header)) {
    if (header.size < sizeof(header) || header.size > wire::kMaximumMessageBytes) {
      is_broken_ = true;
      break;
    }
    if (partial_.size() - at < header.size) break;
    OnMessage(header,
              ConstByteSpan(partial_).subspan(at + sizeof(header), header.size - sizeof(header)));
    at += header.size;
  }
  partial_.erase(partial_.begin(), partial_.begin() + static_cast<ptrdiff_t>(at));
}

void WireModel::OnMessage(const wire::Header& header, ConstByteSpan body) {
  ++sent_messages_;
  if ((header.flags & wire::kTypeMask) == wire::kTypeReply) return;
  const BusMaster master = Switches(header.command, body);
  if (master == BusMaster::kOn) {
    is_master_off_ = false;
    last_master_on_ = sent_messages_;
  }
  if ((header.flags & wire::kNoReply) != 0) {
    if (OpensOrCloses(header.command)) is_sure_ = false;
    return;
  }
  ++unanswered_;
  const bool is_kept = OpensOrCloses(header.command) || master == BusMaster::kOff;
  waiting_[{header.id, header.command}].push_back(
      {sent_messages_,
       is_kept ? std::vector<uint8_t>(body.begin(), body.end()) : std::vector<uint8_t>()});
}

void WireModel::OnReceived(const wire::Header& header, ConstByteSpan body) {
  if ((header.flags & wire::kTypeMask) == wire::kTypeReply) return OnReply(header);
  const bool reads = header.command == Command::kDmaRead;
  Expect((header.flags & ~wire::kFlagsMask) == 0 && header.error == 0, "replies",
         "a request of the server's is one");
  if (reads || header.command == Command::kDmaWrite) return OnDma(reads, body);
  Expect(header.command == Command::kInterrupt && body.size() == sizeof(wire::Interrupt) &&
             (header.flags & wire::kNoReply) != 0,
         "replies", "the server asks for memory and tells of interrupts, and no more");
  Expect(!is_master_off_, "bus_master", "an interrupt came while bus mastering is off");
}

void WireModel::OnReply(const wire::Header& header) {
  auto& waiting = waiting_[{header.id, header.command}];
  Expect(!waiting.empty(), "replies", "what is answered was asked, and is answered once");
  const auto [number, request] = std::move(waiting.front());
  waiting.pop_front();
  --unanswered_;
  const bool is_error = (header.flags & wire::kError) != 0;
  Expect(is_error == (header.error != 0), "replies", "an error has a number");
  Expect(!is_error || header.size == sizeof(header), "replies", "an error has no body");
  if (is_error) return;
  wire::DmaMap map{};
  if (header.command == Command::kDmaMap && Load(request, &map)) {
    windows_[map.address] = {map.size, map.flags};
  } else if (header.command == Command::kDmaUnmap) {
    Unmap(request);
  } else if (number > last_master_on_ && Switches(header.command, request) == BusMaster::kOff) {
    is_master_off_ = true;
  }
}

void WireModel::Unmap(ConstByteSpan request) {
  wire::DmaUnmap unmap{};
  if (!Load(request, &unmap)) return;
  if ((unmap.flags & wire::kDmaUnmapAll) != 0) return windows_.clear();
  const uint64_t last = unmap.address + (unmap.size - 1);
  std::erase_if(windows_, [&](const auto& window) {
    return window.first >= unmap.address && window.first <= last;
  });
}

void WireModel::OnDma(bool reads, ConstByteSpan body) const {
  wire::DmaAccess access{};
  Expect(Load(body, &access) && access.count != 0 && access.count <= wire::kDefaultTransferBytes &&
             body.size() == sizeof(access) + (reads ? 0 : access.count),
         "replies", "a request for memory says how much");
  Expect(!is_master_off_, "bus_master", "the server asks for memory while bus mastering is off");
  const uint32_t right = reads ? wire::kDmaReadable : wire::kDmaWritable;
  Expect(!is_sure_ || Allows(access.address, access.count, right), "windows",
         "the server asks for what the client has opened to it");
}

bool WireModel::Allows(uint64_t address, uint64_t size, uint32_t right) const {
  auto window = windows_.upper_bound(address);
  if (window == windows_.begin()) return false;
  --window;
  while (window != windows_.end() && address - window->first < window->second.size &&
         (window->second.rights & right) != 0) {
    const uint64_t here = window->second.size - (address - window->first);
    if (here >= size) return true;
    size -= here;
    address += here;
    ++window;
  }
  return false;
}

}  // namespace ward::fuzz
