#include "refserver/storage/client_transactions.h"

namespace matrix::storage {

std::optional<EventId> ClientTransactionStore::find(const ClientTransaction& transaction) const {
    return turns_.database().find(
        "SELECT response FROM client_transactions WHERE user_id = ?1 AND device_id = ?2"
        " AND target = ?3 AND transaction_id = ?4",
        {transaction.user.text(),
         transaction.device.text(),
         transaction.endpoint,
         transaction.transaction_id},
        [](const Row& row) { return EventId(row.text(0)); });
}

void ClientTransactionStore::insert_response(const ClientTransaction& transaction,
                                             std::string_view response,
                                             std::int64_t created_ts) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT INTO client_transactions"
        " (user_id, device_id, target, transaction_id, response, created_ts)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        {transaction.user.text(),
         transaction.device.text(),
         transaction.endpoint,
         transaction.transaction_id,
         response,
         created_ts});
}

bool ClientTransactionStore::has(const ClientTransaction& transaction) const {
    return find(transaction).has_value();
}

void ClientTransactionStore::insert(const ClientTransaction& transaction, std::int64_t created_ts) {
    insert_response(transaction, "", created_ts);
}

void ClientTransactionStore::insert(const ClientTransaction& transaction,
                                    const EventId& event,
                                    std::int64_t created_ts) {
    insert_response(transaction, event.view(), created_ts);
    turns_.database().execute(
        "INSERT OR IGNORE INTO sent_events"
        " SELECT event, ?2, ?3, ?4 FROM events WHERE event_id = ?1",
        {event.text(),
         transaction.user.text(),
         transaction.device.text(),
         transaction.transaction_id});
}

std::optional<std::string> ClientTransactionStore::find_transaction_id(
    const EventId& event, const UserId& user, const DeviceId& device) const {
    return turns_.database().find(
        "SELECT transaction_id FROM sent_events JOIN events USING (event)"
        " WHERE event_id = ?1 AND user_id = ?2 AND device_id = ?3",
        {event.text(), user.text(), device.text()},
        [](const Row& row) { return row.text(0); });
}

}  // namespace matrix::storage
