// Events with labels, with hashes, and with signatures.

#include "tests/generators/event_maker.h"

#include "refserver/base/assert.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::generators {
namespace {

constexpr std::string_view kLabelCharacters = "-09AZ_az";
constexpr std::size_t kLabelDigits = 6;
constexpr std::uint64_t kLabels = std::uint64_t{1} << (3 * kLabelDigits);

}  // namespace

EventLabels::EventLabels(Choices& choices, bool may_be_long) {
    constexpr std::size_t kPrefixLength = 36;
    if (choices.below(2) == 1 && may_be_long) prefix_ = std::string(kPrefixLength, 'x');
    factor_ = 2 * choices.below(kLabels / 2) + 1;  // Odd, so that no two numbers share a label.
}

EventId EventLabels::label(std::size_t number,
                           const RoomRules& rules,
                           const ServerName& server) const {
    MATRIX_ASSERT(number < kLabels);
    std::string text = "$" + prefix_;
    std::uint64_t rest = number * factor_ % kLabels;
    for (std::size_t digit = 0; digit < kLabelDigits; ++digit) {
        text += kLabelCharacters[rest % kLabelCharacters.size()];
        rest /= kLabelCharacters.size();
    }
    if (rules.event_format == EventFormat::IdsAndHashes) text += ":" + server.text();
    return EventId(std::move(text));
}

Event EventMaker::draft(const EventTemplate& event, std::size_t number) const {
    Event made;
    made.id = labels_.label(number, rules_, event.sender.server());
    made.room_id = event.room_id;
    if (made.room_id.empty()) made.room_id = RoomId("!" + made.id.text().substr(1));
    made.sender = event.sender;
    made.type = event.type;
    made.state_key = event.state_key;
    made.prev_events = event.prev_events;
    made.auth_events = event.auth_events;
    made.depth = event.depth;
    made.origin_server_ts = event.origin_server_ts;
    made.redacts = event.redacts;
    made.content = parse_event_content(event.type, event.content, rules_);
    made.rules = &rules_;
    const bool has_id = rules_.event_format == EventFormat::IdsAndHashes;
    made.text = json::write(
        make_pdu(event, rules_, has_id ? std::optional<EventId>(made.id) : std::nullopt));
    return made;
}

json::Object EventMaker::make_encoded_pdu(const EventTemplate& event, std::size_t number) const {
    std::optional<EventId> id;
    if (rules_.event_format == EventFormat::IdsAndHashes) {
        id = labels_.label(number, rules_, event.sender.server());
    }
    json::Object pdu = make_pdu(event, rules_, id);
    add_content_hash(pdu);
    pdu.set("signatures", json::Object());
    return pdu;
}

EventPtr EventMaker::make(const EventTemplate& event, std::size_t number) const {
    if (realism_ == Realism::Abstract) return std::make_shared<const Event>(draft(event, number));

    json::Object pdu = make_encoded_pdu(event, number);
    auto parsed = parse_event(pdu, rules_);
    MATRIX_ASSERT(parsed.has_value());
    if (realism_ == Realism::Encoded) return std::make_shared<const Event>(std::move(*parsed));

    for (const ServerName& server : required_signers(*parsed)) {
        sign_event(pdu, server, *make_server_signer(server), rules_);
    }
    auto with_signatures = parse_event(pdu, rules_);
    MATRIX_ASSERT(with_signatures.has_value());
    return std::make_shared<const Event>(std::move(*with_signatures));
}

std::unique_ptr<Signer> make_server_signer(const ServerName& server) {
    return make_ed25519_signer(KeyId("ed25519:1"), view(sha256(server.view())));
}

}  // namespace matrix::generators
