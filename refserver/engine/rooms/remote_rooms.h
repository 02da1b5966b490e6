// RemoteRooms: entering, knocking, leaving and inviting across servers, as the side that asks.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
#pragma once

#include <vector>

#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/task_group.h"
#include "refserver/storage/unfinished_memberships.h"

namespace matrix::engine {

/// A membership event of ours, complete, and as it goes over the wire.
struct SignedEvent {
    Event event;
    json::Object pdu;
};

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
        runtime::RandomSource& random;
        runtime::Log& log;
        const Signer& signer;
    };
    explicit RemoteRooms(Services services);
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
    /// Records an invite that `invite` will be called for: if this process ends before, the next
    /// one sends it.
    void plan_invite(const RoomId& room, const NewEvent& invite);

    /// Finishes what an earlier process began; call it once, on the loop.
    void resume();

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
    /// Runs what follows the signing of `own`; between the two, and while it goes on, the record of
    /// it is in the database.
    template <typename Answer>
    Task<Result<Answer>> run_recorded(ServerName resident,
                                      SignedEvent own,
                                      Task<Result<Answer>> rest);
    Task<Result<RoomPtr>> finish_join(ServerName resident, SignedEvent join);
    Task<Result<void>> finish_knock(ServerName resident, SignedEvent knock);
    Task<Result<void>> finish_leave(ServerName resident, SignedEvent leave);
    Task<Result<StoredEvent>> send_invite(RoomPtr room, NewEvent invite);
    StreamPosition known_membership(const RoomId& room, const UserId& user) const;
    Task<void> finish_later(storage::UnfinishedHandshake handshake);
    Task<Result<void>> finish(storage::UnfinishedHandshake handshake);
    Task<void> invite_later(storage::UnfinishedInvite planned);
    Task<Result<void>> invite_again(storage::UnfinishedInvite planned);
    Task<void> pause_before_attempt(int attempt);
    Task<std::vector<Event>> keep_verified(json::Array pdus, RoomId room, const RoomRules* rules);
    static Result<void> check_create(const JoinedRoom& joined,
                                     const ServerName& server,
                                     const RoomRules& rules);

    Services services_;
    storage::UnfinishedMembershipStore unfinished_;
    runtime::Random& random_;
    runtime::TaskGroup tasks_;  ///< Last: they use all of the above.
};

}  // namespace matrix::engine
