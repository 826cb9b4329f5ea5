#include "emulator/vfio_user/status_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "emulator/boundary/patient_poll.h"
#include "emulator/vfio_user/status_document.h"

namespace ward::emulator {
namespace {

// One that asks and does not read is given up: the next one waits for it.
constexpr int kReaderMs = 1000;

// Whether `other` stayed quiet and `socket` can be written to.
bool AwaitRoom(int socket, int other) {
  pollfd watched[] = {{socket, POLLOUT, 0}, {other, POLLIN, 0}};
  return PollPatiently(watched, kReaderMs) > 0 && watched[1].revents == 0;
}

void Send(int socket, int stop, const std::string& text) {
  for (size_t sent = 0; sent < text.size();) {
    const ssize_t taken =
        send(socket, text.data() + sent, text.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken > 0) {
      sent += static_cast<size_t>(taken);
    } else if (errno == EINTR) {
      continue;
    } else if (errno != EAGAIN || !AwaitRoom(socket, stop)) {
      return;
    }
  }
}

}  // namespace

struct StatusServer::Device {
  std::string name;
  Ask ask;
  std::mutex lock;
  std::condition_variable answered;
  bool is_asked = false;  // and has not answered yet: it is not asked again
  std::optional<DeviceStatus> last;
};

StatusServer::StatusServer(std::unique_ptr<Endpoint> endpoint)
    : endpoint_(std::move(endpoint)),
      stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      started_(std::chrono::steady_clock::now()) {}

StatusServer::~StatusServer() { Stop(); }

void StatusServer::AddDevice(std::string name, Ask ask) {
  auto device = std::make_shared<Device>();
  device->name = std::move(name);
  device->ask = std::move(ask);
  devices_.push_back(std::move(device));
}

void StatusServer::Start() {
  thread_ = std::thread([this] { Run(); });
}

void StatusServer::Stop() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    const ssize_t written = write(stop_.get(), &one, sizeof(one));
    static_cast<void>(written);
    thread_.join();
  }
  endpoint_.reset();
}

void StatusServer::Run() {
  while (true) {
    pollfd watched[] = {{endpoint_->socket(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(watched, 2, -1) < 0 && errno != EINTR) return;
    if (watched[1].revents != 0) return;
    if (watched[0].revents == 0) continue;
    try {
      Answer();
    } catch (const std::exception&) {
      // No memory for a document: who asked gets none, and the devices go on.
    }
  }
}

void StatusServer::Answer() {
  const FileDescriptor connection(
      accept4(endpoint_->socket(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!connection.valid()) {
    // Without descriptors it would come again at once.
    const timespec pause = {0, 20'000'000};
    if (errno != EAGAIN) nanosleep(&pause, nullptr);
    return;
  }
  Send(connection.get(), stop_.get(), MakeDocument());
}

std::string StatusServer::MakeDocument() {
  for (const auto& device : devices_) {
    {
      const std::lock_guard<std::mutex> lock(device->lock);
      if (std::exchange(device->is_asked, true)) continue;
    }
    device->ask([device](const DeviceStatus& status) {
      const std::lock_guard<std::mutex> lock(device->lock);
      device->last = status;
      device->is_asked = false;
      device->answered.notify_all();
    });
  }
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  std::vector<DeviceEntry> entries;
  for (const auto& device : devices_) {
    std::unique_lock<std::mutex> lock(device->lock);
    const bool is_fresh =
        device->answered.wait_until(lock, limit, [&] { return !device->is_asked; });
    entries.push_back({device->name, is_fresh, device->last});
  }
  return StatusDocument(entries, started_, std::chrono::steady_clock::now());
}

}  // namespace ward::emulator
