// Writes moves as the grammar reads them, from the contract's tables: for first inputs, and for the
// mutator.
#ifndef WARD_TESTS_FUZZ_DEVICE_MOVE_WRITER_H_
#define WARD_TESTS_FUZZ_DEVICE_MOVE_WRITER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "abi/generated/commands.h"
#include "abi/generated/messages.h"
#include "tests/fuzz/device/grammar.h"

namespace ward::fuzz {

class MoveWriter {
 public:
  // A number below `end`, which is not 0; what is plausible is at 0.
  using Pick = std::function<uint32_t(uint32_t end)>;

  // First inputs, in which each command gets as far as it can, are made by a `pick` that always
  // says 0.
  explicit MoveWriter(Pick pick) : pick_(std::move(pick)) {}

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  void Byte(uint8_t byte) { bytes_.push_back(byte); }
  void Add(Move move, const std::vector<uint8_t>& arguments = {});

  // Windows of its operands: 0 is system memory, 1 free VRAM, 2 protected VRAM, 3 what context 2
  // alone maps.
  struct Operands {
    uint8_t target;
    uint8_t source;
  };
  void AddCommand(uint8_t index, uint8_t queue, const Operands& operands);
  void AddIndirect(const std::vector<uint8_t>& indices, uint8_t queue, const Operands& operands);
  void AddMessage(uint8_t index, uint8_t queue);
  void AddDecrypt(uint8_t queue);
  void AddCounters(uint8_t queue);
  void AddReadBack(uint8_t queue);
  void AddRegister();
  void AddPageEntry();
  void AddTableEntry();
  void AddLargePage();
  void AddConfig();
  void AddMsix();
  // A part, a picture, something shown: moves of few bytes that are plausible whatever they are.
  void AddShort(Move move);
  // Messages in order, until something is keyed and used.
  void AddScreen();
  void AddHang(uint8_t queue);
  void AddProtectedOutput();
  void AddTrusted(uint8_t queue);
  void AddChannel(uint8_t queue);
  void AddKnownChannel(uint8_t queue);
  void AddKeyMessages(uint8_t queue);
  void AddRefusedMemory(uint8_t queue);
  void AddContextEnd(uint8_t queue);
  void AddProtectedScreen();
  void AddLink(uint8_t output);
  void AddSpoiled(uint8_t queue, const Operands& operands);
  void AddNested(uint8_t queue, const Operands& operands);
  void AddQueue(uint8_t queue);
  // Doorbells, work, answers.
  void AddRun() { Add(Move::kRunOn, {1}); }
  // One of all these.
  void AddAny();

 private:
  void Number(uint16_t value);
  void Address(uint8_t window, uint8_t page);
  void Command(uint8_t index, const Operands& operands);
  uint16_t Plausible(const char* field);
  void AddUncommon(uint8_t queue);
  uint8_t AnyByte() { return static_cast<uint8_t>(pick_(256)); }

  Pick pick_;
  std::vector<uint8_t> bytes_;
  bool is_narrow_ = false;
};

}  // namespace ward::fuzz

#endif  // WARD_TESTS_FUZZ_DEVICE_MOVE_WRITER_H_
