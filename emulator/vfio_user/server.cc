#include "emulator/vfio_user/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <exception>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "emulator/vfio_user/readiness.h"
#include "emulator/vfio_user/sandbox.h"
#include "emulator/vfio_user/thread_patience.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

// A device that does not end in this time of its own never will: its client has found a way to hold
// its thread.
constexpr auto kPatience = std::chrono::milliseconds(500);
// How often it is looked whether the thread works, sleeps or waits for a processor.
constexpr auto kLook = std::chrono::milliseconds(10);

// Each client brings some; the usual limit of 1024 is the shell's, for programs that use select(2).
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
  return signals;
}

}  // namespace

struct Server::Device {
  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<DeviceServer> server;
  DeviceHooks hooks;
  std::thread thread;
  std::promise<void> begun;
  std::optional<ThreadState> state;  // since it has begun
  std::atomic<bool> failed{false};
  std::promise<void> ended;  // its thread has nothing to do any more
};

Server::Server() {
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  OpenNotifySocket();
  signal(SIGPIPE, SIG_IGN);  // a peer that is gone is an errno
  RaiseDescriptorLimit();
}

Server::~Server() {
  status_.reset();
  for (const auto& device : devices_) device->server->Stop();
  for (const auto& device : devices_) {
    if (device->thread.joinable()) device->thread.join();
  }
}

void Server::Add(std::unique_ptr<Endpoint> endpoint, std::unique_ptr<ServedGpu> gpu,
                 const AccessKey* key, DeviceHooks hooks) {
  auto device = std::make_unique<Device>();
  device->endpoint = std::move(endpoint);
  device->hooks = std::move(hooks);
  const DeviceServerOptions options = {.name = device->endpoint->name(),
                                       .endpoint = device->endpoint.get(),
                                       .key = key,
                                       .log = &log_,
                                       .trouble = device->hooks.trouble,
                                       .spin_us = spin_us_};
  device->server = std::make_unique<DeviceServer>(std::move(gpu), options);
  devices_.push_back(std::move(device));
}

void Server::AddStatus(std::unique_ptr<Endpoint> endpoint) {
  status_ = std::make_unique<StatusServer>(std::move(endpoint));
  for (const auto& device : devices_) {
    status_->AddDevice(device->endpoint->name(), [server = device->server.get()](auto answer) {
      server->AskStatus(std::move(answer));
    });
  }
}

void Server::StartThreads() {
  if (status_ != nullptr) status_->Start();
  for (const auto& device : devices_) {
    device->thread = std::thread([this, device = device.get()] {
      device->state.emplace();
      device->begun.set_value();
      try {
        device->server->Run();
      } catch (const std::exception& failure) {
        device->failed = true;
        try {
          log_.Write(device->endpoint->name(), fmt::format("fails: {}", failure.what()));
        } catch (const std::exception&) {
          // There is not even memory for a line.
        }
        kill(getpid(), SIGTERM);  // a process whose device is dead must not look alive
      }
      device->ended.set_value();
    });
    device->begun.get_future().wait();
  }
}

void Server::WaitForEnd() {
  const sigset_t signals = HandledSignals();
  while (true) {
    const int signal = sigwaitinfo(&signals, nullptr);
    if (signal < 0 && errno == EINTR) continue;
    if (signal != SIGUSR1) return;
    for (const auto& device : devices_) {
      if (device->hooks.on_report) device->server->Post(device->hooks.on_report);
    }
  }
}

bool Server::Run(const ServerOptions& options, std::string* error) {
  StartThreads();
  if (options.sandbox && !EnterSandbox(error)) return false;
  std::vector<std::string> names;
  for (const auto& device : devices_) {
    names.push_back(device->endpoint->name());
    log_.Write(names.back(), "listens");
  }
  TellReady(options.ready_fd, names);
  WaitForEnd();
  TellStopping();
  status_.reset();
  return EndDevices(error);
}

bool Server::EndsInTime(Device* device, ThreadPatience* patience) {
  const std::future<void> ended = device->ended.get_future();
  while (ended.wait_for(kLook) != std::future_status::ready) {
    if (!patience->Spend(std::chrono::steady_clock::now(), device->state->Read())) return false;
  }
  return true;
}

bool Server::EndDevices(std::string* error) {
  error->clear();
  for (const auto& device : devices_) device->server->Stop();
  std::vector<ThreadPatience> patience;
  for (const auto& device : devices_) {
    patience.emplace_back(kPatience, std::chrono::steady_clock::now(), device->state->Read());
  }
  bool all_ended = true;
  for (size_t i = 0; i < devices_.size(); ++i) {
    const auto& device = devices_[i];
    if (!EndsInTime(device.get(), &patience[i])) {
      log_.Write(device->endpoint->name(), "does not end; the process does");
      all_ended = false;
      continue;
    }
    device->thread.join();
    if (device->hooks.on_end) device->hooks.on_end();
    if (device->failed) *error = "a device failed; the line above says why";
    const std::string trouble = device->hooks.trouble ? device->hooks.trouble() : "";
    if (!trouble.empty()) *error = fmt::format("{}: {}", device->endpoint->name(), trouble);
  }
  if (!all_ended) {
    if (!error->empty()) log_.Write("server", *error);
    for (const auto& device : devices_) device->endpoint.reset();
    _exit(1);
  }
  return error->empty();
}

}  // namespace ward::emulator
