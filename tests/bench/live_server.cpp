#include "tests/bench/live_server.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>

#include <nlohmann/json.hpp>
#include <stdlib.h>
#include <unistd.h>

#include "conformance/harness/response.h"
#include "refserver/base/assert.h"
#include "tests/bench/http_connection.h"

namespace matrix::bench {
namespace {

namespace fs = std::filesystem;
using conformance::Json;

constexpr std::chrono::milliseconds kReadyDeadline{30'000};

// Beside this program, as the build leaves them.
std::string path_of_refserver() {
    const fs::path self = fs::read_symlink("/proc/self/exe");
    return (self.parent_path().parent_path() / "bin/refserver").string();
}

std::string make_user_list(std::size_t users) {
    std::string list;
    for (std::size_t user = 0; user < users; ++user)
        list += (user == 0 ? "user" : ",user") + std::to_string(user);
    return list;
}

}  // namespace

std::expected<std::unique_ptr<LiveServer>, Problem> LiveServer::start(std::size_t users) {
    std::unique_ptr<LiveServer> server(new LiveServer);
    Problem problem = server->run(users, false);
    if (!problem.empty()) return std::unexpected(std::move(problem));
    return server;
}

std::expected<std::unique_ptr<LiveServer>, Problem> LiveServer::start(
    std::size_t users, const conformance::TlsIdentity& authority) {
    std::unique_ptr<LiveServer> server(new LiveServer);
    fs::create_directory(server->folder_ / "ca");
    std::ofstream(server->folder_ / "ca/ca.pem") << authority.certificate;
    std::ofstream(server->folder_ / "ca/ca-key.pem") << authority.private_key;
    Problem problem = server->run(users, true);
    if (!problem.empty()) return std::unexpected(std::move(problem));
    return server;
}

LiveServer::LiveServer() {
    std::string pattern = (fs::temp_directory_path() / "server_bench-XXXXXX").string();
    MATRIX_ASSERT(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
}

LiveServer::~LiveServer() {
    process_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

Problem LiveServer::run(std::size_t users, bool has_tls) {
    command_ = {path_of_refserver(),
                "--development",
                "--data",
                (folder_ / "data").string(),
                "--users",
                make_user_list(users)};
    if (has_tls) command_.insert(command_.end(), {"--dev-ca", (folder_ / "ca").string()});
    return run_command();
}

Problem LiveServer::restart() {
    process_->stop();
    process_.reset();
    return run_command();
}

Problem LiveServer::run_command() {
    auto process = conformance::Process::start({.command = command_});
    if (!process) return process.error();
    process_ = *std::move(process);
    const auto line = process_->read_line(kReadyDeadline);
    return line ? read_ready_line(*line) : "refserver is not ready in time";
}

Problem LiveServer::read_ready_line(const std::string& line) {
    const Json ready = Json::parse(line, nullptr, false);
    if (!ready.is_object()) return "refserver's ready line is not an object: " + line;
    url_ = conformance::string_at(ready, {"url"});
    const std::size_t colon = url_.rfind(':');
    const char* end = url_.data() + url_.size();
    if (colon == std::string::npos ||
        std::from_chars(url_.data() + colon + 1, end, port_).ptr != end) {
        return "refserver's ready line has no url with a port: " + line;
    }
    name_ = ServerName(conformance::string_at(ready, {"server_name"}));
    federation_url_ = conformance::string_at(ready, {"federation_url"});
    admin_token_ = conformance::string_at(ready, {"admin_token"});
    pid_ = conformance::at_path(ready, {"pid"}).dump();
    access_tokens_.clear();
    for (const auto& [user, token] : conformance::at_path(ready, {"users"}).items())
        access_tokens_.push_back(token.get<std::string>());
    return {};
}

namespace {

// What a task has run, in microseconds. Linux: Documentation/scheduler/sched-stats.
double cpu_us_of(const fs::path& task) {
    double nanoseconds = 0;
    std::ifstream(task / "schedstat") >> nanoseconds;
    return nanoseconds / 1000;
}

double resident_bytes_of(const fs::path& process) {
    double pages = 0;
    std::ifstream(process / "statm") >> pages >> pages;
    return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double number_at(const Json& json, std::initializer_list<std::string_view> path) {
    const Json& value = conformance::at_path(json, path);
    return value.is_number() ? value.get<double>() : 0;
}

}  // namespace

Usage LiveServer::usage() const {
    HttpConnection connection(port_);
    const Answer answer =
        connection.ask(make_request("GET", "/_refserver/statistics", admin_token_));
    const Json told = Json::parse(answer.body, nullptr, false);
    Usage usage{.syncs = number_at(told, {"syncs", "count"}),
                .sync_us = number_at(told, {"syncs", "total_us"}),
                .longest_turn_us = number_at(told, {"turns", "longest_us"}),
                .longest_turn_cpu_us = number_at(told, {"turns", "longest_cpu_us"}),
                .database_bytes = number_at(told, {"database", "bytes"})};
    const fs::path process = fs::path("/proc") / pid_;
    usage.resident_bytes = resident_bytes_of(process);
    std::error_code error;
    for (const auto& task : fs::directory_iterator(process / "task", error)) {
        const double cpu_us = cpu_us_of(task.path());
        usage.cpu_us += cpu_us;
        if (task.path().filename() == pid_) usage.engine_cpu_us = cpu_us;
    }
    return usage;
}

double LiveServer::resident_bytes_at_rest() const {
    ::sleep(2);
    return resident_bytes_of(fs::path("/proc") / pid_);
}

void report_usage(benchmark::State& state,
                  const Usage& before,
                  const Usage& after,
                  double operations) {
    const double syncs = std::max(after.syncs - before.syncs, 1.0);
    state.counters["server_cpu_us"] = (after.cpu_us - before.cpu_us) / operations;
    state.counters["engine_cpu_us"] = (after.engine_cpu_us - before.engine_cpu_us) / operations;
    state.counters["fdatasync_us"] = (after.sync_us - before.sync_us) / syncs;
    state.counters["fdatasyncs"] = (after.syncs - before.syncs) / operations;
    state.counters["longest_turn_us"] = after.longest_turn_us;
    state.counters["longest_turn_cpu_us"] = after.longest_turn_cpu_us;
}

bool is_brief() {
    return std::getenv("TOUCHSTONE_BENCH_BRIEF") != nullptr;
}

}  // namespace matrix::bench
