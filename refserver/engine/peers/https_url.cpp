#include "refserver/engine/peers/https_url.h"

#include <algorithm>

#include "refserver/runtime/http.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kUrlBytesMax = 2048;

bool is_url_char(char c) {
    return c > 0x20 && c < 0x7f &&
           std::string_view("\"<>\\^`{|}").find(c) == std::string_view::npos;
}

// "scheme:" at the beginning; npos if there is none.
std::size_t find_scheme_end(std::string_view text) {
    const std::size_t colon = text.find(':');
    const bool is_scheme = colon != std::string_view::npos && colon > 0 &&
                           text.substr(0, colon).find_first_of("/?#") == std::string_view::npos;
    return is_scheme ? colon : std::string_view::npos;
}

// What follows "https:" of an absolute URL: //host:port/path?query
std::expected<HttpsUrl, std::string> parse_authority(std::string_view text) {
    if (!text.starts_with("//")) return std::unexpected("https://HOST/...");
    text.remove_prefix(2);
    const std::size_t end = std::min(text.find_first_of("/?"), text.size());
    std::string_view authority = text.substr(0, end);
    if (authority.contains('@')) return std::unexpected("a URL without a user name");
    if (authority.ends_with(':')) authority.remove_suffix(1);  // An empty port is the usual one.
    const auto name = parse_server_name(authority);
    auto host = name ? split_server_name(*name) : std::unexpected(IdentifierError{});
    if (!host) return std::unexpected("a URL with a host and perhaps a port");
    HttpsUrl url{.host = *std::move(host), .target = std::string(text.substr(end))};
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

// RFC 3986, 5.3, without removing "." and "..": no server needs them in this place.
std::string join_target(std::string_view base, std::string_view reference) {
    if (reference.starts_with('/')) return std::string(reference);
    const std::string_view path = base.substr(0, base.find('?'));
    if (reference.starts_with('?')) return std::string(path) + std::string(reference);
    if (reference.empty()) return std::string(base);
    return std::string(path.substr(0, path.rfind('/') + 1)) + std::string(reference);
}

}  // namespace

std::string HttpsUrl::text() const {
    return "https://" + host.host + (host.port ? ":" + std::to_string(*host.port) : "") + target;
}

std::expected<HttpsUrl, std::string> resolve_location(const HttpsUrl& base,
                                                      std::string_view location) {
    const std::string_view reference = location.substr(0, location.find('#'));
    if (reference.size() > kUrlBytesMax || !std::ranges::all_of(reference, is_url_char)) {
        return std::unexpected("a URL of at most " + std::to_string(kUrlBytesMax) + " characters");
    }
    const std::size_t colon = find_scheme_end(reference);
    if (colon != std::string_view::npos) {
        if (!runtime::equal_ignoring_case(reference.substr(0, colon), "https")) {
            return std::unexpected("the scheme https");
        }
        return parse_authority(reference.substr(colon + 1));
    }
    if (reference.starts_with("//")) return parse_authority(reference);
    return HttpsUrl{.host = base.host, .target = join_target(base.target, reference)};
}

}  // namespace matrix::engine
