// Events that the reference server accepts over federation: a peer with real keys joins a room over
// TLS and sends transactions of 50 signed events, one after the other, as the spec has it.

#include <utility>

#include "conformance/harness/peer.h"
#include "tests/bench/gathering.h"

namespace matrix::bench {
namespace {

using conformance::Json;
using conformance::Pdu;
using conformance::Peer;
using conformance::PeerRoom;
using conformance::Response;

constexpr int kPdusPerTransaction = 50;

/// A room of the server, which a user of a peer has joined.
class PeerInRoom {
public:
    static std::expected<std::unique_ptr<PeerInRoom>, Problem> open() {
        auto identity = conformance::make_peer_identity("127.0.0.1:0", "");
        auto server = LiveServer::start(1, identity.authority);
        if (!server) return std::unexpected(server.error());
        try {
            return std::make_unique<PeerInRoom>(std::move(identity), *std::move(server));
        } catch (const testing::AssertionException& failure) {  // How the harness ends a test.
            return std::unexpected(failure.what());
        }
    }

    PeerInRoom(conformance::PeerIdentity identity, std::unique_ptr<LiveServer> server)
        : identity_(std::move(identity)),
          server_(std::move(server)),
          target_({.url = server_->url(),
                   .server_name = server_->name().text(),
                   .federation_url = server_->federation_url(),
                   .ca_file = server_->authority_file()},
                  log_),
          peer_(identity_, target_, log_),
          alice_(target_.http(), {}, server_->access_tokens().front(), {}),
          room_(&peer_.join(alice_.create_room({{"preset", "public_chat"}}), "eve")) {}

    /// A signed request with the next events of the room.
    conformance::HttpRequest make_transaction() {
        std::vector<Pdu> pdus;
        for (int pdu = 0; pdu < kPdusPerTransaction; ++pdu) {
            pdus.push_back(peer_.append(*room_,
                                        peer_.user("eve"),
                                        "m.room.message",
                                        {{"msgtype", "m.text"}, {"body", "hello"}}));
        }
        last_event_ = pdus.back().id();
        const Json body = {{"origin", peer_.name().text()},
                           {"origin_server_ts", pdus.back().json["origin_server_ts"]},
                           {"pdus", conformance::to_json(pdus)}};
        conformance::HttpRequest request{
            .method = "PUT",
            .target = "/_matrix/federation/v1/send/" + std::to_string(++transactions_)};
        request.headers = {{"Authorization", peer_.authorize("PUT", request.target, &body)}};
        request.body = body.dump();
        return request;
    }

    const LiveServer& server() const { return *server_; }

    Response send(conformance::HttpRequest request) {
        return peer_.send_unsigned(std::move(request));
    }

    /// Empty if the last event is there for a user of the room, as one that was accepted.
    Problem check_last_event() {
        const Response response =
            alice_.get("/_matrix/client/v3/rooms/" + conformance::escape(room_->id().view()) +
                       "/event/" + conformance::escape(last_event_.view()));
        return response.is_ok() ? Problem() : testing::PrintToString(response);
    }

private:
    conformance::ExchangeLog log_;
    conformance::PeerIdentity identity_;
    std::unique_ptr<LiveServer> server_;
    conformance::Target target_;
    Peer peer_;
    conformance::Client alice_;
    PeerRoom* room_;
    EventId last_event_;
    int transactions_ = 0;
};

Problem problem_of_transaction(const Response& response) {
    const Json& results = response.at({"pdus"});
    if (!response.is_ok() || results.size() != kPdusPerTransaction) {
        return testing::PrintToString(response);
    }
    for (const Json& result : results) {
        if (!result.is_object() || result.contains("error")) return result.dump();
    }
    return {};
}

// One iteration is one transaction; what the peer does to make it is not timed.
void accept_events_of_a_peer(benchmark::State& state) {
    const auto peer = PeerInRoom::open();
    if (!peer) return state.SkipWithError(peer.error().c_str());
    const Usage before = (*peer)->server().usage();
    for (auto _ : state) {
        state.PauseTiming();
        conformance::HttpRequest request = (*peer)->make_transaction();
        state.ResumeTiming();
        const Response response = (*peer)->send(std::move(request));
        state.PauseTiming();
        const Problem problem = problem_of_transaction(response);
        if (!problem.empty()) {
            state.SkipWithError(problem.c_str());
            break;
        }
        state.ResumeTiming();
    }
    if (state.error_occurred()) return;
    if (const Problem problem = (*peer)->check_last_event(); !problem.empty()) {
        return state.SkipWithError(problem.c_str());
    }
    state.SetItemsProcessed(state.iterations() * kPdusPerTransaction);
    report_usage(state,
                 before,
                 (*peer)->server().usage(),
                 static_cast<double>(state.iterations() * kPdusPerTransaction));
}
BENCHMARK(accept_events_of_a_peer)
    ->Name("engine/accept_events_of_a_peer")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace matrix::bench
