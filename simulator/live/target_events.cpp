#include "simulator/live/target_events.h"

#include "conformance/oracle/auth_rules.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::live {
namespace {

constexpr const char* kReceiptChecks = "server-server-api/#checks-performed-on-receipt-of-a-pdu";

std::int64_t wall_clock_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

class TargetEvents {
public:
    TargetEvents(Arena& arena, const LiveRoom& room, const OurView& view)
        : arena_(arena), room_(room), view_(view), known_(*room.rules) {
        for (const auto& [id, ours] : view_.events) {
            known_.add(ours.event,
                       ours.is_rejected ? oracle::Standing::Rejected : oracle::Standing::Accepted);
        }
    }

    void run() {
        const auto keys = fetch_keys();
        if (!keys) return;
        for (const Json& pdu : arena_.witness().received_pdus()) {
            const UserId sender(conformance::string_at(pdu, {"sender"}));
            if (conformance::string_at(pdu, {"room_id"}) != room_.id.view()) continue;
            if (sender.server() != arena_.target().server_name()) continue;
            judge(pdu, *keys);
        }
    }

private:
    void add(const EventId& event, const char* place, std::string what, std::string evidence) {
        arena_.report().add({.check = "events of the target are right",
                             .place = place,
                             .what = "The event " + event.text() + " of the target's user " +
                                     std::move(what) + " Room " + room_.id.text() + ", version " +
                                     std::string(room_.rules->version) + ".",
                             .evidence = std::move(evidence)});
    }

    std::optional<ServerKeys> fetch_keys() {
        const Response answer =
            arena_.target().federation_http().send({.target = "/_matrix/key/v2/server"});
        if (answer.body.is_object()) {
            auto keys =
                parse_server_keys(conformance::to_protocol_object(answer.body), ed25519_verifier());
            if (keys) return *std::move(keys);
        }
        arena_.report().add({.check = "events of the target are right",
                             .place = "server-server-api/#publishing-keys",
                             .what = "The target does not publish keys that can be read.",
                             .evidence = testing::PrintToString(answer)});
        return std::nullopt;
    }

    void judge(const Json& json, const ServerKeys& keys) {
        const json::Object pdu = conformance::to_protocol_object(json);
        const auto event = parse_event(pdu, *room_.rules);
        arena_.report().count("events of the target judged");
        if (!event) {
            std::ostringstream why;
            why << event.error();
            return add(EventId("?"),
                       "server-server-api/#pdus",
                       "is malformed: " + why.str() + ".",
                       json.dump());
        }
        if (!has_valid_content_hash(pdu))
            add(event->id, kReceiptChecks, "has a wrong content hash.", event->text);
        judge_signatures(pdu, *event, keys);
        judge_by_rules(*event);
    }

    void judge_signatures(const json::Object& pdu, const Event& event, const ServerKeys& keys) {
        const SignatureVerdict verdict = check_event_signatures(
            pdu, keys.server, keys.keys, wall_clock_ms(), *room_.rules, ed25519_verifier());
        if (verdict == SignatureVerdict::Valid) return;
        add(event.id,
            kReceiptChecks,
            "has no signature that the target's published keys confirm.",
            event.text);
    }

    void judge_by_rules(const Event& event) {
        const auto ours = view_.events.find(event.id);
        // Ours may not have had it: an end that nobody built upon.
        if (ours == view_.events.end()) return;
        arena_.report().count("events of the target judged by ours and by the oracle");
        if (ours->second.is_rejected) {
            return add(event.id,
                       "server-server-api/#rejection",
                       "is refused by rule " + ours->second.rule + " on the state before it.",
                       event.text);
        }
        const oracle::ReadEvent& read = *known_.find(event.id);
        std::vector<const oracle::ReadEvent*> cited;
        for (const EventId& id : event.auth_events)
            cited.push_back(known_.find(id));
        // An event that is cited and unknown here says nothing about the target.
        if (std::ranges::count(cited, nullptr) > 0) return;
        const auto by_cited = oracle::check_cited(read, cited, known_.create_of(read));
        if (!by_cited) {
            return add(event.id,
                       kReceiptChecks,
                       "is refused by the oracle for its auth events: " + by_cited.error().rule +
                           ", " + by_cited.error().why + ".",
                       event.text);
        }
        judge_by_state(read, ours->second);
    }

    void judge_by_state(const oracle::ReadEvent& read, const OurEvent& ours) {
        if (!ours.state_before) return;
        oracle::RuleState state;
        for (const auto& [key, id] : *ours.state_before) {
            if (const oracle::ReadEvent* known = known_.find(id)) state.emplace(key, known);
        }
        const auto verdict = oracle::check_against(state, read, ed25519_verifier());
        if (verdict) return;
        add(read.id(),
            kReceiptChecks,
            "is refused by the oracle on the state before it: " + verdict.error().rule + ", " +
                verdict.error().why + ".",
            read.event->text);
    }

    Arena& arena_;
    const LiveRoom& room_;
    const OurView& view_;
    oracle::Room known_;
};

}  // namespace

std::vector<EventId> list_sent_events(Arena& arena, const LiveRoom& room) {
    std::vector<EventId> ids;
    for (const Json& json : arena.witness().received_pdus()) {
        if (conformance::string_at(json, {"room_id"}) != room.id.view()) continue;
        const auto event = parse_event(conformance::to_protocol_object(json), *room.rules);
        if (event) ids.push_back(event->id);
    }
    return ids;
}

void check_target_events(Arena& arena, const LiveRoom& room, const OurView& view) {
    TargetEvents(arena, room, view).run();
}

}  // namespace matrix::live
