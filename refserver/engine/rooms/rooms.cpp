#include "refserver/engine/rooms/rooms.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {

Rooms::Rooms(RoomServices services) : services_(std::move(services)) {
    services_.turns.on_failed_commit([this] {
        for (const auto& [room_id, room] : loaded_)
            room->data_->is_stale = true;
    });
}

Rooms::~Rooms() = default;

RoomPtr Rooms::add(std::unique_ptr<Room::Data> data) {
    forget_unused();
    auto room = std::make_shared<Room>(std::move(data));
    loaded_.insert_or_assign(room->id(), room);
    return room;
}

// Never a room that somebody holds: there must be one object for each.
void Rooms::forget_unused() {
    const bool is_full = loaded_.size() >= kLoadedMax;
    if (!is_full && !SIM_FAULT_POINT("rooms that nobody uses are dropped from the memory")) return;
    SIM_SOMETIMES("rooms are dropped from the memory");
    std::erase_if(loaded_, [](const auto& entry) { return entry.second.use_count() == 1; });
}

Result<RoomPtr> Rooms::find(const RoomId& room_id) {
    const auto loaded = loaded_.find(room_id);
    if (loaded != loaded_.end() && !loaded->second->data().is_gone) return loaded->second;
    const auto row = services_.rooms.find(room_id);
    if (!row) return not_found("this server does not know the room " + room_id.text());
    return add(std::make_unique<Room::Data>(services_, room_id, *row));
}

std::vector<RoomId> Rooms::list() const {
    return services_.rooms.list();
}

namespace {

constexpr std::size_t kRoomIdLength = 18;  ///< Of the random part, before room version 12.
constexpr int kRoomIdAttemptsMax = 100;

/// The first events of a room, while nothing of it is stored.
class RoomDraft {
public:
    RoomDraft(RoomId room_id,
              const RoomRules& rules,
              const RoomServices& services,
              runtime::Timestamp now)
        : room_id_(std::move(room_id)), rules_(rules), services_(services), now_(now) {}

    Result<void> add(const NewEvent& new_event) {
        const FindEvent find_event = [this](const EventId& id) {
            const auto found = by_id_.find(id);
            return auth::CitedEvent{found == by_id_.end() ? nullptr : found->second};
        };
        EventPlace place{.room_id = room_id_,
                         .rules = rules_,
                         .prev_events = {},
                         .before = state_,
                         .find_event = find_event};
        if (!steps.empty()) place.prev_events.push_back(steps.back().event);
        ASSIGN_OR_RETURN(EventTemplate made, make_event_template(new_event, place, now_));
        ASSIGN_OR_RETURN(Event event, sign_template(std::move(made), rules_, services_));
        const EventPtr create = steps.empty() ? nullptr : steps.front().event;
        const CheckContext checks{create, find_event, services_.verifier};
        const Judgement judgement = judge(event, state_, state_, checks);
        if (judgement.status != EventStatus::Accepted) {
            return std::unexpected(error_of(judgement.failure));
        }
        keep(std::make_shared<const Event>(std::move(event)));
        return {};
    }

    struct Step {
        EventPtr event;
        State before;
    };
    std::vector<Step> steps;
    const RoomId& room_id() const { return room_id_; }

private:
    void keep(EventPtr event) {
        steps.push_back({event, state_});
        room_id_ = event->room_id;
        by_id_.emplace(event->id, event);
        if (event->is_state()) state_ = state_.with({event->type, *event->state_key}, event->id);
    }

    RoomId room_id_;
    const RoomRules& rules_;
    const RoomServices& services_;
    runtime::Timestamp now_;
    State state_;
    std::map<EventId, EventPtr> by_id_;
};

NewEvent make_create_event(const NewRoom& new_room, const RoomRules& rules) {
    NewEvent create{.sender = new_room.creator,
                    .type = "m.room.create",
                    .state_key = "",
                    .content = new_room.create_content,
                    .redacts = std::nullopt};
    create.content.set("room_version", rules.version);
    if (rules.has_creator_in_content) create.content.set("creator", new_room.creator.text());
    return create;
}

}  // namespace

Result<RoomPtr> Rooms::create(const NewRoom& new_room) {
    const RoomRules* rules = find_room_rules(new_room.version);
    if (!rules) {
        return unsupported_room_version("this server has no room version " + new_room.version);
    }
    RoomId room_id;
    if (rules->event_format != EventFormat::HashedRoomId) {
        runtime::Random& random = services_.random.stream("room ids");
        room_id = RoomId("!" + random.text(kRoomIdLength, runtime::kLetters) + ":" +
                         services_.server_name.text());
    }
    // UNSPECIFIED: in room version 12 two rooms that a user creates alike in one millisecond have
    // the same create event, and so the same id. We give the later one a later time.
    runtime::Timestamp now = services_.clock.now();
    std::optional<RoomDraft> drafted;
    for (int attempt = 0; attempt < kRoomIdAttemptsMax; ++attempt, ++now.value) {
        drafted.emplace(room_id, *rules, services_, now);
        SIM_SOMETIMES(attempt > 0, "two rooms would have the same id");
        RETURN_IF_ERROR(drafted->add(make_create_event(new_room, *rules)));
        if (!services_.rooms.find(drafted->room_id())) break;
    }
    RoomDraft& draft = *drafted;
    for (const NewEvent& event : new_room.events) {
        RETURN_IF_ERROR(draft.add(event));
    }
    if (services_.rooms.find(draft.room_id())) {
        return internal_error("a room of this id exists already");
    }

    const storage::RoomRow row{.number = services_.rooms.create(draft.room_id(), *rules),
                               .rules = rules,
                               .current_state = State().root(),
                               .extremities = {}};
    const RoomPtr room = add(std::make_unique<Room::Data>(services_, draft.room_id(), row));
    for (RoomDraft::Step& step : draft.steps) {
        room->data_->place(std::move(step.event), step.before, {}, EventOrigin::Own);
        ++services_.counters.events_sent;
    }
    return room;
}

std::vector<RoomId> Rooms::list_rooms_of(const UserId& user, Membership membership) const {
    if (user.server() != services_.server_name) {
        return services_.rooms.list_rooms_of(user, membership);
    }
    std::vector<RoomId> rooms;
    for (MembershipChange& change : list_memberships(user)) {
        if (change.membership == membership) rooms.push_back(std::move(change.room));
    }
    return rooms;
}

std::optional<Membership> Rooms::membership(const RoomId& room, const UserId& user) const {
    if (user.server() == services_.server_name) {
        const auto change = services_.rooms.find_change(user, room, services_.turns.newest());
        return change ? std::optional(change->membership) : std::nullopt;
    }
    const auto row = services_.rooms.find(room);
    return row ? services_.rooms.find_membership_of(row->number, user) : std::nullopt;
}

bool Rooms::shares_room(const UserId& one, const UserId& other) const {
    return services_.rooms.shares_room(one, other);
}

std::vector<MembershipChange> Rooms::list_memberships(const UserId& user) const {
    return services_.rooms.list_changes(user, StreamPosition{}, services_.turns.newest());
}

std::vector<MembershipChange> Rooms::membership_changes(const UserId& user,
                                                        StreamPosition after,
                                                        StreamPosition up_to) const {
    return services_.rooms.list_changes(user, after, up_to);
}

std::optional<MembershipChange> Rooms::membership_at(const RoomId& room,
                                                     const UserId& user,
                                                     StreamPosition position) const {
    return services_.rooms.find_change(user, room, position);
}

void Rooms::forget(const RoomId& room, const UserId& user) {
    services_.rooms.mark_forgotten(user, room);
}

void Rooms::put_outlier_membership(OutlierMembership outlier) {
    MATRIX_ASSERT(outlier.user.server() == services_.server_name);
    const auto membership = outlier.event->membership();
    MATRIX_ASSERT(membership.has_value());
    const StreamPosition position = services_.turns.next_position();
    services_.rooms.put_outlier(outlier.user,
                                outlier.room,
                                {.room_version = std::string(outlier.event->rules->version),
                                 .position = position,
                                 .text = outlier.event->text,
                                 .stripped_state = json::write(outlier.stripped_state)});
    services_.rooms.add_change(outlier.user,
                               {.room = outlier.room,
                                .membership = *membership,
                                .event = outlier.event->id,
                                .position = position});
    services_.notifier.user_changed(outlier.user, position);
}

std::optional<OutlierMembership> Rooms::find_outlier_membership(const RoomId& room,
                                                                const UserId& user) const {
    const auto row = services_.rooms.find_outlier(user, room);
    const auto newest = services_.rooms.find_change(user, room, services_.turns.newest());
    // A membership in the room itself replaces what we heard from outside.
    if (!row || !newest || newest->position != row->position) return std::nullopt;
    const RoomRules* rules = find_room_rules(row->room_version);
    MATRIX_ASSERT(rules);
    auto event = parse_event(row->text, *rules);
    MATRIX_ASSERT(event);  // We wrote it, as the rest of the row.
    const auto stripped_state = json::parse(row->stripped_state);
    MATRIX_ASSERT(stripped_state && stripped_state->if_array());
    return OutlierMembership{.room = room,
                             .user = user,
                             .event = std::make_shared<const Event>(*std::move(event)),
                             .stripped_state = *stripped_state->if_array(),
                             .position = row->position};
}

}  // namespace matrix::engine
