// Makes events from templates, as real as a room is.
//
// Private to tests/generators.
#pragma once

#include "tests/generators/room.h"

namespace matrix::generators {

/// Ids that are labels: unique, of one length, and unrelated to the order in which they are made.
///
/// Their characters are those that base64 alphabets order differently than byte order does, and in
/// half of the rooms all ids have a long prefix in common.
class EventLabels {
public:
    explicit EventLabels(Choices& choices, bool may_be_long = true);
    /// `server` is part of the ids of room versions 1 and 2.
    EventId label(std::size_t number, const RoomRules& rules, const ServerName& server) const;

private:
    std::string prefix_;
    std::uint64_t factor_ = 1;
};

class EventMaker {
public:
    EventMaker(const RoomRules& rules, EventLabels labels, Realism realism = Realism::Abstract)
        : rules_(rules), realism_(realism), labels_(std::move(labels)) {}

    /// The event as it is authorized: with a label as its id, without hashes and signatures.
    Event draft(const EventTemplate& event, std::size_t number) const;
    /// The event as a room holds it. `number` is its place in the room.
    EventPtr make(const EventTemplate& event, std::size_t number) const;

private:
    json::Object make_encoded_pdu(const EventTemplate& event, std::size_t number) const;

    const RoomRules& rules_;
    const Realism realism_;
    const EventLabels labels_;
};

}  // namespace matrix::generators
