// What a session finds out about its target before the first test.

#include "conformance/harness/session.h"

namespace matrix::conformance {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kUnauthorized = 401;

std::string text_of(const Response& response) {
    return testing::PrintToString(response);
}

std::string join_words(const std::vector<std::string>& words) {
    std::string joined;
    for (const std::string& word : words)
        joined += (joined.empty() ? "" : ", ") + word;
    return joined;
}

// Where a server's federation API is. Spec: server-server-api, "Resolving server names", without
// SRV records: a target file says `federation_url` where those are needed.
std::string find_federation_url(Target& target, const ServerName& name, ExchangeLog& log) {
    const auto parts = split_server_name(name);
    if (!parts) return {};
    if (parts->port) return "https://" + name.text();
    const std::string by_default = "https://" + parts->host + ":8448";
    if (parts->is_ip_literal) return by_default;
    HttpOptions options = target.http().options();
    options.base_url = "https://" + parts->host;
    HttpClient http(options, log);
    const Response well_known = http.send(
        {.target = "/.well-known/matrix/server", .timeout = milliseconds(2'000), .who = "suite"});
    const ServerName delegated(string_at(well_known.body, {"m.server"}));
    const auto delegated_parts = split_server_name(delegated);
    if (!well_known.is_ok() || !delegated_parts) return by_default;
    return "https://" + delegated.text() + (delegated_parts->port ? "" : ":8448");
}

}  // namespace

void Session::probe_all() {
    probes_.clear();
    using Method = Probe (Session::*)();
    const Method methods[] = {&Session::probe_client_api,
                              &Session::probe_users,
                              &Session::probe_open_registration,
                              &Session::probe_server_name,
                              &Session::probe_federation_out,
                              &Session::probe_federation_in};
    for (const Method method : methods) {
        const auto begin = steady_clock::now();
        Probe probe = (this->*method)();
        probe.duration = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
        probes_.push_back(std::move(probe));
    }
    if (!identity_.name.empty()) {
        target_->set_obstacle(Capability::SeveralPeers, "the peer has a fixed name (--peer-name)");
    }
    static_cast<void>(log_.take());
}

Probe Session::probe_client_api() {
    Probe probe{.name = "client API", .problem = "", .detail = target_->url()};
    if (target_->versions().empty()) {
        probe.problem = "/versions lists none";
    } else {
        probe.detail += ", " + join_words(target_->versions());
    }
    return probe;
}

Probe Session::probe_users() {
    Probe probe{.name = "making users", .problem = "", .detail = ""};
    std::expected<Client, std::string> user = target_->try_make_user("probe");
    if (!user) {
        probe.problem = user.error();
        target_->set_obstacle(Capability::Users, user.error());
        return probe;
    }
    probe_user_ = *std::move(user);
    target_->probe_capabilities(*probe_user_);
    probe.detail = probe_user_->user().text();
    return probe;
}

Probe Session::probe_open_registration() {
    Probe probe{.name = "open registration", .problem = "", .detail = "m.login.dummy"};
    const Response response =
        target_->anonymous().post("/_matrix/client/v3/register", Json::object());
    bool is_open = response.is_ok();
    if (response.status == kUnauthorized && response.at({"flows"}).is_array()) {
        for (const Json& flow : response.at({"flows"})) {
            is_open = is_open || at_path(flow, {"stages"}) == Json::array({"m.login.dummy"});
        }
    }
    if (!is_open) {
        probe.problem = "no flow of m.login.dummy alone: " + text_of(response);
        target_->set_obstacle(Capability::OpenRegistration, probe.problem);
    }
    return probe;
}

Probe Session::probe_server_name() {
    Probe probe{.name = "server name", .problem = "", .detail = ""};
    ServerName name = target_->server_name();
    if (name.empty() && probe_user_) name = probe_user_->user().server();
    if (name.empty()) {
        probe.problem =
            "unknown: it is read from a user's id, or from `server_name` of a target file";
        return probe;
    }
    std::string url = target_->description().federation_url;
    if (url.empty()) url = find_federation_url(*target_, name, log_);
    target_->set_federation(name, url);
    probe.detail = name.text() + " at " + url;
    return probe;
}

Probe Session::probe_federation_out() {
    Probe probe{.name = "federation, suite to server", .problem = "", .detail = ""};
    if (target_->server_name().empty()) {
        probe.problem = "the server's name is unknown";
    } else {
        const Response keys = target_->federation_http().send({.target = "/_matrix/key/v2/server",
                                                               .timeout = options_.probe_deadline,
                                                               .who = "suite"});
        if (!keys.is_ok()) {
            probe.problem = "GET " + target_->federation_http().options().base_url +
                            "/_matrix/key/v2/server: " + text_of(keys);
        }
        const Response version = target_->federation_http().send(
            {.target = "/_matrix/federation/v1/version", .who = "suite"});
        software_ = string_at(version.body, {"server", "name"}) + " " +
                    string_at(version.body, {"server", "version"});
        probe.detail = software_;
    }
    if (!probe.problem.empty()) target_->set_obstacle(Capability::Federation, probe.problem);
    return probe;
}

Probe Session::probe_federation_in() {
    Probe probe{.name = "federation, server to suite", .problem = "", .detail = ""};
    if (!target_->obstacle_to(Capability::Federation).empty()) {
        probe.problem = "not tried, the other direction does not work";
        return probe;
    }
    Peer peer(identity_, *target_, log_);
    if (!peer.failure().empty()) {
        probe.problem = peer.failure();
    } else {
        // A signed request makes the server ask the peer for its keys, whatever it answers.
        const Response response =
            peer.make_join(RoomId("!nowhere:" + target_->server_name().text()), peer.user("probe"));
        const bool is_reached =
            peer.wait_for_request("GET", "/_matrix/key/", milliseconds(0)).has_value();
        if (!is_reached) {
            probe.problem = "the server did not fetch https://" + peer.name().text() +
                            "/_matrix/key/v2/server: it must reach that name, and trust the "
                            "suite's authority ({ca_file} of a target file). It answered " +
                            text_of(response);
        }
        probe.detail = "peers are " + peer.name().text();
    }
    if (!probe.problem.empty()) target_->set_obstacle(Capability::Federation, probe.problem);
    return probe;
}

}  // namespace matrix::conformance
