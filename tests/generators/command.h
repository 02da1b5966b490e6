// Commands: what a random room is made of.
//
// A room is a list of small commands that a model room interprets, not a list of events: whom and
// what a command means is relative to the room as it then is. So any command can be left out, and
// the rest still means something; a shorter stream of choices is a smaller room.
#pragma once

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string_view>

#include "tests/generators/choices.h"

namespace matrix::generators {

/// What a command tries to send.
enum class CommandKind {
    Topic,
    Join,  ///< Or a change of the own profile; half of them name who authorised it.
    Leave,
    Invite,
    Ban,
    Kick,  ///< Or lift a ban.
    PowerLevels,
    JoinRules,
    Status,  ///< State under a user's key.
    Knock,
    Token,        ///< m.room.third_party_invite
    TokenInvite,  ///< An invite that redeems such a token.
    Aliases,
    Message,
    Redaction,
    Race,  ///< Several events on concurrent branches: see race_patterns.h.
};
inline constexpr std::size_t kCommandKinds = 16;
std::string_view name_of(CommandKind kind);
std::ostream& operator<<(std::ostream& out, CommandKind kind);

/// One number that answers several small questions, each of them once.
class Selector {
public:
    Selector() = default;
    explicit Selector(std::uint64_t number) : number_(number) {}

    /// A number below `n`, which is not 0; 0 is the simplest answer.
    std::uint64_t below(std::uint64_t n) {
        const std::uint64_t answer = number_ % n;
        number_ /= n;
        return answer;
    }
    /// True in `percent` of 100 cases; false is the simpler answer.
    bool happens(std::uint64_t percent) { return below(100) >= 100 - percent; }
    template <class Items>
    const auto& among(const Items& items) {
        return items[below(std::size(items))];
    }

private:
    std::uint64_t number_ = 0;
};

struct Command {
    CommandKind kind = CommandKind::Topic;
    std::uint64_t actor = 0;   ///< Of the users, modulo their number; likewise `target`.
    std::uint64_t target = 0;  ///< Whom it concerns, for kinds that concern somebody.
    Selector params;           ///< What is written; each kind has its own questions.
    Selector details;          ///< More of the same.
    Selector parents;          ///< What it follows on.
    Selector clock;            ///< When it claims to be sent.
    Selector deviation;        ///< What is wrong with it, if anything.
};

/// Which kinds a room has: half of the rooms lack a random half of them, because what is rare among
/// many kinds is frequent among few.
class Swarm {
public:
    /// Every kind but races.
    Swarm() = default;
    /// Drawn; `has_races` decides about races.
    Swarm(Choices& choices, bool has_races);

    bool has(CommandKind kind) const { return weights_[static_cast<std::size_t>(kind)] > 0; }
    /// The kind that a number from 0 on stands for, by the weights of those that are there.
    CommandKind kind_of(std::uint64_t number) const;

private:
    std::array<std::uint32_t, kCommandKinds> weights_ = full_weights();
    static std::array<std::uint32_t, kCommandKinds> full_weights();
};

/// How many choices a command takes; always the same number, so that commands can be cut out of a
/// stream.
inline constexpr std::size_t kChoicesPerCommand = 8;
/// How many choices a room takes before its commands: how it is, and how it begins.
inline constexpr std::size_t kChoicesBeforeCommands = 13;

Command draw_command(Choices& choices, const Swarm& swarm);

}  // namespace matrix::generators
