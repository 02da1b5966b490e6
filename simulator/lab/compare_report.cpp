// The comparison as tables in Markdown.

#include <array>
#include <cmath>
#include <cstdio>
#include <set>

#include "refserver/versions/room_version_file.h"
#include "simulator/lab/compare.h"
#include "simulator/lab/server_world.h"
#include "simulator/lab/statistics.h"

namespace matrix::lab {
namespace {

// Three digits that mean something.
std::string tell(double value) {
    std::array<char, 32> text{};
    const double size = std::abs(value);
    const int decimals = size == 0 ? 0 : size < 1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0;
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

std::string tell(const Estimate& estimate, double scale) {
    return tell(estimate.value * scale) + " (" + tell(estimate.interval.low * scale) + " to " +
           tell(estimate.interval.high * scale) + ')';
}

/// Of one world: how often something happened, out of what.
using CountWorld = std::function<Count(const WorldFigures&)>;

std::vector<Count> count_all(const Side& side, const CountWorld& count) {
    std::vector<Count> counts;
    for (const WorldFigures& world : side.worlds)
        counts.push_back(count(world));
    return counts;
}

std::string difference_cell(const Comparison& comparison, const CountWorld& count, double scale) {
    const Estimate difference =
        estimate_difference(count_all(comparison.a, count), count_all(comparison.b, count));
    const bool is_clear = !difference.interval.has(0);
    return (is_clear ? "**" : "") + tell(difference, scale) + (is_clear ? "**" : "");
}

// A rate with the intervals of the bootstrap.
std::string rate_row(const Comparison& comparison,
                     const std::string& name,
                     const CountWorld& count,
                     double scale = 1) {
    return "| " + name + " | " + tell(estimate_rate(count_all(comparison.a, count)), scale) +
           " | " + tell(estimate_rate(count_all(comparison.b, count)), scale) + " | " +
           difference_cell(comparison, count, scale) + " |\n";
}

// How many of a hundred worlds are so, with Wilson's interval.
std::string share_row(const Comparison& comparison,
                      const std::string& name,
                      const std::function<bool(const WorldFigures&)>& is_so) {
    const auto share_of = [&](const Side& side) {
        std::uint64_t hits = 0;
        for (const WorldFigures& world : side.worlds)
            hits += is_so(world) ? 1 : 0;
        return tell(estimate_proportion(hits, side.worlds.size()), 100);
    };
    const CountWorld count = [&](const WorldFigures& world) {
        return Count{is_so(world) ? 1.0 : 0.0, 1};
    };
    return "| " + name + " | " + share_of(comparison.a) + " | " + share_of(comparison.b) + " | " +
           difference_cell(comparison, count, 100) + " |\n";
}

// A mean over worlds with Student's interval.
std::string mean_row(const Comparison& comparison,
                     const std::string& name,
                     const std::function<double(const WorldFigures&)>& measure) {
    const auto mean_of = [&](const Side& side) {
        std::vector<double> values;
        for (const WorldFigures& world : side.worlds)
            values.push_back(measure(world));
        return tell(estimate_mean(values), 1);
    };
    const CountWorld count = [&](const WorldFigures& world) { return Count{measure(world), 1}; };
    return "| " + name + " | " + mean_of(comparison.a) + " | " + mean_of(comparison.b) + " | " +
           difference_cell(comparison, count, 1) + " |\n";
}

std::string head(const Comparison& comparison, const std::string& first) {
    return "| " + first + " | " + std::string(comparison.options.a->version) + " | " +
           std::string(comparison.options.b->version) + " | difference |\n|---|---|---|---|\n";
}

double as_double(std::uint64_t count) {
    return static_cast<double>(count);
}

std::uint64_t with_reason(const WorldFigures& world) {
    std::uint64_t count = 0;
    for (const std::uint64_t of_class : world.taken_with_reason)
        count += of_class;
    return count;
}

std::string write_resets(const Comparison& comparison) {
    constexpr double kThousand = 1'000;
    std::string text = head(comparison, "an honest server was taken back to an older state");
    text += share_row(comparison, "worlds in a hundred with a reset", [](const auto& world) {
        return world.reset_count() > 0;
    });
    text += rate_row(
        comparison,
        "resets per 1,000 resolutions",
        [](const auto& world) {
            return Count{as_double(world.reset_count()), as_double(world.resolutions)};
        },
        kThousand);
    for (std::size_t place = 0; place < kKeyClasses; ++place) {
        text += rate_row(
            comparison,
            "- " + std::string(name_of(static_cast<KeyClass>(place))),
            [place](const auto& world) {
                return Count{as_double(world.resets[place]), as_double(world.resolutions)};
            },
            kThousand);
    }
    return text + rate_row(
                      comparison,
                      "taken back with reason, per 1,000",
                      [](const auto& world) {
                          return Count{as_double(with_reason(world)), as_double(world.resolutions)};
                      },
                      kThousand);
}

std::string write_rest(const Comparison& comparison) {
    constexpr double kMsPerSecond = 1'000;
    std::string text = head(comparison, "servers, and what it costs");
    text += share_row(comparison,
                      "worlds in a hundred where servers with the same events had different states",
                      [](const auto& world) { return world.split_ms > 0; });
    text += mean_row(comparison, "- for how long, virtual s per world", [](const auto& world) {
        return static_cast<double>(world.split_ms) / kMsPerSecond;
    });
    text += share_row(comparison, "- still so at the end", [](const auto& world) {
        return world.is_split_at_end;
    });
    text += mean_row(
        comparison,
        "servers had different states, with events on their way, virtual s per world",
        [](const auto& world) { return static_cast<double>(world.apart_ms) / kMsPerSecond; });
    text += mean_row(comparison, "resolutions per world", [](const auto& world) {
        return as_double(world.resolutions);
    });
    text += rate_row(comparison, "events in conflict per resolution", [](const auto& world) {
        return Count{as_double(world.conflicted_events), as_double(world.resolutions)};
    });
    if (!comparison.options.stopwatch) return text;
    constexpr double kNsPerMs = 1'000'000;
    return text + rate_row(comparison, "real ms per resolution", [](const auto& world) {
               return Count{static_cast<double>(world.resolving_ns) / kNsPerMs,
                            as_double(world.resolutions)};
           });
}

using Refusals = std::map<std::string, std::uint64_t> WorldFigures::*;

// What is rare under both versions makes one row.
constexpr double kRarePerThousand = 0.5;

double refusal_rate(const Side& side, Refusals refusals, const std::string& rule) {
    std::uint64_t refused = 0;
    std::uint64_t events = 0;
    for (const WorldFigures& world : side.worlds) {
        const auto found = (world.*refusals).find(rule);
        if (found != (world.*refusals).end()) refused += found->second;
        events += world.events;
    }
    return events == 0 ? 0 : 1'000 * as_double(refused) / as_double(events);
}

// Rules, and last, if there are any, all rare ones together.
std::vector<std::set<std::string>> group_rules(const Comparison& comparison, Refusals refusals) {
    std::set<std::string> all;
    for (const Side* side : {&comparison.a, &comparison.b}) {
        for (const WorldFigures& world : side->worlds) {
            for (const auto& [rule, count] : world.*refusals)
                all.insert(rule);
        }
    }
    std::vector<std::set<std::string>> groups;
    std::set<std::string> rare;
    for (const std::string& rule : all) {
        const bool is_rare = refusal_rate(comparison.a, refusals, rule) < kRarePerThousand &&
                             refusal_rate(comparison.b, refusals, rule) < kRarePerThousand;
        if (is_rare) {
            rare.insert(rule);
        } else {
            groups.push_back({rule});
        }
    }
    if (!rare.empty()) groups.push_back(std::move(rare));
    return groups;
}

std::string write_refusals(const Comparison& comparison) {
    std::string text = head(comparison, "events refused by rule, per 1,000 received");
    const std::pair<std::string, Refusals> stages[] = {
        {"rejected by the state before, ", &WorldFigures::rejections},
        {"soft-failed by the current state, ", &WorldFigures::soft_failures}};
    for (const auto& [stage, refusals] : stages) {
        for (const std::set<std::string>& rules : group_rules(comparison, refusals)) {
            const auto count = [&](const WorldFigures& world) {
                std::uint64_t refused = 0;
                for (const auto& [rule, times] : world.*refusals)
                    refused += rules.contains(rule) ? times : 0;
                return Count{as_double(refused), as_double(world.events)};
            };
            const std::string name = rules.size() == 1 ? *rules.begin() : "rarer rules";
            text += rate_row(comparison, stage + name, count, 1'000);
        }
    }
    return text;
}

std::string write_repairs(const Side& side, const RoomRules& own, const RoomRules& other) {
    std::map<std::string, std::uint64_t> repairs;
    for (const WorldFigures& world : side.worlds) {
        for (const auto& [name, count] : world.repairs)
            repairs[name] += count;
    }
    std::string text;
    for (const auto& [name, count] : repairs)
        text += "| " + name + " | " + std::to_string(count) + " |\n";
    if (text.empty()) return {};
    return "| a resolution under " + std::string(own.version) +
           " would have reset nothing with, of the steps of " + std::string(other.version) +
           " | resolutions |\n|---|---|\n" + text + '\n';
}

std::string tell_worlds(const CompareOptions& options) {
    if (options.worlds == Worlds::Servers) {
        return "of " + std::to_string(kWholeServers) + " whole servers for " +
               std::to_string(kWholeServersMinutes) + " virtual minutes";
    }
    if (options.wrong_answers == 0) return "in which all servers know the state";
    return "in each of which a server is told a wrong state " +
           std::to_string(options.wrong_answers) +
           (options.wrong_answers == 1 ? " time" : " times");
}

}  // namespace

std::string write_report(const Comparison& comparison, const std::string& command) {
    const CompareOptions& options = comparison.options;
    const std::uint64_t worlds = options.last_seed - options.first_seed + 1;
    std::string text = "`" + command + "`\n\n";
    text +=
        std::to_string(worlds) + " worlds, " + tell_worlds(options) + ", under " +
        versions::describe(*options.a) + " and under " + versions::describe(*options.b) +
        ". In brackets intervals of 95 % confidence; a difference whose interval does not have 0 "
        "is bold.\n\n";
    text += write_resets(comparison) + '\n' + write_rest(comparison) + '\n' +
            write_refusals(comparison) + '\n';
    text += write_repairs(comparison.a, *options.a, *options.b);
    text += write_repairs(comparison.b, *options.b, *options.a);
    return text;
}

}  // namespace matrix::lab
