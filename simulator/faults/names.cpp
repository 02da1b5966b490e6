// Faults of finding a server: DNS, well-known documents, certificates.
//
// A server that has found another asks again when what it found is old, or when it fails to reach
// it: these faults bite late, and may last longer than they were active (a document that leads
// nowhere is believed for a minute).

#include <algorithm>
#include <array>

#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

using Kind = LinkTrouble::Kind;

constexpr std::string_view kWellKnownTarget = "/.well-known/matrix/server";
constexpr std::string_view kNowhereDocument = R"({"m.server":"nowhere.test:8448"})";

// --- DNS -----------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 2> kDnsFailures = {"no_answer", "no_such_name"};
constexpr Parameter kServers{"servers", ParameterKind::Servers, "Whose names."};
constexpr std::array kDnsParameters = {
    kServers,
    Parameter{.name = "answer",
              .kind = ParameterKind::Option,
              .meaning = "What DNS says.",
              .options = kDnsFailures},
    kForMs,
};

void refresh_dns(World& world) {
    SimulatedDns::Broken broken;
    for (const Step* step : world.active_faults("dns_failure")) {
        for (const std::string& server : step->list("servers")) {
            broken[server] = step->text("answer") == "no_answer"
                                 ? runtime::ResolveErrorKind::Failed
                                 : runtime::ResolveErrorKind::NotFound;
        }
    }
    world.cluster().dns().set_broken(std::move(broken));
}

Task<void> begin_dns_failure(World* world, Step) {
    refresh_dns(*world);
    co_return;
}
void end_dns_failure(World& world, const Step&) {
    refresh_dns(world);
}

// --- Well-known documents and certificates -------------------------------------------------------

constexpr std::array<std::string_view, 4> kWellKnownFailures = {
    "no_answer", "error", "garbage", "nowhere"};
constexpr std::array kWellKnownParameters = {
    kServers,
    Parameter{
        .name = "answer",
        .kind = ParameterKind::Option,
        .meaning = "What is served: nothing, status 500, no JSON, or a name that is nobody's.",
        .options = kWellKnownFailures},
    kForMs,
};
constexpr std::array kCertificateParameters = {kServers, kForMs};

std::function<bool(int, int)> is_to(std::vector<int> servers) {
    return [servers = std::move(servers)](int, int to) {
        return std::ranges::find(servers, to) != servers.end();
    };
}

LinkTrouble well_known_trouble_of(const World& world, const Step& step) {
    const std::string& answer = step.text("answer");
    LinkTrouble trouble{.kind = answer == "no_answer" ? Kind::Cut : Kind::Proxy,
                        .concerns = is_to(hosts_of(world, step, "servers")),
                        .target = std::string(kWellKnownTarget)};
    if (answer == "error") trouble.answer = {500, {}, "an error"};
    if (answer == "garbage") trouble.answer = {200, {}, "no JSON"};
    if (answer == "nowhere") {
        // As short as it is believed at all.
        trouble.answer = {200, {{"Cache-Control", "max-age=0"}}, std::string(kNowhereDocument)};
    }
    return trouble;
}

LinkTrouble certificate_trouble_of(const World& world, const Step& step) {
    return {.kind = Kind::Refuse,
            .concerns = is_to(hosts_of(world, step, "servers")),
            .error = runtime::NetworkErrorKind::Tls};
}

Task<void> begin_name_fault(World* world, Step) {
    refresh_network(*world);
    co_return;
}
void end_name_fault(World& world, const Step&) {
    refresh_network(world);
}

constexpr std::array kNameFaults = {
    Verb{"dns_failure",
         VerbKind::Fault,
         "DNS knows nothing of servers' names.",
         kDnsParameters,
         begin_dns_failure,
         end_dns_failure},
    Verb{"well_known_failure",
         VerbKind::Fault,
         "Servers' well-known documents are wrong.",
         kWellKnownParameters,
         begin_name_fault,
         end_name_fault},
    Verb{"certificate_failure",
         VerbKind::Fault,
         "Servers' certificates are not accepted.",
         kCertificateParameters,
         begin_name_fault,
         end_name_fault},
};

}  // namespace

void add_name_troubles(World& world, std::vector<LinkTrouble>& troubles) {
    for (const Step* step : world.active_faults("well_known_failure"))
        troubles.push_back(well_known_trouble_of(world, *step));
    for (const Step* step : world.active_faults("certificate_failure"))
        troubles.push_back(certificate_trouble_of(world, *step));
}

std::span<const Verb> name_faults() {
    return kNameFaults;
}

}  // namespace matrix::simulator
