// How often each kind of command is drawn.

#include "tests/generators/command.h"

#include <numeric>
#include <ostream>

#include "refserver/base/assert.h"

namespace matrix::generators {
namespace {

struct KindRow {
    CommandKind kind;
    std::string_view name;
    std::uint32_t weight;
};
// In the order of the enumeration. The weights found most disagreements between algorithms when
// rooms of this kind were measured; races are added where a room has them.
constexpr std::array<KindRow, kCommandKinds> kKinds = {{
    {CommandKind::Topic, "topic", 11},
    {CommandKind::Join, "join", 22},
    {CommandKind::Leave, "leave", 6},
    {CommandKind::Invite, "invite", 8},
    {CommandKind::Ban, "ban", 10},
    {CommandKind::Kick, "kick", 8},
    {CommandKind::PowerLevels, "power levels", 20},
    {CommandKind::JoinRules, "join rules", 10},
    {CommandKind::Status, "status", 3},
    {CommandKind::Knock, "knock", 2},
    {CommandKind::Token, "token", 1},
    {CommandKind::TokenInvite, "token invite", 2},
    {CommandKind::Aliases, "aliases", 1},
    {CommandKind::Message, "message", 2},
    {CommandKind::Redaction, "redaction", 1},
    {CommandKind::Race, "race", 8},
}};
constexpr std::size_t kRaceRow = static_cast<std::size_t>(CommandKind::Race);

}  // namespace

std::string_view name_of(CommandKind kind) {
    return kKinds[static_cast<std::size_t>(kind)].name;
}

std::ostream& operator<<(std::ostream& out, CommandKind kind) {
    return out << name_of(kind);
}

std::array<std::uint32_t, kCommandKinds> Swarm::full_weights() {
    std::array<std::uint32_t, kCommandKinds> weights{};
    for (const KindRow& row : kKinds)
        weights[static_cast<std::size_t>(row.kind)] = row.weight;
    weights[kRaceRow] = 0;
    return weights;
}

Swarm::Swarm(Choices& choices, bool has_races) {
    const bool is_reduced = choices.below(2) == 1;
    const std::uint64_t mask = choices.below(std::uint64_t{1} << 16);
    for (std::size_t kind = 0; is_reduced && kind < kCommandKinds; ++kind) {
        if ((mask >> kind & 1) != 0) weights_[kind] = 0;
    }
    if (has_races) weights_[kRaceRow] = kKinds[kRaceRow].weight;
    const std::uint32_t total = std::accumulate(weights_.begin(), weights_.end(), 0U);
    if (total == 0) weights_ = full_weights();
}

CommandKind Swarm::kind_of(std::uint64_t number) const {
    const std::uint32_t total = std::accumulate(weights_.begin(), weights_.end(), 0U);
    number %= total;
    for (const KindRow& row : kKinds) {
        const std::uint32_t weight = weights_[static_cast<std::size_t>(row.kind)];
        if (number < weight) return row.kind;
        number -= weight;
    }
    unreachable();
}

Command draw_command(Choices& choices, const Swarm& swarm) {
    // A fuzzer's bytes give 16 bits at a time, a seed more.
    constexpr std::uint64_t kNumbers = std::uint64_t{1} << 32;
    Command command;
    command.kind = swarm.kind_of(choices.below(kNumbers));
    command.actor = choices.below(kNumbers);
    command.target = choices.below(kNumbers);
    command.params = Selector(choices.below(kNumbers));
    command.details = Selector(choices.below(kNumbers));
    command.parents = Selector(choices.below(kNumbers));
    command.clock = Selector(choices.below(kNumbers));
    command.deviation = Selector(choices.below(kNumbers));
    return command;
}

}  // namespace matrix::generators
