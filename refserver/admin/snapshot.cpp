#include "refserver/admin/snapshot.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "refserver/admin/data_file.h"
#include "refserver/admin/new_folder.h"
#include "refserver/admin/server_request.h"
#include "refserver/base/result_macros.h"
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

// The server writes the file; nobody else may read its database as it is now.
std::expected<std::string, std::string> ask_for_copy(const SnapshotCommand& command,
                                                     const std::string& file) {
    ASSIGN_OR_RETURN(json::Object answer,
                     ask_for_object(command.server,
                                    {.method = "POST",
                                     .target = "/_refserver/snapshot",
                                     .body = json::write(json::Object{{"file", file}}),
                                     .timeout = kCopyTimeout,
                                     .answer_bytes_max = kAnswerBytesMax}));
    const json::Value body(std::move(answer));
    const std::string* name = body.find_string("server_name");
    const std::int64_t* bytes = body.find_integer("bytes");
    if (name == nullptr || bytes == nullptr || !parse_server_name(*name)) {
        return std::unexpected("--url: " + to_string(command.server.address) + " is no refserver");
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
