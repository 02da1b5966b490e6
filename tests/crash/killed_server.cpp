#include "tests/crash/killed_server.h"

#include <fstream>
#include <utility>

#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "conformance/harness/response.h"
#include "refserver/base/assert.h"

namespace matrix::crash {
namespace {

namespace fs = std::filesystem;
using conformance::Json;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kReadyDeadline{30'000};
constexpr std::chrono::milliseconds kVerifyDeadline{60'000};

/// Host and port of a URL, to be listened at again.
std::string address_of(const std::string& url) {
    if (url.empty()) return "127.0.0.1:0";
    return "127.0.0.1:" + url.substr(url.rfind(':') + 1);
}

}  // namespace

KilledServer::KilledServer(std::string program, const conformance::TlsIdentity& authority)
    : program_(std::move(program)) {
    std::string pattern = (fs::temp_directory_path() / "kills-XXXXXX").string();
    MATRIX_ASSERT(mkdtemp(pattern.data()) != nullptr);
    folder_ = pattern;
    fs::create_directory(folder_ / "ca");
    std::ofstream(folder_ / "ca/ca.pem") << authority.certificate;
    std::ofstream(folder_ / "ca/ca-key.pem") << authority.private_key;
}

KilledServer::~KilledServer() {
    process_.reset();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

Problem KilledServer::launch() {
    launched_ = steady_clock::now();
    auto process = conformance::Process::start({.command = {program_,
                                                            "--development",
                                                            "--data",
                                                            data_folder(),
                                                            "--users",
                                                            "user0,user1,user2",
                                                            "--listen",
                                                            address_of(url_),
                                                            "--federation-listen",
                                                            address_of(federation_url_),
                                                            "--dev-ca",
                                                            (folder_ / "ca").string()}});
    if (!process) return process.error();
    process_ = *std::move(process);
    return {};
}

Problem KilledServer::wait_until_ready() {
    const auto line = process_->read_line(kReadyDeadline);
    if (!line) return "refserver is not ready: " + process_->find_end().value_or("it hangs");
    last_start_ =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - launched_);
    return read_ready_line(*line);
}

Problem KilledServer::verify() const {
    const auto found = conformance::run_command(
        {program_, "fsck", "--quiet", "--data", data_folder()}, kVerifyDeadline);
    return found ? Problem() : "fsck: " + found.error();
}

Problem KilledServer::read_ready_line(const std::string& line) {
    const Json ready = Json::parse(line, nullptr, false);
    if (!ready.is_object() || !ready.contains("pid")) return "no ready line: " + line;
    url_ = conformance::string_at(ready, {"url"});
    federation_url_ = conformance::string_at(ready, {"federation_url"});
    name_ = conformance::string_at(ready, {"server_name"});
    access_tokens_.clear();
    for (const auto& [user, token] : conformance::at_path(ready, {"users"}).items())
        access_tokens_.emplace(user, token.get<std::string>());
    return {};
}

void KilledServer::kill() {
    process_->kill_at_once();
    process_.reset();
}

}  // namespace matrix::crash
