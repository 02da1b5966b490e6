#include "refserver/commands/event_report.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/commands/given_event.h"
#include "refserver/commands/history.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/signatures.h"

namespace matrix::commands {

std::string_view name_of(Fate fate) {
    switch (fate) {
        case Fate::Accepted:
            return "accepted";
        case Fate::Redacted:
            return "redacted";
        case Fate::SoftFailed:
            return "soft-failed";
        case Fate::Rejected:
            return "rejected";
        case Fate::Dropped:
            return "dropped";
        case Fate::Unjudged:
            return "not judged";
    }
    unreachable();
}

namespace {

// An event on its way through the checks; no event once it is dropped.
struct Checked {
    EventReport report;
    EventPtr event;
};

void add_finding(Checked& checked, Finding finding) {
    checked.report.fate = finding.fate;
    checked.report.findings.push_back(std::move(finding));
}

void drop(Checked& checked, int check, std::string field, std::string expected) {
    add_finding(checked,
                {.check = check,
                 .fate = Fate::Dropped,
                 .field = std::move(field),
                 .expected = std::move(expected)});
}

// From v3 on an event does not hold its id. One that stands there is what somebody says it is.
//
// UNSPECIFIED: whether a PDU with a top-level `event_id` is one of v3 or later. In files it is a
// remark of whoever wrote them, so we compare it with the id and check the event without it.
std::optional<std::string> take_claimed_id(json::Object& pdu, const RoomRules& rules) {
    if (rules.event_format == EventFormat::IdsAndHashes) return std::nullopt;
    const json::Value* value = pdu.find("event_id");
    const std::string* text = value ? value->if_string() : nullptr;
    if (!text) return std::nullopt;
    std::string claimed = *text;
    pdu.erase("event_id");
    return claimed;
}

// --- Check 2 -------------------------------------------------------------------------------------

bool has_key_in(const json::Object& pdu, const ServerName& server, const KeyRing& keys) {
    const auto known = keys.find(server);
    if (known == keys.end()) return false;
    return std::ranges::any_of(list_signatures(pdu), [&](const SignatureRef& ref) {
        return ref.entity == server.view() && known->second.contains(ref.key_id);
    });
}

bool is_signed_by(const json::Object& pdu, const ServerName& server) {
    return std::ranges::any_of(
        list_signatures(pdu), [&](const SignatureRef& ref) { return ref.entity == server.view(); });
}

void check_signatures(const json::Object& pdu,
                      const KeyRing& keys,
                      std::int64_t now_ts,
                      Checked& checked) {
    checked.report.is_verified = true;
    for (const ServerName& server : required_signers(*checked.event)) {
        const std::string field = "signatures." + server.text();
        if (!is_signed_by(pdu, server)) {
            drop(checked, 2, field, "a signature of this server, but it is missing");
            continue;
        }
        const auto known = keys.find(server);
        const SignatureVerdict verdict = known == keys.end()
                                             ? SignatureVerdict::NoKnownKey
                                             : check_event_signatures(pdu,
                                                                      server,
                                                                      known->second,
                                                                      now_ts,
                                                                      *checked.event->rules,
                                                                      ed25519_verifier());
        if (verdict == SignatureVerdict::Valid) continue;
        checked.report.is_verified = false;
        if (verdict == SignatureVerdict::Invalid) {
            drop(checked, 2, field, "a valid signature of the event");
        } else if (has_key_in(pdu, server, keys)) {
            drop(checked, 2, field, "a key that was valid at origin_server_ts");
        }
    }
}

// --- Checks 1 to 3 -------------------------------------------------------------------------------

// A `pdu` whose hash does not fit is gone on with as its redacted copy.
void check_hash(const json::Object& pdu, const RoomRules& rules, Checked& checked) {
    if (has_valid_content_hash(pdu)) return;
    add_finding(checked,
                {.check = 3,
                 .fate = Fate::Redacted,
                 .field = "hashes.sha256",
                 .expected = "\"" + encode_base64(view(content_hash(pdu))) +
                             "\", the hash of the content"});
    auto redacted = parse_event(redact(pdu, rules), rules);
    if (!redacted) {
        drop(checked, 3, redacted.error().field, redacted.error().what + " in its redacted copy");
        return;
    }
    checked.event = std::make_shared<const Event>(*std::move(redacted));
}

std::expected<EventPtr, EventError> parse_pdu(const json::Object& pdu, const RoomRules& rules) {
    auto event = parse_event(pdu, rules);
    if (!event) return std::unexpected(std::move(event).error());
    return std::make_shared<const Event>(*std::move(event));
}

Checked check_alone(const FilePdu& entry,
                    const RoomRules& rules,
                    const RoomId& default_room,
                    const KeyRing& keys,
                    std::int64_t now_ts) {
    Checked checked;
    checked.report.place = entry.place;
    json::Object pdu = entry.pdu;
    if (const json::Value* type = pdu.find("type"); type && type->if_string()) {
        checked.report.type = *type->if_string();
    }
    const bool is_given =
        has_given_id(pdu, rules) && !pdu.contains("hashes") && !pdu.contains("signatures");
    checked.report.has_given_id = is_given;
    const auto claimed = is_given ? std::nullopt : take_claimed_id(pdu, rules);
    auto event = is_given ? parse_any_event(pdu, rules, default_room) : parse_pdu(pdu, rules);
    if (!event) {
        drop(checked, 1, event.error().field, event.error().what);
        return checked;
    }
    checked.event = *std::move(event);
    checked.report.id = checked.event->id;
    if (claimed && *claimed != checked.event->id.view()) {
        drop(checked, 1, "event_id", "\"" + checked.event->id.text() + "\", the reference hash");
    }
    if (is_given) return checked;
    check_signatures(pdu, keys, now_ts, checked);
    if (checked.report.fate == Fate::Accepted) check_hash(pdu, rules, checked);
    return checked;
}

// --- Checks 4 to 7 -------------------------------------------------------------------------------

Fate fate_of(Judgement::Outcome outcome) {
    switch (outcome) {
        case Judgement::Outcome::Accepted:
            return Fate::Accepted;
        case Judgement::Outcome::SoftFailed:
            return Fate::SoftFailed;
        case Judgement::Outcome::Rejected:
            return Fate::Rejected;
        case Judgement::Outcome::Unjudged:
            return Fate::Unjudged;
    }
    unreachable();
}

void add_judgement(const Judgement& judgement, Checked& checked) {
    checked.report.has_state = judgement.has_state;
    if (judgement.outcome == Judgement::Outcome::Accepted) return;
    const bool is_unjudged = judgement.outcome == Judgement::Outcome::Unjudged;
    add_finding(checked,
                {.check = judgement.check,
                 .fate = fate_of(judgement.outcome),
                 .expected = is_unjudged ? judgement.missing : auth::describe(judgement.failure),
                 .rule = std::string(judgement.failure.rule)});
}

// The room of the create event, else of the first event.
RoomId room_of(const std::vector<Checked>& events) {
    const EventPtr* first = nullptr;
    for (const Checked& checked : events) {
        if (!checked.event) continue;
        if (checked.event->is("m.room.create", "")) return checked.event->room_id;
        if (!first) first = &checked.event;
    }
    return first ? (*first)->room_id : RoomId();
}

std::vector<Checked> check_each_alone(std::span<const RoomFile> files,
                                      const RoomRules& rules,
                                      const KeyRing& keys,
                                      std::int64_t now_ts) {
    const RoomId default_room = find_default_room(files, rules);
    std::vector<Checked> events;
    for (const RoomFile& file : files) {
        const auto first = static_cast<std::ptrdiff_t>(events.size());
        for (const FilePdu& entry : file.pdus)
            events.push_back(check_alone(entry, rules, default_room, keys, now_ts));
        for (const InputError& broken : file.broken_lines) {
            Checked checked;
            checked.report.place = broken.place;
            drop(checked, 1, broken.field, broken.expected);
            events.push_back(std::move(checked));
        }
        // Only lines can be broken, and their numbers differ.
        if (file.broken_lines.empty()) continue;
        std::ranges::sort(events.begin() + first, events.end(), {}, [](const Checked& one) {
            return one.report.place.line;
        });
    }
    return events;
}

bool is_dropped(const Checked& checked) {
    return !checked.event || checked.report.fate == Fate::Dropped;
}

}  // namespace

RoomReport report_room(std::span<const RoomFile> files,
                       const RoomRules& rules,
                       const KeyRing& keys,
                       std::int64_t now_ts) {
    std::vector<Checked> events = check_each_alone(files, rules, keys, now_ts);
    RoomReport report{std::string(rules.version), room_of(events), {}};
    EventMap known;
    for (Checked& checked : events) {
        if (is_dropped(checked)) continue;
        if (checked.event->room_id != report.room_id) {
            drop(
                checked, 1, "room_id", "\"" + report.room_id.text() + "\", the room of the others");
        }
    }
    // A whole copy of an event goes before one without its content, wherever it stands.
    for (const Fate fate : {Fate::Accepted, Fate::Redacted}) {
        for (const Checked& checked : events) {
            if (!is_dropped(checked) && checked.report.fate == fate) known.add(checked.event);
        }
    }
    History history(known, rules);
    history.judge();
    history.judge_by_current_state();
    history.judge_by_policy(ed25519_verifier());
    for (Checked& checked : events) {
        if (!is_dropped(checked)) add_judgement(history.judgement(checked.event->id), checked);
        report.events.push_back(std::move(checked.report));
    }
    return report;
}

}  // namespace matrix::commands
