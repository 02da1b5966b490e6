// A server of which only what the test says exists: it answers every request with a function.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "refserver/protocol/x_matrix.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {

struct FakePeer {
    FakePeer(TestWorld& world, const std::string& name_) : name(name_), key(name_) {
        ++world.hosts;
        world.network.add_host(
            name_,
            [this](runtime::HttpRequest request, runtime::Responder respond) {
                if (request.target == "/_matrix/key/v2/server") {
                    ++key_requests;
                    respond({200, {}, json::write(key.document)});
                    return;
                }
                if (request.target == "/.well-known/matrix/server") {
                    respond({404, {}, "{}"});
                    return;
                }
                requests.push_back(request);
                respond(answer(request));
            },
            [](std::move_only_function<void()> job) { job(); });
    }
    FakePeer(const FakePeer&) = delete;
    FakePeer& operator=(const FakePeer&) = delete;

    UserId user(const std::string& localpart) const {
        return UserId("@" + localpart + ":" + name.text());
    }
    json::Object sign(json::Object pdu, const RoomRules& rules) const {
        hash_and_sign_event(pdu, name, *key.signer, rules);
        return pdu;
    }
    /// A signed request to `to`.
    runtime::HttpRequest request(const ServerName& to,
                                 const std::string& method,
                                 const std::string& target,
                                 const std::string& body = "") const {
        runtime::HttpRequest request{method, target, {}, body, ""};
        const auto content = json::parse(body, json::Numbers::Any);
        request.headers.add(
            "Authorization",
            authorize_request(
                method, target, name, to, content ? &*content : nullptr, *key.signer));
        return request;
    }

    ServerName name;
    TestKey key;
    std::function<runtime::HttpResponse(const runtime::HttpRequest&)> answer =
        [](const runtime::HttpRequest&) { return runtime::HttpResponse{404, {}, "{}"}; };
    std::vector<runtime::HttpRequest>
        requests;  ///< Without those for keys and the well-known document.
    int key_requests = 0;
};

}  // namespace matrix::engine
