// Filters as stored: what /sync and /messages are asked to leave out, by user and number.
#pragma once

#include <optional>
#include <string>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class FilterStore {
public:
    explicit FilterStore(Turns& turns) : turns_(turns) {}

    /// The number of a filter, as JSON text; an equal one of the same user keeps its number.
    std::int64_t put(const UserId& user, const std::string& filter);
    std::optional<std::string> find(const UserId& user, std::int64_t filter_id) const;

private:
    Turns& turns_;
};

}  // namespace matrix::storage
