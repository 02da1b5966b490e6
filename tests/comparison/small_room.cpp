// Rooms in which Alice and Bob quarrel.

#include "tests/comparison/small_room.h"

#include <algorithm>
#include <numeric>

#include "refserver/base/assert.h"

namespace matrix::comparison {

using generators::Room;

std::string_view describe_letter(Letter letter) {
    static constexpr std::array<std::string_view, kLetters> kDescriptions = {
        "alice sets the topic",
        "bob sets the topic",
        "alice sets the join rule `invite`",
        "bob sets the join rule `public`",
        "alice sets the power levels: bob has 0 (50 where there were no levels)",
        "bob sets the power levels: he has 50, and anybody may set the topic",
        "alice kicks bob",
        "bob joins",
    };
    return kDescriptions[letter];
}

std::string_view name_of(PowerPattern pattern) {
    switch (pattern) {
        case PowerPattern::OneAbove:
            return "alice 100, bob 50";
        case PowerPattern::Equals:
            return "alice 100, bob 100";
        case PowerPattern::NoPowerLevels:
            return "no power levels";
    }
    unreachable();
}

namespace {

const UserId kAlice("@alice:a.test");
const UserId kBob("@bob:b.test");
enum class Deed : std::uint8_t { Topic, JoinRules, PowerLevels, Membership };

Deed deed_of(Letter letter) {
    return static_cast<Deed>(letter / 2);
}

bool is_of_bob(Letter letter) {
    return letter % 2 == 1;
}

// Slots of this deed's event; the topic is never cited.
Slot slot_of(Letter letter) {
    switch (deed_of(letter)) {
        case Deed::Topic:
            return Slot::Topic;
        case Deed::JoinRules:
            return Slot::Rules;
        case Deed::PowerLevels:
            return Slot::Levels;
        case Deed::Membership:
            return Slot::Bob;
    }
    unreachable();
}

// The slots that the auth events of this deed come from.
std::vector<Slot> cited_slots(Letter letter) {
    std::vector<Slot> slots = {Slot::Levels};
    if (is_of_bob(letter) || deed_of(letter) == Deed::Membership) slots.push_back(Slot::Bob);
    if (is_of_bob(letter) && deed_of(letter) == Deed::Membership) slots.push_back(Slot::Rules);
    return slots;
}

const StateKey& state_key_of(Slot slot) {
    static const std::array<StateKey, kSlots> kKeys = {{{"m.room.member", kBob.text()},
                                                        {"m.room.power_levels", ""},
                                                        {"m.room.join_rules", ""},
                                                        {"m.room.topic", ""}}};
    return kKeys[static_cast<std::size_t>(slot)];
}

constexpr std::array kAllSlots = {Slot::Bob, Slot::Levels, Slot::Rules, Slot::Topic};

// Ids and times are in no order, and two times are equal.
constexpr std::array<std::string_view, kSmallRoomEventsMax> kIds = {"$c", "$a", "$e", "$b", "$d"};
constexpr std::array<std::size_t, kSmallRoomEventsMax> kTimes = {12, 11, 11, 13, 10};

constexpr std::uint64_t kSlotBits = 3;
constexpr std::uint64_t kStateBits = kSlotBits * kSlots;

std::uint64_t bits_of(const Slots& slots) {
    std::uint64_t bits = 0;
    for (const std::uint8_t value : slots)
        bits = bits << kSlotBits | value;
    return bits;
}

}  // namespace

SmallRoom::SmallRoom(const RoomRules& rules, PowerPattern pattern)
    : rules_(rules), pattern_(pattern), states_(std::size_t{1} << kStateBits) {
    make_beginning();
}

EventPtr SmallRoom::make(const std::string& id,
                         std::size_t time,
                         EventTemplate event,
                         const std::vector<EventPtr>& cited) const {
    Event made;
    made.id = EventId(id);
    made.rules = &rules_;
    made.room_id = room_id_.empty() ? RoomId("!" + id.substr(1)) : room_id_;
    made.sender = event.sender;
    made.type = event.type;
    made.state_key = event.state_key;
    made.depth = static_cast<std::int64_t>(time);
    made.origin_server_ts = static_cast<std::int64_t>(time);
    made.content = parse_event_content(event.type, event.content, rules_);
    for (const EventPtr& entry : cited) {
        if (entry) made.auth_events.push_back(entry->id);
    }
    if (time > 0) made.prev_events = {EventId("$before")};
    made.text = json::write(json::Object{{"content", event.content}});
    return std::make_shared<const Event>(std::move(made));
}

json::Object SmallRoom::levels_of(Letter letter) const {
    const std::int64_t level_of_bob =
        is_of_bob(letter) || pattern_ == PowerPattern::NoPowerLevels ? 50 : 0;
    json::Object users = {{kBob.text(), level_of_bob}};
    if (!rules_.has_privileged_creators) users.set(kAlice.view(), 100);
    json::Object content = {{"users", std::move(users)}};
    if (is_of_bob(letter)) content.set("events", json::Object{{"m.room.topic", 0}});
    return content;
}

EventTemplate SmallRoom::draft(Letter letter) const {
    EventTemplate event;
    event.sender = is_of_bob(letter) ? kBob : kAlice;
    const StateKey& key = state_key_of(slot_of(letter));
    event.type = key.type;
    event.state_key = key.state_key;
    switch (deed_of(letter)) {
        case Deed::Topic:
            event.content = {{"topic", event.sender.text()}};
            break;
        case Deed::JoinRules:
            event.content = {{"join_rule", is_of_bob(letter) ? "public" : "invite"}};
            break;
        case Deed::PowerLevels:
            event.content = levels_of(letter);
            break;
        case Deed::Membership:
            event.content = {{"membership", is_of_bob(letter) ? "join" : "leave"}};
            break;
    }
    return event;
}

void SmallRoom::make_beginning() {
    const auto state_event = [](const UserId& sender, const StateKey& key, json::Object content) {
        EventTemplate event;
        event.sender = sender;
        event.type = key.type;
        event.state_key = key.state_key;
        event.content = std::move(content);
        return event;
    };
    const StateKey create_key = {"m.room.create", ""};
    const StateKey alice_key = {"m.room.member", kAlice.text()};
    if (rules_.event_format != EventFormat::HashedRoomId) room_id_ = RoomId("!room:a.test");
    const EventPtr create =
        make("$create", 0, state_event(kAlice, create_key, {{"creator", kAlice.text()}}), {});
    room_id_ = create->room_id;
    const EventPtr cited = rules_.event_format == EventFormat::HashedRoomId ? nullptr : create;

    const EventPtr alice =
        make("$alice", 1, state_event(kAlice, alice_key, {{"membership", "join"}}), {cited});
    beginning_ = {create, alice};
    base_ = State().with(create_key, create->id).with(alice_key, alice->id);
    EventPtr levels;
    if (pattern_ != PowerPattern::NoPowerLevels) {
        json::Object users = {{kBob.text(), pattern_ == PowerPattern::Equals ? 100 : 50}};
        if (!rules_.has_privileged_creators) users.set(kAlice.view(), 100);
        levels =
            make("$levels",
                 2,
                 state_event(kAlice, state_key_of(Slot::Levels), {{"users", std::move(users)}}),
                 {cited, alice});
        beginning_.push_back(levels);
        base_ = base_.with(state_key_of(Slot::Levels), levels->id);
    }
    const EventPtr join_rules =
        make("$rules",
             3,
             state_event(kAlice, state_key_of(Slot::Rules), {{"join_rule", "public"}}),
             {cited, levels, alice});
    const EventPtr bob = make("$bob",
                              4,
                              state_event(kBob, state_key_of(Slot::Bob), {{"membership", "join"}}),
                              {cited, levels, join_rules});
    beginning_.push_back(join_rules);
    beginning_.push_back(bob);
    base_ = base_.with(state_key_of(Slot::Rules), join_rules->id)
                .with(state_key_of(Slot::Bob), bob->id);
}

EventPtr SmallRoom::entry_of(const Events& events, Slot slot, std::uint8_t value) {
    if (value > 0) return event_of(events, value - 1U);
    const EventId* id = base_.find(state_key_of(slot));
    if (!id) return nullptr;
    return *std::ranges::find(beginning_, *id, [](const EventPtr& event) { return event->id; });
}

// Cited events are older, so that this ends.
EventPtr SmallRoom::event_of(const Events& events, std::size_t index) {
    const SmallEvent& event = events[index];
    std::uint64_t cited_bits = event.letter;
    for (const Slot slot : cited_slots(event.letter)) {
        cited_bits = cited_bits << kSlotBits | event.before[static_cast<std::size_t>(slot)];
    }
    EventPtr& made = events_[{index, cited_bits}];
    if (made) return made;
    std::vector<EventPtr> cited;
    if (rules_.event_format != EventFormat::HashedRoomId) cited.push_back(beginning_[0]);
    if (!is_of_bob(event.letter)) cited.push_back(beginning_[1]);
    for (const Slot slot : cited_slots(event.letter)) {
        // Only the id is needed, and that says nothing of what the cited event cites.
        const std::uint8_t value = event.before[static_cast<std::size_t>(slot)];
        if (value == kLostSlot) continue;
        if (value == 0) {
            if (EventPtr entry = entry_of(events, slot, 0)) cited.push_back(std::move(entry));
        } else {
            Event named;
            named.id = EventId(kIds[value - 1U]);
            cited.push_back(std::make_shared<const Event>(std::move(named)));
        }
    }
    made = make(std::string(kIds[index]), kTimes[index], draft(event.letter), cited);
    return made;
}

void SmallRoom::apply(const SmallEvent& event, std::size_t index, Slots& state) const {
    state[static_cast<std::size_t>(slot_of(event.letter))] = static_cast<std::uint8_t>(index + 1);
}

// The ids of a room's events do not depend on what these do.
const State& SmallRoom::state_of(const Slots& slots) {
    std::optional<State>& state = states_[bits_of(slots)];
    if (state) return *state;
    state = base_;
    for (const Slot slot : kAllSlots) {
        const std::uint8_t value = slots[static_cast<std::size_t>(slot)];
        if (value == kLostSlot) {
            state = state->without(state_key_of(slot));
        } else if (value > 0) {
            state = state->with(state_key_of(slot), EventId(kIds[value - 1U]));
        }
    }
    return *state;
}

Slots SmallRoom::slots_of(const State& state) const {
    Slots slots = {};
    for (const Slot slot : kAllSlots) {
        const EventId* id = state.find(state_key_of(slot));
        const EventId* base = base_.find(state_key_of(slot));
        if (id && base && *id == *base) continue;
        const auto found = id ? std::ranges::find(kIds, id->view()) : kIds.end();
        slots[static_cast<std::size_t>(slot)] =
            found == kIds.end() ? (base ? kLostSlot : std::uint8_t{0})
                                : static_cast<std::uint8_t>(found - kIds.begin() + 1);
    }
    return slots;
}

bool SmallRoom::is_allowed(const Events& events, std::size_t index) {
    const SmallEvent& event = events[index];
    // The content of what is cited follows from its letter; what began the room has none.
    std::uint64_t key = event.letter;
    for (const Slot slot : {Slot::Bob, Slot::Levels, Slot::Rules}) {
        const std::uint8_t value = event.before[static_cast<std::size_t>(slot)];
        constexpr std::uint64_t kBase = kLetters;
        constexpr std::uint64_t kLetterBits = 4;
        const std::uint64_t letter = value == 0           ? kBase
                                     : value == kLostSlot ? kBase + 1
                                                          : events[value - 1U].letter;
        key = key << kLetterBits | letter;
    }
    const auto found = verdicts_.find(key);
    if (found != verdicts_.end()) return found->second;
    return verdicts_[key] = judge(events, index);
}

bool SmallRoom::judge(const Events& events, std::size_t index) {
    const EventPtr event = event_of(events, index);
    const State& state = state_of(events[index].before);
    const Room room = room_of(events, {events[index].before});
    auth::AuthState auth_state;
    auth_state.set(auth::Role::Create, beginning_[0].get());
    oracle::RuleState rule_state;
    const oracle::ReadEvent create(beginning_[0]);
    rule_state[create.key()] = &create;
    std::vector<std::unique_ptr<oracle::ReadEvent>> read;
    for (const auto& [role, type, state_key] : auth::required_state(*event)) {
        const EventId* id = state.find(type, state_key);
        if (!id) continue;
        const EventPtr entry = room.find(*id).event;
        auth_state.set(role, entry.get());
        read.push_back(std::make_unique<oracle::ReadEvent>(entry));
        rule_state[read.back()->key()] = read.back().get();
    }
    const auth::Verdict fast = auth::check_against(auth_state, *event, ed25519_verifier());
    const oracle::Verdict literal =
        oracle::check_against(rule_state, oracle::ReadEvent(event), ed25519_verifier());
    const std::string fast_rule = fast ? "allowed" : std::string(fast.error().rule);
    if (fast_rule != rule_of(literal) && !difference_) {
        difference_ = "verdicts on \"" + std::string(describe_letter(events[index].letter)) +
                      "\": fast " + fast_rule + ", oracle " + rule_of(literal) + "\n" +
                      describe(room, {.states = {state}, .missing = {}});
    }
    return fast.has_value();
}

// The events that the states lead to.
SmallRoom::EventMask SmallRoom::reach(const Events& events,
                                      const std::vector<Slots>& states) const {
    EventMask reached = 0;
    const auto add = [&](std::uint8_t value) {
        if (value == 0 || value == kLostSlot) return;
        reached = static_cast<EventMask>(reached | 1U << (value - 1U));
    };
    for (const Slots& slots : states)
        std::ranges::for_each(slots, add);
    for (std::size_t index = kSmallRoomEventsMax; index-- > 0;) {
        if ((reached >> index & 1U) == 0) continue;
        for (const Slot slot : cited_slots(events[index].letter))
            add(events[index].before[static_cast<std::size_t>(slot)]);
    }
    return reached;
}

Room SmallRoom::room_of(const Events& events, const std::vector<Slots>& states) {
    const EventMask reached = reach(events, states);
    Room room(rules_);
    for (const EventPtr& event : beginning_)
        room.add({.event = event, .before = {}, .after = {}});
    for (std::size_t index = 0; index < kSmallRoomEventsMax; ++index) {
        if ((reached >> index & 1U) == 0) continue;
        room.add({.event = event_of(events, index), .before = {}, .after = {}});
    }
    return room;
}

SmallRoom::QuestionKey SmallRoom::question_key(const Events& events,
                                               const std::vector<Slots>& states) const {
    std::uint64_t state_bits = 0;
    for (const Slots& slots : states)
        state_bits = state_bits << kStateBits | bits_of(slots);
    // Of the events that the states lead to, the letter and what they cite.
    const EventMask reached = reach(events, states);
    std::uint64_t event_bits = 0;
    for (std::size_t index = 0; index < kSmallRoomEventsMax; ++index) {
        constexpr std::uint64_t kEventBits = 4 * kSlotBits;
        std::uint64_t bits = 0;
        if ((reached >> index & 1U) != 0) {
            bits = events[index].letter;
            for (const Slot slot : cited_slots(events[index].letter)) {
                bits = bits << kSlotBits | events[index].before[static_cast<std::size_t>(slot)];
            }
        }
        event_bits = event_bits << kEventBits | bits;
    }
    return {state_bits, event_bits};
}

Slots SmallRoom::resolve(const Events& events, const std::vector<Slots>& states) {
    std::vector<Slots> distinct = states;
    std::ranges::sort(distinct);
    const auto duplicates = std::ranges::unique(distinct);
    distinct.erase(duplicates.begin(), duplicates.end());
    if (distinct.size() == 1) return distinct.front();
    const QuestionKey key = question_key(events, distinct);
    const auto found = answers_.find(key);
    if (found != answers_.end()) return found->second;
    return answers_[key] = ask(events, distinct);
}

Slots SmallRoom::resolve_once(const Events& events, const std::vector<Slots>& states) {
    const Room room = room_of(events, states);
    std::vector<State> made;
    for (const Slots& slots : states)
        made.push_back(state_of(slots));
    ++resolutions_;
    return slots_of(matrix::resolve(made, room.finder(), rules_, ed25519_verifier()));
}

// `states` are sorted.
Slots SmallRoom::ask(const Events& events, const std::vector<Slots>& states) {
    const Room room = room_of(events, states);
    Dispute dispute;
    for (const Slots& slots : states)
        dispute.states.push_back(state_of(slots));
    ++resolutions_;
    Resolver lasting(rules_, room.finder(), ed25519_verifier());
    const Answer fast = ask_resolver(lasting, dispute.states);
    const Answer literal = ask_oracle(oracle_room_of(room), dispute.states);
    const auto difference = find_difference(fast, literal);
    if (difference && !difference_) difference_ = *difference + describe(room, dispute);
    const State first = lasting.resolve(dispute.states);
    if (state_maps_of({&first, 1}).front() != literal.state && !difference_) {
        difference_ = "a resolver answers otherwise without a trace\n" + describe(room, dispute);
    }
    ask_in_each_order(room, dispute, lasting, first);
    return slots_of(first);
}

namespace {

// Is it a rotation of 0, 1, 2, ..., or of their reversal?
bool is_rotation(const std::vector<std::size_t>& order) {
    const std::size_t step = (order[1] + order.size() - order[0]) % order.size();
    if (step != 1 && step != order.size() - 1) return false;
    for (std::size_t place = 1; place < order.size(); ++place) {
        if (order[place] != (order[place - 1] + step) % order.size()) return false;
    }
    return true;
}

}  // namespace

// `first` is the answer for the states as they stand in the dispute.
void SmallRoom::ask_in_each_order(const Room& room,
                                  const Dispute& dispute,
                                  Resolver& lasting,
                                  const State& first) {
    std::vector<std::size_t> order(dispute.states.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<State> states(dispute.states.size());
    do {
        std::ranges::transform(
            order, states.begin(), [&](std::size_t index) { return dispute.states[index]; });
        bool is_same = lasting.resolve(states) == first;
        ++resolutions_;
        if (is_rotation(order) && !std::ranges::is_sorted(order)) {
            is_same &= matrix::resolve(states, room.finder(), rules_, ed25519_verifier()) == first;
            ++resolutions_;
        }
        if (!is_same && !difference_) {
            difference_ = "the order of the states decides\n" + describe(room, dispute);
        }
    } while (std::ranges::next_permutation(order).found);
}

}  // namespace matrix::comparison
