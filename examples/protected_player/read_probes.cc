#include "examples/protected_player/read_probes.h"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <memory>

#include "examples/protected_player/step_failure.h"
#include "runtime/video_context.h"

namespace ward::examples {
namespace {

constexpr char kStep[] = "read_probe";
constexpr int kVramBar = 2;
constexpr uint32_t kPieceBytes = 64;

bool IsZero(ConstByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

// The piece of the frame with the most different bytes: a flat one might be found by chance.
ConstByteSpan FindTellingPiece(ConstByteSpan frame) {
  ConstByteSpan best;
  size_t best_count = 0;
  for (size_t at = 0; at + kPieceBytes <= frame.size(); at += kPieceBytes) {
    std::bitset<256> seen;
    for (const uint8_t byte : frame.subspan(at, kPieceBytes)) seen.set(byte);
    if (seen.count() <= best_count) continue;
    best_count = seen.count();
    best = frame.subspan(at, kPieceBytes);
  }
  return best;
}

}  // namespace

ReadProbes::Outcome ReadProbes::MapFrame() {
  runtime::MappedSubresource mapped;
  const HRESULT result =
      surfaces_->context().Map(surfaces_->protected_frame(), runtime::MapType::kRead, &mapped);
  if (SUCCEEDED(result)) surfaces_->context().Unmap(surfaces_->protected_frame());
  return {"map", FAILED(result), "Map of the protected frame: " + runtime::HresultName(result)};
}

ReadProbes::Outcome ReadProbes::CopyPicture() {
  runtime::Resource* picture = surfaces_->shown_picture();
  uint32_t row_pitch = 0;
  const std::vector<uint8_t> rows = CopyOut(picture, &row_pitch);
  const uint32_t width = picture->description().width;
  for (uint32_t y = 0; y < picture->description().height; ++y) {
    const uint8_t* row = rows.data() + size_t{y} * row_pitch;
    cpu_view_.insert(cpu_view_.end(), row, row + size_t{4} * width);
  }
  return {"copy_picture", IsZero(rows), "CopyResource of the shown picture: nothing arrived"};
}

ReadProbes::Outcome ReadProbes::CopyFrame() {
  uint32_t row_pitch = 0;
  const std::vector<uint8_t> rows = CopyOut(surfaces_->protected_frame(), &row_pitch);
  return {"copy_frame", IsZero(rows), "CopyResource of the protected frame: nothing arrived"};
}

ReadProbes::Outcome ReadProbes::DecryptToUnprotected(runtime::CryptoSession* session,
                                                     ConstByteSpan wrapped_content_key,
                                                     ConstByteSpan counter_block) {
  runtime::TextureDescription description = surfaces_->protected_frame()->description();
  description.misc_flags = 0;
  description.cpu_access_flags = 0;
  std::unique_ptr<runtime::Resource> texture;
  Require(kStep, runtime::Resource::CreateTexture2D(device_, description, &texture),
          "no unprotected texture");
  Require(
      kStep,
      runtime::VideoContext(device_).DecryptionBlt(session, surfaces_->ciphertext(), texture.get(),
                                                   nullptr, wrapped_content_key, counter_block),
      "the device was lost by a DecryptionBlt that should be refused");
  uint32_t row_pitch = 0;
  const std::vector<uint8_t> rows = CopyOut(texture.get(), &row_pitch);
  return {"decrypt_unprotected", IsZero(rows),
          "DecryptionBlt to an unprotected texture: nothing arrived"};
}

ReadProbes::Outcome ReadProbes::SearchBar() {
  abi::PciFunction& function = device_->adapter().kernel().function();
  const uint8_t* bar = function.MapBar(kVramBar);
  std::vector<uint8_t> copy;  // of a BAR that can't be mapped
  if (bar == nullptr) {
    copy.resize(function.BarSize(kVramBar));
    if (function.BarReadBlock(kVramBar, 0, copy.data(), copy.size()) != abi::PciError::kNone) {
      throw StepFailure(kStep, "E_FAIL", "BAR2 can be neither mapped nor read");
    }
    bar = copy.data();
  }
  const ConstByteSpan piece = FindTellingPiece(frame_);
  const void* found = memmem(bar, function.BarSize(kVramBar), piece.data(), piece.size());
  return {"search_bar", found == nullptr,
          "search of all " + std::to_string(function.BarSize(kVramBar) >> 20) +
              " MiB of BAR2 for a piece of the frame: nothing found"};
}

ReadProbes::Outcome ReadProbes::ReadPastBar() {
  abi::PciFunction& function = device_->adapter().kernel().function();
  const uint32_t value = function.BarRead32(kVramBar, function.BarSize(kVramBar));
  return {"past_bar", value == 0xffffffff, "read behind BAR2: no such address"};
}

std::vector<uint8_t> ReadProbes::CopyOut(runtime::Resource* source, uint32_t* row_pitch) {
  runtime::TextureDescription description = source->description();
  description.usage = runtime::Usage::kStaging;
  description.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
  description.bind_flags = 0;
  description.misc_flags = 0;
  description.is_back_buffer = false;
  std::unique_ptr<runtime::Resource> staging;
  Require(kStep, runtime::Resource::CreateTexture2D(device_, description, &staging),
          "no staging texture");
  runtime::DeviceContext& context = surfaces_->context();
  runtime::MappedSubresource mapped;
  Require(kStep, context.Map(staging.get(), runtime::MapType::kWrite, &mapped), "no map");
  // The driver's depth pitch is the size of the whole surface.
  std::memset(mapped.data, 0, mapped.depth_pitch);
  context.Unmap(staging.get());
  Require(kStep, context.CopyResource(staging.get(), source),
          "the device was lost by a copy that should be refused");
  *row_pitch = mapped.row_pitch;
  return surfaces_->Download(staging.get(), mapped.depth_pitch);
}

}  // namespace ward::examples
