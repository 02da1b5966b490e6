#include "refserver/storage/profiles.h"

#include "refserver/base/assert.h"

namespace matrix::storage {
namespace {

json::Value read_profile_value(std::string_view text) {
    auto value = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(value.has_value());
    return *std::move(value);
}

}  // namespace

std::optional<json::Value> ProfileStore::find(const UserId& user, std::string_view field) const {
    return turns_.database().find(
        "SELECT value FROM profile_fields WHERE user_id = ?1 AND field = ?2",
        {user.text(), field},
        [](const Row& row) { return read_profile_value(row.view(0)); });
}

json::Object ProfileStore::load(const UserId& user) const {
    json::Object profile;
    turns_.database().query("SELECT field, value FROM profile_fields WHERE user_id = ?1",
                            {user.text()},
                            [&](const Row& row) {
                                profile.set(row.view(0), read_profile_value(row.view(1)));
                                return true;
                            });
    return profile;
}

void ProfileStore::put(const UserId& user, std::string_view field, const json::Value& value) {
    turns_.begin_unit();
    const std::string text = json::write(value);
    turns_.database().execute(
        "INSERT INTO profile_fields (user_id, field, value) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        {user.text(), field, text});
}

void ProfileStore::remove(const UserId& user, std::string_view field) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM profile_fields WHERE user_id = ?1 AND field = ?2",
                              {user.text(), field});
}

}  // namespace matrix::storage
