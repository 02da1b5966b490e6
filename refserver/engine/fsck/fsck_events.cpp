// Each event by itself: its text, its id, its hash, its signatures, and what the rules say of it.

#include <algorithm>
#include <sstream>
#include <utility>

#include "refserver/engine/fsck/fsck_run.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"

namespace matrix::engine::fsck {

void Run::check_events() {
    const auto total = static_cast<std::uint64_t>(audit_.count_rows("events"));
    std::int64_t last = 0;
    while (true) {
        const std::vector<Audit::Event> slice = audit_.list_events(last, kSliceRows);
        if (slice.empty() || database_.has_failed()) break;
        for (const Audit::Event& row : slice)
            check_event(row);
        last = slice.back().number;
        options_.on_progress("events", counts_.events, total);
    }
}

void Run::check_event(const Audit::Event& row) {
    ++counts_.events;
    const KnownRoom* room = find_room(row.room);
    if (!room || !room->rules) return;  // Reported already.
    const auto event = parse_event(row.text, *room->rules);
    if (!event) {
        std::ostringstream found;
        found << event.error();
        report("event_unreadable", room->id.view(), row.event_id, "an event", found.str());
        return;
    }
    if (row.status == static_cast<int>(EventStatus::Accepted)) mark_followed(row, *event);
    if (!check_columns(row, *event)) return;
    const json::Object pdu = event->parse_text();
    check_hash(row, *event, pdu);
    check_signatures(*event, pdu);
    check_redaction(row, *event);
    if (row.status == static_cast<int>(EventStatus::Outlier)) {
        check_outlier(row, *room, *event);
    } else {
        check_graph(row, *event);
        check_place(row, *room, *event);
    }
}

// False: it is another event than the row says, or nothing is known of what became of it.
bool Run::check_columns(const Audit::Event& row, const Event& event) {
    const std::uint64_t before = counts_.breaches;
    const std::string& room_id = rooms_.at(row.room).id.text();
    const auto expect = [&](std::string_view name, std::string expected, std::string found) {
        if (expected != found) {
            report(name, room_id, row.event_id, std::move(expected), std::move(found));
        }
    };
    expect("event_text", event.text, row.text);
    expect("event_id", event.id.text(), row.event_id);
    expect("event_room", room_id, event.room_id.text());
    expect("event_depth", std::to_string(event.depth), std::to_string(row.depth));
    const bool has_status = row.status >= 0 && row.status <= static_cast<int>(EventStatus::Outlier);
    if (!has_status) {
        report("event_status", room_id, row.event_id, "0 to 3", std::to_string(row.status));
        return false;
    }
    const auto status = static_cast<EventStatus>(row.status);
    const bool may_be_shown = status == EventStatus::Accepted;
    if (row.position != 0 && !may_be_shown) {
        report("event_position",
               room_id,
               row.event_id,
               "0 of what is not accepted",
               std::to_string(row.position));
    }
    if (row.is_rejected_outlier && status != EventStatus::Outlier) {
        report("event_status",
               room_id,
               row.event_id,
               "a mark of outliers on an outlier",
               "on an event with a place");
    }
    const bool was_refused = status == EventStatus::SoftFailed || status == EventStatus::Rejected ||
                             row.is_rejected_outlier;
    if (was_refused == row.rule.empty()) {
        report("event_rule",
               room_id,
               row.event_id,
               was_refused ? "the rule that refused it" : "no rule",
               "\"" + row.rule + "\"");
    }
    return counts_.breaches == before;
}

// What came with a wrong hash is stored as redacted, with the hash that it came with.
void Run::check_hash(const Audit::Event& row, const Event& event, const json::Object& pdu) {
    if (has_valid_content_hash(pdu) || redact(event).text == event.text) return;
    report("event_hash",
           event.room_id.view(),
           row.event_id,
           "a content of the hash that it has, or its redacted form",
           "another content");
}

void Run::check_signatures(const Event& event, const json::Object& pdu) {
    for (const ServerName& server : required_signers(event)) {
        ++counts_.signatures;
        switch (check_event_signatures(
            pdu, server, keys_of(server), options_.now_ts, *event.rules, *options_.verifier)) {
            case SignatureVerdict::Valid:
                break;
            case SignatureVerdict::NoKnownKey:
                ++counts_.signatures_unjudged;
                break;
            case SignatureVerdict::Invalid:
                report("event_signature",
                       event.room_id.view(),
                       event.id.view(),
                       "a signature of " + server.text() + " by its key",
                       "another signature");
                break;
        }
    }
}

void Run::check_redaction(const Audit::Event& row, const Event& event) {
    if (!row.redacted_by) return;
    const std::string& room_id = event.room_id.text();
    if (redact(event).text != event.text) {
        report("redaction_undone", room_id, row.event_id, "the redacted form", "more than that");
    }
    const auto redaction = find_known(*row.redacted_by);
    const bool is_its = redaction && redaction->event->redacts == event.id &&
                        redaction->status == EventStatus::Accepted;
    if (!is_its) {
        report("redaction_missing",
               room_id,
               row.event_id,
               "an accepted redaction of it under " + *row.redacted_by,
               redaction ? "another event" : "no such event");
    }
}

bool Run::check_cited_known(const Audit::Event& row, const Event& event) {
    const bool is_refused =
        row.status == static_cast<int>(EventStatus::Rejected) || row.is_rejected_outlier;
    bool is_complete = true;
    for (const EventId& id : event.auth_events) {
        if (find_known(id.view())) continue;
        is_complete = false;
        // What nobody could give refuses the event; see the rules.
        if (is_refused) continue;
        report("auth_event_missing",
               event.room_id.view(),
               row.event_id,
               "its auth event " + id.text(),
               "none");
    }
    return is_complete;
}

void Run::check_outlier(const Audit::Event& row, const KnownRoom& room, const Event& event) {
    if (!check_cited_known(row, event)) return;
    check_verdict(row, check_by_auth_events(event, checks_of(room)), list_inputs(event, nullptr));
}

void Run::check_place(const Audit::Event& row, const KnownRoom& room, const Event& event) {
    if (!row.state_before || !row.state_after) {
        report("state_missing",
               room.id.view(),
               row.event_id,
               "states before and after an event with a place",
               describe_root(row.state_before) + ", " + describe_root(row.state_after));
        return;
    }
    const auto before = load_state(*row.state_before);
    if (!before) {
        report("state_dangling",
               room.id.view(),
               row.event_id,
               "all nodes of the state before it, " + describe_root(row.state_before),
               "some are missing or damaged");
        return;
    }
    const bool is_complete = check_cited_known(row, event);
    const bool is_rejected = row.status == static_cast<int>(EventStatus::Rejected);
    if (is_complete || is_rejected) {
        const CheckContext checks = checks_of(room);
        auth::Verdict verdict = check_by_auth_events(event, checks);
        if (verdict) verdict = check_by_state(event, *before, checks);
        check_verdict(row, verdict, list_inputs(event, &*before));
    }
    check_states(row, room, event, *before);
}

std::vector<EventId> Run::list_inputs(const Event& event, const State* before) const {
    std::vector<EventId> inputs = event.auth_events;
    if (!before) return inputs;
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        if (const EventId* id = before->find(type, state_key)) inputs.push_back(*id);
    }
    return inputs;
}

// Has something that the rules look at become something else since the event was judged? Contents
// may have been redacted, and what was known without a place may have found one, and be rejected
// there, or be rejected no longer. Such events are told by rule 3.3, on citing rejected ones.
bool Run::may_have_changed(const auth::Verdict& verdict,
                           const Audit::Event& row,
                           const std::vector<EventId>& inputs) {
    constexpr std::string_view kCitesRejected = "v12 3.3";
    if (verdict && row.rule == kCitesRejected) return true;
    if (row.redacted_by) return true;
    return std::ranges::any_of(inputs, [&](const EventId& id) {
        const auto known = find_known(id.view());
        const bool was_rejected_late = !verdict && verdict.error().rule == kCitesRejected &&
                                       known && known->status == EventStatus::Rejected;
        return known && (known->is_redacted || was_rejected_late);
    });
}

void Run::check_verdict(const Audit::Event& row,
                        const auth::Verdict& verdict,
                        const std::vector<EventId>& inputs) {
    const bool is_refused =
        row.status == static_cast<int>(EventStatus::Rejected) || row.is_rejected_outlier;
    if (verdict.has_value() != is_refused) return;
    if (may_have_changed(verdict, row, inputs)) {
        ++counts_.verdicts_unjudged;
        return;
    }
    const std::string& room_id = rooms_.at(row.room).id.text();
    if (is_refused) {
        report("event_rejected",
               room_id,
               row.event_id,
               "accepted by " + std::string(verdict->rule),
               "rejected by " + row.rule + ": " + row.detail);
    } else {
        report("event_auth",
               room_id,
               row.event_id,
               "rejected by " + std::string(verdict.error().rule) + ": " +
                   auth::describe(verdict.error()),
               row.status == static_cast<int>(EventStatus::Outlier) ? "an outlier" : "accepted");
    }
}

}  // namespace matrix::engine::fsck
