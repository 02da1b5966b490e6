// Transactions of clients: what a request with a transaction id answered, for its repetitions.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// What makes a transaction id unique: the device and the endpoint with its path.
struct ClientTransaction {
    UserId user;
    DeviceId device;
    std::string endpoint;  ///< The path without the transaction id.
    std::string transaction_id;

    friend auto operator<=>(const ClientTransaction&, const ClientTransaction&) = default;
};

class ClientTransactionStore {
public:
    explicit ClientTransactionStore(Turns& turns) : turns_(turns) {}

    /// The event that the transaction made; nothing if it is new.
    std::optional<EventId> find(const ClientTransaction& transaction) const;
    void insert(const ClientTransaction& transaction,
                const EventId& event,
                std::int64_t created_ts);
    // Of a transaction that made no event.

    bool has(const ClientTransaction& transaction) const;
    void insert(const ClientTransaction& transaction, std::int64_t created_ts);

    /// The id of the transaction by which this device sent this event.
    std::optional<std::string> find_transaction_id(const EventId& event,
                                                   const UserId& user,
                                                   const DeviceId& device) const;

private:
    void insert_response(const ClientTransaction& transaction,
                         std::string_view response,
                         std::int64_t created_ts);

    Turns& turns_;
};

}  // namespace matrix::storage
