#include "emulator/vfio_user/device_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <list>
#include <utility>

#include "base/planted_bug.h"
#include "emulator/vfio_user/client_session.h"
#include "emulator/vfio_user/message_body.h"
#include "emulator/vfio_user/planted_bug.h"
#include "emulator/vfio_user/spin_window.h"
#include "fmt/format.h"

namespace ward::emulator {
namespace {

namespace asio = boost::asio;
namespace wire = abi::vfio_user;
using Descriptor = asio::posix::stream_descriptor;
using boost::system::error_code;

// Clients that prove who they are, or hear that another one is there. When there are too many the
// oldest goes: nobody keeps others out by saying nothing.
constexpr size_t kMaximumNewcomers = 32;
constexpr auto kNewcomerTime = std::chrono::seconds(2);

}  // namespace

class DeviceServer::Loop {
 public:
  Loop(std::unique_ptr<ServedGpu> gpu, const DeviceServerOptions& options)
      : options_(options),
        gpu_(std::move(gpu)),
        stop_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        stop_watch_(io_, fcntl(stop_.get(), F_DUPFD_CLOEXEC, 0)),
        listener_(io_, fcntl(options.endpoint->socket(), F_DUPFD_CLOEXEC, 0)),
        wakeup_(io_),
        first_message_(io_),
        unread_(io_),
        window_(std::chrono::microseconds(options.spin_us)) {
    const int socket = options.endpoint->socket();
    fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK);
  }
  ~Loop() { EndSession(""); }

  void Run() {
    Begin();
    while (!io_.stopped()) {
      // A handler that ran may have left another one ready.
      if (io_.poll_one() == 0 && !window_.IsOpen(SpinWindow::Time::clock::now())) io_.run_one();
    }
    EndSession("the server ends");
    newcomers_.clear();
  }
  size_t RunReady(size_t at_most) {
    Begin();
    size_t ran = 0;
    while (ran < at_most && io_.poll_one() != 0) ++ran;
    return ran;
  }
  void Stop() {
    const uint64_t one = 1;
    const ssize_t written = write(stop_.get(), &one, sizeof(one));
    static_cast<void>(written);  // a counter that is full says the same
  }
  void Post(std::function<void()> work) { asio::post(io_, std::move(work)); }
  // On the thread of Run.
  DeviceStatus Status() const {
    DeviceStatus status = past_;
    status.taken = std::chrono::steady_clock::now();
    status.has_client = client_ != nullptr;
    if (client_ != nullptr) AddCounts(client_->session.counts(), &status);
    if (gpu_->counts() != nullptr) status.work = *gpu_->counts();
    status.usage = gpu_->boundary().gpu().Usage();
    return status;
  }

 private:
  // Somebody who has connected and is no client yet, or never will be.
  struct Newcomer {
    Newcomer(asio::io_context* io, FileDescriptor connection)
        : stream(std::move(connection)),
          watch(*io, fcntl(stream.socket(), F_DUPFD_CLOEXEC, 0)),
          timer(*io) {}
    MessageStream stream;
    Descriptor watch;
    asio::steady_timer timer;
    AccessKey::Proof challenge{};
    AccessKey::Proof proof{};
    size_t got = 0;
    bool is_leaving = false;
  };
  using Place = std::list<Newcomer>::iterator;

  // One connection. What was asked for it and comes later finds its number changed.
  struct Client {
    Client(asio::io_context* io, FileDescriptor connection, ServedGpu* gpu,
           const SessionOptions& options)
        : session(std::move(connection), gpu, options),
          watch(*io, fcntl(session.socket(), F_DUPFD_CLOEXEC, 0)) {}
    ClientSession session;
    Descriptor watch;
    bool reads = false;  // input is waited for
    bool writes = false;
    bool is_behind = false;  // and unread_ runs
  };

  void Begin() {
    if (std::exchange(has_begun_, true)) return;
    stop_watch_.async_wait(Descriptor::wait_read, [this](error_code) { io_.stop(); });
    WatchListener();
  }

  static void AddCounts(const ClientSession::Counts& counts, DeviceStatus* status) {
    status->messages += counts.messages;
    status->refused += counts.refused;
    status->dma_messages += counts.dma_messages;
  }

  void Log(const std::string& line) { options_.log->Write(options_.name, line); }

  void WatchListener() {
    listener_.async_wait(Descriptor::wait_read, [this](error_code error) {
      if (error) return;
      Guard([this] { Accept(); });
      WatchListener();
    });
  }

  // A connection that there are no descriptors or timers for is dropped, and no other one with it.
  template <typename Work>
  void Guard(const Work& work) {
    try {
      work();
    } catch (const boost::system::system_error& failure) {
      Log(fmt::format("a connection was dropped: {}", failure.what()));
      Pause();
    }
  }

  void Accept() {
    FileDescriptor connection(
        accept4(options_.endpoint->socket(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection.valid()) {
      const int error = errno;
      // Gone again, or taken by a signal: nothing to say. Without descriptors it will come again at
      // once, so wait a little.
      if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS) {
        Log(fmt::format("no connection can be taken: {}", std::strerror(error)));
        Pause();
      }
      return;
    }
    const int one = 1;
    if (!options_.endpoint->is_unix()) {
      setsockopt(connection.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    if (options_.key != nullptr) {
      Challenge(std::move(connection));
    } else {
      Admit(std::move(connection));
    }
  }

  static void Pause() {
    const timespec pause = {0, 20'000'000};
    nanosleep(&pause, nullptr);
  }

  void MakeRoom() {
    if (newcomers_.size() - leaving_ < kMaximumNewcomers) return;
    const Place oldest = std::ranges::find(newcomers_, false, &Newcomer::is_leaving);
    Log("a client was let go: too many came after it");
    Remove(oldest);
  }

  Place AddNewcomer(FileDescriptor connection) {
    MakeRoom();
    newcomers_.emplace_back(&io_, std::move(connection));
    const Place place = std::prev(newcomers_.end());
    place->timer.expires_after(kNewcomerTime);
    place->timer.async_wait([this, place](error_code error) {
      if (error || place->is_leaving) return;
      Log("a client was let go: it said nothing in 2 s");
      Remove(place);
    });
    return place;
  }

  // Its handlers are cancelled first: they hold the place.
  void Remove(Place place) {
    if (std::exchange(place->is_leaving, true)) return;
    ++leaving_;
    place->timer.cancel();
    place->watch.cancel();
    asio::post(io_, [this, place] {
      newcomers_.erase(place);
      --leaving_;
    });
  }

  void Challenge(FileDescriptor connection) {
    AccessKey::Proof challenge{};
    if (!AccessKey::MakeChallenge(&challenge)) return;
    // A fresh socket has room for 32 bytes.
    if (send(connection.get(), challenge.data(), challenge.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(challenge.size())) {
      return;
    }
    const Place place = AddNewcomer(std::move(connection));
    place->challenge = challenge;
    AwaitProof(place);
  }

  void AwaitProof(Place place) {
    place->watch.async_wait(Descriptor::wait_read, [this, place](error_code error) {
      if (error || place->is_leaving) return;
      const ssize_t got = recv(place->stream.socket(), place->proof.data() + place->got,
                               place->proof.size() - place->got, 0);
      if (got > 0) place->got += static_cast<size_t>(got);
      if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return Remove(place);
      if (place->got < place->proof.size()) return AwaitProof(place);
      if (options_.key->Accepts(place->challenge, place->proof)) {
        Guard([this, place] {
          Admit(FileDescriptor(fcntl(place->stream.socket(), F_DUPFD_CLOEXEC, 0)));
        });
      } else {
        Log("a client was refused: it does not hold the key");
      }
      Remove(place);
    });
  }

  void Admit(FileDescriptor connection) {
    // Who reconnects at once may come before we hear that he went.
    if (client_ != nullptr) OnInput();
    if (client_ != nullptr) return Refuse(std::move(connection));
    StartSession(std::move(connection));
  }

  // Says EBUSY in reply to the first message.
  void Refuse(FileDescriptor connection) {
    Log("a second client was refused: the device has one");
    AwaitVersion(AddNewcomer(std::move(connection)));
  }

  void AwaitVersion(Place place) {
    place->watch.async_wait(Descriptor::wait_read, [this, place](error_code error) {
      if (error || place->is_leaving) return;
      Message message;
      const MessageStream::Input input = place->stream.Read(&message);
      if (input == MessageStream::Input::kNothing) return AwaitVersion(place);
      if (input == MessageStream::Input::kMessage && WantsReply(message)) {
        place->stream.Send({message.header.id, message.header.command, sizeof(wire::Header),
                            wire::kTypeReply | wire::kError, EBUSY},
                           {});
        if (HasPlantedBug(PlantedBug::kRefusedClientStays)) return AwaitVersion(place);
      }
      Remove(place);
    });
  }

  void StartSession(FileDescriptor connection) {
    SessionOptions options;
    options.carries_descriptors = options_.endpoint->is_unix();
    options.dma_timeout_ms = options_.dma_timeout_ms;
    options.stop_descriptor = stop_.get();
    client_ = std::make_unique<Client>(&io_, std::move(connection), gpu_.get(), options);
    ++generation_;
    ++past_.clients;
    past_.client_since = std::chrono::steady_clock::now();
    Log("a client has connected");
    first_message_.expires_after(std::chrono::milliseconds(options_.first_message_ms));
    first_message_.async_wait([this, generation = generation_](error_code error) {
      if (error || generation != generation_ || client_ == nullptr) return;
      if (!client_->session.IsAgreed()) EndSession("it did not say its version in time");
    });
    OnInput();
  }

  // Ends the connection that is there, if one is. An empty reason: the session's own.
  void EndSession(const std::string& reason) {
    TellTrouble();  // who leaves at once has no slice
    if (client_ == nullptr) return;
    const ClientSession& session = client_->session;
    const std::string why = !reason.empty() ? reason : session.reason();
    Log(fmt::format("the client {}; {}", why.empty() ? "has closed" : "was let go: " + why,
                    session.Summary()));
    AddCounts(session.counts(), &past_);
    ++generation_;
    wakeup_.cancel();
    first_message_.cancel();
    unread_.cancel();
    client_.reset();
  }

  void OnInput() {
    const bool more = client_->session.HandleInput();
    window_.OnInput(SpinWindow::Time::clock::now());
    if (CloseIfOver()) return;
    if (more || WARD_HAS_BUG("input.always_more")) PostInput();
    PostSlice();
    WatchSocket();
  }

  void PostInput() {
    asio::post(io_, [this, generation = generation_] {
      if (generation == generation_ && client_ != nullptr) OnInput();
    });
  }

  bool CloseIfOver() {
    if (client_ != nullptr && client_->session.IsOver()) EndSession("");
    return client_ == nullptr;
  }

  // What a client that does not read has sent stays where it is. His own end of the connection may
  // be in it, and then we would never hear that he went.
  void WatchReading() {
    const bool is_behind = !client_->session.WantsInput();
    if (std::exchange(client_->is_behind, is_behind) == is_behind) return;
    unread_.cancel();
    if (!is_behind) return;
    unread_.expires_after(std::chrono::milliseconds(options_.unread_ms));
    unread_.async_wait([this, generation = generation_](error_code error) {
      if (error || generation != generation_ || client_ == nullptr || !client_->is_behind) return;
      if (unread_.expiry() > asio::steady_timer::clock_type::now()) return;  // begun anew since
      EndSession("it did not read its replies in time");
    });
  }

  void WatchSocket() {
    WatchReading();
    if (!client_->reads && client_->session.WantsInput()) {
      client_->reads = true;
      client_->watch.async_wait(Descriptor::wait_read,
                                [this, generation = generation_](error_code error) {
                                  if (error || generation != generation_ || client_ == nullptr)
                                    return;
                                  client_->reads = false;
                                  OnInput();
                                });
    }
    if (!client_->writes && client_->session.WantsOutput()) {
      client_->writes = true;
      client_->watch.async_wait(Descriptor::wait_write,
                                [this, generation = generation_](error_code error) {
                                  if (error || generation != generation_ || client_ == nullptr)
                                    return;
                                  client_->writes = false;
                                  client_->session.Flush();
                                  WatchSocket();
                                });
    }
  }

  void PostSlice() {
    if (std::exchange(slice_is_posted_, true)) return;
    asio::post(io_, [this] {
      if (HasPlantedBug(PlantedBug::kSliceLostWithClient) && client_ == nullptr) return;
      slice_is_posted_ = false;
      if (client_ != nullptr) Work();
    });
  }

  void TellTrouble() {
    if (!options_.trouble) return;
    std::string trouble = options_.trouble();
    if (trouble == told_trouble_) return;
    told_trouble_ = std::move(trouble);
    if (!told_trouble_.empty()) Log(told_trouble_);
  }

  void Work() {
    const device::ProcessResult result = client_->session.Work();
    TellTrouble();
    if (CloseIfOver()) return;
    WatchSocket();
    if (result.more) return PostSlice();
    if (result.wakeup_ns == 0) {
      wakeup_.cancel();
      return;
    }
    const uint64_t now = gpu_->NowNs();
    wakeup_.expires_after(
        std::chrono::nanoseconds(result.wakeup_ns > now ? result.wakeup_ns - now : 0));
    wakeup_.async_wait([this](error_code error) {
      if (!error) PostSlice();
    });
  }

  const DeviceServerOptions options_;
  std::unique_ptr<ServedGpu> gpu_;
  FileDescriptor stop_;
  asio::io_context io_{1};
  Descriptor stop_watch_;
  Descriptor listener_;
  asio::steady_timer wakeup_;
  asio::steady_timer first_message_;
  asio::steady_timer unread_;
  bool has_begun_ = false;
  std::list<Newcomer> newcomers_;   // the oldest first
  size_t leaving_ = 0;              // of them
  std::unique_ptr<Client> client_;  // before gpu_ goes
  uint64_t generation_ = 0;
  DeviceStatus past_;  // of the clients that went; also when the last one came
  bool slice_is_posted_ = false;
  std::string told_trouble_;
  SpinWindow window_;
};

DeviceServer::DeviceServer(std::unique_ptr<ServedGpu> gpu, const DeviceServerOptions& options)
    : loop_(std::make_unique<Loop>(std::move(gpu), options)) {}

DeviceServer::~DeviceServer() = default;

void DeviceServer::Run() { loop_->Run(); }

size_t DeviceServer::RunReady(size_t at_most) { return loop_->RunReady(at_most); }

void DeviceServer::Stop() { loop_->Stop(); }

void DeviceServer::Post(std::function<void()> work) { loop_->Post(std::move(work)); }

void DeviceServer::AskStatus(std::function<void(const DeviceStatus&)> answer) {
  loop_->Post([loop = loop_.get(), answer = std::move(answer)] { answer(loop->Status()); });
}

}  // namespace ward::emulator
