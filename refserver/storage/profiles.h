// Profiles as stored: a JSON value per user and field.
#pragma once

#include <optional>
#include <string_view>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class ProfileStore {
public:
    explicit ProfileStore(Turns& turns) : turns_(turns) {}

    std::optional<json::Value> find(const UserId& user, std::string_view field) const;
    json::Object load(const UserId& user) const;
    void put(const UserId& user, std::string_view field, const json::Value& value);
    void remove(const UserId& user, std::string_view field);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
