// The moves that keep engines and displays busy with what they can do.
#include <algorithm>
#include <iterator>

#include "abi/generated/commands.h"
#include "abi/generated/pci.h"
#include "abi/generated/registers.h"
#include "device/display_mode.h"
#include "tests/fuzz/device/grammar.h"

namespace ward::fuzz {
namespace {

constexpr uint64_t kPage = abi::kPageSize;
constexpr uint32_t kBlock = 16;  // bytes of the cipher's

}  // namespace

void Grammar::PushPart() {
  const uint32_t queue = PickUserQueue();
  const auto choice = input_.Take<uint8_t>();
  if ((choice & 1) != 0) return PushSample(queue, choice);
  constexpr uint32_t kBlocks[] = {1, 0, 9, 2, 64, 3, 100, 1000};
  const auto sizes = input_.Take<uint16_t>();
  const auto place = input_.Take<uint16_t>();
  auto blt = MakeCommand<abi::DecryptBltCommand>();
  blt.flags = abi::DecryptBltCommand::kFlagPattern;
  if ((choice & 2) != 0) blt.flags |= abi::DecryptBltCommand::kFlagContentKey;
  blt.session = SessionOf(queue);
  blt.length_bytes = 1u + input_.Take<uint16_t>() % 16384;
  blt.encrypted_bytes_at_beginning = Pick(kBlocks, sizes) * kBlock;
  blt.skip_bytes = Pick(kBlocks, sizes >> 3) * kBlock;
  blt.encrypt_bytes = Pick(kBlocks, sizes >> 6) * kBlock;
  if (sizes >= 0xf000) ++blt.skip_bytes;
  // Shifted, so that pages of one end in the middle of pages of the other.
  const uint64_t window = (choice & 4) != 0 ? layout::kFreeAt : layout::kSystemAt;
  blt.source = (window + place % 32) * kPage + (choice & 0xf0);
  blt.destination = (layout::kProtectedAt + place / 32 % 8 * 16u) * kPage + (place >> 8);
  StoreBe64(blt.iv, choice & 8u);
  rings_.Push(queue, BytesOf(blt));
}

void Grammar::PushSample(uint32_t queue, uint8_t choice) {
  constexpr uint32_t kBlocks[] = {0, 1, 9, 2, 16, 100};
  constexpr uint32_t kMostSubSamples = 6;
  auto sample = MakeCommand<abi::DecryptSampleCommand>();
  if ((choice & 2) != 0) sample.flags = abi::DecryptSampleCommand::kFlagContentKey;
  sample.session = SessionOf(queue);
  const auto place = input_.Take<uint16_t>();
  const auto stripe = input_.Take<uint8_t>();
  sample.stripe_encrypted_blocks = Pick(kBlocks, stripe);
  sample.stripe_clear_blocks = Pick(kBlocks, stripe >> 4);
  sample.source = (layout::kSystemAt + place % 32) * kPage + (choice & 0xf0);
  sample.destination = (layout::kProtectedAt + place / 32 % 8 * 16u) * kPage + (place >> 8);
  StoreBe64(sample.iv, choice & 8u);
  const uint32_t count = 1 + input_.Take<uint8_t>() % kMostSubSamples;
  sample.sub_sample_count = count;
  std::vector<uint8_t> list((count + 1) / 2 * kBlock);
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t clear = input_.Take<uint8_t>();
    const uint32_t encrypted = input_.Take<uint16_t>() % 4096;
    StoreLe(list.data() + 8 * i, clear);
    StoreLe(list.data() + 8 * i + 4, encrypted);
    sample.length_bytes += clear + encrypted;
  }
  // One that does not add up, now and then.
  if (stripe == 0xff) ++sample.length_bytes;
  sample.length += static_cast<uint32_t>(list.size());
  std::vector<uint8_t> bytes(BytesOf(sample).begin(), BytesOf(sample).end());
  bytes.insert(bytes.end(), list.begin(), list.end());
  rings_.Push(queue, bytes);
}

void Grammar::PushVideo() {
  // Small ones, so that most are done within an input, and those where a filter has much to read.
  constexpr uint32_t kSizes[] = {16, 1, 2, 3, 8, 17, 32, 40, 64, 100, 128, 129, 192, 255, 256, 5};
  constexpr uint32_t kSampleBytes[] = {1, 2, 4};
  constexpr uint64_t kSources[] = {layout::kSystemAt, layout::kFreeAt, layout::kProtectedAt + 128,
                                   layout::kProtectedAt};
  constexpr uint64_t kTargets[] = {layout::kFreeAt + 64, layout::kProtectedAt + 32,
                                   layout::kProtectedAt + 70, layout::kSystemAt + 32};
  const uint32_t queue = PickUserQueue();
  const auto shape = input_.Take<uint8_t>();
  const auto source = input_.Take<uint8_t>();
  const auto target = input_.Take<uint8_t>();
  const auto place = input_.Take<uint8_t>();
  const auto window = input_.Take<uint8_t>();
  auto blt = MakeCommand<abi::VideoBltCommand>();
  if ((shape & 1) != 0) blt.flags = abi::VideoBltCommand::kFlagLimitedRange;
  blt.source_format = (shape >> 1 & 3) % 3;
  blt.color_space = shape >> 3 & 3;
  blt.filter = (shape >> 5 & 3) % 3;
  blt.source_width = Pick(kSizes, source);
  blt.source_height = Pick(kSizes, source >> 4);
  blt.destination_width = Pick(kSizes, target);
  blt.destination_height = Pick(kSizes, target >> 4);
  if ((shape & 0x60) == 0x60) {
    // Rows of hardly anything, whose accesses are nearly all of the work.
    constexpr uint32_t kTall = 4096;
    blt.source_width = blt.destination_width = 4;
    blt.source_height = blt.destination_height = kTall;
  }
  blt.source_left = window & 3;
  blt.source_top = window >> 2 & 3;
  const uint32_t bytes = kSampleBytes[blt.source_format];
  blt.source_pitch = (blt.source_left + blt.source_width + 3) / 4 * 4 * bytes;
  const uint64_t from = Pick(kSources, place);
  blt.source_luma = from * kPage + (place >> 4 & 1) * uint64_t{abi::kBlockAlignment};
  if (bytes != 4) blt.source_chroma = (from + 20) * kPage;
  blt.destination =
      Pick(kTargets, place >> 2) * kPage + (place >> 5) * uint64_t{abi::kBlockAlignment};
  constexpr uint8_t kNotWritable = 0xec;  // now and then it may only be read there
  if ((place & kNotWritable) == kNotWritable) blt.destination = layout::kIndirectAt * kPage;
  uint32_t width = blt.destination_width;
  if ((window & 0x10) != 0) {
    // The lower right part of it.
    blt.window_left = static_cast<uint16_t>((window >> 5) * blt.destination_width / 8);
    blt.window_top = static_cast<uint16_t>((window >> 6) * blt.destination_height / 4);
    blt.window_width = static_cast<uint16_t>(blt.destination_width - blt.window_left);
    blt.window_height = static_cast<uint16_t>(blt.destination_height - blt.window_top);
    width = blt.window_width;
  }
  blt.destination_pitch = 4 * (width + (shape >> 7));
  rings_.Push(queue, BytesOf(blt));
}

void Grammar::PushShow() {
  const auto kind = input_.Take<uint8_t>();
  const auto choice = input_.Take<uint8_t>();
  const uint32_t output = kind >> 3 & 1;
  const uint64_t block = output * uint64_t{abi::kOutputBlockStride};
  switch (kind % 8) {
    case 0:
      rings_.WriteRegister(abi::kRegOutputControl + block, (choice & 0x80) == 0);
      return rings_.WriteRegister(abi::kRegOutputMode + block, choice % 16);
    case 1:
      return PushFlip(output, choice);
    case 2:
      return PushCursor(output, choice);
    case 3:
      return PushWait(choice);
    case 4: {
      const uint32_t queue = PickUserQueue();
      return rings_.WriteRegister(abi::kRegQueueTimeout + queue * abi::kQueueBlockStride, choice);
    }
    case 6: {
      // What was waited for.
      constexpr uint64_t kReached = UINT64_MAX;
      return Do({.kind = OperationKind::kWriteMemory,
                 .at = layout::kBus + choice % 32 * kPage,
                 .bytes = BytesOf(kReached)});
    }
    case 7:
      return PlugDisplay(output, choice);
    default: {
      auto wait = MakeCommand<abi::WaitVblankCommand>();
      wait.output = output;
      if ((choice & 1) != 0) wait.flags = abi::WaitVblankCommand::kFlagFlip;
      wait.count = (choice & 1) != 0 ? (choice & 0x80u) / 0x80u : choice / 2u;
      return rings_.Push(PickQueue(), BytesOf(wait));
    }
  }
}

// Displays of each shape, and some that can't be.
void Grammar::PlugDisplay(uint32_t output, uint8_t choice) {
  constexpr device::DisplayMode kSizes[] = {{1680, 1050}, {1280, 1024}, {1366, 768}, {1024, 768},
                                            {1920, 1200}, {3840, 2160}, {640, 480},  {2048, 1080},
                                            {639, 480},   {3841, 2160}, {640, 479},  {3840, 2161}};
  const device::DisplayMode& size = Pick(kSizes, choice);
  const uint64_t value = (choice & 0x80) != 0 ? 0 : uint64_t{size.width} << 16 | size.height;
  Do({.kind = OperationKind::kAttachDisplay, .at = output, .value = value});
  const uint64_t edid = abi::kRegOutputEdid + output * uint64_t{abi::kEdidBlockStride};
  Do({.kind = OperationKind::kReadRegister, .at = edid, .size = 4});
}

// For memory: that it holds what it does, or what it will hardly ever hold.
void Grammar::PushWait(uint8_t choice) {
  auto wait = MakeCommand<abi::WaitCommand>();
  wait.address = (layout::kSystemAt + choice % 32) * kPage + (choice >> 7);
  wait.value = (choice & 0x40) == 0 ? UINT64_MAX : 0;
  rings_.Push(PickUserQueue(), BytesOf(wait));
}

// Of the mode that it sets, most of the time.
void Grammar::PushFlip(uint32_t output, uint8_t choice) {
  const auto place = input_.Take<uint8_t>();
  if ((promises_ & kConfined) != 0) return;
  constexpr device::DisplayMode kNative = {1920, 1080};  // of the display that is there at first
  const uint32_t mode = choice % 16;
  const device::DisplayMode size =
      mode < device::kStandardModeCount ? device::kStandardModes[mode] : kNative;
  const uint64_t block = output * uint64_t{abi::kOutputBlockStride};
  if ((choice & 0x40) == 0) {
    rings_.WriteRegister(abi::kRegOutputControl + block, 1);
    rings_.WriteRegister(abi::kRegOutputMode + block, mode);
  }
  auto flip = MakeCommand<abi::FlipCommand>();
  if ((choice & 0x10) != 0) flip.flags |= abi::FlipCommand::kFlagAtVblank;
  if ((choice & 0x20) != 0) flip.flags |= abi::FlipCommand::kFlagFullScreen;
  flip.output = output;
  flip.width = size.width;
  flip.height = size.height;
  flip.pitch = 4 * size.width + (choice >> 7) * abi::kBlockAlignment;
  const uint64_t first = (place & 1) != 0 ? abi::kProtectedVramLocalBase : layout::kFree;
  flip.address = abi::kPhysicalLocal | (first + place / 2 * kPage);
  // What a surface may not lie in.
  if (place == 0xfe) flip.address = layout::kBus;
  rings_.Push(0, BytesOf(flip));
}

void Grammar::PushCursor(uint32_t output, uint8_t choice) {
  const auto position = input_.Take<uint32_t>();
  const uint64_t block = output * uint64_t{abi::kOutputBlockStride};
  rings_.WriteRegister(abi::kRegOutputCursorPosition + block, position);
  if ((promises_ & kConfined) != 0) return;
  auto cursor = MakeCommand<abi::CursorCommand>();
  cursor.output = output;
  if ((choice & 0x80) != 0) {
    // Hidden, and an image all the same now and then.
    cursor.hot_spot_x = choice >> 2 & 1;
    cursor.hot_spot_y = choice >> 3 & 1;
    cursor.address = (choice & 0x10) != 0 ? kPage : 0;
  } else {
    cursor.flags = abi::CursorCommand::kFlagVisible;
    cursor.hot_spot_x = choice & 15;
    cursor.hot_spot_y = (choice & 15) * 5;
    cursor.address = abi::kPhysicalLocal | (layout::kFree + (choice >> 5) * kPage);
    if ((choice & 0x1f) == 0x1c) cursor.address = abi::kPhysicalLocal | layout::kVisibleBytes;
    if ((choice & 0x1f) == 0x1b) cursor.address |= abi::kProtectedVramLocalBase;
  }
  rings_.Push(0, BytesOf(cursor));
}

}  // namespace ward::fuzz
