// Server: a homeserver over a world. Builds the object graph; reading server.cpp is reading the
// architecture.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>

#include "refserver/engine/accounts.h"
#include "refserver/engine/counters.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/engine/server_options.h"
#include "refserver/runtime/http.h"
#include "refserver/runtime/world.h"

namespace matrix::engine {

class Notifier;

class Server {
public:
    /// Opens the database, makes or reads the signing key, creates the accounts of the options,
    /// and takes up what an earlier process left. Call it on the loop.
    /// Destroying the server is a clean stop as well as a crash: nothing is written then.
    static std::expected<std::unique_ptr<Server>, storage::StorageError> open(
        runtime::World world, ServerOptions options);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    ~Server();

    /// Serves one request of a client or a server; called on the loop. Destroying the server drops
    /// what has not been answered.
    void handle(runtime::HttpRequest request, runtime::Responder respond);

    /// What the ready line tells: a token for inspection, and one per account of the options, by
    /// user id.
    const std::string& admin_token() const;
    const std::map<std::string, std::string>& user_tokens() const;

    // For those who look inside: the simulator's checkers and the inspection endpoints.
    const ServerName& name() const;
    Rooms& rooms();
    Accounts& accounts();
    Outbox& outbox();
    Notifier& notifier();
    storage::Turns& turns();

    /// With what storage and loop have counted up to now.
    Counters counters() const;
    /// Requests that are being served, parked ones included.
    std::size_t open_requests() const;

private:
    struct Parts;
    explicit Server(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace matrix::engine
