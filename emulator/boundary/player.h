// The outside of a chip that is run again: answers its ports from recorded events, and notices
// where the chip asks for something else.
#ifndef WARD_EMULATOR_BOUNDARY_PLAYER_H_
#define WARD_EMULATOR_BOUNDARY_PLAYER_H_

#include <cstdint>
#include <string>

#include "base/trace.h"
#include "device/ports.h"
#include "emulator/boundary/event_source.h"
#include "emulator/boundary/known_memory.h"

namespace ward::emulator {

// Memory of both kinds as far as the events tell of it.
struct KnownMemories {
  KnownMemory bus;
  KnownMemory vram;
};

// Makes the calls that the host made while the chip waited for a port.
class NestedCaller {
 public:
  virtual void MakeNested(const RecordedEvent& call) = 0;

 protected:
  ~NestedCaller() = default;
};

class Player final : public device::DmaPort,
                     public device::InterruptPort,
                     public device::ClockPort,
                     public device::EntropyPort {
 public:
  // Both outlive the player.
  Player(EventSource* source, NestedCaller* caller)
      : source_(source), caller_(caller), vram_(this) {}

  device::Ports ports(TraceSink* trace) { return {this, &vram_, this, this, this, trace}; }

  bool matches() const { return difference_.empty(); }
  // One line for people, with the number of the event; empty while the chip does what it did.
  const std::string& difference() const { return difference_; }
  void Differ(const std::string& what);

  // While it rests the chip is only looked at: no event is taken and nothing differs.
  void SetResting(bool resting) { is_resting_ = resting; }

  // A state was loaded, and the machine's clock came back with it.
  void ForgetTime() { now_ns_ = 0; }
  // The chip asked for more than was recorded: that is where the recording breaks off.
  bool ran_out() const { return ran_out_; }

  // Off at first: it costs time and memory.
  void SetNotingMemory(bool noting) { is_noting_ = noting; }
  const KnownMemories& memories() const { return memories_; }
  uint64_t now_ns() const { return now_ns_; }
  // For going back.
  void Rewind(const KnownMemories& memories, uint64_t now_ns);

  bool Read(uint64_t address, ByteSpan destination) override;
  bool Write(uint64_t address, ConstByteSpan source) override;
  bool WriteAtomic64(uint64_t address, uint64_t value) override;
  void SendVector(uint32_t vector) override;
  uint64_t NowNs() override;
  bool Fill(ByteSpan destination) override;

 private:
  class Vram final : public device::VramPort {
   public:
    explicit Vram(Player* player) : player_(player) {}
    void Read(uint64_t offset, ByteSpan destination) override;
    void Write(uint64_t offset, ConstByteSpan source) override;
    void WriteAtomic64(uint64_t offset, uint64_t value) override;

   private:
    Player* player_;
  };

  // What the host did before the port access that comes next.
  void MakeNestedCalls();
  // The next event when it is the port access that the chip makes now; null otherwise.
  const RecordedEvent* Expect(BoundaryEventKind kind, uint64_t address);
  // Both give the host's answer.
  bool Answer(BoundaryEventKind kind, uint64_t address, ByteSpan destination, KnownMemory* memory);
  bool Check(BoundaryEventKind kind, uint64_t address, uint64_t value, ConstByteSpan data,
             KnownMemory* memory);
  void Note(KnownMemory* memory, uint64_t address, ConstByteSpan bytes);

  EventSource* source_;
  NestedCaller* caller_;
  Vram vram_;
  std::string difference_;
  bool ran_out_ = false;
  bool is_resting_ = false;
  bool is_noting_ = false;
  bool is_nested_ = false;  // amid MakeNestedCalls
  KnownMemories memories_;
  uint64_t now_ns_ = 0;
};

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_PLAYER_H_
