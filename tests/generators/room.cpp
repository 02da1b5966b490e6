// Makes rooms: commands are chosen, tried against the state before them, and become events.

#include "tests/generators/room.h"

#include <algorithm>
#include <array>
#include <set>

#include "refserver/base/assert.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::generators {

auth::CitedEvent Room::find(const EventId& id) const {
    const auto index = indices_.find(id);
    if (index == indices_.end()) return {};
    const RoomEvent& found = events_[index->second];
    return {.event = found.event, .is_rejected = found.is_rejected};
}

void Room::add(RoomEvent event) {
    indices_[event.event->id] = events_.size();
    events_.push_back(std::move(event));
}

namespace {

enum class Command { Topic, Join, Leave, Invite, Ban, Kick, PowerLevels, JoinRules, Status };

// How often each is tried, of 100.
struct CommandWeight {
    Command command;
    std::uint64_t weight;
};
constexpr std::array kCommandWeights = {
    CommandWeight{Command::Topic, 11},
    CommandWeight{Command::Join, 22},
    CommandWeight{Command::Leave, 8},
    CommandWeight{Command::Invite, 8},
    CommandWeight{Command::Ban, 10},
    CommandWeight{Command::Kick, 8},
    CommandWeight{Command::PowerLevels, 20},
    CommandWeight{Command::JoinRules, 10},
    CommandWeight{Command::Status, 3},
};

Command choose_command(Choices& choices) {
    std::uint64_t number = choices.below(100);
    for (const auto& [command, weight] : kCommandWeights) {
        if (number < weight) return command;
        number -= weight;
    }
    unreachable();
}

// A state in which one entry is an older event of the same key, as a server that is behind has it.
State with_stale_entry(Choices& choices, const Room& room, const State& state) {
    const RoomEvent& old = choices.among(room.events());
    if (old.is_rejected || !old.event->is_state()) return state;
    const StateKey key = {old.event->type, *old.event->state_key};
    return key.type != "m.room.create" && state.find(key) ? state.with(key, old.event->id) : state;
}

class RoomMaker {
public:
    RoomMaker(Choices& choices, const RoomRules& rules, const RoomLimits& limits)
        : choices_(choices), limits_(limits), room_(rules) {
        MATRIX_ASSERT(is_supported(rules));
        const std::vector<std::string> servers = {"a.test", "b.test", "c.test"};
        for (std::size_t number = 0; number < limits.user_count; ++number) {
            users_.emplace_back("@u" + std::to_string(number) + ":" +
                                servers[number % servers.size()]);
        }
    }

    Room make() {
        make_beginning();
        for (std::size_t count = 0; count < limits_.commands_max; ++count) {
            if (choices_.is_exhausted()) break;
            make_step();
        }
        return std::move(room_);
    }

private:
    const RoomRules& rules() const { return room_.rules(); }

    void make_beginning() {
        EventTemplate create = {.sender = users_[0], .type = "m.room.create", .state_key = ""};
        create.content = {{"room_version", rules().version}};
        if (rules().has_creator_in_content) create.content.set("creator", users_[0].text());
        if (rules().has_privileged_creators && users_.size() > 1 && choices_.happens(30)) {
            create.content.set("additional_creators", json::Array{users_[1].text()});
        }
        const bool has_hashed_id = rules().event_format == EventFormat::HashedRoomId;
        if (!has_hashed_id) create.room_id = RoomId("!room:a.test");
        send(std::move(create), {}, {});
        room_id_ = room_.events().front().event->room_id;

        try_command(make_member(users_[0], users_[0], "join"));
        if (!choices_.happens(10)) try_command(make_first_power_levels());
        try_command(make_join_rules(users_[0], choices_.happens(30) ? "invite" : "public"));
    }

    void make_step() {
        const std::vector<std::size_t> parents = choose_parents();
        State before = state_after(parents);
        if (limits_.has_wrong_states && choices_.happens(10)) {
            before = with_stale_entry(choices_, room_, before);
        }
        constexpr int kAttempts = 5;
        for (int attempt = 0; attempt < kAttempts; ++attempt) {
            if (send(choose_event(before), parents, before)) return;
        }
    }

    void try_command(EventTemplate event) {
        const std::vector<std::size_t> parents(extremities_.begin(), extremities_.end());
        send(std::move(event), parents, state_after(parents));
    }

    // The newest events, or somewhere far behind.
    std::vector<std::size_t> choose_parents() {
        if (choices_.happens(35)) return {choices_.below(room_.events().size())};
        std::vector<std::size_t> parents(extremities_.rbegin(), extremities_.rend());
        constexpr std::size_t kParentsMax = 3;
        parents.resize(1 + choices_.below(std::min(parents.size(), kParentsMax)));
        return parents;
    }

    State state_after(const std::vector<std::size_t>& parents) const {
        std::vector<State> states;
        for (const std::size_t parent : parents)
            states.push_back(room_.events()[parent].after);
        return resolve(states, room_.finder(), rules(), ed25519_verifier());
    }

    EventTemplate choose_event(const State& before) {
        const UserId& actor = choices_.among(users_);
        const Command command = choose_command(choices_);
        switch (command) {
            case Command::Topic:
                return make_state(
                    actor, "m.room.topic", "", {{"topic", std::to_string(choices_.below(5))}});
            case Command::Join:
                return make_join(actor);
            case Command::Leave:
                return make_member(actor, actor, choices_.happens(40) ? "knock" : "leave");
            case Command::Invite:
                return make_member(actor, choices_.among(users_), "invite");
            case Command::Ban:
                return make_member(actor, choices_.among(users_), "ban");
            case Command::Kick:
                return make_member(actor, choices_.among(users_), "leave");
            case Command::PowerLevels:
                return make_power_levels(actor, before);
            case Command::JoinRules:
                return make_join_rules(actor, choose_join_rule());
            case Command::Status:
                return make_state(actor, "org.status", choices_.among(users_).view(), {});
        }
        unreachable();
    }

    std::string_view choose_join_rule() {
        static const std::vector<std::string_view> kNames = {
            "public", "invite", "knock", "restricted", "knock_restricted", "private"};
        return choices_.among(kNames);
    }

    EventTemplate make_state(const UserId& sender,
                             std::string_view type,
                             std::string_view state_key,
                             json::Object content) {
        EventTemplate event;
        event.sender = sender;
        event.type = type;
        event.state_key = std::string(state_key);
        event.content = std::move(content);
        return event;
    }

    EventTemplate make_member(const UserId& sender,
                              const UserId& target,
                              std::string_view membership) {
        return make_state(sender, "m.room.member", target.view(), {{"membership", membership}});
    }

    EventTemplate make_join(const UserId& user) {
        EventTemplate event = make_member(user, user, "join");
        if (choices_.happens(50)) {
            event.content.set("join_authorised_via_users_server", choices_.among(users_).text());
        }
        return event;
    }

    EventTemplate make_join_rules(const UserId& sender, std::string_view name) {
        return make_state(sender, "m.room.join_rules", "", {{"join_rule", name}});
    }

    EventTemplate make_first_power_levels() {
        json::Object users;
        if (!rules().has_privileged_creators) users.set(users_[0].view(), 100);
        return make_state(users_[0], "m.room.power_levels", "", {{"users", std::move(users)}});
    }

    // One entry of the power levels in `before` is set or removed.
    EventTemplate make_power_levels(const UserId& sender, const State& before) {
        json::Object content;
        if (const EventId* current = before.find("m.room.power_levels", "")) {
            content = room_.find(*current).event->parse_content();
        }
        const std::uint64_t kind = choices_.below(20);
        if (kind < 14) {
            set_level(content, "users", choices_.among(users_).view(), {0, 50, 50, 99, 100, -1});
        } else if (kind < 17) {
            static const std::vector<std::string_view> kNames = {"ban",
                                                                 "kick",
                                                                 "invite",
                                                                 "redact",
                                                                 "state_default",
                                                                 "events_default",
                                                                 "users_default"};
            const std::string_view name = choices_.among(kNames);
            content.set(name, choices_.among(std::vector<std::int64_t>{0, 25, 50, 75, 100}));
        } else {
            static const std::vector<std::string_view> kTypes = {
                "m.room.topic", "m.room.power_levels", "m.room.join_rules"};
            set_level(content, "events", choices_.among(kTypes), {0, 50, 100});
        }
        return make_state(sender, "m.room.power_levels", "", std::move(content));
    }

    void set_level(json::Object& content,
                   std::string_view property,
                   std::string_view key,
                   const std::vector<std::int64_t>& levels) {
        json::Value& entries = content[property];
        if (!entries.is_object()) entries = json::Object();
        if (choices_.happens(15)) {
            entries.if_object()->erase(key);
        } else {
            entries.if_object()->set(key, choices_.among(levels));
        }
    }

    std::int64_t choose_time() {
        clock_ += choices_.among(std::vector<std::int64_t>{0, 0, 1, 5});
        if (!choices_.happens(10)) return clock_;
        return clock_ + choices_.among(std::vector<std::int64_t>{-50, -500, 500});
    }

    // False if the event is refused and not kept; some refused ones are kept as rejected.
    bool send(EventTemplate event, const std::vector<std::size_t>& parents, const State& before) {
        event.room_id = event.room_id.empty() ? room_id_ : event.room_id;
        event.origin_server_ts = choose_time();
        for (const std::size_t parent : parents) {
            const Event& previous = *room_.events()[parent].event;
            event.prev_events.push_back(previous.id);
            event.depth = std::max(event.depth, previous.depth + 1);
        }
        for (const StateKey& key : auth::required_state(event, rules())) {
            if (const EventId* id = before.find(key)) event.auth_events.push_back(*id);
        }
        const EventPtr made = encode(event);
        const bool is_rejected = !is_allowed(*made, before);
        if (is_rejected && !choices_.happens(2)) return false;
        if (room_.find(made->id).event) return false;  // The same event was made before.
        add(made, is_rejected, parents, before);
        return true;
    }

    EventPtr encode(const EventTemplate& event) {
        std::optional<EventId> id;
        if (rules().event_format == EventFormat::IdsAndHashes) {
            id = EventId("$" + std::to_string(room_.events().size()) + ":" +
                         event.sender.server().text());
        }
        json::Object pdu = make_pdu(event, rules(), id);
        add_content_hash(pdu);
        pdu.set("signatures", json::Object());
        auto parsed = parse_event(pdu, rules());
        MATRIX_ASSERT(parsed.has_value());
        return std::make_shared<const Event>(std::move(*parsed));
    }

    // Against what it cites, and against the state before it.
    bool is_allowed(const Event& event, const State& before) const {
        std::vector<auth::CitedEvent> cited;
        for (const EventId& id : event.auth_events)
            cited.push_back(room_.find(id));
        const EventPtr create = room_.events().empty() ? nullptr : room_.events().front().event;

        auth::AuthState state;
        state.set(auth::Role::Create, create.get());
        for (const auto& [role, type, state_key] : auth::required_state(event)) {
            const EventId* id = before.find(type, state_key);
            if (id) state.set(role, room_.find(*id).event.get());
        }
        const Verifier& verifier = ed25519_verifier();
        return auth::check_cited(event, cited, create.get()) &&
               auth::check_against(
                   auth::state_of_cited(event, cited, create.get()), event, verifier) &&
               auth::check_against(state, event, verifier);
    }

    void add(EventPtr event,
             bool is_rejected,
             const std::vector<std::size_t>& parents,
             const State& before) {
        State after = before;
        if (!is_rejected && event->is_state()) {
            after = before.with({event->type, *event->state_key}, event->id);
        }
        if (!is_rejected) {
            for (const std::size_t parent : parents)
                extremities_.erase(parent);
            extremities_.insert(room_.events().size());
        }
        room_.add({std::move(event), is_rejected, before, std::move(after)});
    }

    Choices& choices_;
    const RoomLimits limits_;
    Room room_;
    RoomId room_id_;
    std::vector<UserId> users_;
    std::set<std::size_t> extremities_;
    std::int64_t clock_ = 1'700'000'000'000;
};

}  // namespace

Room make_room(Choices& choices, const RoomRules& rules, const RoomLimits& limits) {
    return RoomMaker(choices, rules, limits).make();
}

std::vector<State> choose_states(Choices& choices, const Room& room) {
    std::vector<State> states;
    const std::uint64_t count = 2 + choices.below(4);
    for (std::uint64_t number = 0; number < count; ++number) {
        // From the end: the newest events have seen the most.
        const std::size_t index = room.events().size() - 1 - choices.below(room.events().size());
        const State& state = room.events()[index].after;
        states.push_back(choices.happens(20) ? with_stale_entry(choices, room, state) : state);
    }
    return states;
}

}  // namespace matrix::generators
