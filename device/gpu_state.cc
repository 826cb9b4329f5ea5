// The chip's state as bytes and back. Everything is read and checked before the first part of it is
// taken over (docs/spec/saved-state.md).
#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "abi/generated/pci.h"
#include "abi/generated/status.h"
#include "base/planted_bug.h"
#include "base/rule.h"
#include "base/secret_bytes.h"
#include "device/gpu_implementation.h"
#include "device/state_archive.h"

namespace ward::device {
namespace {

Fault Invalid() {
  return Fault{abi::kStatusStateInvalid, "the state holds what no device can be in the middle of"};
}
Fault NoEntropy() { return Fault{abi::kStatusStateNoEntropy, "the host has no random bytes"}; }

bool IsZero(ConstByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

// What of a block's state is sealed or made anew leaves the copy that goes into the clear: handles
// to come, and the counters of ENCRYPT_BLT, the next ones and those of blts in flight.
void DropSecrets(std::vector<Grant>* grants, CommandProcessor::State* processor,
                 firmware::HandleSource* source) {
  for (Grant& grant : *grants) grant.readback_iv = 0;
  for (QueueExecution& execution : processor->queues) {
    if (execution.job.kind != EngineJob::Kind::kEncrypt) continue;
    std::fill(std::begin(execution.job.counter_block), std::end(execution.job.counter_block), 0);
  }
  *source = {source->serial, 0, {}};
}

}  // namespace

// The whole chip but keys, protected content, and what could foretell a random number. A block that
// is missing in this list is not saved.
struct GpuImplementation::Blocks {
  std::vector<uint32_t> registers;
  PciConfig::State config;
  std::vector<uint64_t> contexts;
  std::vector<Grant> grants;
  SecurityProcessor::State security;
  uint64_t last_key_serial = 0;
  Display::State display;
  CommandProcessor::State processor;
  Interrupts::State interrupts;

  WARD_STATE_FIELDS(registers, config, contexts, grants, security, last_key_serial, display,
                    processor, interrupts)

  // A header of this build.
  static StateHeader MakeHeader() {
    StateHeader header;
    StateLayout layout;
    layout.Add(header);
    layout.Add(Blocks());
    header.abi_version = RegisterFile::ResetValue(abi::kRegAbiVersion);
    header.layout = layout.value();
    return header;
  }
};

StateOrigin GpuImplementation::Origin() const {
  StateOrigin origin = options_;
  std::copy_n(security_->fingerprint().begin(), std::size(origin.identity), origin.identity);
  return origin;
}

GpuImplementation::Blocks GpuImplementation::SaveBlocks() const {
  Blocks blocks;
  blocks.registers = registers_.Save();
  blocks.config = config_.Save();
  blocks.contexts = contexts_.Save();
  blocks.grants = grants_.Save();
  blocks.security = security_->state();
  blocks.last_key_serial = vault_.last_serial();
  blocks.display = display_.Save();
  blocks.processor = processor_->Save();
  blocks.interrupts = interrupts_.Save();
  DropSecrets(&blocks.grants, &blocks.processor, &blocks.security.firmware.handle_source);
  return blocks;
}

void GpuImplementation::SealSecrets(SealingStream* stream) const {
  const firmware::HandleSource& source = security_->state().firmware.handle_source;
  stream->AddNumber(source.keyed);
  for (const uint32_t key : source.round_keys) stream->AddNumber(key);
  vault_.Seal(stream);
  memory_.Seal(stream);
}

// Pages that hold something, each behind its number.
void GpuImplementation::AppendVisibleVram(StateFrameWriter* frame) const {
  std::vector<uint8_t> page(abi::kPageSize);
  for (uint64_t number = 0; number < memory_.visible_bytes() / abi::kPageSize; ++number) {
    ports_.vram->Read(number * abi::kPageSize, page);
    if (IsZero(page)) continue;
    uint8_t head[sizeof(number)];
    StoreLe(head, number);
    frame->Append(head);
    frame->Append(page);
  }
}

Result<std::vector<uint8_t>> GpuImplementation::SaveState(const SaveOptions& options) const {
  StateHeader header = Blocks::MakeHeader();
  header.origin = Origin();
  DerivedSeal seal;
  if (options.seal != nullptr) {
    if (!ports_.entropy->Fill(header.salt)) return NoEntropy();
    if (!DeriveSeal(options.seal->Key(), header.salt, &seal)) return NoEntropy();
    std::copy(std::begin(seal.key_check), std::end(seal.key_check), header.key_check);
    header.is_sealed = true;
    header.generation = options.seal->IssueGeneration();
    if (header.generation == 0) {
      return Fault{abi::kStatusStateNotRecorded, "the host could not record a sealed state"};
    }
  }
  StateFrameWriter frame(header);
  frame.BeginSection(StateSection::kBlocks);
  const Blocks blocks = SaveBlocks();
  StateWriter writer;
  WalkState(writer, blocks);
  frame.Append(writer.bytes());
  frame.EndSection();
  if (options.with_visible_vram) {
    frame.BeginSection(StateSection::kVisibleVram);
    AppendVisibleVram(&frame);
    frame.EndSection();
  }
  if (header.is_sealed) {
    SealingStream stream(seal, frame.so_far());
    SealSecrets(&stream);
    frame.BeginSection(StateSection::kSecrets);
    if (!stream.Finish(frame.bytes())) return NoEntropy();
    frame.EndSection();
  }
  return frame.Finish();
}

bool GpuImplementation::CanLoad(const Blocks& blocks) const {
  if (!registers_.CanLoad(blocks.registers) || !config_.CanLoad(blocks.config) ||
      !contexts_.CanLoad(blocks.contexts) || !grants_.CanLoad(blocks.grants, vault_.slot_count()) ||
      !security_->CanLoad(blocks.security) || !display_.CanLoad(blocks.display)) {
    return false;
  }
  // Firmware and engines agree about who has a session and under which read-back key.
  for (size_t i = 0; i < std::size(blocks.security.firmware.sessions); ++i) {
    const firmware::Session& session = blocks.security.firmware.sessions[i];
    const Grant& grant = blocks.grants[i];
    if (session.number != grant.session) return false;
    if (session.number != 0 && session.readback_slot != grant.readback_slot) return false;
  }
  RegisterFile registers(registers_);
  registers.Load(blocks.registers);
  ContextTable contexts(&memory_);
  contexts.Load(blocks.contexts);
  return processor_->CanLoad(blocks.processor, {&registers, &contexts, &blocks.security});
}

// A state on its way in. Only Commit changes the chip.
class GpuImplementation::StateLoad {
 public:
  explicit StateLoad(GpuImplementation* gpu) : gpu_(*gpu) {}
  ~StateLoad() {
    firmware::HandleSource& source = blocks_.security.firmware.handle_source;
    SecureWipe(&source, sizeof(source));
  }
  StateLoad(const StateLoad&) = delete;
  StateLoad& operator=(const StateLoad&) = delete;

  Result<void> Read(ConstByteSpan bytes, StateSeal* seal) {
    WARD_ASSIGN_OR_RETURN(StateFrameReader frame,
                          StateFrameReader::Open(bytes, Blocks::MakeHeader()));
    WARD_TRY(CheckHeader(frame.header(), seal));
    StateReader reader(frame.TakeSection(StateSection::kBlocks));
    WalkState(reader, blocks_);
    if (HasPlantedBug(PlantedBug::kInterruptsLoadedFirst)) {
      gpu_.interrupts_.Load(blocks_.interrupts);
    }
    if (!reader.AtEnd() || !gpu_.CanLoad(blocks_)) return Invalid();
    if (frame.NextIs(StateSection::kVisibleVram)) {
      WARD_TRY(ReadVisibleVram(frame.TakeSection(StateSection::kVisibleVram)));
    }
    if (frame.header().is_sealed) {
      WARD_TRY(Unseal(&frame));
    } else {
      vault_ = gpu_.vault_.EmptyState(blocks_.last_key_serial);
      memory_.owners = PageOwners(gpu_.memory_.protected_bytes() / abi::kPageSize);
    }
    if (!frame.AtEnd()) return Invalid();
    return {};
  }

  // The last thing that may fail: after it the state counts as resumed.
  Result<void> Record(StateSeal* seal) {
    if (!is_sealed_) return {};
    const StateSeal::Outcome outcome = seal->Resume(generation_);
    if (WARD_RULE("state.once", outcome == StateSeal::Outcome::kSpent)) {
      return Fault{abi::kStatusStateSpent,
                   "the sealed state was resumed before, or sealed before another one was resumed"};
    }
    if (outcome == StateSeal::Outcome::kFailed) {
      return Fault{abi::kStatusStateNotRecorded,
                   "the host could not record that the sealed state is resumed"};
    }
    return {};
  }

  void Commit() {
    gpu_.registers_.Load(blocks_.registers);
    gpu_.config_.Load(blocks_.config);
    gpu_.contexts_.Load(blocks_.contexts);
    gpu_.grants_.Load(blocks_.grants);
    gpu_.loaded_ = 0;  // no snapshot is what was loaded last
    gpu_.memory_.Load(memory_);
    gpu_.vault_.Load(*vault_);
    gpu_.security_->Load(blocks_.security);
    gpu_.display_.Load(blocks_.display);
    gpu_.processor_->Load(blocks_.processor);
    gpu_.interrupts_.Load(blocks_.interrupts);
    if (has_visible_vram_) WriteVisibleVram();
    gpu_.ports_.trace->OnEvent({"load", is_sealed_ ? "sealed" : "", {generation_, 0, 0}});
    if (is_sealed_) {
      gpu_.processor_->RestartEncryption();
    } else if (!WARD_BROKEN("state.lost")) {
      gpu_.TearDown();
    }
  }

 private:
  struct Page {
    uint64_t number;
    ConstByteSpan bytes;
  };

  Result<void> CheckHeader(const StateHeader& header, StateSeal* seal) {
    const StateOrigin own = gpu_.Origin();
    if (!std::equal(std::begin(own.identity), std::end(own.identity), header.origin.identity)) {
      return Fault{abi::kStatusStateOtherDevice, "the state is of a device with another identity"};
    }
    if (header.origin != own) {
      return Fault{abi::kStatusStateOtherDevice,
                   "the state is of a device with other memory sizes or options"};
    }
    is_sealed_ = header.is_sealed;
    generation_ = header.generation;
    if (!is_sealed_) return {};
    if (seal == nullptr) {
      return Fault{abi::kStatusStateSealed, "the state is sealed, and no key was given to open it"};
    }
    if (!DeriveSeal(seal->Key(), header.salt, &derived_) ||
        !std::equal(std::begin(derived_.key_check), std::end(derived_.key_check),
                    header.key_check)) {
      return Fault{abi::kStatusStateSealWrong, "the state is sealed under another key"};
    }
    return {};
  }

  Result<void> ReadVisibleVram(ConstByteSpan section) {
    constexpr size_t kEntryBytes = sizeof(uint64_t) + abi::kPageSize;
    if (section.size() % kEntryBytes != 0) return Invalid();
    uint64_t least = 0;
    for (size_t at = 0; at < section.size(); at += kEntryBytes) {
      const auto number = LoadLe<uint64_t>(section.data() + at);
      if (number < least || number >= gpu_.memory_.visible_bytes() / abi::kPageSize) {
        return Invalid();
      }
      least = number + 1;
      pages_.push_back({number, section.subspan(at + sizeof(number), abi::kPageSize)});
    }
    has_visible_vram_ = true;
    return {};
  }

  Result<void> Unseal(StateFrameReader* frame) {
    const ConstByteSpan public_part = frame->so_far();
    OpeningStream stream(derived_, public_part, frame->TakeSection(StateSection::kSecrets));
    if (!stream.ok()) {
      return Fault{abi::kStatusStateAltered, "the state was altered after it was sealed"};
    }
    firmware::HandleSource& source = blocks_.security.firmware.handle_source;
    source.keyed = stream.ReadNumber<uint32_t>();
    for (uint32_t& key : source.round_keys) key = stream.ReadNumber<uint32_t>();
    vault_ = gpu_.vault_.Unseal(&stream, blocks_.last_key_serial);
    auto memory = gpu_.memory_.Unseal(&stream);
    if (vault_ == nullptr || !memory || !stream.AtEnd()) return Invalid();
    memory_ = std::move(*memory);
    return DrawCounters();
  }

  // R22: whatever the chip that saved did afterwards, no counter block comes twice.
  Result<void> DrawCounters() {
    for (Grant& grant : blocks_.grants) {
      if (grant.session == 0 || grant.readback_slot == kNoSlot) continue;
      uint8_t iv[8];
      if (!gpu_.ports_.entropy->Fill(iv)) return NoEntropy();
      if (!WARD_BROKEN("state.fresh_iv")) grant.readback_iv = LoadLe<uint64_t>(iv) >> 1;
    }
    return {};
  }

  void WriteVisibleVram() {
    std::vector<uint8_t> page(abi::kPageSize);
    const std::vector<uint8_t> zeros(abi::kPageSize);
    auto next = pages_.begin();
    for (uint64_t number = 0; number < gpu_.memory_.visible_bytes() / abi::kPageSize; ++number) {
      const uint64_t offset = number * abi::kPageSize;
      if (next != pages_.end() && next->number == number) {
        gpu_.ports_.vram->Write(offset, next->bytes);
        ++next;
        continue;
      }
      gpu_.ports_.vram->Read(offset, page);
      if (page != zeros) gpu_.ports_.vram->Write(offset, zeros);  // an untouched page stays so
    }
  }

  GpuImplementation& gpu_;
  Blocks blocks_;
  std::unique_ptr<KeyVault::State> vault_;
  Memory::State memory_;
  std::vector<Page> pages_;
  bool has_visible_vram_ = false;
  bool is_sealed_ = false;
  uint64_t generation_ = 0;
  DerivedSeal derived_;
};

Result<void> GpuImplementation::LoadState(ConstByteSpan bytes, StateSeal* seal) {
  StateLoad load(this);
  WARD_TRY(load.Read(bytes, seal));
  WARD_TRY(load.Record(seal));
  load.Commit();
  return {};
}

}  // namespace ward::device
