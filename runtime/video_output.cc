#include "runtime/video_output.h"

#include <tuple>

#include "umd/ddi/status_codes.h"

namespace ward::runtime {
namespace {

static_assert(sizeof(DXGKMDT_OPM_GET_INFO_PARAMETERS) ==
              kmd::ProtectedOutputs::kInformationRequestBytes);
static_assert(sizeof(DXGKMDT_OPM_REQUESTED_INFORMATION) ==
              kmd::ProtectedOutputs::kInformationBytes);
static_assert(sizeof(DXGKMDT_OPM_RANDOM_NUMBER) == kmd::ProtectedOutputs::kRandomBytes);

HRESULT ToHresult(const Result<void>& result) {
  return result.ok() ? S_OK : HresultOf(result.fault());
}

template <typename Structure>
ConstByteSpan BytesOf(const Structure& structure) {
  return ConstByteSpan(reinterpret_cast<const uint8_t*>(&structure), sizeof(structure));
}

template <typename Structure>
ByteSpan BytesOf(Structure* structure) {
  return ByteSpan(reinterpret_cast<uint8_t*>(structure), sizeof(*structure));
}

}  // namespace

HRESULT VideoOutput::Create(Kernel* kernel, uint32_t output,
                            DXGKMDT_OPM_VIDEO_OUTPUT_SEMANTICS semantics,
                            std::unique_ptr<VideoOutput>* video_output) {
  kmd::ProtectedOutputs* driver = &kernel->adapter().protected_outputs();
  const Result<kmd::ProtectedOutputHandle> made =
      driver->CreateProtectedOutput(output, static_cast<uint32_t>(semantics));
  if (!made.ok()) return HresultOf(made.fault());
  video_output->reset(new VideoOutput(driver, made.value()));
  return S_OK;
}

VideoOutput::~VideoOutput() { std::ignore = driver_->DestroyProtectedOutput(handle_); }

HRESULT VideoOutput::StartInitialization(DXGKMDT_OPM_RANDOM_NUMBER* random,
                                         std::vector<uint8_t>* certificate) {
  const Result<uint32_t> size_bytes = driver_->GetCertificateSize();
  if (!size_bytes.ok()) return HresultOf(size_bytes.fault());
  certificate->resize(size_bytes.value());
  const Result<void> copied = driver_->GetCertificate(*certificate);
  if (!copied.ok()) return HresultOf(copied.fault());
  return ToHresult(driver_->GetRandomNumber(handle_, BytesOf(random)));
}

HRESULT VideoOutput::FinishInitialization(const DXGKMDT_OPM_ENCRYPTED_PARAMETERS& parameters) {
  return ToHresult(driver_->SetSigningKeyAndSequenceNumbers(handle_, BytesOf(parameters)));
}

HRESULT VideoOutput::GetInformation(const DXGKMDT_OPM_GET_INFO_PARAMETERS& parameters,
                                    DXGKMDT_OPM_REQUESTED_INFORMATION* information) {
  return ToHresult(driver_->GetInformation(handle_, BytesOf(parameters), BytesOf(information)));
}

HRESULT VideoOutput::Configure(const DXGKMDT_OPM_CONFIGURE_PARAMETERS& parameters) {
  return ToHresult(driver_->ConfigureProtectedOutput(handle_, BytesOf(parameters)));
}

}  // namespace ward::runtime
