#include "examples/protected_player/story.h"

namespace ward::examples {

void Story::Tell(const std::string& step, HRESULT result, const std::string& text) {
  Line("step=" + step + " result=" + runtime::HresultName(result) + " " + text);
}

void Story::Report(const std::string& json) { Line("report " + json); }

void Story::Events(const std::string& text) { Line("events " + text); }

void Story::Hold() {
  Line("hold");
  std::string line;
  std::getline(*input_, line);
}

void Story::Fail(const std::string& step, const std::string& result, const std::string& text) {
  Line("step=" + step + " result=" + result + " failed: " + text);
}

void Story::Line(const std::string& text) { *output_ << "WARD " << text << std::endl; }

}  // namespace ward::examples
