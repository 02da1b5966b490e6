// Router: from a method and a raw path to the route of the table that serves it.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/engine/routes.h"

namespace matrix::engine {

/// What a method and a raw path lead to.
struct RouteMatch {
    const Route* route = nullptr;     ///< Null: see the next two.
    bool is_encoding_valid = true;    ///< False: a segment is not valid percent-encoded UTF-8.
    std::vector<std::string> allow;   ///< Without a route: the methods that this path has.
    std::vector<std::string> values;  ///< Of the template's `{...}` segments, decoded.
};

/// A tree of segments. A literal segment is preferred to a `{...}`, whose value is never empty; a
/// trailing slash is a segment of its own, of templates that end with one: "/state/{type}/".
class Router {
public:
    explicit Router(std::span<const Route> routes);
    /// `path` is without the query. Literals compare with the raw segments: no Matrix path needs
    /// them encoded.
    RouteMatch match(std::string_view method, std::string_view path) const;

private:
    struct Node {
        std::map<std::string, std::size_t, std::less<>> literals;  ///< To indices of nodes.
        std::size_t value = 0;                                     ///< 0: none.
        std::map<std::string, const Route*, std::less<>> methods;
    };
    std::size_t child(std::size_t node, std::string_view segment);
    const Node* find(std::span<const std::string_view> segments,
                     std::size_t node,
                     std::vector<std::string_view>& values) const;

    std::vector<Node> nodes_;
};

}  // namespace matrix::engine
