// A node's hash as a column: 32 raw bytes, or NULL.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/base/assert.h"
#include "refserver/protocol/state.h"
#include "refserver/storage/database.h"

namespace matrix::storage {

/// The hash stays where it is until the statement has run.
inline Binding bind_hash(const std::optional<State::Hash>& hash) {
    return hash ? Binding::blob(view(*hash)) : Binding(nullptr);
}

inline std::optional<State::Hash> read_hash(const Row& row, int column) {
    if (row.is_null(column)) return std::nullopt;
    const std::string_view bytes = row.view(column);
    State::Hash hash;
    MATRIX_ASSERT(bytes.size() == hash.size());
    std::ranges::copy(bytes, hash.begin());
    return hash;
}

/// The bytes of a stored node; nothing if there is none, or the disk failed.
inline std::optional<std::string> find_state_node(Database& database, std::string_view hash) {
    return database.find("SELECT bytes FROM state_nodes WHERE hash = ?1",
                         {Binding::blob(hash)},
                         [](const Row& row) { return row.text(0); });
}

}  // namespace matrix::storage
