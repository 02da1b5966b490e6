// HTTP messages as values: what the network carries, real or simulated.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace matrix::runtime {

/// Fields in the order in which they came; names compare without regard to case.
class Headers {
public:
    Headers() = default;
    Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

    void add(std::string name, std::string value) {
        fields_.emplace_back(std::move(name), std::move(value));
    }
    /// The first field of this name; null if there is none.
    const std::string* find(std::string_view name) const;
    std::vector<std::string> find_all(std::string_view name) const;

    auto begin() const { return fields_.begin(); }
    auto end() const { return fields_.end(); }
    std::size_t size() const { return fields_.size(); }

private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

/// ASCII letters compare as equal in both cases.
bool equal_ignoring_case(std::string_view a, std::string_view b);

struct HttpRequest {
    std::string method;
    std::string target;  ///< Raw, as on the wire: path and query, percent-encoded.
    Headers headers;
    std::string body;
    std::string peer_address;  ///< Of an incoming request, for logs and rate limits.
};

struct HttpResponse {
    int status = 200;
    Headers headers;
    std::string body;
};

/// Answers one request; called once, at any time. Does nothing when the client has gone.
using Responder = std::move_only_function<void(HttpResponse)>;

/// Serves requests; called on the engine's loop.
using RequestHandler = std::move_only_function<void(HttpRequest, Responder)>;

}  // namespace matrix::runtime
