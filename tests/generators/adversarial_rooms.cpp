// Antichains, chains, ladders and cycles of power levels.

#include "tests/generators/adversarial_rooms.h"

#include <algorithm>

#include "refserver/base/assert.h"
#include "tests/generators/drafts.h"
#include "tests/generators/event_maker.h"

namespace matrix::generators {

std::string_view name_of(AuthShape shape) {
    switch (shape) {
        case AuthShape::Antichain:
            return "antichain";
        case AuthShape::PowerChain:
            return "power chain";
        case AuthShape::FanIn:
            return "fan-in";
        case AuthShape::Ladder:
            return "ladder";
        case AuthShape::Cycle:
            return "cycle";
    }
    unreachable();
}

std::ostream& operator<<(std::ostream& out, AuthShape shape) {
    return out << name_of(shape);
}

std::vector<AuthShape> acyclic_shapes() {
    return {AuthShape::Antichain, AuthShape::PowerChain, AuthShape::FanIn, AuthShape::Ladder};
}

namespace {

class AdversarialMaker {
public:
    AdversarialMaker(Choices& choices, const RoomRules& rules, std::size_t size)
        : choices_(choices),
          size_(size),
          labels_(choices),
          maker_(rules, labels_),
          made_{.room = Room(rules), .states = {}} {
        make_beginning();
    }

    AdversarialRoom make(AuthShape shape) {
        switch (shape) {
            case AuthShape::Antichain:
                make_antichain();
                break;
            case AuthShape::PowerChain:
                make_power_chain();
                break;
            case AuthShape::FanIn:
                make_fan_in();
                break;
            case AuthShape::Ladder:
                make_ladder();
                break;
            case AuthShape::Cycle:
                make_cycle();
                break;
        }
        return std::move(made_);
    }

private:
    const RoomRules& rules() const { return made_.room.rules(); }
    std::size_t next_number() const { return made_.room.events().size(); }

    void make_beginning() {
        EventTemplate create = draft_state(creator_, "m.room.create", "", {});
        create.content = {{"room_version", rules().version}};
        if (rules().has_creator_in_content) create.content.set("creator", creator_.text());
        if (rules().event_format != EventFormat::HashedRoomId) {
            create.room_id = RoomId("!room:a.test");
        }
        const EventId create_id = add(std::move(create), {});
        if (rules().event_format != EventFormat::HashedRoomId) always_cited_ = {create_id};
        const EventId join = add(draft_member(creator_, creator_, "join"), {});
        always_cited_.push_back(join);
        base_ = State::make(
            {{{"m.room.create", ""}, create_id}, {{"m.room.member", creator_.text()}, join}});
        first_levels_ = add(draft_levels(0), {});
        base_ = base_.with(kLevels, first_levels_);
    }

    EventTemplate draft_levels(std::size_t number) const {
        json::Object users = {{"@u" + std::to_string(number) + ":b.test", 50}};
        if (!rules().has_privileged_creators) users.set(creator_.view(), 100);
        return draft_state(creator_, "m.room.power_levels", "", {{"users", std::move(users)}});
    }

    EventId add(EventTemplate event, const std::vector<EventId>& cited) {
        event.auth_events = always_cited_;
        event.auth_events.insert(event.auth_events.end(), cited.begin(), cited.end());
        if (event.room_id.empty() && next_number() > 0) {
            event.room_id = made_.room.events().front().event->room_id;
        }
        if (next_number() > 0) {
            event.prev_events = {made_.room.events().back().event->id};
            event.depth = made_.room.events().back().event->depth + 1;
        }
        constexpr std::uint64_t kTimes = 50;
        event.origin_server_ts =
            1'700'000'000'000 + static_cast<std::int64_t>(choices_.below(kTimes));
        auto made = std::make_shared<const Event>(maker_.draft(event, next_number()));
        const EventId id = made->id;
        made_.room.add({.event = std::move(made), .before = base_, .after = base_});
        return id;
    }

    void make_antichain() {
        std::vector<EventId> concurrent;
        for (std::size_t number = 1; number <= size_; ++number)
            concurrent.push_back(add(draft_levels(number), {first_levels_}));
        // Every one of them is in the auth chain of a state: each user's status cites one.
        State state = base_;
        for (const EventId& levels : concurrent) {
            const std::string key = std::to_string(next_number());
            state = state.with({"org.status", key},
                               add(draft_state(creator_, "org.status", key, {}), {levels}));
        }
        made_.states = {base_.with(kLevels, concurrent.front()),
                        state.with(kLevels, concurrent.back())};
    }

    void make_power_chain() {
        EventId levels = first_levels_;
        for (std::size_t number = 1; number <= size_; ++number)
            levels = add(draft_levels(number), {levels});
        const EventId topic = add(draft_topic(creator_, 1), {levels});
        made_.states = {base_, base_.with(kLevels, levels).with({"m.room.topic", ""}, topic)};
    }

    void make_fan_in() {
        constexpr std::size_t kLayer = 8;
        std::vector<EventId> layer = {first_levels_};
        std::vector<EventId> last = layer;
        for (std::size_t number = 1; number <= size_; number += kLayer) {
            std::vector<EventId> next;
            for (std::size_t place = 0; place < kLayer; ++place)
                next.push_back(add(draft_levels(number + place), layer));
            last = layer;
            layer = std::move(next);
        }
        made_.states = {base_.with(kLevels, layer.front()),
                        base_.with(kLevels, layer.back()),
                        base_.with(kLevels, last.front())};
    }

    void make_ladder() {
        EventId left = first_levels_;
        EventId right = first_levels_;
        for (std::size_t number = 1; number <= size_; number += 2) {
            const EventId next_left = add(draft_levels(number), {left, right});
            right = add(draft_levels(number + 1), {right, left});
            left = next_left;
        }
        made_.states = {base_.with(kLevels, left), base_.with(kLevels, right)};
    }

    // Ids are known before events are made: the next ones are cited.
    void make_cycle() {
        std::vector<EventId> ids;
        const std::size_t first = next_number();
        for (std::size_t number = 0; number < size_; ++number)
            ids.push_back(labels_.label(first + number, rules(), creator_.server()));
        for (std::size_t number = 0; number < size_; ++number) {
            std::vector<EventId> cited = {choices_.among(ids), first_levels_};
            if (choices_.below(2) == 1) cited.insert(cited.begin(), ids[(number + 1) % size_]);
            const bool has_levels = choices_.below(2) == 1;
            add(has_levels ? draft_levels(number) : draft_join_rules(creator_, "public"), cited);
        }
        State one = base_;
        State two = base_;
        for (const EventId& id : ids) {
            const Event& event = *made_.room.find(id).event;
            State& state = choices_.below(2) == 1 ? one : two;
            state = state.with({event.type, *event.state_key}, id);
        }
        made_.states = {std::move(one), std::move(two)};
    }

    inline static const StateKey kLevels = {"m.room.power_levels", ""};

    Choices& choices_;
    const std::size_t size_;
    const EventLabels labels_;
    const EventMaker maker_;
    AdversarialRoom made_;
    const UserId creator_ = UserId("@creator:a.test");
    State base_;
    EventId first_levels_;
    std::vector<EventId> always_cited_;
};

}  // namespace

AdversarialRoom make_adversarial_room(Choices& choices,
                                      const RoomRules& rules,
                                      AuthShape shape,
                                      std::size_t size) {
    return AdversarialMaker(choices, rules, std::max<std::size_t>(size, 1)).make(shape);
}

}  // namespace matrix::generators
