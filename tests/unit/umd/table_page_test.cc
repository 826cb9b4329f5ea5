// docs/spec/ddi-tables.md against the tables: each line names the entry at its place, and "absent"
// stands exactly where the driver has put its answer for what it does not have.
#include <bit>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "tests/unit/umd/driver_fixture.h"
#include "umd/unsupported_function.h"

namespace ward::umd {
namespace {

struct Line {
  size_t number;
  std::string entry;
  bool is_absent;
};

std::string ReadFile(const std::string& path) {
  std::ifstream file(std::string(WARD_SOURCE_DIR) + "/" + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The rows "| 12 | `Name` | text |" of one section.
std::vector<Line> PageLines(const std::string& section) {
  std::istringstream page(ReadFile("docs/spec/ddi-tables.md"));
  std::vector<Line> lines;
  bool is_inside = false;
  for (std::string text; std::getline(page, text);) {
    if (text.starts_with("## ")) is_inside = text == "## " + section;
    if (!is_inside || !text.starts_with("| ") || !std::isdigit(text[2])) continue;
    const size_t name = text.find('`') + 1;
    lines.push_back({std::stoul(text.substr(2)), text.substr(name, text.find('`', name) - name),
                     text.find("**absent**") != std::string::npos});
  }
  return lines;
}

// The members of a table in the order in which the DDI's header declares them.
std::vector<std::string> DeclaredEntries(const std::string& header, const std::string& table) {
  const std::string text = ReadFile(header);
  const size_t begin = text.find("struct " + table + " {");
  const std::string body = text.substr(begin, text.find("\n};", begin) - begin);
  std::vector<std::string> names;
  for (size_t at = body.find("pfn"); at != std::string::npos; at = body.find("pfn", at + 1)) {
    const size_t end = body.find_first_of(";)", at);
    names.push_back(body.substr(at + 3, end - at - 3));
  }
  return names;
}

using Slot = uint64_t;  // an entry's address

template <typename Function>
Slot Unsupported(Function) {
  return std::bit_cast<Slot>(Function{&UnsupportedFunction<Function>::Call});
}

// What stands in a slot that the driver does not have, of every type that the tables have.
std::set<Slot> UnsupportedSlots() {
  const D3D11_1DDI_DEVICEFUNCS functions = {};
  return {Unsupported(PFND3D_UNDECLARED{}),
          Unsupported(PFND3D_UNDECLARED_SIZE{}),
          Unsupported(functions.pfnResourceResolveSubresource),
          Unsupported(functions.pfnSetTextFilterSize),
          Unsupported(functions.pfnCheckDeferredContextHandleSizes),
          Unsupported(functions.pfnCalcDeferredContextHandleSize)};
}

template <typename Table>
void CheckPage(const Table& table, const std::string& section, const std::string& header) {
  const std::vector<Line> lines = PageLines(section);
  const std::vector<std::string> names = DeclaredEntries(header, section);
  const std::set<Slot> unsupported = UnsupportedSlots();
  Slot slots[sizeof(Table) / sizeof(Slot)];
  std::memcpy(slots, &table, sizeof(table));
  REQUIRE(lines.size() == std::size(slots));
  REQUIRE(names.size() == std::size(slots));
  for (size_t i = 0; i < lines.size(); ++i) {
    INFO(section << ", line of " << lines[i].entry);
    CHECK(lines[i].number == i);
    CHECK(lines[i].entry == names[i]);
    CHECK(lines[i].is_absent == unsupported.contains(slots[i]));
  }
}

TEST_CASE("the page of the tables names every entry, and the absent ones as absent") {
  Driver driver;
  CheckPage(driver.device.functions, "D3D11_1DDI_DEVICEFUNCS", "umd/ddi/device_functions.h");
  CheckPage(driver.device.dxgi, "DXGI1_2_DDI_BASE_FUNCTIONS", "umd/ddi/dxgi_functions.h");
  CheckPage(driver.device.video, "D3D11_1DDI_VIDEODEVICEFUNCS", "umd/ddi/video_functions.h");
}

}  // namespace
}  // namespace ward::umd
