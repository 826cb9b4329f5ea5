// A register, or one field of it, as people name it: "QUEUE_STATUS[3].STATE", "LAST_FENCE[0]",
// "RING_BASE_LO[1]", "OUTPUT_EDID[1][5]", "0x1004".
#ifndef WARD_EMULATOR_CLI_BENCH_REGISTER_PLACE_H_
#define WARD_EMULATOR_CLI_BENCH_REGISTER_PLACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "abi/generated/reference.h"
#include "abi/pci_function.h"
#include "emulator/cli/bench/text_scanner.h"

namespace ward::emulator {

struct RegisterPlace {
  std::string name;          // as it is to be called: "QUEUE_STATUS[3]", or "0x1008" without one
  uint32_t offset = 0;       // in BAR0
  uint32_t width_bits = 32;  // 64: two registers, the low half first
  uint32_t shift = 0;        // 32: the upper half of a 64-bit register
  const abi::RegisterReference* reference = nullptr;  // null: nothing is described there
  // The fields inside [shift, shift + width_bits), their bits counted from `shift`.
  std::vector<abi::FieldReference> fields;
  std::optional<abi::FieldReference> field;  // the one that was named
  bool is_array = false;                     // named without its brackets

  uint64_t Largest() const;  // greatest value of the field, or of the register
  std::string FullName() const { return field ? name + "." + field->name : name; }
};

enum class ArrayUse { kRefused, kWhole };

// Takes a place from `scanner`. Without `kWhole` an array needs its number in brackets; with it
// "QUEUE_STATUS" alone is the first and `is_array`.
std::optional<RegisterPlace> ScanRegister(TextScanner* scanner, ArrayUse use, Mistake* mistake);
// Takes a value for `place`: a number, or the name of a status. It fits the place.
std::optional<uint64_t> ScanValue(TextScanner* scanner, const RegisterPlace& place,
                                  Mistake* mistake);

// Every register of an array that was named as a whole, in order.
std::vector<RegisterPlace> ListArray(const RegisterPlace& place);
// All that is described, in order of offsets.
std::vector<RegisterPlace> ListAllRegisters();

// The whole register.
uint64_t ReadRegister(abi::PciFunction* function, const RegisterPlace& place);
// The named field of `value`, or all of it.
uint64_t FieldOf(const RegisterPlace& place, uint64_t value);
// Writes the register, or the field with the others as they read. Bits that act when written are
// zero unless named: w1c and wo fields are never written back.
void WriteRegister(abi::PciFunction* function, const RegisterPlace& place, uint64_t value);

// "QUEUE_STATUS[3]", that is `element` of `block` of `reference`.
std::string PlaceName(const abi::RegisterReference& reference, uint32_t block, uint32_t element,
                      const char* suffix = "");

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_CLI_BENCH_REGISTER_PLACE_H_
