// Faults of links between hosts.
//
// Each is a trouble of the network while it lasts. Without `from` or `to` every host is meant, also
// Byzantine ones.

#include <algorithm>
#include <array>
#include <utility>

#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

using Kind = LinkTrouble::Kind;

constexpr std::int64_t kOneInMost = 1000;
constexpr std::int64_t kLatencyMsMost = 60'000;
constexpr std::int64_t kRetryAfterMsMost = 600'000;

constexpr Parameter kFrom{.name = "from",
                          .kind = ParameterKind::Servers,
                          .meaning = "Who sends; default: everybody.",
                          .is_optional = true};
constexpr Parameter kTo{.name = "to",
                        .kind = ParameterKind::Servers,
                        .meaning = "Who receives; default: everybody.",
                        .is_optional = true};
constexpr Parameter kOneIn{.name = "one_in",
                           .kind = ParameterKind::Integer,
                           .meaning = "How seldom it happens: once in so many times.",
                           .least = 1,
                           .most = kOneInMost};

// --- From steps to troubles ----------------------------------------------------------------------

std::function<bool(int, int)> make_concerns(const World& world, const Step& step) {
    const auto is_among = [](const std::vector<int>& hosts, int host) {
        return hosts.empty() || std::ranges::find(hosts, host) != hosts.end();
    };
    return
        [from = hosts_of(world, step, "from"), to = hosts_of(world, step, "to"), is_among](
            int sender, int receiver) { return is_among(from, sender) && is_among(to, receiver); };
}

std::uint64_t one_in_of(const Step& step) {
    return step.has("one_in") ? static_cast<std::uint64_t>(step.integer("one_in")) : 1;
}

LinkTrouble partition_of(const World& world, const Step& step) {
    std::vector<std::vector<int>> groups;
    for (const json::Value& group : *step.arguments.find("groups")->if_array()) {
        groups.emplace_back();
        for (const json::Value& server : *group.if_array())
            groups.back().push_back(world.server_number(*server.if_string()));
    }
    return make_partition(groups);
}

LinkTrouble latency_of(const World& world, const Step& step) {
    LinkTrouble trouble{.kind = Kind::Latency, .concerns = make_concerns(world, step)};
    trouble.latency = world.scenario().link;
    trouble.latency.latency_us_min = step.integer("least_ms") * 1000;
    trouble.latency.latency_us_max =
        std::max(step.integer("least_ms"), step.integer("most_ms")) * 1000;
    const auto shape = std::ranges::find(kLatencyShapes, step.text("shape"));
    trouble.latency.shape = static_cast<LatencyShape>(shape - kLatencyShapes.begin());
    return trouble;
}

// As proxies in front of servers answer; the errcode is for 429 alone.
LinkTrouble http_errors_of(const World& world, const Step& step) {
    LinkTrouble trouble{
        .kind = Kind::Proxy, .concerns = make_concerns(world, step), .one_in = one_in_of(step)};
    trouble.answer.status = std::stoi(step.text("status"));
    trouble.answer.body = "<html>a proxy's page</html>";
    if (trouble.answer.status == 429) {
        const std::int64_t retry_after_ms =
            step.has("retry_after_ms") ? step.integer("retry_after_ms") : 0;
        const json::Object body{{"errcode", "M_LIMIT_EXCEEDED"},
                                {"error", "too many requests"},
                                {"retry_after_ms", retry_after_ms}};
        trouble.answer.headers.add("Retry-After", std::to_string(retry_after_ms / 1000));
        trouble.answer.body = json::write(body);
    }
    return trouble;
}

LinkTrouble plain_trouble_of(const World& world, const Step& step, Kind kind) {
    return {.kind = kind, .concerns = make_concerns(world, step), .one_in = one_in_of(step)};
}

std::optional<LinkTrouble> find_trouble_of(const World& world, const Step& step) {
    constexpr std::array<std::pair<std::string_view, Kind>, 5> kPlain = {
        {{"one_way", Kind::Cut},
         {"loss", Kind::Loss},
         {"reset", Kind::Reset},
         {"duplicate", Kind::Duplicate},
         {"clog", Kind::Clog}}};
    for (const auto& [verb, kind] : kPlain) {
        if (step.verb == verb) return plain_trouble_of(world, step, kind);
    }
    if (step.verb == "partition") return partition_of(world, step);
    if (step.verb == "latency") return latency_of(world, step);
    if (step.verb == "http_errors") return http_errors_of(world, step);
    if (step.verb == "reorder") {
        LinkTrouble trouble = plain_trouble_of(world, step, Kind::Reorder);
        trouble.amount = step.integer("by_ms") * 1000;
        return trouble;
    }
    if (step.verb == "slow_bodies") {
        LinkTrouble trouble = plain_trouble_of(world, step, Kind::SlowBody);
        trouble.amount = step.integer("bytes_per_s");
        return trouble;
    }
    return std::nullopt;
}

Task<void> begin_link_fault(World* world, Step) {
    refresh_network(*world);
    co_return;
}

void end_link_fault(World& world, const Step&) {
    refresh_network(world);
}

// --- The table -----------------------------------------------------------------------------------

constexpr std::array kPartitionParameters = {
    Parameter{"groups",
              ParameterKind::Groups,
              "Who still reaches whom; a server in two groups sees both; others are in the first."},
    kForMs,
};
constexpr std::array kDirectionParameters = {
    Parameter{"from", ParameterKind::Servers, "Who sends."},
    Parameter{"to", ParameterKind::Servers, "Who receives."},
    kForMs,
};
constexpr std::array kLinkParameters = {kFrom, kTo, kForMs};
constexpr std::array kSometimesParameters = {kFrom, kTo, kOneIn, kForMs};
constexpr std::array kReorderParameters = {
    kFrom,
    kTo,
    kOneIn,
    Parameter{.name = "by_ms",
              .kind = ParameterKind::Integer,
              .meaning = "By how much it is late at most.",
              .least = 1,
              .most = kLatencyMsMost},
    kForMs,
};
constexpr std::array kLatencyParameters = {
    kFrom,
    kTo,
    Parameter{.name = "shape",
              .kind = ParameterKind::Option,
              .meaning = "How latencies are spread.",
              .options = kLatencyShapes},
    Parameter{.name = "least_ms",
              .kind = ParameterKind::Integer,
              .meaning = "The shortest.",
              .most = kLatencyMsMost},
    Parameter{.name = "most_ms",
              .kind = ParameterKind::Integer,
              .meaning = "The longest; of a long tail: the middle.",
              .most = kLatencyMsMost},
    kForMs,
};
constexpr std::array kSlowParameters = {
    kFrom,
    kTo,
    Parameter{.name = "bytes_per_s",
              .kind = ParameterKind::Integer,
              .meaning = "How fast bodies arrive.",
              .least = 10,
              .most = 1'000'000},
    kForMs,
};
constexpr std::array kHttpErrorParameters = {
    kFrom,
    kTo,
    kOneIn,
    Parameter{.name = "status",
              .kind = ParameterKind::Option,
              .meaning = "What it answers.",
              .options = kProxyStatuses},
    Parameter{.name = "retry_after_ms",
              .kind = ParameterKind::Integer,
              .meaning = "Of 429: when to ask again.",
              .is_optional = true,
              .most = kRetryAfterMsMost},
    kForMs,
};

constexpr Verb link_fault(std::string_view name,
                          std::string_view meaning,
                          std::span<const Parameter> parameters) {
    return {name, VerbKind::Fault, meaning, parameters, begin_link_fault, end_link_fault};
}

constexpr std::array kNetworkFaults = {
    link_fault("partition",
               "Servers without a common group do not reach each other.",
               kPartitionParameters),
    link_fault("one_way", "What these send to those does not arrive.", kDirectionParameters),
    link_fault("loss", "Some messages do not arrive.", kSometimesParameters),
    link_fault("reset",
               "Some connections break, before or after the request was served.",
               kSometimesParameters),
    link_fault("duplicate", "Some requests arrive twice.", kSometimesParameters),
    link_fault("reorder", "Some messages are late, and others overtake them.", kReorderParameters),
    link_fault("latency", "Messages take another time.", kLatencyParameters),
    link_fault(
        "clog", "Messages wait until the end, and then arrive all at once.", kLinkParameters),
    link_fault("slow_bodies", "Bodies arrive slowly.", kSlowParameters),
    link_fault("http_errors",
               "A proxy in front of a server answers some requests in its place.",
               kHttpErrorParameters),
};

}  // namespace

void refresh_network(World& world) {
    std::vector<LinkTrouble> troubles;
    for (const Step* step : world.active_faults()) {
        if (auto trouble = find_trouble_of(world, *step)) troubles.push_back(std::move(*trouble));
    }
    add_name_troubles(world, troubles);
    world.cluster().network().set_troubles(std::move(troubles));
}

std::vector<int> hosts_of(const World& world, const Step& step, std::string_view parameter) {
    std::vector<int> hosts;
    for (const std::string& server : step.list(parameter))
        hosts.push_back(world.server_number(server));
    return hosts;
}

bool is_active_at(const World& world, std::string_view verb, std::string_view server) {
    return std::ranges::any_of(world.active_faults(verb),
                               [&](const Step* step) { return step->text("server") == server; });
}

std::span<const Verb> network_faults() {
    return kNetworkFaults;
}

}  // namespace matrix::simulator
