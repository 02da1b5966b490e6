// Keys of servers from a file, with which signatures are checked.
#pragma once

#include <expected>
#include <map>
#include <string>
#include <string_view>

#include "refserver/commands/input.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::commands {

/// The known keys of each server.
using KeyRing = std::map<ServerName, std::map<KeyId, ServerKey>>;

/// Reads `server_name key_id base64_key [valid_until_ts]` lines (# begins a remark), or the answer
/// of /_matrix/key/v2/server or /_matrix/key/v2/query, whose signatures are verified.
///
/// A key without a time is valid for ever. Adds to `ring`.
std::expected<void, InputError> read_keys(std::string_view text,
                                          const std::string& file,
                                          KeyRing& ring);

}  // namespace matrix::commands
