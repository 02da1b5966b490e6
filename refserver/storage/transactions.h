// What the newest transactions of other servers answered, for when they are sent again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class ReceivedTransactions {
public:
    explicit ReceivedTransactions(Turns& turns) : turns_(turns) {}

    std::optional<std::string> find_response(const ServerName& origin, std::string_view id);
    /// A server sends one transaction after the other, so only the last few of each are kept.
    void put_response(const ServerName& origin, std::string_view id, std::string_view response);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
