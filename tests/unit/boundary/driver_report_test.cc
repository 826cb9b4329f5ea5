#include "emulator/boundary/driver_report.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "abi/generated/messages.h"
#include "abi/generated/status.h"
#include "catch2/catch_test_macros.hpp"
#include "nlohmann/json.hpp"
#include "tests/unit/boundary/observed_chip.h"
#include "tests/unit/crypto/workspace.h"

namespace ward::test {
namespace {

using nlohmann::json;

emulator::ObserverOptions WithReport() {
  emulator::ObserverOptions options;
  options.with_report = true;
  return options;
}

json Report(const ObservedChip& bench) { return json::parse(bench.observers->report()->Json()); }

// The entry whose reason is this; null when there is none.
json Find(const json& report, const std::string& reason) {
  for (const json& entry : report["unmet"]) {
    if (entry["reason"] == reason) return entry;
  }
  return nullptr;
}

TEST_CASE("A driver that asks for what there is has an empty report") {
  ObservedChip bench(WithReport());
  bench.StartQueue();
  bench.PushFence(1);
  bench.Run();
  CHECK(bench.Read(abi::kRegLastFenceLo) == 1);
  CHECK(Report(bench)["unmet"].empty());
  CHECK(Report(bench)["polling"].empty());
}

TEST_CASE("Registers that do not exist are not modelled, with the nearest name and the command") {
  ObservedChip bench(WithReport());
  for (int i = 0; i < 3; ++i) bench.Read(0x60);
  bench.StartQueue();
  bench.PushFence(1);
  bench.Run();
  bench.Write(0x60, 0xdeadbeef);
  const json report = Report(bench);
  REQUIRE(report["unmet"].size() == 2);
  CHECK(report["unmet"][0]["count"] == 3);
  CHECK(report["unmet"][0]["kind"] == "read");
  CHECK(report["unmet"][0]["class"] == "not modelled");
  CHECK(report["unmet"][0]["what"] == "0x000060 DECODER_COUNT+0x4");
  CHECK(report["unmet"][0]["command_before"].is_null());
  CHECK(report["unmet"][1]["kind"] == "write");
  CHECK(report["unmet"][1]["command_before"]["name"] == "FENCE");
  CHECK(report.dump().find("deadbeef") == std::string::npos);
  CHECK(report.dump().find(std::to_string(0xdeadbeef)) == std::string::npos);
}

TEST_CASE(
    "V19 what a driver does wrong after power-on followed none of the last driver's commands") {
  ObservedChip bench(WithReport());
  bench.StartQueue();
  bench.PushFence(1);
  bench.Run();
  bench.chip->Reset(device::ResetKind::kFunction);
  bench.Read(0x60);
  CHECK(Report(bench)["unmet"][0]["command_before"]["name"] == "FENCE");
  bench.chip->Reset(device::ResetKind::kPowerOn);
  bench.Read(0x70000);
  const json report = Report(bench);
  REQUIRE(report["unmet"].size() == 2);
  CHECK(report["unmet"][1]["command_before"].is_null());
}

TEST_CASE("What exists and can't be done is refused") {
  ObservedChip bench(WithReport());
  bench.Read(abi::kRegScratch, 2);
  bench.Write(abi::kRegQueueCount, 1);
  bench.Write(abi::kRegDeviceControl, 0x10);
  bench.Write(abi::kRegDeviceControl, 0x80);
  const json report = Report(bench);
  REQUIRE(report["unmet"].size() == 3);
  for (const json& entry : report["unmet"]) CHECK(entry["class"] == "refused");
  CHECK(Find(report, "access of 2 bytes, or not aligned")["what"] == "0x000054 SCRATCH");
  CHECK(Find(report, "read-only")["what"] == "0x000010 QUEUE_COUNT");
  CHECK(Find(report, "reserved bits 0x00000090")["count"] == 2);
}

TEST_CASE("Commands and messages that do not exist are told with their numbers, up to 255") {
  ObservedChip bench(WithReport());
  for (const uint16_t opcode : {0x77, 0x4142}) {
    bench.StartQueue();
    auto command = fakes::MakeCommand<abi::FenceCommand>();
    command.opcode = opcode;
    bench.Push(command);
    bench.Run();
  }
  bench.StartQueue();
  bench.PushMessage(200, {});
  bench.PushMessage(0x41424344, {});
  bench.Run();
  const std::string text = bench.observers->report()->Text();
  CHECK(text.find("opcode 0x77: no such command") != std::string::npos);
  CHECK(text.find("opcode above 0xff: no such command") != std::string::npos);
  CHECK(text.find("message 200: no such message") != std::string::npos);
  CHECK(text.find("message above 255: no such message") != std::string::npos);
  const json report = Report(bench);
  CHECK(report["unmet"].size() == 4);
  for (const json& entry : report["unmet"]) CHECK(entry["class"] == "not modelled");
  CHECK(report.dump().find("4142") == std::string::npos);
  CHECK(report.dump().find(std::to_string(0x4142)) == std::string::npos);
}

TEST_CASE("Commands and messages that are refused are told with their status") {
  ObservedChip bench(WithReport());
  bench.StartQueue();
  bench.PushFence(0);  // not greater than the last
  bench.Run();
  bench.StartQueue();
  auto flagged = fakes::MakeCommand<abi::FenceCommand>(0x8000);
  bench.Push(flagged);
  bench.Run();
  bench.StartQueue();
  const std::vector<uint8_t> session(8, 0);
  bench.PushMessage(abi::kMessageQuerySession, session);
  bench.Run();
  bench.Write(abi::kRegDoorbell, 8);  // no multiple of 16
  const json report = Report(bench);
  CHECK(Find(report, "FENCE_NOT_MONOTONIC")["what"] == "FENCE");
  CHECK(Find(report, "COMMAND_FLAGS_INVALID")["what"] == "FENCE");
  CHECK(Find(report, "SESSION_INVALID")["what"] == "QUERY_SESSION");
  CHECK(Find(report, "RING_TAIL_INVALID")["what"] == "queue");
  for (const json& entry : report["unmet"]) CHECK(entry["class"] == "refused");
}

TEST_CASE("The table has a fixed size and keeps the frequent, whatever a guest does") {
  ObservedChip bench(WithReport());
  for (int i = 0; i < 50; ++i) bench.Read(0x60);
  for (uint64_t offset = 0x10000; offset < 0x20000; offset += 4) bench.Read(offset);
  const json report = Report(bench);
  CHECK(report["unmet"].size() == emulator::AccessTable::kEntries);
  CHECK(report["unmet"][0]["count"] == 50);
  CHECK(report["accesses"] == 50 + 0x4000);
  CHECK(report["forgotten"] == 0x4000 - (emulator::AccessTable::kEntries - 1));
}

TEST_CASE("A driver that polls a status is told of, and that it gave up") {
  emulator::ObserverOptions options = WithReport();
  options.spin_limits.reads = 12000;
  ObservedChip bench(options);
  bench.StartQueue();
  bench.PushFence(1);
  bench.Run();
  for (int i = 0; i < 12000; ++i) {
    bench.ports.clock.now_ns += 33'333;
    bench.Read(abi::kRegDeviceStatus);
  }
  CHECK(bench.observers->report()->Text().find(
            "driver polls DEVICE_STATUS.FIRMWARE_STATE (0x1): 12,000 reads in 1 loops, the longest "
            "12,000 reads in 0.400 s; after FENCE on queue 0; polls now") != std::string::npos);
  bench.ports.clock.now_ns += 1'000'000'000;
  bench.Write(abi::kRegScratch, 1);
  CHECK(bench.observers->report()->Text().find("driver gave up 1 times, last after 400.0 ms") !=
        std::string::npos);
  CHECK(Report(bench)["polling"][0]["given_up"] == 1);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("The report's file is there before the end, whole, and no rewriting for each access") {
  const Workspace workspace;
  emulator::ObserverOptions options;
  options.report_path = workspace / "report.json";
  ObservedChip bench(options);
  CHECK(json::parse(ReadFile(options.report_path))["unmet"].empty());
  for (int i = 1; i <= 1000; ++i) {
    bench.Read(0x60);
    const uint64_t count = json::parse(ReadFile(options.report_path))["unmet"][0]["count"];
    CHECK(2 * count > static_cast<uint64_t>(i));
  }
  // 1000 was no power of two; a second later it is written all the same.
  bench.ports.clock.now_ns += 1'000'000'000;
  bench.Read(abi::kRegScratch);
  CHECK(json::parse(ReadFile(options.report_path))["unmet"][0]["count"] == 1000);
}

TEST_CASE("The report's file is text unless it is called .json, and is written at the end") {
  const Workspace workspace;
  emulator::ObserverOptions options;
  options.report_path = workspace / "report.txt";
  {
    ObservedChip bench(options);
    for (int i = 0; i < 7; ++i) bench.Read(0x60);
  }
  CHECK(ReadFile(options.report_path).find("7  read          0x000060 DECODER_COUNT+0x4") !=
        std::string::npos);
}

TEST_CASE("A report that can't be written is refused at the start") {
  emulator::ObserverOptions options;
  options.report_path = "/nowhere/report.txt";
  std::string error;
  CHECK(emulator::Observers::Open(options, &error) == nullptr);
  CHECK(error.find("/nowhere/report.txt") != std::string::npos);
}

}  // namespace
}  // namespace ward::test
