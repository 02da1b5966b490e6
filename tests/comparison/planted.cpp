// Asks oracles with a planted bug about random disputes.

#include "tests/comparison/planted.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

namespace matrix::comparison {
namespace {

std::optional<Kill>& kill_of(PlantedRow& row, StateResolution algorithm) {
    return algorithm == StateResolution::V2 ? row.v2 : row.v2_1;
}

// The first line that says in what they differ.
std::string summary_of(const std::string& difference) {
    return difference.substr(0, difference.find('\n'));
}

class Plantation {
public:
    Plantation(const PlantedOptions& options, std::vector<PlantedRow>& rows)
        : options_(options), rows_(rows) {}

    void run(StateResolution algorithm) {
        const ComparisonOptions rooms = {.algorithm = algorithm, .seed = options_.seed};
        std::uint64_t cases = 0;
        for (std::uint64_t number = 0; cases < options_.cases_max; ++number) {
            const SeededRoom made = make_seeded_room(rooms, number);
            const oracle::Room literal = oracle_room_of(made.room);
            for (const Dispute& dispute : made.disputes) {
                if (!dispute.missing.empty()) continue;
                ++cases;
                try_dispute(literal,
                            dispute,
                            {.cases = cases, .seen_in = "room " + std::to_string(number)},
                            algorithm);
            }
        }
    }

private:
    void try_dispute(const oracle::Room& literal,
                     const Dispute& dispute,
                     const Kill& kill,
                     StateResolution algorithm) {
        std::optional<Answer> expected;
        for (PlantedRow& row : rows_) {
            std::optional<Kill>& found = kill_of(row, algorithm);
            if (found && row.by_trace) continue;
            if (!expected) expected = ask_oracle(literal, dispute.states);
            if (!expected->has_conflict) return;
            oracle::Options options;
            options.deviations.insert(row.deviation.deviation);
            const Answer planted = ask_oracle(literal, dispute.states, options);
            if (!found && planted.state != expected->state) found = kill;
            if (row.by_trace) continue;
            if (const auto difference = find_difference(planted, *expected)) {
                row.by_trace = {.cases = kill.cases,
                                .seen_in = summary_of(*difference) + ", " + kill.seen_in + " of " +
                                           std::string(name_of(algorithm))};
            }
        }
    }

    const PlantedOptions& options_;
    std::vector<PlantedRow>& rows_;
};

}  // namespace

namespace {

std::optional<Kill> try_vectors(oracle::Deviation deviation,
                                std::span<const oracle::ResolutionCase> vectors) {
    oracle::Options options;
    options.deviations.insert(deviation);
    std::uint64_t cases = 0;
    for (const oracle::ResolutionCase& vector : vectors) {
        ++cases;
        const auto planted = oracle::resolve(vector.make_room(), vector.state_sets, options);
        if (oracle::list_event_ids(planted.state) == vector.resolved) continue;
        return Kill{.cases = cases, .seen_in = vector.name};
    }
    return std::nullopt;
}

}  // namespace

std::vector<PlantedRow> try_planted_deviations(const PlantedOptions& options,
                                               std::span<const oracle::ResolutionCase> vectors) {
    std::vector<PlantedRow> rows;
    for (const oracle::DeviationRow& deviation : oracle::deviation_table())
        rows.push_back(
            {.deviation = deviation, .by_vector = try_vectors(deviation.deviation, vectors)});
    Plantation plantation(options, rows);
    plantation.run(StateResolution::V2);
    plantation.run(StateResolution::V2_1);
    return rows;
}

std::ostream& operator<<(std::ostream& out, const std::vector<PlantedRow>& rows) {
    const auto cases_of = [](const std::optional<Kill>& kill) {
        return kill ? std::to_string(kill->cases) : std::string("-");
    };
    out << "| planted deviation | vectors: killed by | after | random v2: after | random v2.1: "
           "after "
           "| first seen in |\n|---|---|---|---|---|---|\n";
    for (const PlantedRow& row : rows) {
        out << "| " << row.deviation.sentence << " | "
            << (row.by_vector ? row.by_vector->seen_in : "-") << " | " << cases_of(row.by_vector)
            << " | " << cases_of(row.v2) << " | " << cases_of(row.v2_1) << " | "
            << (row.by_trace ? row.by_trace->seen_in : "nothing") << " |\n";
    }
    return out;
}

}  // namespace matrix::comparison
