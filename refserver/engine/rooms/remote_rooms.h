// RemoteRooms: entering, knocking, leaving and inviting across servers, as the side that asks.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
#pragma once

#include <vector>

#include "refserver/engine/rooms/rooms.h"

namespace matrix::engine {

class RemoteRooms {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        KeyRing& keys;
        FederationClient& federation;
        Notifier& notifier;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::Log& log;
        const Signer& signer;
    };
    explicit RemoteRooms(Services services) : services_(std::move(services)) {}
    RemoteRooms(const RemoteRooms&) = delete;
    RemoteRooms& operator=(const RemoteRooms&) = delete;

    /// Joins through the first of `servers` that lets us; `content` is added to the membership.
    /// The template that a resident returns is refused unless it is the join that we asked for.
    Task<Result<RoomPtr>> join(RoomId room,
                               UserId user,
                               std::vector<ServerName> servers,
                               json::Object content);
    /// Knocks through the first of `servers` that takes it, on a room in which none of our users is
    /// joined. What it shows of the room is kept for the user's syncs.
    Task<Result<void>> knock(RoomId room,
                             UserId user,
                             std::vector<ServerName> servers,
                             json::Object content);
    /// Leaves (or refuses an invite to) a room in which none of our users is joined.
    Task<Result<void>> leave(RoomId room, UserId user, std::vector<ServerName> servers);
    /// Has the invited user's server sign an invite, then sends it into the room.
    Task<Result<StoredEvent>> invite(RoomPtr room, NewEvent invite);

private:
    /// Does a refusal by one server stand for all of them?
    enum class Refusal { Final, OfOneServer };
    /// What the first of `servers` answers that takes it; the error of the last one if none does.
    template <typename Answer, typename Attempt>
    Task<Result<Answer>> ask_each(std::vector<ServerName> servers,
                                  std::string what,
                                  Refusal refusal,
                                  Attempt attempt);
    Task<Result<RoomPtr>> join_through(ServerName server,
                                       RoomId room,
                                       UserId user,
                                       json::Object content);
    Task<Result<void>> knock_through(ServerName server,
                                     RoomId room,
                                     UserId user,
                                     json::Object content);
    Task<Result<void>> leave_through(ServerName server, RoomId room, UserId user);
    Task<std::vector<Event>> keep_verified(json::Array pdus, RoomId room, const RoomRules* rules);
    static Result<void> check_create(const JoinedRoom& joined,
                                     const ServerName& server,
                                     const RoomRules& rules);

    Services services_;
};

}  // namespace matrix::engine
