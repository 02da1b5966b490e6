// Whole reference servers and their clients in one process, over the simulated world.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/json.h"
#include "refserver/runtime/http.h"
#include "simulator/cluster.h"

namespace matrix::engine {

struct ClientAnswer {
    int status = 0;
    runtime::Headers headers;
    std::string text;
    json::Value body;

    /// `errcode` of the body; empty if it has none.
    std::string errcode() const;
    /// A string of the body by the keys that lead to it; empty if it is not there.
    std::string string_at(std::initializer_list<std::string_view> keys) const;
    const json::Value* at(std::initializer_list<std::string_view> keys) const;
};

/// What a request gets, whenever that is.
class PendingAnswer {
public:
    bool is_there() const { return slot_->has_value(); }
    const ClientAnswer& operator*() const { return **slot_; }

private:
    friend class ClientWorld;
    std::shared_ptr<std::optional<ClientAnswer>> slot_ =
        std::make_shared<std::optional<ClientAnswer>>();
};

class ClientWorld {
public:
    explicit ClientWorld(int servers = 1, std::uint64_t seed = 1);

    /// Sends a request and goes on without the answer.
    PendingAnswer start(runtime::HttpRequest request, int server = 0);
    /// Sends a request and runs virtual time until it is answered, at most a virtual minute.
    ClientAnswer send(runtime::HttpRequest request, int server = 0);
    /// The same with a token and a JSON body, at "/_matrix/client/v3" and `path`.
    ClientAnswer call(const std::string& token,
                      std::string method,
                      const std::string& path,
                      const json::Value& body = {},
                      int server = 0);
    runtime::HttpRequest make_request(const std::string& token,
                                      std::string method,
                                      const std::string& path,
                                      const json::Value& body = {}) const;

    /// A user of the cluster: `server`'s first is 0, its second 1.
    const simulator::User& user(int number, int server = 0) const;
    std::string token(int number, int server = 0) const {
        return user(number, server).access_token;
    }
    std::string id(int number, int server = 0) const { return user(number, server).id.text(); }

    /// The new room's id; fails the test if there is none.
    std::string create_room(const std::string& token, json::Object wish = {}, int server = 0);
    void run(std::int64_t milliseconds);
    std::int64_t now_us() { return cluster_.time().now_us(); }
    simulator::Cluster& cluster() { return cluster_; }

private:
    simulator::Cluster cluster_;
};

/// One segment of a path.
std::string segment(std::string_view text);

}  // namespace matrix::engine
