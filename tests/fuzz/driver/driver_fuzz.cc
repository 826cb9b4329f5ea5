// libFuzzer target: the kernel-mode driver's core, and the user-mode driver over the runtime's
// tables, on a device that lies.
//
// An input is two bytes that say how much of it are calls, the calls, and the device's lies
// (hostile_function.h). The driver answers each call, with an error or without; it does not crash,
// nor wait for what does not come, nor take memory that it has no use for.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/status.h"
#include "base/assert.h"
#include "emulator/in_process/in_process_host.h"
#include "kmd/display.h"
#include "runtime/adapter.h"
#include "runtime/device.h"
#include "runtime/device_context.h"
#include "runtime/kernel.h"
#include "runtime/resource.h"
#include "runtime/video_context.h"
#include "runtime/video_device.h"
#include "runtime/video_output.h"
#include "tests/fakes/test_identity.h"
#include "tests/fuzz/driver/hostile_function.h"
#include "tests/fuzz/input_reader.h"
#include "tests/fuzz/oracle.h"

namespace ward::fuzz {
namespace {

using kmd::AllocationHandle;
using kmd::ContextHandle;
using kmd::DeviceHandle;

constexpr uint64_t kVramBytes = 1 << 20;
constexpr int kMostCalls = 60;

emulator::InProcessHost* Chip() {
  static const std::unique_ptr<emulator::InProcessHost> chip = [] {
    const fakes::TestIdentity& identity = fakes::LoadTestIdentity(WARD_SOURCE_DIR);
    emulator::InProcessOptions options;
    options.gpu.visible_vram_bytes = kVramBytes;
    options.gpu.protected_vram_bytes = kVramBytes;
    options.gpu.identity_key = &*identity.key;
    options.gpu.identity_certificates = identity.certificates;
    options.entropy_seed = 1;
    auto made = emulator::InProcessHost::Create(options);
    WARD_ASSERT(made.ok());
    return std::move(made.value());
  }();
  return chip.get();
}

template <typename T>
T Pick(const std::vector<T>& all, uint8_t choice) {
  return all.empty() ? T{} : all[choice % all.size()];
}

// An application's side: everything of one process.
struct Process {
  std::unique_ptr<runtime::Adapter> adapter;
  std::unique_ptr<runtime::Device> device;
  std::vector<std::unique_ptr<runtime::Resource>> textures;
  std::vector<std::unique_ptr<runtime::CryptoSession>> sessions;
  std::vector<std::unique_ptr<runtime::AuthenticatedChannel>> channels;
};

class DriverMachine {
 public:
  void Run(ConstByteSpan bytes) {
    InputReader head(bytes);
    const auto call_bytes = std::min<size_t>(head.Take<uint16_t>() % 1024,
                                             bytes.size() - std::min<size_t>(2, bytes.size()));
    const ConstByteSpan rest = bytes.subspan(std::min<size_t>(2, bytes.size()));
    // Nothing of the input before is left in the chip, nor in the machine.
    (void)Chip()->ResetFunction();
    (void)Chip()->SetBusMaster(false);
    HostileFunction function(Chip(), rest.subspan(call_bytes));
    function_ = &function;
    InputReader calls(rest.first(call_bytes));
    Play(&calls);
    Begin();
    kernel_.reset();
    function_ = nullptr;
    Forget();
  }

 private:
  void Forget() {
    devices_.clear();
    contexts_.clear();
    allocations_.clear();
    outputs_.clear();
  }
  void Begin() { function_->BeginCall(); }

  void Play(InputReader* calls) {
    Begin();
    auto opened = runtime::Kernel::Open(function_);
    if (!opened.ok()) return;
    kernel_ = std::move(opened.value());
    for (int left = kMostCalls; left != 0 && !calls->empty(); --left) {
      Begin();
      const auto call = calls->Take<uint8_t>();
      if (call % 4 == 3) {
        CallRuntime(call / 4, calls);
      } else if (call % 4 == 2) {
        CallDisplay(call / 4, calls);
      } else {
        CallMemory(static_cast<uint8_t>(call >> 2 | (call & 1) << 6), calls);
      }
    }
    EndProcess();
    // The adapter's own end comes last; half of the inputs let devices go before it.
    if ((calls->Take<uint8_t>() & 1) == 0) return;
    for (const DeviceHandle device : devices_) {
      Begin();
      adapter().DestroyDevice(device);
    }
  }

  kmd::Adapter& adapter() { return kernel_->adapter(); }

  // A fault has a status: base/result.h sees to it.
  template <typename T>
  bool Check(const Result<T>& result) {
    return result.ok();
  }

  void CallMemory(uint8_t call, InputReader* in) {
    const DeviceHandle device = Pick(devices_, in->Take<uint8_t>());
    const auto choice = in->Take<uint8_t>();
    const AllocationHandle allocation = Pick(allocations_, choice);
    const ContextHandle context = Pick(contexts_, choice);
    switch (call % 18) {
      case 0: {
        const auto made = adapter().CreateDevice({(choice & 1) != 0, choice});
        if (Check(made)) devices_.push_back(made.value());
        return;
      }
      case 1: {
        const auto made = adapter().CreateContext(device);
        if (Check(made)) contexts_.push_back(made.value());
        return;
      }
      case 2:
        (void)Check(adapter().DestroyContext(device, context));
        return;
      case 3:
      case 4:
        return Allocate(device, choice, in);
      case 5:
        (void)Check(adapter().Free(device, allocation));
        return;
      case 6:
      case 7:
        return Touch(device, allocation);
      case 8:
        (void)Check(adapter().Unlock(device, allocation));
        return;
      case 9:
      case 10:
      case 11:
        return Submit(device, context, in);
      case 12:
        return Wait(device, context, in->Take<uint8_t>());
      case 13:
        (void)Check(adapter().MakeResident(device, std::array{allocation}));
        return;
      case 14:
        (void)Check(adapter().Evict(device, std::array{allocation}));
        return;
      case 15:
        (void)Check((choice & 1) != 0 ? adapter().Offer(device, allocation)
                                      : Dropped(adapter().Reclaim(device, allocation)));
        return;
      case 16: {
        const auto opened = adapter().OpenShared(device, Pick(devices_, choice >> 4), allocation);
        if (Check(opened)) allocations_.push_back(opened.value());
        return;
      }
      default:
        return Recover(device, context, choice);
    }
  }

  static Result<void> Dropped(const Result<bool>& result) {
    if (!result.ok()) return result.fault();
    return {};
  }

  void Allocate(DeviceHandle device, uint8_t choice, InputReader* in) {
    abi::AllocationData data{};
    data.abi_version = uint32_t{abi::kAbiMajor} << 16;
    data.segment = choice % 3;
    data.sharing = choice / 3 % 3;
    data.size_bytes = 1 + uint64_t{in->Take<uint8_t>()} * 1021;
    if ((choice & 0x80) != 0) {
      data.width = 640;
      data.height = 360;
      data.pitch = 2560;
      data.size_bytes = uint64_t{data.pitch} * data.height;
    }
    const auto made = adapter().Allocate(device, data);
    if (Check(made)) allocations_.push_back(made.value());
  }

  void Touch(DeviceHandle device, AllocationHandle allocation) {
    const auto locked = adapter().Lock(device, allocation);
    if (!Check(locked)) return;
    Expect(function_->IsOwned(locked.value()), "memory", "a lock gives memory that the driver has");
    if (locked.value().empty()) return;
    locked.value().front() = 1;
    locked.value().back() = 2;
  }

  void Submit(DeviceHandle device, ContextHandle context, InputReader* in) {
    const auto shape = in->Take<uint8_t>();
    std::vector<uint8_t> commands;
    for (int left = 1 + shape % 4; left != 0; --left) {
      const auto size = commands.size();
      abi::FillCommand fill{};
      fill.opcode = (shape & 0x10) != 0 ? abi::NoopCommand::kOpcode : abi::FillCommand::kOpcode;
      fill.length = abi::FillCommand::kSizeBytes;
      fill.row_bytes = 256;
      fill.row_count = 1;
      commands.resize(size + sizeof(fill));
      std::memcpy(commands.data() + size, &fill, sizeof(fill));
    }
    // As long as a buffer may be: room for commands runs out.
    if ((shape & 0x20) != 0) commands.resize(200 << 10);
    std::vector<kmd::Patch> patches;
    std::vector<AllocationHandle> list;
    if (!allocations_.empty()) {
      list.push_back(Pick(allocations_, in->Take<uint8_t>()));
      patches.push_back({0, 0, offsetof(abi::FillCommand, destination)});
    }
    for (int left = 1 + (shape >> 6) * 20; left != 0; --left) {
      const auto fence = adapter().Submit(device, context, commands, list, patches);
      if (!Check(fence)) return;
      const auto early = adapter().WaitFence(device, context, fence.value() + 1);
      Expect(!early.ok() && early.fault().status == abi::kStatusInvalidArgument, "fence",
             "nobody can wait for a fence that was never submitted");
    }
  }

  void Wait(DeviceHandle device, ContextHandle context, uint8_t fence) {
    (void)Check(adapter().WaitFence(device, context, fence));
    (void)Check(adapter().Report(device, context));
  }

  void Recover(DeviceHandle device, ContextHandle context, uint8_t choice) {
    switch (choice % 6) {
      case 0:
        (void)adapter().CheckHealth();
        return;
      case 1:
      case 2:
        (void)Check(adapter().Recover());
        return;
      case 3:
        (void)adapter().Info();
        (void)adapter().Memory();
        (void)adapter().KeyEpoch();
        (void)adapter().LossOf(device);
        return;
      case 4:
        (void)Check(adapter().SetPriority(device, context,
                                          static_cast<kmd::ContextPriority>(choice >> 4 & 3)));
        return;
      default:
        adapter().DestroyDevice(device);
        return;
    }
  }

  void CallDisplay(uint8_t call, InputReader* in) {
    const auto choice = in->Take<uint8_t>();
    const uint32_t output = choice % 4;
    kmd::Display& display = adapter().display();
    switch (call % 12) {
      case 0:
        (void)Check(adapter().SetMode(output, 640, 360));
        return;
      case 1: {
        const auto modes = display.Modes(output);
        if (!Check(modes) || modes.value().empty()) return;
        const kmd::OutputMode mode = Pick(modes.value(), choice >> 2);
        (void)Check(adapter().SetMode(output, mode.width, mode.height));
        return;
      }
      case 2:
        (void)Check(display.ReadEdid(output));
        return;
      case 3:
        (void)Check(display.TakeHotplug(output));
        (void)Check(display.IsConnected(output));
        return;
      case 4:
        (void)Check(display.WaitVblank(output));
        return;
      case 5: {
        const std::vector<uint8_t> pixels(64 * 64 * 4, choice);
        (void)Check(display.SetCursor(output, pixels, choice % 80, 0));
        return;
      }
      case 6:
        (void)Check(display.HideCursor(output));
        (void)Check(display.MoveCursor(output, -1, choice));
        return;
      case 7:
      case 8: {
        const kmd::Presentation how = {(choice & 4) != 0, output, choice >> 3 & 7u};
        (void)Check(adapter().Present(Pick(devices_, choice), Pick(contexts_, choice),
                                      Pick(allocations_, in->Take<uint8_t>()), 640, 360, 2560,
                                      how));
        return;
      }
      case 9:
        return ProtectOutput(output);
      default:
        return AskOutput(choice);
    }
  }

  void ProtectOutput(uint32_t output) {
    const auto made = adapter().protected_outputs().CreateProtectedOutput(output, 1);
    if (Check(made)) outputs_.push_back(made.value());
    std::unique_ptr<runtime::VideoOutput> video_output;
    const HRESULT result = runtime::VideoOutput::Create(
        kernel_.get(), output, DXGKMDT_OPM_VOS_OPM_SEMANTICS, &video_output);
    if (FAILED(result)) return;
    DXGKMDT_OPM_RANDOM_NUMBER random{};
    std::vector<uint8_t> chain;
    (void)video_output->StartInitialization(&random, &chain);
  }

  void AskOutput(uint8_t choice) {
    kmd::ProtectedOutputs& driver = adapter().protected_outputs();
    const kmd::ProtectedOutputHandle handle = Pick(outputs_, choice >> 3);
    std::vector<uint8_t> request(kmd::ProtectedOutputs::kInformationRequestBytes, choice);
    std::vector<uint8_t> answer(kmd::ProtectedOutputs::kInformationBytes);
    switch (choice % 6) {
      case 0:
        (void)Check(driver.GetRandomNumber(handle, ByteSpan(answer).first(16)));
        return;
      case 1:
        (void)Check(
            driver.SetSigningKeyAndSequenceNumbers(handle, ConstByteSpan(request).first(256)));
        return;
      case 2:
        (void)Check(driver.GetInformation(handle, request, answer));
        return;
      case 3:
        (void)Check(driver.ConfigureProtectedOutput(handle, answer));
        return;
      case 4:
        (void)Check(driver.GetCertificate(answer));
        return;
      default:
        (void)Check(driver.DestroyProtectedOutput(handle));
        return;
    }
  }

  // A process of its own begins with the first of these.
  bool HasProcess() {
    if (process_.device != nullptr) return true;
    if (process_.adapter == nullptr &&
        FAILED(runtime::Adapter::Open(kernel_.get(), OpenAdapter10_2, &process_.adapter))) {
      return false;
    }
    return SUCCEEDED(runtime::Device::Create(process_.adapter.get(), &process_.device,
                                             D3DWDDM2_4DDI_VIDEO_FUNCTIONS));
  }
  void EndProcess() {
    Begin();
    process_.textures.clear();
    process_.channels.clear();
    process_.sessions.clear();
    process_.device.reset();
    process_.adapter.reset();
  }

  void CallRuntime(uint8_t call, InputReader* in) {
    const auto choice = in->Take<uint8_t>();
    if (!HasProcess()) return;
    runtime::VideoDevice video_device(process_.device.get());
    switch (call % 8) {
      case 0: {
        runtime::ContentProtectionCaps caps;
        (void)video_device.GetContentProtectionCaps(&D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr,
                                                    &caps);
        std::unique_ptr<runtime::CryptoSession> session;
        const GUID& exchange = (choice & 1) != 0 ? D3DWDDM2_0DDI_KEY_EXCHANGE_HW_PROTECTION
                                                 : D3D11_1DDI_KEY_EXCHANGE_RSAES_OAEP;
        if (SUCCEEDED(video_device.CreateCryptoSession(D3D11_1DDI_CRYPTO_TYPE_AES128_CTR, nullptr,
                                                       exchange, &session))) {
          process_.sessions.push_back(std::move(session));
        }
        return;
      }
      case 1: {
        std::unique_ptr<runtime::AuthenticatedChannel> channel;
        if (SUCCEEDED(video_device.CreateAuthenticatedChannel(2 + choice % 2, &channel))) {
          process_.channels.push_back(std::move(channel));
        }
        return;
      }
      case 2:
        return AskSession(choice);
      case 3:
        return AskChannel(choice, in);
      case 4:
      case 5:
        return UseTexture(choice, in);
      case 6:
        (void)process_.device->GetDeviceRemovedReason();
        return;
      default:
        if (choice % 4 == 0) EndProcess();
        return;
    }
  }

  void AskSession(uint8_t choice) {
    if (process_.sessions.empty()) return;
    runtime::CryptoSession* session =
        process_.sessions[choice / 8 % process_.sessions.size()].get();
    runtime::VideoContext video(process_.device.get());
    std::array<uint8_t, 256> blob{};
    switch (choice % 8) {
      case 0:
        return ReadChain(*session);
      case 1:
        (void)video.NegotiateCryptoSessionKeyExchange(session, blob);
        return;
      case 2:
        (void)video.GetEncryptionBltKey(session, ByteSpan(blob).first(16));
        return;
      case 3:
        (void)video.StartSessionKeyRefresh(session, ByteSpan(blob).first(16));
        (void)video.FinishSessionKeyRefresh(session);
        return;
      case 4: {
        D3DWDDM2_0DDI_CRYPTO_SESSION_STATUS status{};
        (void)session->CheckStatus(&status);
        return;
      }
      case 5: {
        uint64_t token = 0;
        (void)session->GetDataForNewHardwareKey(ByteSpan(blob).first(16), &token);
        return;
      }
      default:
        process_.sessions.erase(process_.sessions.begin() +
                                choice / 8 % static_cast<ptrdiff_t>(process_.sessions.size()));
        return;
    }
  }

  // Whoever asks makes room for what the driver says.
  template <typename Owner>
  void ReadChain(Owner& owner) {
    constexpr uint32_t kAbsurd = 16 << 20;
    uint32_t size_bytes = 0;
    if (FAILED(owner.GetCertificateSize(&size_bytes))) return;
    Expect(size_bytes < kAbsurd, "allocation", "a certificate chain has a size that makes sense");
    std::vector<uint8_t> chain(size_bytes);
    (void)owner.GetCertificate(chain);
  }

  void AskChannel(uint8_t choice, InputReader* in) {
    if (process_.channels.empty()) return;
    runtime::AuthenticatedChannel* channel =
        process_.channels[choice / 8 % process_.channels.size()].get();
    runtime::VideoContext video(process_.device.get());
    std::array<uint8_t, 256> bytes{};
    switch (choice % 8) {
      case 0:
        return ReadChain(*channel);
      case 1:
        (void)video.NegotiateAuthenticatedChannelKeyExchange(channel, bytes);
        return;
      case 2:
      case 3: {
        in->TakeBytes(ByteSpan(bytes).first(48));
        std::array<uint8_t, 80> output{};
        (void)video.QueryAuthenticatedChannel(channel, 48, bytes.data(), 80, output.data());
        return;
      }
      case 4: {
        in->TakeBytes(ByteSpan(bytes).first(56));
        D3D11_1DDI_AUTHENTICATED_CONFIGURE_OUTPUT output{};
        (void)video.ConfigureAuthenticatedChannel(channel, 56, bytes.data(), &output);
        return;
      }
      default:
        process_.channels.erase(process_.channels.begin() +
                                choice / 8 % static_cast<ptrdiff_t>(process_.channels.size()));
        return;
    }
  }

  void UseTexture(uint8_t choice, InputReader* in) {
    runtime::DeviceContext context(process_.device.get());
    if (process_.textures.empty() || choice % 4 == 0) {
      runtime::TextureDescription description = {64, 64, DXGI_FORMAT_NV12};
      if ((choice & 8) != 0) {
        description.usage = runtime::Usage::kStaging;
        description.cpu_access_flags = runtime::kCpuAccessRead | runtime::kCpuAccessWrite;
      }
      std::unique_ptr<runtime::Resource> texture;
      if (SUCCEEDED(
              runtime::Resource::CreateTexture2D(process_.device.get(), description, &texture))) {
        process_.textures.push_back(std::move(texture));
      }
      return;
    }
    runtime::Resource* texture = Texture(in->Take<uint8_t>());
    if (choice % 4 == 1) {
      runtime::MappedSubresource mapped{};
      if (SUCCEEDED(context.Map(texture, runtime::MapType::kReadWrite, &mapped))) {
        Expect(function_->IsOwned({static_cast<const uint8_t*>(mapped.data), 64 * 64 * 3 / 2}),
               "memory", "a texture is mapped to memory that the driver has");
        context.Unmap(texture);
      }
    } else if (choice % 4 == 2 && !process_.sessions.empty()) {
      runtime::VideoContext video(process_.device.get());
      std::array<uint8_t, 16> iv{};
      (void)video.DecryptionBlt(process_.sessions.front().get(), texture, Texture(choice), nullptr,
                                {}, iv);
      (void)video.EncryptionBlt(process_.sessions.front().get(), Texture(choice), texture, iv);
    } else if (process_.textures.size() > 1) {
      process_.textures.pop_back();
    }
  }
  runtime::Resource* Texture(uint8_t choice) {
    return process_.textures[choice % process_.textures.size()].get();
  }

  HostileFunction* function_ = nullptr;
  std::unique_ptr<runtime::Kernel> kernel_;
  Process process_;
  std::vector<DeviceHandle> devices_;
  std::vector<ContextHandle> contexts_;
  std::vector<AllocationHandle> allocations_;
  std::vector<kmd::ProtectedOutputHandle> outputs_;
};

}  // namespace
}  // namespace ward::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static ward::fuzz::DriverMachine machine;
  machine.Run({data, size});
  return 0;
}
