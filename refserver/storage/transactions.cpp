#include "refserver/storage/transactions.h"

namespace matrix::storage {

namespace {

/// One would do for a peer that keeps the order; more are for those that send several at a time.
constexpr std::int64_t kResponsesPerOrigin = 16;

}  // namespace

std::optional<std::string> ReceivedTransactions::find_response(const ServerName& origin,
                                                               std::string_view id) {
    return turns_.database().find(
        "SELECT response FROM received_transactions WHERE origin = ?1 AND transaction_id = ?2",
        {origin.text(), id},
        [](const Row& row) { return row.text(0); });
}

void ReceivedTransactions::put_response(const ServerName& origin,
                                        std::string_view id,
                                        std::string_view response) {
    turns_.begin_unit();
    Database& database = turns_.database();
    const auto newest = database.find(
        "SELECT COALESCE(MAX(number), 0) FROM received_transactions WHERE origin = ?1",
        {origin.text()},
        [](const Row& row) { return row.integer(0); });
    const std::int64_t number = newest.value_or(0) + 1;
    database.execute("INSERT INTO received_transactions VALUES (?1, ?2, ?3, ?4)",
                     {origin.text(), number, id, response});
    database.execute("DELETE FROM received_transactions WHERE origin = ?1 AND number <= ?2",
                     {origin.text(), number - kResponsesPerOrigin});
}

}  // namespace matrix::storage
