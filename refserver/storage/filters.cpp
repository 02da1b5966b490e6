#include "refserver/storage/filters.h"

namespace matrix::storage {

std::int64_t FilterStore::put(const UserId& user, const std::string& filter) {
    const auto first = [](const Row& row) { return row.integer(0); };
    Database& database = turns_.database();
    const auto known =
        database.find("SELECT filter_id FROM filters WHERE user_id = ?1 AND filter = ?2",
                      {user.text(), filter},
                      first);
    if (known) return *known;

    turns_.begin_unit();
    const auto newest =
        database.find("SELECT coalesce(max(filter_id), -1) FROM filters WHERE user_id = ?1",
                      {user.text()},
                      first);
    const std::int64_t filter_id = newest.value_or(-1) + 1;
    database.execute("INSERT INTO filters (user_id, filter_id, filter) VALUES (?1, ?2, ?3)",
                     {user.text(), filter_id, filter});
    return filter_id;
}

std::optional<std::string> FilterStore::find(const UserId& user, std::int64_t filter_id) const {
    return turns_.database().find(
        "SELECT filter FROM filters WHERE user_id = ?1 AND filter_id = ?2",
        {user.text(), filter_id},
        [](const Row& row) { return row.text(0); });
}

}  // namespace matrix::storage
