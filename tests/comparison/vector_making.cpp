// Makes vectors, and chooses among them.

#include "tests/comparison/vector_making.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "refserver/base/assert.h"

namespace matrix::comparison {

using generators::Room;
using oracle::Quirk;
using oracle::ResolutionCase;

namespace {

constexpr std::int64_t kTimeOfRooms = 1'700'000'000'000;

// The events of the states, and all that they lead to; and the create event, which the room id may
// name.
std::set<EventId> reach_events(const Room& room, const Dispute& dispute) {
    std::set<EventId> reached;
    std::vector<EventId> pending = {room.events().front().event->id};
    for (const State& state : dispute.states)
        state.for_each([&](const StateKey&, const EventId& id) { pending.push_back(id); });
    while (!pending.empty()) {
        const EventId id = pending.back();
        pending.pop_back();
        const auto found = room.find(id);
        if (!found.event || dispute.missing.contains(id) || !reached.insert(id).second) continue;
        const auto& cited = found.event->auth_events;
        pending.insert(pending.end(), cited.begin(), cited.end());
    }
    return reached;
}

// Without what no resolution looks at.
EventPtr trim(const Event& event, const EventId& create) {
    Event trimmed = event;
    trimmed.origin_server_ts -= std::min(kTimeOfRooms, event.origin_server_ts);
    if (event.rules->state_resolution != StateResolution::V1) trimmed.depth = 0;
    // That the create event alone is before it is what the first join must show.
    if (event.prev_events != std::vector<EventId>{create}) trimmed.prev_events.clear();
    trimmed.text = json::write(json::Object{{"content", event.parse_content()}});
    return std::make_shared<const Event>(std::move(trimmed));
}

// Where the text is silent, and others may have chosen otherwise.
constexpr std::array kOpenQuestions = {Quirk::DropWhatLacksAuthEvents,
                                       Quirk::NoLevelsIsZero,
                                       Quirk::RejectedStateUnused,
                                       Quirk::PowerEventEmptyKey,
                                       Quirk::ChangingState,
                                       Quirk::LeastDepth};

void add_quirks(ResolutionCase& vector, const oracle::Room& room, MadeCase& made) {
    for (const oracle::QuirkRow& row : oracle::quirk_table()) {
        oracle::Options options;
        options.quirks.insert(row.quirk);
        const auto other =
            oracle::list_event_ids(oracle::resolve(room, vector.state_sets, options).state);
        if (other == vector.resolved) continue;
        vector.differs_under[std::string(row.name)] = other;
        made.features.push_back("quirk " + std::string(row.name));
        if (std::ranges::find(kOpenQuestions, row.quirk) != kOpenQuestions.end()) {
            vector.result = oracle::VectorResult::Acceptable;
        }
    }
}

void add_features(const Answer& answer, const Dispute& dispute, MadeCase& made) {
    for (const auto& [id, rule] : answer.steps) {
        if (rule != "allowed") made.features.push_back("rule " + rule);
    }
    if (answer.mainline.size() > 1) made.features.emplace_back("mainline");
    if (!dispute.missing.empty()) made.features.emplace_back("missing events");
    if (!made.vector.rejected.empty()) made.features.emplace_back("rejected events");
    std::ranges::sort(made.features);
    const auto duplicates = std::ranges::unique(made.features);
    made.features.erase(duplicates.begin(), duplicates.end());
}

std::string reason_of(const MadeCase& made) {
    std::string reason = "Random room; two implementations agree.";
    std::string rules;
    for (const std::string& feature : made.features) {
        if (feature.starts_with("rule ")) rules += (rules.empty() ? "" : ", ") + feature.substr(5);
    }
    if (!rules.empty()) reason += " Refused by " + rules + ".";
    if (made.vector.result == oracle::VectorResult::Acceptable) {
        reason += " Depends on what we chose where the text is silent.";
    }
    return reason;
}

}  // namespace

Room room_of(const ResolutionCase& vector) {
    Room room(*vector.rules);
    for (const EventPtr& event : vector.events) {
        room.add({.event = event,
                  .is_rejected = vector.rejected.contains(event->id),
                  .before = {},
                  .after = {}});
    }
    return room;
}

namespace {

std::vector<State> states_of(const ResolutionCase& vector) {
    std::vector<State> states;
    for (const oracle::StateMap& map : vector.state_sets) {
        std::vector<std::pair<StateKey, EventId>> entries;
        for (const auto& [key, id] : map)
            entries.push_back({{key.first, key.second}, id});
        states.push_back(State::make(entries));
    }
    return states;
}

}  // namespace

std::expected<MadeCase, std::string> make_case(const Room& room,
                                               const Dispute& dispute,
                                               const std::string& name) {
    MadeCase made;
    ResolutionCase& vector = made.vector;
    const Event& create = *room.events().front().event;
    vector.name = name;
    vector.rules = &room.rules();
    vector.room_id = create.room_id;
    const std::set<EventId> reached = reach_events(room, dispute);
    for (const generators::RoomEvent& event : room.events()) {
        if (!reached.contains(event.event->id)) continue;
        vector.events.push_back(trim(*event.event, create.id));
        if (event.is_rejected) vector.rejected.insert(event.event->id);
    }
    vector.state_sets = state_maps_of(dispute.states);

    const oracle::Room literal = vector.make_room();
    const Answer answer = ask_oracle(literal, dispute.states);
    const Room trimmed = room_of(vector);
    if (const auto difference = find_difference(ask_fast(trimmed, {dispute.states, {}}), answer)) {
        return std::unexpected(*difference + describe(trimmed, {dispute.states, {}}));
    }
    vector.resolved = oracle::list_event_ids(answer.state);
    made.has_conflict = answer.has_conflict;
    if (!dispute.missing.empty()) vector.result = oracle::VectorResult::Acceptable;
    add_quirks(vector, literal, made);
    add_features(answer, dispute, made);
    vector.reason = reason_of(made);
    made.bytes = oracle::write_resolution_cases({&vector, 1}, "").size();
    return made;
}

std::optional<std::string> find_fault(const ResolutionCase& vector) {
    const Room room = room_of(vector);
    const oracle::Room literal = vector.make_room();
    const Dispute dispute = {.states = states_of(vector), .missing = {}};
    const Answer answer = ask_oracle(literal, dispute.states);
    if (oracle::list_event_ids(answer.state) != vector.resolved) {
        return "the oracle resolves to another state";
    }
    if (auto difference = find_difference(ask_fast(room, dispute), answer)) return difference;
    for (const auto& [name, resolved] : vector.differs_under) {
        const auto quirk = oracle::find_quirk(name);
        if (!quirk) return quirk.error();
        oracle::Options options;
        options.quirks.insert(*quirk);
        const oracle::Resolution other = oracle::resolve(literal, vector.state_sets, options);
        if (oracle::list_event_ids(other.state) != resolved) {
            return "under " + name + " the oracle resolves to another state";
        }
    }
    return std::nullopt;
}

std::expected<std::vector<ResolutionCase>, std::string> make_vectors(const VectorOptions& options,
                                                                     std::size_t count) {
    const ComparisonOptions rooms = {.algorithm = options.algorithm, .seed = options.seed};
    std::vector<ResolutionCase> vectors;
    for (std::uint64_t number = options.shard.index; vectors.size() < count;
         number += options.shard.count) {
        const SeededRoom made = make_seeded_room(rooms, number);
        for (std::size_t index = 0; index < made.disputes.size(); ++index) {
            const std::string name = std::string(name_of(options.algorithm)) + " seed " +
                                     std::to_string(options.seed) + " room " +
                                     std::to_string(number) + " dispute " + std::to_string(index);
            auto vector = make_case(made.room, made.disputes[index], name);
            if (!vector) return std::unexpected(name + ": " + vector.error());
            if (!vector->has_conflict || vectors.size() == count) continue;
            vectors.push_back(std::move(vector->vector));
        }
    }
    return vectors;
}

namespace {

// The smallest case of each feature, and of each mixture of features.
class Selection {
public:
    void offer(const MadeCase& made) {
        std::string mixture;
        for (const std::string& feature : made.features) {
            keep(by_feature_[feature], made);
            mixture += feature + ';';
        }
        keep(by_mixture_[mixture], made);
    }

    std::vector<ResolutionCase> choose(std::size_t count) const {
        std::vector<ResolutionCase> chosen;
        std::set<std::string> names;
        const auto take = [&](const std::map<std::string, MadeCase>& cases) {
            std::vector<const MadeCase*> smallest;
            for (const auto& [what, made] : cases)
                smallest.push_back(&made);
            std::ranges::sort(smallest, {}, [](const MadeCase* made) { return made->bytes; });
            for (const MadeCase* made : smallest) {
                if (chosen.size() == count) return;
                if (names.insert(made->vector.name).second) chosen.push_back(made->vector);
            }
        };
        take(by_feature_);
        take(by_mixture_);
        return chosen;
    }

private:
    static void keep(MadeCase& kept, const MadeCase& made) {
        if (kept.bytes == 0 || made.bytes < kept.bytes) kept = made;
    }

    std::map<std::string, MadeCase> by_feature_;
    std::map<std::string, MadeCase> by_mixture_;
};

// Small rooms, in which little distracts.
SeededRoom make_small_room(const RoomRules& rules, std::uint64_t seed) {
    static const std::vector<std::size_t> kCommands = {8, 12, 16, 24, 32};
    static const std::vector<std::size_t> kUsers = {3, 4, 3, 5};
    generators::Choices choices = generators::Choices::from_seed(seed);
    generators::RoomLimits limits = {.realism = generators::Realism::Abstract,
                                     .has_long_labels = false};
    limits.commands_max = choices.among(kCommands);
    limits.user_count = choices.among(kUsers);
    SeededRoom made = {.room = generators::make_room(choices, rules, limits), .disputes = {}};
    constexpr int kDisputes = 4;
    for (int number = 0; number < kDisputes; ++number)
        made.disputes.push_back({.states = choose_states(choices, made.room), .missing = {}});
    return made;
}

}  // namespace

std::expected<std::vector<ResolutionCase>, std::string> choose_vectors(
    std::uint64_t seed, std::size_t count, std::size_t rooms_per_version) {
    std::vector<ResolutionCase> vectors;
    for (const RoomRules& rules : all_room_rules()) {
        Selection selection;
        for (std::size_t number = 0; number < rooms_per_version; ++number) {
            const SeededRoom made = make_small_room(rules, seed + number);
            for (std::size_t index = 0; index < made.disputes.size(); ++index) {
                const std::string name = "v" + std::string(rules.version) + " room " +
                                         std::to_string(number) + " dispute " +
                                         std::to_string(index);
                auto vector = make_case(made.room, made.disputes[index], name);
                if (!vector) return std::unexpected(name + ": " + vector.error());
                if (vector->has_conflict) selection.offer(*vector);
            }
        }
        for (ResolutionCase& vector : selection.choose(count / all_room_rules().size()))
            vectors.push_back(std::move(vector));
    }
    return vectors;
}

}  // namespace matrix::comparison
