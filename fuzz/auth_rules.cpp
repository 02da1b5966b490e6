// Authorization of drawn events by drawn states: the fast rules against the oracle, verdict and
// rule.
//
// The bytes are choices of the room generator. Events are judged by states of other points of their
// room, and with values in their contents that the generator never writes.

#include "refserver/protocol/auth_rules.h"

#include <array>
#include <memory>

#include "conformance/oracle/auth_rules.h"
#include "fuzz/judged_room.h"

namespace matrix::fuzz {
namespace {

using generators::Choices;

constexpr int kChecksPerRoom = 100;

// What is put where a content has something else, or nothing.
const std::vector<json::Value>& odd_values() {
    static const std::vector<json::Value> values = {
        "join",
        "leave",
        "invite",
        "ban",
        "knock",
        "restricted",
        "knock_restricted",
        "public",
        "private",
        "@u1:a",
        "no user",
        "",
        "50",
        " +7 ",
        "1_000",
        0,
        1,
        49,
        50,
        51,
        100,
        -1,
        json::kIntegerMax,
        nullptr,
        true,
        json::Array(),
        json::Object(),
        json::OtherNumber{"12.9"},
        json::OtherNumber{"1e400"},
        json::OtherNumber{"9223372036854775808"},
        json::Object{{"@u1:a", 100}},
        json::Object{{"@u1:a", "100"}},
        json::Object{{"m.room.topic", 100}},
        json::Object{{"room", 51}},
        json::Object{{"signed", json::Object{{"mxid", "@u1:a"}, {"token", "t"}}}},
    };
    return values;
}

const std::vector<std::string>& keys_that_rules_read() {
    static const std::vector<std::string> keys = {"membership",
                                                  "join_authorised_via_users_server",
                                                  "third_party_invite",
                                                  "join_rule",
                                                  "creator",
                                                  "additional_creators",
                                                  "room_version",
                                                  "m.federate",
                                                  "ban",
                                                  "kick",
                                                  "invite",
                                                  "redact",
                                                  "events",
                                                  "events_default",
                                                  "state_default",
                                                  "users",
                                                  "users_default",
                                                  "notifications",
                                                  "public_key",
                                                  "public_keys"};
    return keys;
}

// The event as it is, or with another content, sender or key.
EventPtr choose_event(Choices& choices, const generators::Room& room) {
    const auto& events = room.events();
    const EventPtr& chosen = events[choices.below(events.size())].event;
    if (choices.happens(40)) return chosen;
    Event changed = *chosen;
    json::Object pdu = chosen->parse_text();
    json::Object& content = *pdu.find("content")->if_object();
    for (std::uint64_t changes = 1 + choices.below(2); changes > 0; --changes) {
        const std::string& key = choices.among(keys_that_rules_read());
        content.set(key, choices.among(odd_values()));
    }
    if (choices.happens(30)) changed.sender = events[choices.below(events.size())].event->sender;
    if (choices.happens(20) && chosen->is_state()) {
        changed.state_key = events[choices.below(events.size())].event->sender.text();
    }
    if (choices.happens(10)) changed.prev_events.clear();
    changed.content = parse_event_content(changed.type, content, room.rules());
    pdu.set("sender", changed.sender.text());
    if (changed.state_key) pdu.set("state_key", *changed.state_key);
    changed.text = json::write(pdu);
    return std::make_shared<const Event>(std::move(changed));
}

// Of a point of the room, sometimes without one key or with an entry that was there at another.
State choose_state(Choices& choices, const generators::Room& room) {
    const auto& events = room.events();
    State state = events[choices.below(events.size())].after;
    if (choices.happens(20)) {
        const EventPtr& other = events[choices.below(events.size())].event;
        if (other->is_state()) {
            const StateKey key = {other->type, *other->state_key};
            state = choices.happens(50) ? state.without(key) : state.with(key, other->id);
        }
    }
    return state;
}

// One event, the state that judges it, and that state as both implementations hold it.
class Case {
public:
    Case(Choices& choices, const JudgedRoom& judged)
        : judged_(judged),
          event_(choose_event(choices, judged.room)),
          state_(choose_state(choices, judged.room)),
          read_(event_) {
        state_.for_each([&](const StateKey& key, const EventId& id) {
            if (const oracle::ReadEvent* found = judged_.literal.find(id)) {
                literal_state_[{key.type, key.state_key}] = found;
            }
        });
    }

    const char* broken_law() {
        fast_ = decision_of(auth::check_against(fast_state(), *event_, ed25519_verifier()));
        literal_ = decision_of(oracle::check_against(literal_state_, read_, ed25519_verifier()));
        if (fast_ != literal_) return "both allow or refuse by the same rule of the state";

        check_cited();
        if (fast_ != literal_) return "both refuse by the same rule of the cited events, or none";
        if (!selects_the_same()) return "both select the same auth events";
        return nullptr;
    }

    Finding describe(const char* law) const {
        return {law,
                {{"room_version", judged_.rules().version},
                 {"events", judged_.describe_events()},
                 {"event", describe_event(*event_)},
                 {"state", describe_state(state_)},
                 {"fast", fast_},
                 {"oracle", literal_}}};
    }

private:
    // The rule that decides, and how.
    template <class Verdict>
    static std::string decision_of(const Verdict& verdict) {
        if (!verdict) return "refused by " + std::string(verdict.error().rule);
        return "allowed by " + std::string(verdict->rule);
    }
    template <class Passed>
    static std::string passage_of(const Passed& passed) {
        return passed ? "passed" : "refused by " + std::string(passed.error().rule);
    }

    const Event* find(std::string_view type, std::string_view state_key) const {
        const auto entry = literal_state_.find({std::string(type), std::string(state_key)});
        return entry == literal_state_.end() ? nullptr : entry->second->event.get();
    }

    auth::AuthState fast_state() const {
        auth::AuthState state;
        state.set(auth::Role::Create, find("m.room.create", ""));
        for (const auto& [role, type, state_key] : auth::required_state(*event_))
            state.set(role, find(type, state_key));
        return state;
    }

    void check_cited() {
        std::vector<auth::CitedEvent> cited;
        std::vector<const oracle::ReadEvent*> literal_cited;
        for (const EventId& id : event_->auth_events) {
            cited.push_back(judged_.room.find(id));
            literal_cited.push_back(judged_.literal.find(id));
        }
        const bool is_create = event_->type == "m.room.create";
        const oracle::ReadEvent* create = is_create ? nullptr : judged_.literal.create_of(read_);
        const Event* fast_create = create ? create->event.get() : nullptr;
        fast_ = passage_of(auth::check_cited(*event_, cited, fast_create));
        literal_ = passage_of(oracle::check_cited(read_, literal_cited, create));
    }

    bool selects_the_same() const {
        std::set<oracle::Key> fast;
        for (const auto& [role, type, state_key] : auth::required_state(*event_))
            fast.emplace(type, state_key);
        return fast == oracle::select_auth_events(read_);
    }

    const JudgedRoom& judged_;
    const EventPtr event_;
    const State state_;
    const oracle::ReadEvent read_;
    oracle::RuleState literal_state_;
    std::string fast_;
    std::string literal_;
};

}  // namespace

Outcome run_auth_rules(std::string_view bytes) {
    auto choices = Choices::from_bytes(bytes);
    const JudgedRoom judged(choices);
    for (int number = 0; number < kChecksPerRoom; ++number) {
        Case one(choices, judged);
        if (const char* law = one.broken_law()) return one.describe(law);
    }
    return std::nullopt;
}

}  // namespace matrix::fuzz
