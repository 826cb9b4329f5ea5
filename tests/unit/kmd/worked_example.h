// Executes the blocks of docs/guide/from-reset.md on a PCI function, line by line. The page says
// what a line means.
#ifndef WARD_TESTS_UNIT_KMD_WORKED_EXAMPLE_H_
#define WARD_TESTS_UNIT_KMD_WORKED_EXAMPLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "abi/pci_function.h"

namespace ward::kmd {

class WorkedExample {
 public:
  struct Line {
    int number;  // in the page
    std::string text;
  };
  // The lines of the ```bring-up blocks that say something.
  static std::vector<Line> ReadPage(const std::string& path);

  // `function` outlives this.
  explicit WorkedExample(abi::PciFunction* function) : function_(function) {}

  // Nothing when the line did what it says, else what is wrong with it.
  std::optional<std::string> Do(const std::string& line);

 private:
  using Words = std::vector<std::string>;
  struct Unreadable {};  // thrown: the line is none of the page's language

  std::optional<std::string> DoRead(const Words& words);
  std::optional<std::string> DoConfig(const Words& words);
  std::optional<std::string> Restore(uint32_t place);
  std::optional<std::string> DoMemory(const Words& words);
  std::optional<std::string> Compare(uint32_t found, const std::string& value, uint32_t mask);

  uint32_t Value(const std::string& sum);
  uint32_t Term(const std::string& term);
  static uint32_t Number(const std::string& text);
  static uint32_t Register(const std::string& name);
  uint32_t ConfigPlace(const std::string& sum);
  uint8_t* Place(const std::string& sum);

  abi::PciFunction* function_;
  std::map<std::string, abi::DmaBuffer> memory_;
  std::map<uint32_t, std::vector<uint32_t>> kept_;  // configuration space, by the first place
};

}  // namespace ward::kmd

#endif  // WARD_TESTS_UNIT_KMD_WORKED_EXAMPLE_H_
