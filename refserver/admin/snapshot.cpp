#include "refserver/admin/snapshot.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "refserver/admin/data_file.h"
#include "refserver/admin/new_folder.h"
#include "refserver/base/result_macros.h"
#include "refserver/platform/event_loop.h"
#include "refserver/platform/http_client.h"
#include "refserver/protocol/json.h"

namespace matrix::admin {
namespace {

namespace fs = std::filesystem;

// A server copies some hundred megabytes in a second.
constexpr runtime::Duration kCopyTimeout = runtime::seconds(600);
constexpr std::size_t kAnswerBytesMax = 64 * 1024;

struct Failed {
    int code;
    std::string why;
};

runtime::Network::Result send_once(runtime::OutgoingRequest request) {
    platform::EventLoop loop;
    platform::HttpClientOptions options;
    options.policy.reach = platform::Reach::Everything;
    platform::HttpClient client(loop, std::move(options));
    std::optional<runtime::Network::Result> answer;
    const auto pending = client.send(std::move(request), [&](runtime::Network::Result result) {
        answer = std::move(result);
        loop.stop();
    });
    loop.run();
    return *std::move(answer);
}

runtime::OutgoingRequest make_request(const SnapshotCommand& command, const std::string& file) {
    runtime::OutgoingRequest request;
    request.destination.host = command.server.ip;
    request.destination.port = command.server.port;
    request.destination.is_encrypted = false;
    request.destination.host_header = to_string(command.server);
    request.destination.trust = runtime::AddressTrust::Appointed;
    request.message.method = "POST";
    request.message.target = "/_refserver/snapshot";
    request.message.headers = {{"Authorization", "Bearer " + command.token},
                               {"Content-Type", "application/json"}};
    request.message.body = json::write(json::Object{{"file", file}});
    request.timeout = kCopyTimeout;
    request.body_bytes_max = kAnswerBytesMax;
    return request;
}

std::string why_refused(const runtime::HttpResponse& response, const json::Value* body) {
    const std::string* error = body == nullptr ? nullptr : body->find_string("error");
    std::string why = "the server refuses (" + std::to_string(response.status) + ")";
    if (error != nullptr) why += ": " + *error;
    if (response.status == 401 || response.status == 403) {
        why = "--token: " + why +
              "; expected the admin_token of the server's ready line, or an "
              "administrator's token";
    }
    return why;
}

// The server writes the file; nobody else may read its database as it is now.
std::expected<std::string, std::string> ask_for_copy(const SnapshotCommand& command,
                                                     const std::string& file) {
    const auto response = send_once(make_request(command, file));
    if (!response) {
        return std::unexpected("--url: no answer from " + to_string(command.server) + ": " +
                               response.error().what);
    }
    const auto body = json::parse(response->body, json::Numbers::Any);
    if (response->status != 200) {
        return std::unexpected(why_refused(*response, body ? &*body : nullptr));
    }
    const std::string* name = body ? body->find_string("server_name") : nullptr;
    const std::int64_t* bytes = body ? body->find_integer("bytes") : nullptr;
    if (name == nullptr || bytes == nullptr || !parse_server_name(*name)) {
        return std::unexpected("--url: " + to_string(command.server) + " is no refserver");
    }
    std::error_code error;
    if (fs::file_size(file, error) != static_cast<std::uintmax_t>(*bytes) || error) {
        return std::unexpected("--url: the server has not written to this machine's " + file);
    }
    return *name;
}

template <class T>
std::expected<T, Failed> with_code(int code, std::expected<T, std::string> outcome) {
    if (!outcome) return std::unexpected(Failed{code, std::move(outcome).error()});
    if constexpr (std::is_void_v<T>) {
        return {};
    } else {
        return *std::move(outcome);
    }
}

/// The folder that was made; absolute.
std::expected<std::string, Failed> make_snapshot(const SnapshotCommand& command) {
    auto folder = NewFolder::make(command.to);
    if (!folder) return std::unexpected(Failed{2, std::move(folder).error()});
    const std::string file = folder->path_of(kDatabaseFile);
    ASSIGN_OR_RETURN(const std::string name, with_code(1, ask_for_copy(command, file)));
    RETURN_IF_ERROR(with_code(2, folder->write(kNameFile, name)));
    RETURN_IF_ERROR(with_code(2, folder->finish()));
    return folder->wanted();
}

int end_failed(std::string_view command, const Failed& failed) {
    std::cerr << "refserver " << command << ": " << failed.why << '\n';
    return failed.code;
}

std::string quote(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
}

}  // namespace

int run_snapshot(const SnapshotCommand& command) {
    const auto folder = make_snapshot(command);
    if (!folder) return end_failed("snapshot", folder.error());
    return 0;
}

int run_fork(const SnapshotCommand& command) {
    const auto folder = make_snapshot(command);
    if (!folder) return end_failed("fork", folder.error());
    std::error_code error;
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    // The fork has the name and the key of the original: other servers must not hear both.
    std::cout << (error ? "refserver" : quote(program.string())) << " --data " << quote(*folder)
              << " --listen 127.0.0.1:0 --deny-network 0.0.0.0/0 --deny-network ::/0\n";
    return 0;
}

}  // namespace matrix::admin
