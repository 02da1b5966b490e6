#include "simulator/view/story.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

#include "refserver/protocol/auth_rules.h"
#include "simulator/view/past.h"
#include "simulator/view/subject.h"
#include "simulator/view/words.h"

namespace matrix::simulator {
namespace {

constexpr Index kFindingsTold = 5;  ///< Of each checker; the others are counted.
constexpr Index kEventsTold = 3;    ///< Of those that a finding names.
constexpr Index kDifferencesTold = 8;
constexpr Index kStepsTold = 24;       ///< Of a resolution.
constexpr Index kLastDispatches = 12;  ///< Before a crash, with what happened in them.
constexpr Index kUnansweredTold = 10;
constexpr Index kCarriersTold = 6;
constexpr std::size_t kContentBytes = 160;

std::string cut(std::string text) {
    if (text.size() <= kContentBytes) return text;
    text.resize(kContentBytes);
    return text + "...";
}

class StoryTeller {
public:
    StoryTeller(const Recording& recording, const RunFacts& facts)
        : recording_(recording), past_(recording), facts_(facts) {}

    std::string tell() {
        out_ << facts_.banner << '\n';
        tell_outcome();
        tell_findings();
        if (facts_.outcome == "crash" || facts_.outcome == "time-out") tell_last_moments();
        if (facts_.outcome == "stuck" || facts_.outcome == "time-out") tell_who_waits();
        out_ << "repeat: " << facts_.repeat << '\n';
        return std::move(out_).str();
    }

private:
    std::string name_of(int server) const { return recording_.host_name(server); }
    void line(int depth, const std::string& text) {
        out_ << std::string(static_cast<std::size_t>(depth) * 2, ' ') << text << '\n';
    }

    void tell_outcome() {
        out_ << "OUTCOME: " << facts_.outcome << ", after " << in_seconds(recording_.end_us)
             << " virtual s and " << recording_.dispatches.size() << " dispatches\n";
        if (!facts_.reason.empty()) line(1, facts_.reason);
        if (!facts_.stuck_in.empty()) line(1, "stuck in phase: " + facts_.stuck_in);
        if (!facts_.trace_hash.empty()) line(1, "trace hash " + facts_.trace_hash);
        if (recording_.is_cut) line(1, "the recording is cut: the run wrote too much");
        out_ << '\n';
    }

    // --- Findings --------------------------------------------------------------------------------

    void tell_findings() {
        std::map<std::string, Index> told;
        Index number = 0;
        for (const RecordedFinding& finding : recording_.findings) {
            ++number;
            if (told[finding.checker]++ >= kFindingsTold) continue;
            tell_finding(number, finding);
        }
        for (const auto& [checker, count] : told) {
            if (count <= kFindingsTold) continue;
            out_ << "and " << count - kFindingsTold << " more of " << checker << "\n\n";
        }
        if (recording_.findings.empty()) out_ << "No checker found anything.\n\n";
    }

    void tell_finding(Index number, const RecordedFinding& finding) {
        out_ << "FINDING " << number << " of " << recording_.findings.size() << ": "
             << finding.checker << ", at " << in_seconds(finding.at_us) << '\n';
        line(1, with_names(recording_, finding.what));
        const Subject subject = find_subject(recording_, finding);
        const std::vector<int> servers = servers_of(subject);
        const auto pair = find_pair(subject);
        if (pair && !tell_parting(*pair)) {
            out_ << '\n';
            return;
        }
        Index told = 0;
        for (const Index event : subject.events) {
            if (told++ >= kEventsTold) break;
            tell_event(event, servers);
        }
        tell_key(subject, finding.at_us, servers);
        out_ << '\n';
    }

    // Those that the finding names; else all.
    std::vector<int> servers_of(const Subject& subject) const {
        if (!subject.servers.empty()) return subject.servers;
        std::vector<int> all;
        for (Index host = 0; host < recording_.hosts.size(); ++host) {
            if (recording_.hosts[host].starts_with('s')) all.push_back(static_cast<int>(host));
        }
        return all;
    }

    using Pair = std::tuple<RoomId, int, int>;

    std::optional<Pair> find_pair(const Subject& subject) const {
        if (subject.servers.size() != 2) return std::nullopt;
        std::optional<RoomId> room = subject.room;
        if (!room && !subject.events.empty())
            room = recording_.events[subject.events.front()].event->room_id;
        if (!room) return std::nullopt;
        return Pair{*room, subject.servers[0], subject.servers[1]};
    }

    // False if all that there is to say was said before.
    bool tell_parting(const Pair& pair) {
        const auto& [room, a, b] = pair;
        const auto parting = past_.find_parting(room, a, b);
        const std::string who = name_of(a) + " and " + name_of(b);
        if (!parting) {
            line(1,
                 who + " stored the same verdicts and states of every event in " +
                     recording_.room_name(room) + ": what differs came about otherwise");
            return true;
        }
        if (!told_partings_.insert(pair).second) {
            line(1, "They part at " + recording_.events[parting->event].name + ", as told above.");
            return false;
        }
        line(1, "WHERE " + who + " PART: " + describe_parting(*parting));
        tell_event(parting->event, {a, b});
        if (parting->kind == Parting::Kind::State) tell_states(parting->event, a, b);
        return true;
    }

    static std::string describe_parting(const Parting& parting) {
        switch (parting.kind) {
            case Parting::Kind::Verdict:
                return "one rejects what the other does not";
            case Parting::Kind::State:
                return "they have different states before one event";
            case Parting::Kind::Missing:
                return "one has placed an event that the other has not";
            case Parting::Kind::SoftFailed:
                return "one shows an event, the other has soft-failed it (which is allowed)";
        }
        return {};
    }

    void tell_states(Index event, int a, int b) {
        const RecordedStoring* at_a = past_.find_placed(a, event);
        const RecordedStoring* at_b = past_.find_placed(b, event);
        if (at_a == nullptr || at_b == nullptr || !at_a->before || !at_b->before) return;
        const auto state_a = recording_.find_state(*at_a->before);
        const auto state_b = recording_.find_state(*at_b->before);
        if (!state_a || !state_b) return;
        line(2,
             "state before it, " + name_of(b) + " against " + name_of(a) + ": " +
                 describe_differences(recording_, *state_a, *state_b, kDifferencesTold));
    }

    // --- An event at some servers ----------------------------------------------------------------

    void tell_event(Index index, const std::vector<int>& servers) {
        if (!told_events_.insert({index, servers}).second) return;
        const Event& event = *recording_.events[index].event;
        std::string after;
        for (const EventId& id : event.prev_events)
            after += " " + recording_.event_name(id);
        line(1,
             "EVENT " + describe_event(recording_, index) + ", depth " +
                 std::to_string(event.depth) + ", after" + (after.empty() ? " nothing" : after));
        line(2, event.id.text());
        std::optional<std::int64_t> first_us;
        std::set<std::pair<std::string, std::string>> told;
        for (const int server : servers) {
            tell_getting(server, index);
            const RecordedStoring* storing = past_.find_first(server, index);
            if (storing != nullptr)
                first_us = std::min(first_us.value_or(storing->at_us), storing->at_us);
        }
        for (const int server : servers) {
            const RecordedStoring* storing = past_.find_placed(server, index);
            if (storing == nullptr) continue;
            if (!storing->rule.empty() && told.insert({storing->rule, storing->detail}).second)
                tell_inputs(server, *storing);
        }
        tell_resolution(index, servers);
        if (!first_us) return;
        tell_faults(*first_us);
        tell_downs(*first_us);
    }

    void tell_getting(int server, Index index) {
        const RecordedStoring* first = past_.find_first(server, index);
        if (first == nullptr) {
            line(2, name_of(server) + ": never stored it");
            return tell_fate(server, index);
        }
        const auto carrier = past_.find_carrier(server, index, first->at_us);
        std::string text = name_of(server) + ": " + in_seconds(first->at_us) + " ";
        text += describe_verdict(*first);
        text += carrier ? ", by " + describe_carrier(*carrier) : std::string(", made here");
        const RecordedStoring* placed = past_.find_placed(server, index);
        if (placed != nullptr && placed != first)
            text += "; " + in_seconds(placed->at_us) + " " + describe_verdict(*placed);
        line(2, text);
        const RecordedStoring* told = placed == nullptr ? first : placed;
        for (const RecordedKept& kept : recording_.kept) {
            if (kept.server != server || kept.event != index) continue;
            line(3, "in the end its database has" + kept.what);
        }
        if (!told->rule.empty()) line(3, told->rule + ": " + with_names(recording_, told->detail));
    }

    // "PUT send/12 from s2, sent 12.3".
    std::string describe_carrier(Index index) const {
        const RecordedMessage& message = recording_.messages[index];
        const RecordedMessage& request =
            message.request ? recording_.messages[*message.request] : message;
        return (message.request ? "the answer to " : "") +
               describe_request(recording_, request.what) + " from " + name_of(message.from) +
               ", sent " + in_seconds(message.sent_us);
    }

    // What became of the messages that had it.
    void tell_fate(int server, Index index) {
        Index count = 0;
        for (const Index carrier : past_.messages_with(index)) {
            const RecordedMessage& message = recording_.messages[carrier];
            if (message.to != server) continue;
            if (++count > kCarriersTold) continue;
            line(3,
                 describe_carrier(carrier) +
                     (message.arrived_us ? ", arrived " + in_seconds(*message.arrived_us)
                                         : std::string(", never arrived")) +
                     describe_answer(carrier));
        }
        if (count == 0) line(3, "no message with it was ever sent there");
        if (count > kCarriersTold)
            line(3, "and " + std::to_string(count - kCarriersTold) + " more");
        const std::string& id = recording_.events[index].event->id.text();
        for (const RecordedLog& log : recording_.logs) {
            const json::Value* named = log.fields.find("event");
            if (log.server != server || named == nullptr || named->if_string() == nullptr) continue;
            if (*named->if_string() != id) continue;
            line(
                3,
                in_seconds(log.at_us) + " " + log.name + ": " + with_names(recording_, log.text()));
        }
    }

    std::string describe_answer(Index request) const {
        for (Index index = request + 1; index < recording_.messages.size(); ++index) {
            if (recording_.messages[index].request == request)
                return ", answered " + recording_.messages[index].what;
        }
        return "";
    }

    // What the rule looked at.
    void tell_inputs(int server, const RecordedStoring& storing) {
        const Event& event = *recording_.events[storing.event].event;
        const bool is_soft = storing.status == storage::EventStatus::SoftFailed;
        const auto state = past_.find_judging_state(storing);
        line(2,
             std::string("inputs of ") + name_of(server) + "'s verdict, " +
                 (is_soft ? "of the current state then:" : "of the state before it:"));
        if (!state) return line(3, "not known");
        for (const auto& [role, type, state_key] : auth::required_state(event)) {
            const EventId* id = state->find(type, state_key);
            std::ostringstream text;
            text << role << ": ";
            const auto input = id == nullptr ? std::nullopt : recording_.find_event(*id);
            if (!input) {
                text << "none";
            } else {
                const Event& found = *recording_.events[*input].event;
                text << describe_event(recording_, *input) << ' '
                     << cut(json::write(found.parse_content()));
            }
            line(3, text.str());
        }
    }

    // --- Resolution ------------------------------------------------------------------------------

    void tell_resolution(Index event, const std::vector<int>& servers) {
        std::set<State::Hash> told;
        for (const int server : servers) {
            const auto meeting = past_.find_meeting(server, event);
            if (!meeting || meeting->explanation.conflicted_keys.empty()) continue;
            const State::Hash taken = meeting->taken.value_or(State()).root();
            if (!told.insert(taken).second) continue;
            tell_meeting(server, *meeting);
        }
    }

    void tell_meeting(int server, const Meeting& meeting) {
        const commands::Explanation& told = meeting.explanation;
        line(2,
             "resolution at " + name_of(server) + ": " + told.algorithm + ", " +
                 std::to_string(meeting.states.size()) + " states, " +
                 std::to_string(told.conflicted_keys.size()) + " keys in conflict");
        for (const commands::ConflictedKey& conflict : told.conflicted_keys) {
            std::string text = describe_key(conflict.key) + ":";
            for (const auto& value : conflict.values)
                text += " " + (value ? recording_.event_name(*value) : std::string("nothing"));
            line(3,
                 text + " -> " +
                     (conflict.resolved ? recording_.event_name(*conflict.resolved)
                                        : std::string("nothing")));
        }
        Index steps = 0;
        for (const auto* order : {&told.power_order, &told.remaining_order}) {
            for (const commands::AppliedEvent& applied : *order) {
                if (++steps > kStepsTold) continue;
                line(3,
                     std::to_string(steps) + ". " + recording_.event_name(applied.event->id) + " " +
                         describe_key(*applied.event) +
                         (applied.is_allowed ? " allowed by " : " refused by ") + applied.rule +
                         (applied.detail.empty() ? "" : ": " + applied.detail) +
                         (applied.sort_key.empty() ? "" : " (" + applied.sort_key + ")"));
            }
        }
        if (steps > kStepsTold)
            line(3, "and " + std::to_string(steps - kStepsTold) + " more steps");
        if (meeting.taken && !(*meeting.taken == meeting.resolved)) {
            line(3,
                 name_of(server) + " took another state than the specification's: " +
                     describe_differences(
                         recording_, meeting.resolved, *meeting.taken, kDifferencesTold));
        }
    }

    void tell_faults(std::int64_t at_us) {
        for (const FaultSpan* fault : past_.faults_at(at_us)) {
            line(2,
                 "fault at that time: " + with_names(recording_, fault->what) + ", from " +
                     in_seconds(fault->from_us) + " to " + in_seconds(fault->until_us));
        }
    }

    void tell_downs(std::int64_t at_us) {
        for (const DownSpan& down : past_.downs()) {
            if (down.from_us > at_us || down.until_us < at_us) continue;
            line(2,
                 "down at that time: " + down.why + ", from " + in_seconds(down.from_us) + " to " +
                     in_seconds(down.until_us));
        }
    }

    // A finding about one key of the current state: what each server has there, and since when.
    void tell_key(const Subject& subject, std::int64_t at_us, const std::vector<int>& servers) {
        if (!subject.key || !subject.room) return;
        std::set<Index> values;
        for (const int server : servers) {
            const RecordedRoom* room = past_.find_room(server, *subject.room, at_us);
            const auto state = room == nullptr ? std::nullopt : recording_.find_state(room->state);
            const EventId* id = state ? state->find(*subject.key) : nullptr;
            line(2,
                 name_of(server) + " has " + describe_key(*subject.key) + " = " +
                     (id == nullptr ? std::string("nothing") : recording_.event_name(*id)));
            const auto value = id == nullptr ? std::nullopt : recording_.find_event(*id);
            if (value) values.insert(*value);
        }
        for (const Index value : values)
            tell_event(value, servers);
    }

    // --- Crash, and standstill -------------------------------------------------------------------

    void tell_last_moments() {
        out_ << "THE LAST DISPATCHES\n";
        Index begin = recording_.order.size();
        for (Index left = kLastDispatches; begin > 0 && left > 0; --begin)
            left -= recording_.order[begin - 1].kind == RecordPlace::Kind::Dispatch;
        for (; begin < recording_.order.size(); ++begin)
            tell_record(recording_.order[begin]);
        out_ << '\n';
    }

    void tell_record(const RecordPlace& place) {
        using Kind = RecordPlace::Kind;
        if (place.kind == Kind::Dispatch) {
            const RecordedDispatch& dispatch = recording_.dispatches[place.index];
            line(1, in_seconds(dispatch.at_us) + " a turn of " + name_of(dispatch.server));
        } else if (place.kind == Kind::Arrived) {
            const RecordedMessage& message = recording_.messages[place.index];
            line(2,
                 "arrives: " + describe_carrier(place.index) +
                     (message.events.empty() ? "" : ", with"));
            for (const Index event : message.events)
                line(3, describe_event(recording_, event));
        } else if (place.kind == Kind::Sent) {
            const RecordedMessage& message = recording_.messages[place.index];
            line(2,
                 "sends to " + name_of(message.to) + ": " +
                     describe_request(recording_, message.what));
        } else if (place.kind == Kind::Storing) {
            const RecordedStoring& storing = recording_.storings[place.index];
            line(2,
                 "stores " + describe_event(recording_, storing.event) + ": " +
                     describe_verdict(storing));
        } else if (place.kind == Kind::ClientRequest) {
            const RecordedClient& client = recording_.clients[place.index];
            line(2, client.user + " asks: " + describe_request(recording_, client.what));
        } else if (place.kind == Kind::Note) {
            const RecordedNote& note = recording_.notes[place.index];
            line(2, note.kind + " " + with_names(recording_, cut(note.detail)));
        } else if (place.kind == Kind::Log) {
            const RecordedLog& log = recording_.logs[place.index];
            line(2, "logs " + log.name + " " + with_names(recording_, log.text()));
        }
    }

    void tell_who_waits() {
        out_ << "WHO WAITS FOR WHOM\n";
        std::set<Index> answered;
        for (const RecordedMessage& message : recording_.messages) {
            if (message.request && message.arrived_us) answered.insert(*message.request);
        }
        Index told = 0;
        for (const RecordedClient& client : recording_.clients) {
            if (client.answered_us || ++told > kUnansweredTold) continue;
            line(1,
                 client.user + " waits since " + in_seconds(client.at_us) + " for " +
                     name_of(client.server) + ": " + describe_request(recording_, client.what));
        }
        tell_failing_requests(answered);
        tell_waiting_events();
        out_ << '\n';
    }

    /// What one server asks another for, again and again.
    struct Failing {
        Index count = 0;
        Index last = 0;
    };

    void tell_failing_requests(const std::set<Index>& answered) {
        std::map<std::tuple<int, int, std::string>, Failing> failing;
        std::map<std::pair<int, int>, std::int64_t> last_success_us;
        for (Index index = 0; index < recording_.messages.size(); ++index) {
            const RecordedMessage& message = recording_.messages[index];
            if (message.request) {
                const RecordedMessage& request = recording_.messages[*message.request];
                if (message.what.starts_with('2')) {
                    if (message.arrived_us)
                        last_success_us[{request.from, request.to}] = request.sent_us;
                    continue;
                }
                if (message.what == "404") continue;
                auto& entry = failing[{request.from, request.to, "answered " + message.what}];
                ++entry.count;
                entry.last = *message.request;
            } else if (!answered.contains(index)) {
                auto& entry = failing[{message.from, message.to, "not answered"}];
                ++entry.count;
                entry.last = index;
            }
        }
        for (const auto& [key, entry] : failing) {
            const auto& [from, to, how] = key;
            const RecordedMessage& last = recording_.messages[entry.last];
            // Of a fault that is over: the other has answered since.
            const auto success = last_success_us.find({from, to});
            if (success != last_success_us.end() && success->second > last.sent_us) continue;
            line(1,
                 name_of(from) + " asks " + name_of(to) + ", " + how + " " +
                     std::to_string(entry.count) + " times, the last at " +
                     in_seconds(last.sent_us) + ": " + describe_request(recording_, last.what));
            for (Index place = 0; place < std::min(last.events.size(), kEventsTold); ++place)
                line(2, "with " + describe_event(recording_, last.events[place]));
        }
    }

    void tell_waiting_events() {
        std::map<std::pair<int, std::string>, const RecordedLog*> waiting;
        for (const RecordedLog& log : recording_.logs) {
            const json::Value* id = log.fields.find("event");
            if (id == nullptr || id->if_string() == nullptr) continue;
            const std::pair key(log.server, *id->if_string());
            if (log.name == "event_unplaced") waiting[key] = &log;
            if (log.name == "event_placed_late") waiting.erase(key);
        }
        Index told = 0;
        for (const auto& [key, log] : waiting) {
            if (++told > kUnansweredTold) break;
            line(1,
                 name_of(key.first) + " cannot place " +
                     recording_.event_name(EventId(key.second)) + " since " +
                     in_seconds(log->at_us) + ": " + with_names(recording_, log->text()));
        }
    }

    const Recording& recording_;
    const Past past_;
    const RunFacts& facts_;
    std::ostringstream out_;
    std::set<Pair> told_partings_;
    std::set<std::pair<Index, std::vector<int>>> told_events_;
};

}  // namespace

std::string tell_story(const Recording& recording, const RunFacts& facts) {
    return StoryTeller(recording, facts).tell();
}

}  // namespace matrix::simulator
