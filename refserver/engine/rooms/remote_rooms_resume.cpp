// What an earlier process began with another server and did not end: it is finished here.
//
// The other server may have taken its part, and then counts on us: a join that it has accepted, an
// invite that it has signed. Each is asked for again, with the same event where we have signed one,
// which the other server knows if it has it.

#include <algorithm>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/rooms/remote_rooms.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {
namespace {

/// About two hours in all; a server that is away for longer learns of our part by other means.
constexpr int kFinishAttemptsMax = 12;
constexpr runtime::Duration kFinishPauseLeast = runtime::seconds(1);
constexpr runtime::Duration kFinishPauseMost = runtime::seconds(20 * 60);

// Did nobody decide? Then it is worth to ask again.
bool is_undecided(const Result<void>& result) {
    return !result && result.error().status >= 500;
}

}  // namespace

void RemoteRooms::resume() {
    for (auto& handshake : unfinished_.list_handshakes())
        tasks_.start(finish_later(std::move(handshake)));
    for (auto& invite : unfinished_.list_invites())
        tasks_.start(invite_later(std::move(invite)));
}

// What is read and stored while the disk fails is not to be believed: only what is durable ends it.
Task<void> RemoteRooms::finish_later(storage::UnfinishedHandshake handshake) {
    for (int attempt = 0; attempt < kFinishAttemptsMax; ++attempt) {
        // A user who has gone on meanwhile wants something else now.
        const bool is_wanted =
            known_membership(handshake.room, handshake.user) == handshake.known_at;
        const std::uint64_t failed_before = services_.turns.failed_commits();
        SIM_SOMETIMES(!is_wanted, "an unfinished handshake is not wanted any more");
        const bool is_over = !is_wanted || !is_undecided(co_await finish(handshake));
        if (is_over && services_.turns.failed_commits() == failed_before) {
            unfinished_.remove_handshake(handshake.event);
            if (co_await services_.turns.durable()) co_return;
        }
        co_await pause_before_attempt(attempt);
    }
    SIM_SOMETIMES("an unfinished handshake is given up");
    unfinished_.remove_handshake(handshake.event);
}

Task<Result<void>> RemoteRooms::finish(storage::UnfinishedHandshake handshake) {
    const RoomRules* rules = find_room_rules(handshake.room_version);
    MATRIX_ASSERT(rules);  // We wrote it, as the rest.
    auto pdu = json::parse(handshake.pdu);
    MATRIX_ASSERT(pdu && pdu->if_object());
    auto event = parse_event(*pdu->if_object(), *rules);
    MATRIX_ASSERT(event);
    SignedEvent own{*std::move(event), std::move(*pdu->if_object())};
    switch (own.event.membership().value_or(Membership::Leave)) {
        case Membership::Join: {
            SIM_SOMETIMES("an unfinished join is finished");
            const auto joined = co_await finish_join(handshake.resident, std::move(own));
            if (!joined) co_return std::unexpected(joined.error());
            co_return Result<void>{};
        }
        case Membership::Knock:
            SIM_SOMETIMES("an unfinished knock is finished");
            co_return co_await finish_knock(handshake.resident, std::move(own));
        case Membership::Leave:
            SIM_SOMETIMES("an unfinished leave is finished");
            co_return co_await finish_leave(handshake.resident, std::move(own));
        case Membership::Invite:
        case Membership::Ban:
            break;
    }
    unreachable();
}

Task<void> RemoteRooms::invite_later(storage::UnfinishedInvite planned) {
    for (int attempt = 0; attempt < kFinishAttemptsMax; ++attempt) {
        const std::uint64_t failed_before = services_.turns.failed_commits();
        const bool is_over = !is_undecided(co_await invite_again(planned));
        if (is_over && services_.turns.failed_commits() == failed_before) {
            unfinished_.remove_invite(planned.room, planned.invited);
            if (co_await services_.turns.durable()) co_return;
        }
        co_await pause_before_attempt(attempt);
    }
    SIM_SOMETIMES("an unfinished invite is given up");
    unfinished_.remove_invite(planned.room, planned.invited);
}

Task<Result<void>> RemoteRooms::invite_again(storage::UnfinishedInvite planned) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room, services_.rooms.find(planned.room));
    const auto membership = room->membership(planned.invited);
    if (membership == Membership::Invite || membership == Membership::Join) {
        SIM_SOMETIMES("an unfinished invite was done");
        co_return Result<void>{};
    }
    SIM_SOMETIMES("an unfinished invite is made again");
    const auto content = json::parse(planned.content);
    MATRIX_ASSERT(content && content->if_object());  // We wrote it.
    const auto sent = co_await send_invite(room,
                                           {.sender = planned.sender,
                                            .type = "m.room.member",
                                            .state_key = planned.invited.text(),
                                            .content = *content->if_object(),
                                            .redacts = std::nullopt});
    if (!sent) co_return std::unexpected(sent.error());
    co_return Result<void>{};
}

Task<void> RemoteRooms::pause_before_attempt(int attempt) {
    const std::int64_t most_ms =
        std::min(kFinishPauseLeast.value << attempt, kFinishPauseMost.value);
    const auto half = static_cast<std::uint64_t>(most_ms / 2);
    const std::uint64_t drawn_ms = half + random_.below(half + 1);
    co_await services_.clock.sleep(runtime::milliseconds(static_cast<std::int64_t>(drawn_ms)));
}

}  // namespace matrix::engine
