// cut_power: crashes a simulated server at every operation of its disk, in numbers that take longer
// than a test may.

#include <chrono>
#include <cstdio>
#include <string>

#include <CLI/CLI.hpp>

#include "tests/crash/crashes.h"

namespace matrix::crash {
namespace {

constexpr std::pair<const char*, Fault> kFaults[] = {{"power-cut", Fault::PowerCut},
                                                     {"kill", Fault::Kill},
                                                     {"full-disk", Fault::FullDisk},
                                                     {"broken-disk", Fault::BrokenDisk}};

/// "1/2": the first of two parts.
std::string read_shard(const std::string& text, CrashPlan& plan) {
    unsigned long long part = 0;
    unsigned long long parts = 0;
    char rest = '\0';
    const int read = std::sscanf(text.c_str(), "%llu/%llu%c", &part, &parts, &rest);
    if (read != 2 || part < 1 || part > parts) return "expected PART/PARTS, for example 1/2";
    plan.first_world = part - 1;
    plan.stride = parts;
    return {};
}

void print(const std::string& fault, const CrashFigures& figures, long long seconds) {
    std::printf(
        "%s: %llu faults (%llu while opening, %llu ends by a failed sync) at each of the first "
        "%llu operations of a life; %llu acknowledged, %llu refused with 507, %llu with 5xx; "
        "unsynced operations: %llu kept, %llu torn, %llu lost; %zu findings; %lld s\n",
        fault.c_str(),
        static_cast<unsigned long long>(figures.faults),
        static_cast<unsigned long long>(figures.while_opening),
        static_cast<unsigned long long>(figures.ends_by_sync),
        static_cast<unsigned long long>(figures.operations_covered),
        static_cast<unsigned long long>(figures.acknowledged),
        static_cast<unsigned long long>(figures.refused_full),
        static_cast<unsigned long long>(figures.refused_failed),
        static_cast<unsigned long long>(figures.unsynced.kept),
        static_cast<unsigned long long>(figures.unsynced.torn),
        static_cast<unsigned long long>(figures.unsynced.lost),
        figures.findings.size(),
        seconds);
    for (const std::string& finding : figures.findings)
        std::printf("  %s\n", finding.c_str());
}

}  // namespace
}  // namespace matrix::crash

int main(int count, char** arguments) {
    namespace crash = matrix::crash;
    CLI::App app("Crashes a simulated server at every operation of its disk.");
    crash::CrashPlan plan;
    plan.faults = 50'000;
    std::string fault = "power-cut";
    std::string shard = "1/1";
    std::vector<std::string> names;
    for (const auto& [name, value] : crash::kFaults)
        names.emplace_back(name);
    app.add_option("--fault", fault, "What happens")
        ->check(CLI::IsMember(names))
        ->capture_default_str();
    app.add_option("--count", plan.faults, "How often")->capture_default_str();
    app.add_option("--shard", shard, "Which part of the worlds, as PART/PARTS")
        ->check(CLI::Validator(
            [&](const std::string& text) { return crash::read_shard(text, plan); }, "PART/PARTS"))
        ->capture_default_str();
    CLI11_PARSE(app, count, arguments);
    for (const auto& [name, value] : crash::kFaults) {
        if (fault == name) plan.fault = value;
    }

    const auto begin = std::chrono::steady_clock::now();
    const crash::CrashFigures figures = crash::run_crashes(plan);
    const auto took = std::chrono::steady_clock::now() - begin;
    crash::print(fault, figures, std::chrono::duration_cast<std::chrono::seconds>(took).count());
    return figures.findings.empty() ? 0 : 1;
}
