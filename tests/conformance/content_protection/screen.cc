#include "tests/conformance/content_protection/screen.h"

#include "abi/generated/registers.h"
#include "catch2/catch_test_macros.hpp"

namespace ward::test {
namespace {

constexpr uint32_t kBuffers = 1;
constexpr uint32_t kPixelBytes = 4;
constexpr uint32_t kPitch = kPixelBytes * Screen::kWidth;

std::vector<uint8_t> BlackPicture() {
  std::vector<uint8_t> black(kPitch * Screen::kHeight);
  for (size_t x = kPixelBytes - 1; x < black.size(); x += kPixelBytes) black[x] = 255;
  return black;
}

}  // namespace

Screen::Screen(Stage* stage, Process* process, runtime::Presentation presentation,
               bool is_protected)
    : session(process->MakeKeyedSession(kSessionKey)),
      stage_(stage),
      picture_(MakeText(kPitch * kHeight)) {
  runtime::Device* device = &process->app.device();
  REQUIRE(runtime::SwapChain::Create(device, kWidth, kHeight, kBuffers,
                                     is_protected ? umd::kApiResourceMiscRestrictedContent : 0,
                                     &chain, presentation) == S_OK);
  runtime::TextureDescription description = {kWidth, kHeight, DXGI_FORMAT_B8G8R8X8_UNORM};
  description.usage = runtime::Usage::kStaging;
  description.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
  ResourcePointer staging;
  REQUIRE(runtime::Resource::CreateTexture2D(device, description, &staging) == S_OK);
  if (is_protected) {
    process->app.Upload(staging.get(), RunCtr(kSessionKey, kIv, picture_));
    REQUIRE(process->app.video().DecryptionBlt(session.get(), staging.get(), chain->GetBuffer(0),
                                               nullptr, {}, kIv) == S_OK);
  } else {
    process->app.Upload(staging.get(), picture_);
    REQUIRE(process->app.context().CopyResource(chain->GetBuffer(0), staging.get()) == S_OK);
  }
  REQUIRE(chain->Present() == S_OK);
}

std::vector<uint8_t> Screen::Pixels(device::ScanoutView view) const {
  std::vector<uint8_t> pixels(kPitch * kHeight);
  stage_->function.ReadScreen(0, view, pixels, kPitch);
  return pixels;
}

bool Screen::Sees(device::ScanoutView view) const { return Pixels(view) == picture_; }

bool Screen::IsShown() const {
  if (IsBlanked()) return false;
  return !Offers(Need::kScreen) || Sees(device::ScanoutView::kOperator);
}

bool Screen::IsBlack() const {
  if (!IsBlanked()) return false;
  const std::vector<uint8_t> black = BlackPicture();
  return !Offers(Need::kScreen) || (Pixels(device::ScanoutView::kOperator) == black &&
                                    Pixels(device::ScanoutView::kCapture) == black);
}

bool Screen::IsBlanked() const {
  const uint32_t status = stage_->function->BarRead32(0, abi::kRegOutputStatus);
  const bool is_blanked = (status & abi::kOutputStatusBlankedMask) != 0;
  if (Offers(Need::kScreen)) CHECK(stage_->function.Scanout(0).is_blanked == is_blanked);
  return is_blanked;
}

}  // namespace ward::test
