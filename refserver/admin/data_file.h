// The files of a data folder, for commands that read one without being a server.
#pragma once

#include <expected>
#include <string>

#include "refserver/protocol/identifiers.h"

namespace matrix::admin {

inline constexpr const char* kDatabaseFile = "homeserver.db";
inline constexpr const char* kNameFile = "server_name";

/// Whose data a folder has. The error is a sentence.
std::expected<ServerName, std::string> read_server_name(const std::string& folder);

}  // namespace matrix::admin
