#include "simulator/wiretap.h"

#include <utility>

#include "refserver/engine/http_api.h"

namespace matrix::simulator {
namespace {

// Cuts the first segment off a path that begins with a slash.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

// What is no path has no segments, and nobody asks about it.
std::vector<std::string> split_path(std::string_view target) {
    std::string_view path = target.substr(0, target.find('?'));
    std::vector<std::string> segments;
    while (path.starts_with('/')) {
        auto segment = engine::decode_path_segment(take_segment(path));
        if (!segment) return {};
        segments.push_back(*std::move(segment));
    }
    return segments;
}

}  // namespace

bool Heard::is(std::string_view method, std::string_view pattern) const {
    if (request.method != method) return false;
    for (const std::string& segment : path) {
        if (pattern.empty()) return false;
        const std::string_view expected = take_segment(pattern);
        if (expected != "*" && expected != segment) return false;
    }
    return pattern.empty();
}

runtime::Responder Wiretap::tap(int server,
                                const runtime::HttpRequest& request,
                                runtime::Responder respond) const {
    if (listeners_.empty()) return respond;
    const Heard heard{server, request, split_path(request.target)};
    std::vector<Hear> all;
    for (const Listener& listener : listeners_) {
        if (Hear hear = listener(heard)) all.push_back(std::move(hear));
    }
    if (all.empty()) return respond;
    return [all = std::move(all),
            respond = std::move(respond)](runtime::HttpResponse response) mutable {
        for (Hear& hear : all)
            hear(response);
        respond(std::move(response));
    };
}

}  // namespace matrix::simulator
