// The flags of the commands on a server's data.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "refserver/admin/server_request.h"

namespace matrix::admin {

struct FsckCommand {
    std::string data;
    bool wants_json = false;
    bool is_quiet = false;  ///< No progress.
};

/// Of `snapshot` and of `fork`.
struct SnapshotCommand {
    RunningServer server;
    std::string to;
};

struct InspectCommand {
    RunningServer server;
    std::string what;                    ///< The name of a view: "rooms".
    std::vector<std::string> arguments;  ///< As many as the view takes.
    std::vector<std::string> from;       ///< Where `events` and `graph` begin.
    std::string when;                    ///< Of `state`: "before" or "after".
    std::size_t limit = 0;               ///< Of what is listed, over all pages.
    std::string out;                     ///< The file of `graph`.
    bool wants_json = false;
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
std::expected<InspectCommand, Refusal> parse_inspect(std::vector<std::string> arguments);
std::expected<RestoreCommand, Refusal> parse_restore(std::vector<std::string> arguments);

}  // namespace matrix::admin
