// The flags of the commands on a server's data.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "refserver/platform/socket_address.h"

namespace matrix::admin {

struct FsckCommand {
    std::string data;
    bool wants_json = false;
    bool is_quiet = false;  ///< No progress.
};

/// Of `snapshot` and of `fork`.
struct SnapshotCommand {
    platform::SocketAddress server;
    std::string token;
    std::string to;
};

struct RestoreCommand {
    std::string snapshot;
    std::string data;
    bool wants_check = false;  ///< As fsck does.
};

/// Why a command ends before it has begun: help was asked for, or a flag is wrong.
struct Refusal {
    int code;  ///< 0, or 2 for a wrong flag.
    std::string text;
};

// `arguments` are those behind the name of the command.
std::expected<FsckCommand, Refusal> parse_fsck(std::vector<std::string> arguments);
std::expected<SnapshotCommand, Refusal> parse_snapshot(std::vector<std::string> arguments);
std::expected<SnapshotCommand, Refusal> parse_fork(std::vector<std::string> arguments);
std::expected<RestoreCommand, Refusal> parse_restore(std::vector<std::string> arguments);

}  // namespace matrix::admin
