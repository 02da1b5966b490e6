#include "refserver/engine/peers/well_known.h"

#include <algorithm>
#include <set>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/freshness.h"
#include "refserver/protocol/json.h"

namespace matrix::engine {

using runtime::Task;

namespace {

constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kHostsMax = 4096;

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Those that say "not now".
bool is_temporary(int status) {
    return status == 429 || status >= 500;
}

}  // namespace

Task<WellKnown::Delegation> WellKnown::find_delegation(std::string host) {
    Known& cached = known_[host];
    cached.last_use = ++uses_;
    const runtime::Timestamp now = services_.clock.monotonic_now();
    if (now < cached.good_until) {
        SIM_SOMETIMES("a delegation is known from before");
        co_return Delegation{cached.name, cached.good_until - now};
    }
    if (known_.size() > kHostsMax) forget_least_used();

    const Outcome outcome = co_await fetch(host);
    Known& known = known_[host];
    note(known, host, outcome);
    co_return Delegation{known.name, known.good_until - services_.clock.monotonic_now()};
}

void WellKnown::forget_least_used() {
    const auto victim = std::ranges::min_element(
        known_, {}, [](const auto& entry) { return entry.second.last_use; });
    known_.erase(victim);
}

// --- Asking --------------------------------------------------------------------------------------

// One URL, over the addresses of its host in their order.
Task<runtime::Network::Result> WellKnown::ask(HttpsUrl url, runtime::Timestamp deadline) {
    const FoundPlaces places = co_await services_.hosts.find(url.host, kHttpsPort);
    if (!places) co_return std::unexpected(places.error());
    runtime::Network::Result answer = std::unexpected(
        runtime::NetworkError{runtime::NetworkErrorKind::Timeout, "no time was left"});
    for (const runtime::Destination& destination : places->destinations) {
        const runtime::Duration left = deadline - services_.clock.monotonic_now();
        if (left.value <= 0) break;
        runtime::OutgoingRequest request;
        request.destination = destination;
        request.timeout = std::min(left, kWellKnownTryTimeout);
        request.body_bytes_max = kWellKnownBytesMax;
        request.message.method = "GET";
        request.message.target = url.target;
        request.message.headers.add("Accept", "application/json");
        answer = co_await services_.network.fetch(std::move(request));
        if (answer || !is_before_sending(answer.error().kind)) break;
    }
    co_return answer;
}

Task<WellKnown::Outcome> WellKnown::fetch(std::string host) {
    ++services_.counters.well_known_fetches;
    const runtime::Timestamp deadline{
        (services_.clock.monotonic_now().value + kWellKnownTimeout.value)};
    HttpsUrl url{.host = {.host = host, .port = std::nullopt, .is_ip_literal = false},
                 .target = "/.well-known/matrix/server"};
    std::set<std::string> visited;
    for (int redirects = 0;; ++redirects) {
        if (!visited.insert(url.text()).second) {
            SIM_SOMETIMES("redirects go in a circle");
            co_return std::unexpected(Failure{"redirects that go in a circle", true});
        }
        const runtime::Network::Result answer = co_await ask(url, deadline);
        if (!answer) {
            co_return std::unexpected(Failure{
                std::string(name_of(answer.error().kind)) + ": " + answer.error().what, false});
        }
        if (!is_redirect(answer->status)) co_return read(*answer);
        if (redirects == kWellKnownRedirectsMax) {
            SIM_SOMETIMES("a well-known file has too many redirects");
            co_return std::unexpected(Failure{"too many redirects", true});
        }
        const std::string* location = answer->headers.find("Location");
        auto next = resolve_location(url, location ? *location : "");
        if (!location || !next) {
            co_return std::unexpected(
                Failure{"a redirect: Location: expected " + (next ? "a URL" : next.error()), true});
        }
        SIM_SOMETIMES("a well-known file is redirected");
        url = *std::move(next);
    }
}

// Spec: "should assume that the body is JSON regardless of type".
WellKnown::Outcome WellKnown::read(const runtime::HttpResponse& response) const {
    SIM_SOMETIMES(response.status != 200 && !is_temporary(response.status),
                  "a host has no well-known file");
    SIM_SOMETIMES(is_temporary(response.status), "a host does not give its well-known file now");
    if (response.status != 200) {
        return std::unexpected(
            Failure{"status " + std::to_string(response.status), !is_temporary(response.status)});
    }
    const auto body =
        json::parse(response.body, json::Numbers::Any, {.bytes_max = kWellKnownBytesMax});
    if (!body) {
        SIM_SOMETIMES("a well-known file is no JSON");
        return std::unexpected(Failure{"no JSON: " + body.error().what, true});
    }
    const std::string* text = body->find_string("m.server");
    if (!text) return std::unexpected(Failure{"m.server: expected a string", true});
    auto name = parse_server_name(*text);
    if (!name) {
        SIM_SOMETIMES("a well-known file delegates to no server name");
        return std::unexpected(Failure{"m.server: expected " + name.error().what, true});
    }
    const runtime::Duration lifetime =
        find_lifetime(response.headers, services_.clock.now()).value_or(kWellKnownLifetimeDefault);
    return Document{*std::move(name),
                    std::clamp(lifetime, kWellKnownLifetimeLeast, kWellKnownLifetimeMost)};
}

// --- Keeping -------------------------------------------------------------------------------------

// UNSPECIFIED: for how long errors are kept. We chose an hour for an answer that is no delegation,
// because it is what most servers have; a minute, doubled up to an hour, when there was no answer;
// and to believe the last delegation for as long as it could have been kept, because a web site
// that is away for an hour is no reason to look for the server elsewhere.
void WellKnown::note(Known& known, const std::string& host, const Outcome& outcome) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    if (outcome) {
        known.name = outcome->name;
        known.name_given_at = now;
        known.good_until = now + outcome->lifetime;
        known.failures = 0;
        return;
    }
    ++services_.counters.well_known_failures;
    const Failure& failure = outcome.error();
    services_.log.info("discovery", "well_known_failed server=" + host + " why=" + failure.what);
    runtime::Duration lifetime = kWellKnownErrorLifetimeMost;
    if (failure.is_answer) {
        known.name.reset();
        known.failures = 0;
    } else {
        SIM_SOMETIMES(known.name.has_value(),
                      "an old delegation is believed while its host is away");
        const bool is_too_old = now - known.name_given_at >= kWellKnownLifetimeMost;
        if (is_too_old) known.name.reset();
        const int doublings = std::min(known.failures++, 16);
        lifetime = std::min(runtime::Duration{kWellKnownErrorLifetimeLeast.value << doublings},
                            kWellKnownErrorLifetimeMost);
    }
    // Up to a tenth less, so that what failed together is not asked together again.
    const auto tenth = static_cast<std::uint64_t>(lifetime.value / 10);
    lifetime.value -= static_cast<std::int64_t>(services_.random.below(tenth + 1));
    known.good_until = now + lifetime;
}

}  // namespace matrix::engine
