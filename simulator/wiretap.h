// Wiretap: lets checkers hear what servers answer to clients and to each other.
//
// It stands where answers leave a server, behind whatever a planted bug made of them.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/runtime/http.h"

namespace matrix::simulator {

/// A request that has come to a server.
struct Heard {
    int server = 0;
    const runtime::HttpRequest& request;
    std::vector<std::string> path;  ///< Its segments, decoded; without the query.

    /// Is it this request? A `*` stands for any segment: `is("GET", "/_matrix/*/v1/event/*")`.
    bool is(std::string_view method, std::string_view pattern) const;
    bool is_of_client() const { return path.size() > 1 && path[1] == "client"; }
    bool is_of_server() const { return path.size() > 1 && path[1] == "federation"; }
};

/// What a listener does with the answer; empty: it does not want it.
using Hear = std::move_only_function<void(const runtime::HttpResponse&)>;

class Wiretap {
public:
    using Listener = std::function<Hear(const Heard&)>;
    Wiretap() = default;
    Wiretap(const Wiretap&) = delete;
    Wiretap& operator=(const Wiretap&) = delete;

    /// Before the first request; it is called with each from now on.
    void add(Listener listener) { listeners_.push_back(std::move(listener)); }

    /// `respond`, before which those hear the answer who want it.
    runtime::Responder tap(int server,
                           const runtime::HttpRequest& request,
                           runtime::Responder respond) const;

private:
    std::vector<Listener> listeners_;
};

}  // namespace matrix::simulator
