// Pixels on the machine's screen: what the chip says of them, and what its two views show.
#ifndef WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_SCREEN_H_
#define WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_SCREEN_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/swap_chain.h"
#include "tests/conformance/content_protection/stage.h"

namespace ward::test {

// A picture that a process decrypted into its swap chain and presents.
class Screen {
 public:
  static constexpr uint32_t kWidth = 640;
  static constexpr uint32_t kHeight = 360;

  // `is_protected`: the chain is RESTRICTED_CONTENT and `session` decrypts the picture into it;
  // else the picture is copied.
  Screen(Stage* stage, Process* process, runtime::Presentation presentation,
         bool is_protected = true);
  // One of the stage's own process.
  Screen(Stage* stage, runtime::Presentation presentation)
      : Screen(stage, &stage->process, presentation) {}

  // The picture reaches the display. BLANKED says so, and the operator's view, where somebody sees
  // the screen (Need::kScreen).
  bool IsShown() const;
  // Nothing of it does: BLANKED, and every pixel of both views, where somebody sees them.
  bool IsBlack() const;
  // In a capture device's view. Need::kScreen.
  bool CaptureSees() const { return Sees(device::ScanoutView::kCapture); }

  SessionPointer session;
  std::unique_ptr<runtime::SwapChain> chain;

 private:
  std::vector<uint8_t> Pixels(device::ScanoutView view) const;
  bool Sees(device::ScanoutView view) const;
  bool IsBlanked() const;  // OUTPUT_STATUS.BLANKED

  Stage* stage_;
  std::vector<uint8_t> picture_;
};

}  // namespace ward::test

#endif  // WARD_TESTS_CONFORMANCE_CONTENT_PROTECTION_SCREEN_H_
