// The policy server that a room may use: it signs the events that it recommends.
//
// A refused event of ours is not sent; one that was received is soft-failed.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers

#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/policy_signer.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

std::optional<PolicyServer> Room::Data::policy_server() {
    const EventId* event_id = current.find("m.room.policy", "");
    const EventPtr event = event_id ? services.events.find_event(*event_id) : nullptr;
    auto policy = event ? parse_policy_server(*event) : std::nullopt;
    // Nobody is made a policy server against their will.
    if (!policy || !joined_servers().contains(policy->via)) return std::nullopt;
    return policy;
}

bool Room::Data::lacks_policy_signature(const Event& event) {
    if (!needs_policy_signature(event)) return false;
    const auto policy = policy_server();
    return policy && !has_policy_signature(event.parse_text(), *rules, *policy, services.verifier);
}

Task<Result<Event>> Room::Data::ask_policy_server(Event event) {
    const auto policy = policy_server();
    if (!policy || !lacks_policy_signature(event)) co_return event;
    json::Object pdu = event.parse_text();
    Result<json::Object> signatures;
    if (policy->via != services.server_name) {
        signatures = co_await services.federation.ask_policy_server(policy->via, pdu);
    } else if (services.policy_signer) {
        signatures = services.policy_signer->sign(event);
    } else {
        signatures = forbidden("the room's policy server is this one, which signs no events");
    }
    if (!signatures) {
        SIM_SOMETIMES("the policy server refuses to sign an event");
        services.log.write("policy_refused",
                           {{"server", policy->via.view()},
                            {"room", id.view()},
                            {"event", event.id.view()},
                            {"why", signatures.error().message}});
        co_return std::unexpected(std::move(signatures).error());
    }
    add_policy_signature(pdu, *signatures, *policy);
    if (!has_policy_signature(pdu, *rules, *policy, services.verifier)) {
        co_return bad_gateway("the policy server " + policy->via.text() +
                              " gave no signature that the room's m.room.policy verifies");
    }
    auto recommended = parse_event(pdu, *rules);
    if (!recommended) co_return std::unexpected(error_of(recommended.error()));
    SIM_SOMETIMES("the policy server signs an event");
    co_return *std::move(recommended);
}

// UNSPECIFIED: whether an event that was soft-failed because the policy server did not answer is
// asked for again. We do not: what cites it is shown, and others ask for themselves.
Judgement Room::Data::judge_by_policy(const Event& event) {
    if (!lacks_policy_signature(event)) return {};
    SIM_SOMETIMES("an event is soft-failed for want of the policy server's signature");
    return {EventStatus::SoftFailed,
            {"check 7", "the room's policy server has not signed the event", {}}};
}

Task<Result<Event>> Room::ask_policy_server(Event event) {
    const RoomPtr self = shared_from_this();
    CO_RETURN_IF_ERROR(data().check_is_stored());
    co_return co_await data_->ask_policy_server(std::move(event));
}

Task<Result<StoredEvent>> Room::submit(NewEvent new_event) {
    const RoomPtr self = shared_from_this();
    co_await data().prepare_resolution(data_->extremities);
    ASSIGN_OR_CO_RETURN(const EventTemplate made, make_template(new_event));
    ASSIGN_OR_CO_RETURN(Event event, sign(made));
    if (data_->lacks_policy_signature(event)) {
        // What the rules refuse is nobody's to recommend.
        CO_RETURN_IF_ERROR(check_template(made));
        ASSIGN_OR_CO_RETURN(event, co_await data_->ask_policy_server(std::move(event)));
    }
    co_return accept_own(std::move(event));
}

}  // namespace matrix::engine
