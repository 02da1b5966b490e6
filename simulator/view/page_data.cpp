#include "simulator/view/page_data.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "refserver/protocol/auth_rules.h"
#include "refserver/protocol/base64.h"
#include "simulator/view/page.h"
#include "simulator/view/past.h"
#include "simulator/view/subject.h"
#include "simulator/view/words.h"

namespace matrix::simulator {
namespace {

// Of more servers, pairs are compared only where a finding names them.
constexpr Index kServersComparedMax = 12;
constexpr std::int64_t kNothing = -1;

std::int64_t integer(Index index) {
    return static_cast<std::int64_t>(index);
}

std::int64_t integer(const std::optional<std::int64_t>& number) {
    return number.value_or(kNothing);
}

template <class... Values>
json::Value row(Values... values) {
    json::Array array;
    (array.emplace_back(std::move(values)), ...);
    return array;
}

json::Array indices(const std::vector<Index>& list) {
    json::Array array;
    for (const Index index : list)
        array.emplace_back(integer(index));
    return array;
}

json::Array numbers(const std::vector<int>& list) {
    json::Array array;
    for (const int number : list)
        array.emplace_back(number);
    return array;
}

void add_varint(std::string& bytes, std::uint64_t number) {
    for (; number >= 0x80; number >>= 7)
        bytes += static_cast<char>((number & 0x7f) | 0x80);
    bytes += static_cast<char>(number);
}

class DataWriter {
public:
    DataWriter(const Recording& recording, const RunFacts& facts)
        : recording_(recording), past_(recording), facts_(facts) {}

    json::Object write() {
        json::Object data{
            {"banner", facts_.banner},
            {"clients", write_clients()},
            {"dispatches", write_dispatches()},
            {"dispatch_count", integer(recording_.dispatches.size())},
            {"downs", write_downs()},
            {"end", recording_.end_us},
            {"events", write_events()},
            {"faults", write_faults()},
            {"findings", write_findings()},
            {"hash", facts_.trace_hash},
            {"hosts", write_hosts()},
            {"kept", write_kept()},
            {"logs", write_logs()},
            {"messages", write_messages()},
            {"notes", write_notes()},
            {"outcome", facts_.outcome},
            {"partings", write_partings()},
            {"reason", facts_.reason},
            {"repeat", facts_.repeat},
            {"storings", write_storings()},
            {"stuck_in", facts_.stuck_in},
        };
        // Those that the lists above and below name.
        data.set("meetings", write_meetings());
        data.set("meetings_left_out", integer(meetings_left_out_));
        data.set("room_changes", write_room_changes());
        data.set("rooms", write_rooms());
        data.set("states", std::move(states_));
        data.set("keys", std::move(keys_));
        return data;
    }

private:
    json::Array write_hosts() const {
        json::Array hosts;
        for (const std::string& host : recording_.hosts)
            hosts.emplace_back(host);
        return hosts;
    }

    // Pairs of microseconds since the one before, and the server plus one.
    std::string write_dispatches() const {
        std::string bytes;
        std::int64_t last_us = 0;
        for (const RecordedDispatch& dispatch : recording_.dispatches) {
            add_varint(bytes, static_cast<std::uint64_t>(dispatch.at_us - last_us));
            add_varint(bytes, static_cast<std::uint64_t>(dispatch.server + 1));
            last_us = dispatch.at_us;
        }
        return encode_base64(bytes);
    }

    json::Array write_messages() const {
        json::Array rows;
        for (const RecordedMessage& message : recording_.messages) {
            json::Array edus;
            for (const std::string& edu : message.edus)
                edus.emplace_back(edu);
            rows.push_back(row(message.from,
                               message.to,
                               message.sent_us,
                               integer(message.arrived_us),
                               message.was_sent ? 1 : 0,
                               message.request ? integer(*message.request) : kNothing,
                               describe_request(recording_, message.what),
                               indices(message.events),
                               std::move(edus),
                               message.errcode,
                               integer(message.bytes)));
        }
        return rows;
    }

    json::Array write_events() {
        json::Array rows;
        for (const RecordedEvent& entry : recording_.events) {
            const Event& event = *entry.event;
            rows.push_back(row(entry.name,
                               event.id.text(),
                               room_number(event.room_id),
                               event.type,
                               event.state_key ? json::Value(*event.state_key) : json::Value(),
                               event.sender.text(),
                               event.depth,
                               write_known(event.prev_events),
                               write_known(event.auth_events),
                               origin_of(event),
                               event.text));
        }
        return rows;
    }

    std::int64_t origin_of(const Event& event) const {
        const auto place = std::ranges::find(recording_.hosts, event.sender.domain());
        return place == recording_.hosts.end() ? kNothing : place - recording_.hosts.begin();
    }

    json::Array write_known(const std::vector<EventId>& ids) const {
        json::Array array;
        for (const EventId& id : ids) {
            if (const auto index = recording_.find_event(id)) array.emplace_back(integer(*index));
        }
        return array;
    }

    std::int64_t room_number(const RoomId& id) {
        const auto next = static_cast<std::int64_t>(room_numbers_.size());
        return room_numbers_.try_emplace(id, next).first->second;
    }

    json::Array write_rooms() const {
        json::Array rows;
        std::vector<const RoomId*> by_number(room_numbers_.size());
        for (const auto& [id, number] : room_numbers_)
            by_number[static_cast<std::size_t>(number)] = &id;
        for (const RoomId* id : by_number)
            rows.push_back(row(recording_.room_name(*id), id->text()));
        return rows;
    }

    json::Array write_storings() {
        json::Array rows;
        for (const RecordedStoring& storing : recording_.storings) {
            rows.push_back(row(storing.at_us,
                               storing.server,
                               integer(storing.event),
                               describe_verdict(storing),
                               storing.rule,
                               with_names(recording_, storing.detail),
                               state_number(storing.before),
                               state_number(storing.after),
                               write_carrier(storing),
                               write_inputs(storing)));
        }
        return rows;
    }

    std::int64_t write_carrier(const RecordedStoring& storing) const {
        const auto carrier = past_.find_carrier(storing.server, storing.event, storing.at_us);
        return carrier ? integer(*carrier) : kNothing;
    }

    // What the rule that refused looked at, as in a story.
    json::Array write_inputs(const RecordedStoring& storing) const {
        json::Array rows;
        const auto state = past_.find_judging_state(storing);
        if (storing.rule.empty() || !state) return rows;
        for (const auto& [role, type, state_key] :
             auth::required_state(*recording_.events[storing.event].event)) {
            std::ostringstream name;
            name << role;
            const EventId* id = state->find(type, state_key);
            const auto index = id == nullptr ? std::nullopt : recording_.find_event(*id);
            rows.push_back(row(name.str(), index ? integer(*index) : kNothing));
        }
        return rows;
    }

    json::Array write_room_changes() {
        json::Array rows;
        for (const RecordedRoom& room : recording_.rooms) {
            rows.push_back(row(room.at_us,
                               room.server,
                               room_number(room.room),
                               indices(room.extremities),
                               state_number(room.state)));
        }
        return rows;
    }

    // --- States: each once, as what differs from one before it. ----------------------------------

    std::int64_t state_number(const std::optional<State::Hash>& root) {
        if (!root) return kNothing;
        if (const auto known = state_numbers_.find(*root); known != state_numbers_.end())
            return known->second;
        const auto state = recording_.find_state(*root);
        if (!state) return state_numbers_[*root] = kNothing;
        json::Array changes;
        for (const StateDifference& difference : diff(last_state_, *state)) {
            const auto event =
                difference.after ? recording_.find_event(*difference.after) : std::nullopt;
            changes.push_back(row(key_number(difference.key), event ? integer(*event) : kNothing));
        }
        states_.push_back(row(last_state_number_, std::move(changes)));
        last_state_ = *state;
        last_state_number_ = integer(states_.size() - 1);
        return state_numbers_[*root] = last_state_number_;
    }

    std::int64_t key_number(const StateKey& key) {
        const auto next = static_cast<std::int64_t>(key_numbers_.size());
        const auto [place, is_new] = key_numbers_.try_emplace(key, next);
        if (is_new) keys_.push_back(row(key.type, key.state_key));
        return place->second;
    }

    // --- Resolutions -----------------------------------------------------------------------------

    json::Array write_meetings() {
        json::Array rows;
        std::map<std::pair<Index, std::vector<State::Hash>>, std::vector<int>> servers;
        for (Index event = 0; event < recording_.events.size(); ++event) {
            if (recording_.events[event].event->prev_events.size() < 2) continue;
            for (Index host = 0; host < recording_.hosts.size(); ++host) {
                const int server = static_cast<int>(host);
                auto roots = past_.list_meeting_roots(server, event);
                if (!roots.empty()) servers[{event, std::move(roots)}].push_back(server);
            }
        }
        for (const auto& [place, those] : servers) {
            if (rows.size() == kMeetingsShownMax) {
                ++meetings_left_out_;
                continue;
            }
            const auto meeting = past_.find_meeting(those.front(), place.first);
            if (meeting && !meeting->explanation.conflicted_keys.empty())
                rows.push_back(write_meeting(place.first, those, *meeting));
        }
        return rows;
    }

    json::Value write_meeting(Index event,
                              const std::vector<int>& servers,
                              const Meeting& meeting) {
        const commands::Explanation& told = meeting.explanation;
        json::Array conflicts;
        for (const commands::ConflictedKey& conflict : told.conflicted_keys) {
            json::Array values;
            for (const auto& value : conflict.values)
                values.emplace_back(number_of(value));
            conflicts.push_back(
                row(key_number(conflict.key), std::move(values), number_of(conflict.resolved)));
        }
        json::Array steps;
        for (const auto* order : {&told.power_order, &told.remaining_order}) {
            for (const commands::AppliedEvent& applied : *order) {
                steps.push_back(row(number_of(applied.event->id),
                                    applied.is_allowed ? 1 : 0,
                                    applied.rule,
                                    applied.detail,
                                    applied.sort_key,
                                    with_names(recording_, applied.because)));
            }
        }
        std::string deviation;
        if (meeting.taken && !(*meeting.taken == meeting.resolved))
            deviation = describe_differences(recording_, meeting.resolved, *meeting.taken, 8);
        return row(integer(event),
                   numbers(servers),
                   told.algorithm,
                   integer(meeting.states.size()),
                   std::move(conflicts),
                   std::move(steps),
                   std::move(deviation));
    }

    std::int64_t number_of(const std::optional<EventId>& id) const {
        const auto index = id ? recording_.find_event(*id) : std::nullopt;
        return index ? integer(*index) : kNothing;
    }

    // --- What else happened ----------------------------------------------------------------------

    json::Array write_clients() const {
        json::Array rows;
        for (const RecordedClient& client : recording_.clients) {
            const auto event = recording_.find_event(EventId(client.event_id));
            rows.push_back(row(client.at_us,
                               integer(client.answered_us),
                               client.server,
                               client.user,
                               describe_request(recording_, client.what),
                               client.status,
                               with_names(recording_, client.error),
                               event ? integer(*event) : kNothing));
        }
        return rows;
    }

    json::Array write_faults() const {
        json::Array rows;
        for (const FaultSpan& fault : past_.faults())
            rows.push_back(row(fault.from_us, fault.until_us, fault.what, numbers(fault.servers)));
        return rows;
    }

    json::Array write_kept() const {
        json::Array rows;
        for (const RecordedKept& kept : recording_.kept)
            rows.push_back(row(kept.server, integer(kept.event), kept.what));
        return rows;
    }

    json::Array write_downs() const {
        json::Array rows;
        for (const DownSpan& down : past_.downs())
            rows.push_back(row(down.server, down.from_us, down.until_us, down.why));
        return rows;
    }

    json::Array write_notes() const {
        json::Array rows;
        for (const RecordedNote& note : recording_.notes) {
            if (note.kind == "scenario" || note.kind == "final") continue;
            rows.push_back(row(note.at_us,
                               note.kind,
                               with_names(recording_, note.detail),
                               numbers(list_named_servers(recording_, note.detail))));
        }
        return rows;
    }

    json::Array write_logs() const {
        json::Array rows;
        for (const RecordedLog& log : recording_.logs)
            rows.push_back(
                row(log.at_us, log.server, log.name, with_names(recording_, log.text())));
        return rows;
    }

    json::Array write_findings() {
        json::Array rows;
        for (const RecordedFinding& finding : recording_.findings) {
            const Subject subject = find_subject(recording_, finding);
            rows.push_back(row(finding.at_us,
                               finding.checker,
                               with_names(recording_, finding.what),
                               numbers(subject.servers),
                               indices(subject.events),
                               subject.room ? room_number(*subject.room) : kNothing));
            if (subject.room && subject.servers.size() == 2)
                compared_.insert({*subject.room,
                                  std::min(subject.servers[0], subject.servers[1]),
                                  std::max(subject.servers[0], subject.servers[1])});
        }
        return rows;
    }

    // Behind the findings, which name pairs.
    json::Array write_partings() {
        const auto hosts = static_cast<int>(recording_.hosts.size());
        for (const ScenarioRoom& room : recording_.scenario_rooms) {
            if (recording_.hosts.size() > kServersComparedMax) break;
            for (int a = 0; a < hosts; ++a) {
                for (int b = a + 1; b < hosts; ++b)
                    compared_.insert({room.id, a, b});
            }
        }
        json::Array rows;
        for (const auto& [room, a, b] : compared_) {
            const auto parting = past_.find_parting(room, a, b);
            if (!parting || parting->kind == Parting::Kind::SoftFailed) continue;
            rows.push_back(row(
                room_number(room), a, b, static_cast<int>(parting->kind), integer(parting->event)));
        }
        return rows;
    }

    const Recording& recording_;
    const Past past_;
    const RunFacts& facts_;
    std::map<RoomId, std::int64_t> room_numbers_;
    std::map<State::Hash, std::int64_t> state_numbers_;
    std::map<StateKey, std::int64_t> key_numbers_;
    json::Array states_;
    json::Array keys_;
    State last_state_;
    std::int64_t last_state_number_ = kNothing;
    Index meetings_left_out_ = 0;
    std::set<std::tuple<RoomId, int, int>> compared_;
};

}  // namespace

json::Object make_page_data(const Recording& recording, const RunFacts& facts) {
    return DataWriter(recording, facts).write();
}

}  // namespace matrix::simulator
