// dxva2.dll's IOPMVideoOutput: one application's door to the protection of a display output. The
// structures are the DDI's, which have the API's layout.
#ifndef WARD_RUNTIME_VIDEO_OUTPUT_H_
#define WARD_RUNTIME_VIDEO_OUTPUT_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "kmd/protected_output.h"
#include "runtime/kernel.h"
#include "umd/ddi/output_protection.h"

namespace ward::runtime {

class VideoOutput {
 public:
  // OPMGetVideoOutputsFromHMONITOR, for the monitor at a display output. The HRESULT of what the
  // kernel-mode driver answers, as everywhere below. `kernel` outlives the output.
  static HRESULT Create(Kernel* kernel, uint32_t output,
                        DXGKMDT_OPM_VIDEO_OUTPUT_SEMANTICS semantics,
                        std::unique_ptr<VideoOutput>* video_output);
  ~VideoOutput();  // takes back the protection that it set
  VideoOutput(const VideoOutput&) = delete;
  VideoOutput& operator=(const VideoOutput&) = delete;

  // The driver's random number and its certificate chain (PKCS#7 certs-only, DER).
  HRESULT StartInitialization(DXGKMDT_OPM_RANDOM_NUMBER* random, std::vector<uint8_t>* certificate);
  // The signing key and both first sequence numbers, by RSAES-OAEP.
  HRESULT FinishInitialization(const DXGKMDT_OPM_ENCRYPTED_PARAMETERS& parameters);
  // `information` stays as it was when the request is refused.
  HRESULT GetInformation(const DXGKMDT_OPM_GET_INFO_PARAMETERS& parameters,
                         DXGKMDT_OPM_REQUESTED_INFORMATION* information);
  HRESULT Configure(const DXGKMDT_OPM_CONFIGURE_PARAMETERS& parameters);

  kmd::ProtectedOutputHandle handle() const { return handle_; }

 private:
  VideoOutput(kmd::ProtectedOutputs* driver, kmd::ProtectedOutputHandle handle)
      : driver_(driver), handle_(handle) {}

  kmd::ProtectedOutputs* driver_;
  kmd::ProtectedOutputHandle handle_;
};

}  // namespace ward::runtime

#endif  // WARD_RUNTIME_VIDEO_OUTPUT_H_
