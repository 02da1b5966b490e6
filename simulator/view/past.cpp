#include "simulator/view/past.h"

#include <algorithm>
#include <tuple>

#include "refserver/commands/resolution.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

using storage::EventStatus;

// The numbers of the servers whose names stand in arguments of a step, however deeply.
void list_servers(const json::Value& value, const Recording& recording, std::vector<int>& found) {
    // The arguments of verbs are lists of lists at most.
    if (const std::string* name = value.if_string()) {
        const auto place = std::ranges::find(recording.hosts, *name);
        if (place != recording.hosts.end())
            found.push_back(static_cast<int>(place - recording.hosts.begin()));
    }
    if (const json::Array* array = value.if_array()) {
        for (const json::Value& entry : *array)
            list_servers(entry, recording, found);
    }
}

// Of "verb {arguments}", as the world notes it when a step begins.
std::optional<json::Value> arguments_of(const std::string& detail) {
    const std::size_t blank = detail.find(' ');
    if (blank == std::string::npos) return std::nullopt;
    auto arguments = json::parse(std::string_view(detail).substr(blank + 1));
    if (!arguments || !arguments->is_object()) return std::nullopt;
    return *std::move(arguments);
}

FaultSpan make_span(const RecordedNote& note, const Recording& recording) {
    FaultSpan span{
        .what = note.detail, .servers = {}, .from_us = note.at_us, .until_us = recording.end_us};
    const auto arguments = arguments_of(note.detail);
    if (!arguments) return span;
    if (const std::int64_t* for_ms = arguments->find_integer(kDurationParameter))
        span.until_us = note.at_us + *for_ms * 1000;
    span.servers = list_named_servers(recording, note.detail);
    return span;
}

bool is_placed(const RecordedStoring* storing) {
    return storing != nullptr && storing->status != EventStatus::Outlier;
}

}  // namespace

std::vector<int> list_named_servers(const Recording& recording, const std::string& detail) {
    std::vector<int> servers;
    const auto arguments = arguments_of(detail);
    if (!arguments) return servers;
    for (const json::Member& argument : *arguments->if_object())
        list_servers(argument.value, recording, servers);
    std::ranges::sort(servers);
    return servers;
}

std::optional<int> find_first_host(const Recording& recording, std::string_view text) {
    const std::string_view word = text.substr(0, text.find_first_of(": "));
    const auto place = std::ranges::find(recording.hosts, word);
    if (place == recording.hosts.end()) return std::nullopt;
    return static_cast<int>(place - recording.hosts.begin());
}

Past::Past(const Recording& recording) : recording_(recording) {
    for (Index index = 0; index < recording.storings.size(); ++index) {
        const RecordedStoring& storing = recording.storings[index];
        storings_[{storing.server, storing.event}].push_back(index);
    }
    for (Index index = 0; index < recording.messages.size(); ++index) {
        for (const Index event : recording.messages[index].events)
            messages_[event].push_back(index);
    }
    for (Index index = 0; index < recording.rooms.size(); ++index) {
        const RecordedRoom& room = recording.rooms[index];
        rooms_[{room.server, room.room}].push_back(index);
    }
    add_faults();
    add_downs();
}

void Past::add_downs() {
    for (const RecordedNote& note : recording_.notes) {
        const auto server = find_first_host(recording_, note.detail);
        if (!server) continue;
        if (note.kind == "crash") {
            downs_.push_back({*server, note.at_us, recording_.end_us, note.detail});
        } else if (note.kind == "start") {
            for (DownSpan& down : downs_) {
                if (down.server == *server) down.until_us = std::min(down.until_us, note.at_us);
            }
        }
    }
}

void Past::add_faults() {
    for (const RecordedNote& note : recording_.notes) {
        if (note.kind == name_of(VerbKind::Fault)) {
            faults_.push_back(make_span(note, recording_));
        } else if (note.kind == "heal") {
            for (FaultSpan& fault : faults_) {
                // A partition that ends heals the network as well: it is over by itself then.
                if (note.detail.empty() && fault.until_us == recording_.end_us)
                    fault.until_us = note.at_us;
            }
        }
    }
}

const RecordedStoring* Past::find_last(int server, Index event) const {
    const auto place = storings_.find({server, event});
    return place == storings_.end() ? nullptr : &recording_.storings[place->second.back()];
}

const RecordedStoring* Past::find_first(int server, Index event) const {
    const auto place = storings_.find({server, event});
    return place == storings_.end() ? nullptr : &recording_.storings[place->second.front()];
}

const RecordedStoring* Past::find_placed(int server, Index event) const {
    const auto place = storings_.find({server, event});
    if (place == storings_.end()) return nullptr;
    for (const Index index : place->second) {
        if (is_placed(&recording_.storings[index])) return &recording_.storings[index];
    }
    return nullptr;
}

std::optional<Index> Past::find_carrier(int server, Index event, std::int64_t until_us) const {
    std::optional<Index> carrier;
    for (const Index index : messages_with(event)) {
        const RecordedMessage& message = recording_.messages[index];
        if (message.to != server || !message.arrived_us || *message.arrived_us > until_us) continue;
        if (!carrier || *recording_.messages[*carrier].arrived_us <= *message.arrived_us)
            carrier = index;
    }
    return carrier;
}

const std::vector<Index>& Past::messages_with(Index event) const {
    static const std::vector<Index> kNone;
    const auto place = messages_.find(event);
    return place == messages_.end() ? kNone : place->second;
}

std::vector<const FaultSpan*> Past::faults_at(std::int64_t at_us) const {
    std::vector<const FaultSpan*> active;
    for (const FaultSpan& fault : faults_) {
        if (fault.from_us <= at_us && at_us <= fault.until_us) active.push_back(&fault);
    }
    return active;
}

const RecordedRoom* Past::find_room(int server, const RoomId& room, std::int64_t at_us) const {
    const auto place = rooms_.find({server, room});
    if (place == rooms_.end()) return nullptr;
    const RecordedRoom* found = nullptr;
    for (const Index index : place->second) {
        if (recording_.rooms[index].at_us > at_us) break;
        found = &recording_.rooms[index];
    }
    return found;
}

bool Past::is_joined(int server, const RoomId& room, int observer) const {
    const RecordedRoom* last = find_room(observer, room, recording_.end_us);
    const auto state = last == nullptr ? std::nullopt : recording_.find_state(last->state);
    if (!state) return false;
    bool is_joined = false;
    state->for_each_of_type("m.room.member", [&](const StateKey& key, const EventId& id) {
        const auto index = recording_.find_event(id);
        if (!index || UserId(key.state_key).server().text() !=
                          recording_.hosts[static_cast<std::size_t>(server)])
            return;
        is_joined |= recording_.events[*index].event->membership() == Membership::Join;
    });
    return is_joined;
}

// As the checker "convergence" has it: the newest join of one of the server's users, and what
// follows it. What is concurrent with that may never reach the server.
std::set<Index> Past::list_expected(int server, const RoomId& room) const {
    const auto is_of_room = [&](Index index) {
        return recording_.events[index].event->room_id == room;
    };
    std::vector<std::pair<std::int64_t, Index>> by_depth;
    std::optional<std::pair<std::int64_t, Index>> entry;
    const std::string& name = recording_.hosts[static_cast<std::size_t>(server)];
    for (Index index = 0; index < recording_.events.size(); ++index) {
        if (!is_of_room(index)) continue;
        const Event& event = *recording_.events[index].event;
        const std::pair place(event.depth, index);
        by_depth.push_back(place);
        const bool is_entry = event.membership() == Membership::Join &&
                              event.sender.domain() == name && is_placed(find_last(server, index));
        if (is_entry && (!entry || *entry < place)) entry = place;
    }
    std::set<Index> expected;
    if (!entry || !is_joined(server, room, server)) return expected;
    expected.insert(entry->second);
    // An event is deeper than those before it.
    std::ranges::sort(by_depth);
    for (const auto& [depth, index] : by_depth) {
        const auto follows = [&](const EventId& id) {
            const auto previous = recording_.find_event(id);
            return previous && expected.contains(*previous);
        };
        if (std::ranges::any_of(recording_.events[index].event->prev_events, follows))
            expected.insert(index);
    }
    return expected;
}

std::set<Index> Past::list_behind(int server, const RoomId& room) const {
    std::set<Index> behind;
    const RecordedRoom* last = find_room(server, room, recording_.end_us);
    std::vector<Index> pending = last == nullptr ? std::vector<Index>() : last->extremities;
    while (!pending.empty()) {
        const Index index = pending.back();
        pending.pop_back();
        if (!behind.insert(index).second) continue;
        for (const EventId& id : recording_.events[index].event->prev_events) {
            if (const auto previous = recording_.find_event(id)) pending.push_back(*previous);
        }
    }
    return behind;
}

std::optional<Parting> Past::find_parting(const RoomId& room, int a, int b) const {
    using Kind = Parting::Kind;
    const std::set<Index> expected_a = list_expected(a, room);
    const std::set<Index> expected_b = list_expected(b, room);
    const std::set<Index> behind_a = list_behind(a, room);
    const std::set<Index> behind_b = list_behind(b, room);
    // Where one does not know that the other is there, it need not tell it anything.
    const bool is_company = is_joined(a, room, b) && is_joined(b, room, a);
    // What servers may differ in counts only where they differ in nothing else.
    std::optional<std::tuple<bool, std::int64_t, Index, Kind>> best;
    for (Index event = 0; event < recording_.events.size(); ++event) {
        const Event& known = *recording_.events[event].event;
        if (known.room_id != room) continue;
        const RecordedStoring* at_a = find_last(a, event);
        const RecordedStoring* at_b = find_last(b, event);
        std::optional<Kind> kind;
        if (is_placed(at_a) && is_placed(at_b)) {
            const bool is_rejected_a = at_a->status == EventStatus::Rejected;
            const bool is_rejected_b = at_b->status == EventStatus::Rejected;
            if (is_rejected_a != is_rejected_b) {
                kind = Kind::Verdict;
            } else if (at_a->before != at_b->before) {
                kind = Kind::State;
            } else if (at_a->status != at_b->status) {
                kind = Kind::SoftFailed;
            }
        } else if (is_company && (at_a == nullptr) != (at_b == nullptr)) {
            const bool has_a = at_a != nullptr;
            const RecordedStoring& has = has_a ? *at_a : *at_b;
            const std::set<Index>& expected = has_a ? expected_b : expected_a;
            // A branch that a server alone had when its last user left is cited by nothing.
            const std::set<Index>& behind = has_a ? behind_a : behind_b;
            if (has.status == EventStatus::Accepted && expected.contains(event) &&
                behind.contains(event))
                kind = Kind::Missing;
        }
        if (!kind) continue;
        const bool is_allowed = *kind == Kind::SoftFailed;
        const std::tuple candidate(is_allowed, known.depth, event, *kind);
        if (!best || candidate < *best) best = candidate;
    }
    if (!best) return std::nullopt;
    return Parting{std::get<3>(*best), std::get<2>(*best)};
}

std::optional<State> Past::find_judging_state(const RecordedStoring& storing) const {
    if (storing.status != EventStatus::SoftFailed)
        return storing.before ? recording_.find_state(*storing.before) : std::nullopt;
    const RoomId& room = recording_.events[storing.event].event->room_id;
    const RecordedRoom* then = find_room(storing.server, room, storing.at_us - 1);
    return then == nullptr ? std::nullopt : recording_.find_state(then->state);
}

std::vector<State::Hash> Past::list_meeting_roots(int server, Index event) const {
    std::vector<State::Hash> roots;
    for (const EventId& id : recording_.events[event].event->prev_events) {
        const auto previous = recording_.find_event(id);
        const RecordedStoring* storing = previous ? find_placed(server, *previous) : nullptr;
        if (storing == nullptr || !storing->after) return {};
        if (std::ranges::find(roots, *storing->after) == roots.end())
            roots.push_back(*storing->after);
    }
    if (roots.size() < 2) return {};
    const RecordedStoring* storing = find_placed(server, event);
    roots.push_back(storing == nullptr ? State::Hash() : storing->before.value_or(State::Hash()));
    return roots;
}

namespace {

/// The events of some states, and everything that authorizes them.
commands::EventMap gather_events(const Past& past, int server, const std::vector<State>& states) {
    const Recording& recording = past.recording();
    std::vector<EventId> pending;
    for (const State& state : states)
        state.for_each([&](const StateKey&, const EventId& id) { pending.push_back(id); });
    std::set<EventId> seen;
    commands::EventMap events;
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        const auto index = recording.find_event(id);
        if (!seen.insert(id).second || !index) continue;
        const RecordedStoring* storing = past.find_last(server, *index);
        if (storing == nullptr) continue;
        const EventPtr& event = recording.events[*index].texts[storing->text];
        events.add(event);
        if (storing->status == EventStatus::Rejected || storing->is_rejected_outlier)
            events.reject(id);
        pending.insert(pending.end(), event->auth_events.begin(), event->auth_events.end());
    }
    return events;
}

}  // namespace

std::optional<Meeting> Past::find_meeting(int server, Index event) const {
    const std::vector<State::Hash> roots = list_meeting_roots(server, event);
    if (roots.empty()) return std::nullopt;
    Meeting meeting;
    for (Index place = 0; place + 1 < roots.size(); ++place) {
        auto state = recording_.find_state(roots[place]);
        if (!state) return std::nullopt;
        meeting.states.push_back(*std::move(state));
    }
    const commands::Room room{recording_.events[event].event->rules,
                              gather_events(*this, server, meeting.states),
                              meeting.states};
    meeting.explanation = commands::explain(
        room, commands::resolve_by_oracle(room.state_sets, room.events, *room.rules), {});
    meeting.resolved = meeting.explanation.state;
    if (const RecordedStoring* storing = find_placed(server, event); storing && storing->before)
        meeting.taken = recording_.find_state(*storing->before);
    return meeting;
}

}  // namespace matrix::simulator
