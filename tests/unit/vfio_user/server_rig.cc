#include "tests/unit/vfio_user/server_rig.h"

#include <stdlib.h>

#include <chrono>
#include <future>
#include <stdexcept>
#include <utility>

#include "abi/generated/registers.h"
#include "tests/fakes/gpu_rig.h"

namespace ward::test {

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "ward-serve-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = pattern;
}

TempFolder::~TempFolder() { std::filesystem::remove_all(path_); }

namespace {

std::unique_ptr<emulator::ServedGpu> MakeGpu(emulator::Observers* observers) {
  auto gpu = emulator::ServedGpu::Create(fakes::GpuRig::Options(), observers);
  if (!gpu.ok()) throw std::runtime_error(gpu.fault().reason);
  return std::move(gpu.value());
}

}  // namespace

ServedDevice::ServedDevice(const RigOptions& options) : path_(folder_ / "gpu.sock") {
  std::string error;
  endpoint_ = options.tcp
                  ? emulator::Endpoint::ListenTcp("127.0.0.1:0", options.key != nullptr, &error)
                  : emulator::Endpoint::ListenUnix(path_, &error);
  if (endpoint_ == nullptr) throw std::runtime_error(error);
  if (options.tcp) {
    port_ = static_cast<uint16_t>(
        std::stoul(endpoint_->name().substr(endpoint_->name().rfind(':') + 1)));
  }
  observers_ = emulator::Observers::Open({}, &error);
  if (options.listener != nullptr) observers_->AddListener(options.listener);
  std::unique_ptr<emulator::ServedGpu> gpu = MakeGpu(observers_.get());
  gpu_ = gpu.get();
  server_ = std::make_unique<emulator::DeviceServer>(
      std::move(gpu), emulator::DeviceServerOptions{.name = endpoint_->name(),
                                                    .endpoint = endpoint_.get(),
                                                    .key = options.key,
                                                    .log = &log_,
                                                    .first_message_ms = options.first_message_ms,
                                                    .dma_timeout_ms = options.dma_timeout_ms,
                                                    .unread_ms = options.unread_ms});
  thread_ = std::thread([this] { server_->Run(); });
}

ServedDevice::~ServedDevice() {
  if (!thread_.joinable()) return;
  server_->Stop();
  thread_.join();
}

double ServedDevice::StopMs() {
  const auto begin = std::chrono::steady_clock::now();
  server_->Stop();
  thread_.join();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

WireClient ServedDevice::Connect() const {
  return port_ != 0 ? WireClient::ConnectTcp(port_) : WireClient::ConnectUnix(path_);
}

WireClient ServedDevice::ConnectAgreed() const {
  WireClient client = Connect();
  if (client.Agree().error() != 0) throw std::runtime_error("the device is taken");
  return client;
}

WireClient ServedDevice::ConnectReady() const {
  WireClient client = ConnectAgreed();
  client.PowerUp();
  return client;
}

void ServedDevice::OnDevice(const std::function<void(emulator::ServedGpu*)>& work) {
  const auto done = std::make_shared<std::promise<void>>();
  std::future<void> is_done = done->get_future();
  server_->Post([work, done, gpu = gpu_] {
    work(gpu);
    done->set_value();
  });
  if (is_done.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
    throw std::runtime_error("the device's thread does not come round");
  }
}

bool ServesFreshClient(const ServedDevice& device) {
  WireClient client = device.ConnectReady();
  const uint32_t scratch = client.Register(abi::kRegScratch);
  client.SetRegister(abi::kRegScratch, 0x600d);
  return scratch == 0 && client.Register(abi::kRegScratch) == 0x600d &&
         client.Register(abi::kRegDeviceMagic) == 0x44524157;  // WARD
}

}  // namespace ward::test
