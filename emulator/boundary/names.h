// Names for people of what the guest touched, from the contract's generated tables.
#ifndef WARD_EMULATOR_BOUNDARY_NAMES_H_
#define WARD_EMULATOR_BOUNDARY_NAMES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "abi/generated/registers.h"
#include "abi/generated/trace_names.h"

namespace ward::emulator {

// A described register of BAR0; `info` is null when there is none at the offset.
struct NamedRegister {
  const abi::RegisterInfo* info = nullptr;
  uint32_t block = 0;
  uint32_t element = 0;
};

NamedRegister FindRegister(uint64_t offset);
// "RING_HEAD[3]", "OUTPUT_EDID[1][5]": the block in brackets where there are several, then the
// element. An offset without a register: "NEAREST+0x10" after the described register below it, or
// its hexadecimal offset when there is none.
std::string RegisterName(uint64_t offset);

// The register's named fields.
std::vector<abi::RegisterFieldInfo> FieldsOf(const abi::RegisterInfo& info);
uint32_t FieldValue(const abi::RegisterFieldInfo& field, uint32_t value);
// " STATE=2 HUNG=0", with a space before each; empty when the register has no fields.
std::string DecodeFields(const abi::RegisterInfo& info, uint32_t value);

// "COMMAND", "BAR0+0x2", "0x98" of the configuration space.
std::string ConfigName(uint32_t offset);
bool IsNamedConfig(uint32_t offset);
// "VECTOR5.ADDRESS_LO", "PENDING" of BAR4.
std::string MsixName(uint64_t offset);
// "QUEUE3", "FAULT": the interrupt source's bit of INTERRUPT_CAUSE.
std::string SourceName(uint64_t source);

}  // namespace ward::emulator

#endif  // WARD_EMULATOR_BOUNDARY_NAMES_H_
