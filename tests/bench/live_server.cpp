#include "tests/bench/live_server.h"

#include <charconv>
#include <fstream>

#include <nlohmann/json.hpp>
#include <stdlib.h>

#include "conformance/harness/response.h"
#include "refserver/base/assert.h"

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
    std::vector<std::string> command = {path_of_refserver(),
                                        "--development",
                                        "--data",
                                        (folder_ / "data").string(),
                                        "--users",
                                        make_user_list(users)};
    if (has_tls) command.insert(command.end(), {"--dev-ca", (folder_ / "ca").string()});
    auto process = conformance::Process::start({.command = std::move(command)});
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
    for (const auto& [user, token] : conformance::at_path(ready, {"users"}).items())
        access_tokens_.push_back(token.get<std::string>());
    return {};
}

}  // namespace matrix::bench
