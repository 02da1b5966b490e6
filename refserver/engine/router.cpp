#include "refserver/engine/router.h"

#include "refserver/base/assert.h"

namespace matrix::engine {
namespace {

// "/a/b/" has the segments "a", "b" and "". Nothing if the path does not start with a slash.
std::vector<std::string_view> split_path(std::string_view path) {
    std::vector<std::string_view> segments;
    if (path.empty() || path.front() != '/') return segments;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::size_t end = std::min(path.find('/'), path.size());
        segments.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return segments;
}

bool is_value(std::string_view segment) {
    return segment.starts_with('{');
}

}  // namespace

Router::Router(std::span<const Route> routes) : nodes_(1) {
    for (const Route& route : routes) {
        std::size_t node = 0;
        for (const std::string_view segment : split_path(route.path))
            node = child(node, segment);
        const bool is_new = nodes_[node].methods.emplace(route.method, &route).second;
        MATRIX_ASSERT(is_new);
    }
}

std::size_t Router::child(std::size_t node, std::string_view segment) {
    std::size_t& known =
        is_value(segment) ? nodes_[node].value : nodes_[node].literals[std::string(segment)];
    if (known != 0) return known;
    known = nodes_.size();
    const std::size_t added = known;
    nodes_.emplace_back();  // `known` is gone from here on.
    return added;
}

const Router::Node* Router::find(std::span<const std::string_view> segments,
                                 std::size_t node,
                                 std::vector<std::string_view>& values) const {
    if (segments.empty()) return nodes_[node].methods.empty() ? nullptr : &nodes_[node];
    const std::string_view segment = segments.front();
    const auto literal = nodes_[node].literals.find(segment);
    if (literal != nodes_[node].literals.end()) {
        if (const Node* found = find(segments.subspan(1), literal->second, values)) return found;
    }
    if (nodes_[node].value == 0 || segment.empty()) return nullptr;
    values.push_back(segment);
    if (const Node* found = find(segments.subspan(1), nodes_[node].value, values)) return found;
    values.pop_back();
    return nullptr;
}

RouteMatch Router::match(std::string_view method, std::string_view path) const {
    RouteMatch match;
    std::vector<std::string_view> raw_values;
    const std::vector<std::string_view> segments = split_path(path);
    const Node* node = find(segments, 0, raw_values);
    if (!node) return match;

    const auto route = node->methods.find(method);
    if (route == node->methods.end()) {
        for (const auto& [name, unused] : node->methods)
            match.allow.push_back(name);
        return match;
    }
    match.route = route->second;
    for (const std::string_view raw : raw_values) {
        auto value = decode_path_segment(raw);
        if (!value) {
            match.is_encoding_valid = false;
            return match;
        }
        match.values.push_back(std::move(*value));
    }
    return match;
}

}  // namespace matrix::engine
