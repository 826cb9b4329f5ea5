#include "emulator/cli/serve_command.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/Validators.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "abi/generated/pci.h"
#include "base/bytes.h"
#include "device/gpu.h"
#include "emulator/boundary/fault_injector.h"
#include "emulator/boundary/observers.h"
#include "emulator/boundary/standard_error.h"
#include "emulator/cli/command_line.h"
#include "emulator/cli/core_dumps.h"
#include "emulator/cli/size_value.h"
#include "emulator/identity/identity.h"
#include "emulator/recording/recording_file.h"
#include "emulator/vfio_user/access_key.h"
#include "emulator/vfio_user/endpoint.h"
#include "emulator/vfio_user/served_gpu.h"
#include "emulator/vfio_user/server.h"

namespace ward::emulator {
namespace {

constexpr int kWrongUsage = 2;
constexpr int kMostSpinUs = 1'000'000;
constexpr char kServeHelp[] =
    "Serves until SIGTERM or Ctrl-C. Each client finds a chip as after power-on, with visible "
    "memory\n"
    "of its own; one at a time. Examples:\n"
    "  ward serve --socket /tmp/gpu.sock --identity ~/ward-identity\n"
    "  qemu-system-x86_64 ... -object memory-backend-memfd,id=m,size=2G,share=on \\\n"
    "    -machine q35,memory-backend=m -device \\\n"
    "    "
    "'{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"/tmp/gpu.sock\"}}'\n"
    "  ward serve --tcp 127.0.0.1:7000            a driver on this machine, over TCP\n"
    "QEMU is to be 10.1 or later. Without share=on its memory is reached by messages, slowly.";

// Each device has files of its own: with several, the first's end in .0, the second's in .1.
struct WatchArguments {
  ObserverOptions files;
  std::string trace_form = "text";
  uint32_t poll_reads = 0;
  uint32_t poll_ms = 0;
  std::string faults;
  std::string record;
  std::string record_key;
};

// Waking the device's thread costs some 20 us, and most requests far less. Where the client has no
// processor beside ours it would wait for the end of each turn.
int DefaultSpinUs() {
  constexpr int kSpinUs = 50;
  return std::thread::hardware_concurrency() > 1 ? kSpinUs : 0;
}

struct ServeArguments {
  std::vector<std::string> sockets;
  std::vector<std::string> tcp;
  std::string key_file;
  std::string identity;
  std::string status;  // empty: nobody may ask
  uint64_t vram = abi::kDefaultVisibleVram;
  uint64_t protected_vram = abi::kDefaultProtectedVram;
  std::string latency = "fast";
  bool strict_iv = false;
  bool open_decrypt = false;
  uint32_t workers = 1;
  std::string displays[device::kGpuOutputCount] = {"1920x1080", "none"};
  WatchArguments watch;
  ServerOptions server;
  int spin_us = DefaultSpinUs();
  bool no_sandbox = false;
  bool core_dumps = false;
};

int Complain(const std::string& error) {
  fmt::print(stderr, "ward: {}\n", error);
  return 1;
}

// "1920x1080" or "none".
std::optional<device::AttachedDisplay> ParseDisplay(const std::string& text) {
  device::AttachedDisplay display;
  if (text == "none") {
    display.connected = false;
    return display;
  }
  int end = 0;
  if (std::sscanf(text.c_str(), "%ux%u%n", &display.width, &display.height, &end) != 2 ||
      static_cast<size_t>(end) != text.size() || !device::IsPossible(display)) {
    return std::nullopt;
  }
  return display;
}

// systemd hands sockets over from descriptor 3 on (sd_listen_fds(3)).
std::vector<int> InheritedSockets() {
  constexpr int kFirst = 3;
  const char* process = std::getenv("LISTEN_PID");
  const char* count = std::getenv("LISTEN_FDS");
  std::vector<int> sockets;
  if (process == nullptr || count == nullptr || std::atol(process) != getpid()) return sockets;
  for (int i = 0; i < std::atoi(count); ++i) sockets.push_back(kFirst + i);
  return sockets;
}

// Every endpoint that was asked for, or none and `error`.
std::vector<std::unique_ptr<Endpoint>> Listen(const ServeArguments& arguments, bool has_key,
                                              std::string* error) {
  std::vector<std::unique_ptr<Endpoint>> endpoints;
  for (const std::string& path : arguments.sockets) {
    endpoints.push_back(Endpoint::ListenUnix(path, error));
    if (endpoints.back() == nullptr) return {};
  }
  for (const std::string& address : arguments.tcp) {
    endpoints.push_back(Endpoint::ListenTcp(address, has_key, error));
    if (endpoints.back() == nullptr) return {};
  }
  for (const int socket : InheritedSockets()) {
    endpoints.push_back(Endpoint::Adopt(FileDescriptor(socket), error));
    if (endpoints.back() == nullptr) return {};
  }
  return endpoints;
}

bool FillGpuOptions(const ServeArguments& arguments, device::GpuOptions* options,
                    std::string* error) {
  options->visible_vram_bytes = arguments.vram;
  options->protected_vram_bytes = arguments.protected_vram;
  options->latency = arguments.latency == "realistic" ? device::LatencyPreset::kRealistic
                                                      : device::LatencyPreset::kFast;
  options->strict_iv = arguments.strict_iv;
  options->open_decrypt = arguments.open_decrypt;
  for (uint32_t output = 0; output < device::kGpuOutputCount; ++output) {
    const auto display = ParseDisplay(arguments.displays[output]);
    if (!display) {
      *error = fmt::format(
          "--display{} is \"{}\" and takes none or a size from 640x480 to 3840x2160, for example "
          "1920x1080",
          output, arguments.displays[output]);
      return false;
    }
    options->displays[output] = *display;
  }
  return true;
}

// What hears a device, from its start to its end.
struct Watch {
  std::unique_ptr<RecordingFile> recording;  // outlives the observers, which tell it
  std::unique_ptr<Observers> observers;
};

std::string OfDevice(const std::string& path, size_t device, size_t count) {
  return path.empty() || path == "-" || count == 1 ? path : fmt::format("{}.{}", path, device);
}

// Two files of one name would be written over each other.
bool AreDistinct(const WatchArguments& watch, std::string* error) {
  const std::pair<const char*, const std::string*> files[] = {
      {"--trace", &watch.files.trace_path},
      {"--pcap", &watch.files.pcap_path},
      {"--report", &watch.files.report_path},
      {"--record", &watch.record}};
  for (const auto& [option, path] : files) {
    if (path->empty() || *path == "-") continue;
    for (const auto& [other, same] : files) {
      if (other == option) break;
      if (std::filesystem::path(*path).lexically_normal() !=
          std::filesystem::path(*same).lexically_normal()) {
        continue;
      }
      *error = fmt::format("{} and {} are one file, {}: name another one", other, option, *path);
      return false;
    }
  }
  return true;
}

std::optional<Watch> OpenWatch(const ServeArguments& arguments, const Identity& identity,
                               const device::GpuOptions& gpu, size_t device, size_t count,
                               std::string* error) {
  const WatchArguments& wanted = arguments.watch;
  ObserverOptions files = wanted.files;
  files.trace_path = OfDevice(files.trace_path, device, count);
  files.pcap_path = OfDevice(files.pcap_path, device, count);
  files.report_path = OfDevice(files.report_path, device, count);
  files.trace_form = wanted.trace_form == "log" ? TraceForm::kLog : TraceForm::kText;
  files.spin_limits = SpinLimits::Of(wanted.poll_reads, wanted.poll_ms);
  files.with_report = true;  // for SIGUSR1
  files.report_in_place = true;
  files.with_counts = !arguments.status.empty();
  Watch watch;
  watch.observers = Observers::Open(files, error);
  if (watch.observers == nullptr) return std::nullopt;
  if (wanted.record.empty()) return watch;
  RecordingOptions recording;
  recording.path = OfDevice(wanted.record, device, count);
  recording.key_file = wanted.record_key;
  recording.is_test_identity = arguments.identity.empty() || identity.is_test();
  watch.recording = RecordingFile::Open(recording, gpu, error);
  if (watch.recording == nullptr) return std::nullopt;
  watch.observers->AddListener(watch.recording.get());
  return watch;
}

// `recording` may be null.
DeviceHooks MakeHooks(Observers* observers, RecordingFile* recording) {
  DeviceHooks hooks;
  hooks.on_report = [observers] {
    StandardError::Write(observers->report()->Text());
    observers->WriteReportFile();
  };
  hooks.trouble = [observers, recording] {
    std::string text = observers->Trouble();
    if (recording == nullptr || recording->trouble().empty()) return text;
    return (text.empty() ? "" : text + "; ") + recording->trouble();
  };
  hooks.on_end = [observers, recording] {
    observers->WriteReportFile();
    if (recording != nullptr) recording->Close();
  };
  return hooks;
}

int Serve(const ServeArguments& arguments) {
  std::string error;
  if (!arguments.core_dumps && !ForbidCoreDumps(&error)) return Complain(error);
  const int ready_fd = arguments.server.ready_fd;
  if (ready_fd >= 0 && fcntl(ready_fd, F_GETFD) < 0) {
    return Complain(fmt::format(
        "--ready-fd {} is no open descriptor: have whoever starts the server open it, for example "
        "--ready-fd 3 3>ready",
        ready_fd));
  }
  if (!AreDistinct(arguments.watch, &error)) {
    Complain(error);
    return kWrongUsage;
  }
  device::GpuOptions gpu_options;
  if (!FillGpuOptions(arguments, &gpu_options, &error)) {
    Complain(error);
    return kWrongUsage;
  }
  std::unique_ptr<AccessKey> key;
  if (!arguments.key_file.empty()) {
    key = AccessKey::Load(arguments.key_file, &error);
    if (key == nullptr) return Complain(error);
  }
  const std::optional<FaultPlan> faults = ParseFaults(arguments.watch.faults, &error);
  if (!faults) {
    Complain(error);
    return kWrongUsage;
  }
  if (arguments.sockets.empty() && arguments.tcp.empty() && InheritedSockets().empty()) {
    Complain("nowhere to listen: give --socket PATH or --tcp ADDRESS:PORT");
    return kWrongUsage;
  }
  std::vector<Watch> watches;  // outlive the server's devices
  Server server;
  server.SetSpin(arguments.spin_us);
  std::vector<std::unique_ptr<Endpoint>> endpoints = Listen(arguments, key != nullptr, &error);
  if (!error.empty()) return Complain(error);
  const std::optional<Identity> identity = arguments.identity.empty()
                                               ? Identity::Create(&error)
                                               : Identity::Load(arguments.identity, &error);
  if (!identity) return Complain(error);
  if (arguments.identity.empty()) {
    fmt::print(
        stderr,
        "ward: made an identity for this run only; keep one with: ward identity create DIR\n");
  }
  gpu_options.identity_key = &identity->key();
  gpu_options.identity_private_key = identity->private_key();  // for a recording
  gpu_options.identity_certificates = identity->certificate_bundle();
  for (std::unique_ptr<Endpoint>& endpoint : endpoints) {
    device::GpuOptions played = gpu_options;  // faults that the chip itself plays are recorded too
    FaultInjector(*faults, {}).Apply(&played);
    auto watch = OpenWatch(arguments, *identity, played, watches.size(), endpoints.size(), &error);
    if (!watch) return Complain(error);
    Observers* const observers = watch->observers.get();
    RecordingFile* const file = watch->recording.get();
    watches.push_back(std::move(*watch));
    auto gpu = ServedGpu::Create(gpu_options, observers, *faults, arguments.workers);
    if (!gpu.ok()) {
      return Complain(fmt::format("{} (visible: {} bytes, protected: {} bytes)", gpu.fault().reason,
                                  arguments.vram, arguments.protected_vram));
    }
    // Whoever opens a UNIX socket has passed its file's permissions already.
    const AccessKey* wanted = endpoint->is_unix() ? nullptr : key.get();
    server.Add(std::move(endpoint), std::move(gpu.value()), wanted, MakeHooks(observers, file));
  }
  if (!arguments.status.empty()) {
    std::unique_ptr<Endpoint> status = Endpoint::ListenUnix(arguments.status, &error);
    if (status == nullptr) return Complain(error);
    server.AddStatus(std::move(status));
  }
  ServerOptions options = arguments.server;
  options.sandbox = !arguments.no_sandbox;
  return server.Run(options, &error) ? 0 : Complain(error);
}

std::string InMebibytes(uint64_t bytes) { return fmt::format("{}M", bytes >> 20); }

}  // namespace

void AddServeCommand(CLI::App* app, int* exit_code) {
  const auto arguments = std::make_shared<ServeArguments>();
  CLI::App* serve = AddCommand(app, "serve", "Serve the chip over vfio-user");
  serve->footer(kServeHelp);
  serve->add_option("--socket", arguments->sockets,
                    "UNIX socket to listen at; once for each device");
  serve->add_option("--tcp", arguments->tcp,
                    "ADDRESS:PORT to listen at; port 0 takes a free one. Beyond this machine only "
                    "with --key-file");
  serve->add_option("--key-file", arguments->key_file, "32 bytes that TCP clients must hold too");
  serve->add_option("--identity", arguments->identity,
                    "Directory made by `ward identity create`; without it, one for this run");
  serve->add_option("--vram", arguments->vram, "Visible VRAM, a power of two, 1M to 8G")
      ->transform(SizeValue())
      ->default_str(InMebibytes(arguments->vram));
  serve->add_option("--protected", arguments->protected_vram, "Protected VRAM, up to 8G")
      ->transform(SizeValue())
      ->default_str(InMebibytes(arguments->protected_vram));
  serve
      ->add_option("--latency", arguments->latency,
                   "How long firmware takes: fast, or realistic (as on silicon)")
      ->check(OneOf({"fast", "realistic"}))
      ->default_str("fast");
  serve
      ->add_option("--workers", arguments->workers,
                   "Processors that a device's bulk work may take; no difference but in time")
      ->check(CLI::Range(1u, ThreadExecutor::kMaximumWidth))
      ->default_str("1");
  serve->add_flag("--strict-iv", arguments->strict_iv,
                  "Refuse a counter range that was used before under the same key");
  serve->add_flag("--open-decrypt", arguments->open_decrypt,
                  "Let applications read back what they decrypt; no PROTECTION then");
  serve->add_option("--display0", arguments->displays[0], "What is plugged in: WxH or none");
  serve->add_option("--display1", arguments->displays[1], "What is plugged in: WxH or none");
  WatchArguments& watch = arguments->watch;
  serve->add_option("--trace", watch.files.trace_path,
                    "File for what happens, a line each; - is standard error");
  serve->add_option("--trace-form", watch.trace_form, "text, or log (name key=value ...)")
      ->check(OneOf({"text", "log"}));
  serve->add_option("--pcap", watch.files.pcap_path,
                    "File for commands and security messages, for Wireshark");
  serve->add_option(
      "--report", watch.files.report_path,
      "File for what the driver asked for in vain; JSON when it ends in .json. SIGUSR1 "
      "prints it at any time");
  const SpinLimits limits;
  serve
      ->add_option("--poll-reads", watch.poll_reads,
                   fmt::format("Reads of a polling loop from which the report tells it; 0 is {}",
                               limits.reads))
      ->default_str("0");
  serve
      ->add_option("--poll-ms", watch.poll_ms,
                   fmt::format("Milliseconds of virtual time from which it does; 0 is {}",
                               limits.ns / 1'000'000))
      ->default_str("0");
  serve->add_option("--record", watch.record, "File that `ward replay` plays again");
  serve->add_option("--record-key", watch.record_key,
                    "32 bytes that seal the recording; needed with an identity not made for tests");
  serve->add_option("--inject", watch.faults,
                    "Faults, for example \"dma-error:nth=5 late-fence:ns=20000000\"");
  serve
      ->add_option("--status", arguments->status,
                   "UNIX socket where `ward top` asks how the devices stand; its owner's alone")
      ->check([](const std::string& path) {
        return path.empty() ? "the path is empty: give for example /tmp/gpu.status" : "";
      });
  serve->add_option("--ready-fd", arguments->server.ready_fd,
                    "Descriptor that gets a line for each device when all listen");
  serve
      ->add_option(
          "--spin-us", arguments->spin_us,
          "Microseconds for which a device looks for the next request before it sleeps, on a "
          "processor of its own; 0: it sleeps at once. 50, or 0 where there is one processor")
      ->check(CLI::Range(0, kMostSpinUs));
  serve->add_flag("--no-sandbox", arguments->no_sandbox,
                  "Do not restrict the server's system calls");
  AddCoreDumpsOption(serve, &arguments->core_dumps);
  serve->callback([arguments, exit_code] { *exit_code = Serve(*arguments); });
}

}  // namespace ward::emulator
