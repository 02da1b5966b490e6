// The grammar of identifiers.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#identifier-grammar

#include "refserver/protocol/identifiers.h"

#include <algorithm>
#include <charconv>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/utf8.h"

namespace matrix {
namespace {

constexpr std::size_t kDnsNameBytesMax = 255;
constexpr std::size_t kHashBytes = 32;

std::unexpected<IdentifierError> refuse_identifier(const char* what) {
    return std::unexpected(IdentifierError{what});
}

// Of ASCII alone, whatever the locale.
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_letter(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// The pieces of `text` between separators; one empty piece for an empty text.
template <class Visit>
bool all_pieces(std::string_view text, char separator, Visit is_good) {
    for (;;) {
        const std::size_t end = text.find(separator);
        if (!is_good(text.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 1);
    }
}

bool is_ipv4(std::string_view text) {
    const auto is_octet = [](std::string_view piece) {
        if (piece.empty() || piece.size() > 3 || !std::ranges::all_of(piece, is_digit)) {
            return false;
        }
        int value = 0;
        std::from_chars(piece.data(), piece.data() + piece.size(), value);
        return value <= 255;
    };
    return std::ranges::count(text, '.') == 3 && all_pieces(text, '.', is_octet);
}

// How many 16-bit groups `text` writes, without "::" in it; nothing if something is no group.
std::optional<int> count_ipv6_groups(std::string_view text, bool may_end_in_ipv4) {
    if (text.empty()) return 0;
    int groups = 0;
    const bool is_good = all_pieces(text, ':', [&](std::string_view piece) {
        const bool is_last = piece.data() + piece.size() == text.data() + text.size();
        if (may_end_in_ipv4 && is_last && is_ipv4(piece)) {
            groups += 2;
            return true;
        }
        ++groups;
        return !piece.empty() && piece.size() <= 4 && std::ranges::all_of(piece, is_hex_digit);
    });
    if (!is_good) return std::nullopt;
    return groups;
}

// RFC 3513, section 2.2.
bool is_ipv6(std::string_view text) {
    const std::size_t gap = text.find("::");
    if (gap == std::string_view::npos) return count_ipv6_groups(text, true) == 8;
    const auto before = count_ipv6_groups(text.substr(0, gap), false);
    const auto after = count_ipv6_groups(text.substr(gap + 2), true);
    return before && after && *before + *after <= 7;
}

bool is_dns_name(std::string_view text) {
    const auto is_dns_char = [](char c) {
        return is_letter(c) || is_digit(c) || c == '-' || c == '.';
    };
    return !text.empty() && text.size() <= kDnsNameBytesMax &&
           std::ranges::all_of(text, is_dns_char);
}

struct ServerNameParts {
    std::string_view host;
    std::optional<std::string_view> port;
    bool is_ip_literal = false;
};

std::expected<ServerNameParts, IdentifierError> split(std::string_view text) {
    ServerNameParts parts;
    std::size_t host_end = text.find(':');
    if (text.starts_with('[')) {
        host_end = text.find(']');
        if (host_end == std::string_view::npos || !is_ipv6(text.substr(1, host_end - 1))) {
            return refuse_identifier("an IPv6 address in brackets");
        }
        ++host_end;
        parts.is_ip_literal = true;
    }
    parts.host = text.substr(0, host_end);
    if (!parts.is_ip_literal) {
        if (!is_dns_name(parts.host)) return refuse_identifier("a host name or an IP address");
        parts.is_ip_literal = is_ipv4(parts.host);
    }
    if (host_end >= text.size()) return parts;

    const std::string_view port = text.substr(host_end + 1);
    if (text[host_end] != ':' || port.empty() || port.size() > 5 ||
        !std::ranges::all_of(port, is_digit)) {
        return refuse_identifier("a port of one to five digits");
    }
    parts.port = port;
    return parts;
}

// `sigil localpart : server`, where the localpart has any code points but ":" and NUL.
//
// UNSPECIFIED: whether localparts of rooms, aliases and old events may be empty, as those of users
// may; we accept them, because nothing forbids them.
std::expected<void, IdentifierError> check_with_server(std::string_view text, char sigil) {
    if (!text.starts_with(sigil)) return refuse_identifier("another sigil at the start");
    if (text.size() > kIdBytesMax) return refuse_identifier("at most 255 bytes");
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return refuse_identifier("\":\" before the server name");
    const std::string_view localpart = text.substr(1, colon - 1);
    if (localpart.contains('\0')) return refuse_identifier("no NUL");
    if (!is_valid_utf8(localpart)) return refuse_identifier("valid UTF-8");
    RETURN_IF_ERROR(split(text.substr(colon + 1)));
    return {};
}

// `sigil` and a SHA-256 hash.
std::expected<void, IdentifierError> check_hash_id(std::string_view text,
                                                   char sigil,
                                                   EventIdEncoding encoding) {
    if (!text.starts_with(sigil)) return refuse_identifier("another sigil at the start");
    const std::string_view hash = text.substr(1);
    const bool is_standard = encoding == EventIdEncoding::StandardBase64;
    const auto digest = is_standard ? decode_base64(hash) : decode_base64_url(hash);
    const bool is_hash = digest && digest->size() == kHashBytes;
    if (!is_hash || hash != (is_standard ? encode_base64(*digest) : encode_base64_url(*digest))) {
        return refuse_identifier(is_standard ? "a SHA-256 hash in unpadded base64"
                                             : "a SHA-256 hash in URL-safe unpadded base64");
    }
    return {};
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const IdentifierError& error) {
    return out << "expected " << error.what;
}

std::expected<ServerName, IdentifierError> parse_server_name(std::string_view text) {
    RETURN_IF_ERROR(split(text));
    return ServerName(text);
}

std::expected<UserId, IdentifierError> parse_user_id(std::string_view text, UserIdGrammar grammar) {
    RETURN_IF_ERROR(check_with_server(text, '@'));
    UserId id(text);
    if (grammar == UserIdGrammar::Strict) {
        const auto is_allowed = [](char c) {
            return is_lower(c) || is_digit(c) || std::string_view("._=-/+").contains(c);
        };
        if (id.localpart().empty() || !std::ranges::all_of(id.localpart(), is_allowed)) {
            return refuse_identifier("a localpart of a-z, 0-9 and ._=-/+");
        }
    }
    return id;
}

std::expected<RoomId, IdentifierError> parse_room_id(std::string_view text) {
    if (text.contains(':')) {
        RETURN_IF_ERROR(check_with_server(text, '!'));
    } else {
        RETURN_IF_ERROR(check_hash_id(text, '!', EventIdEncoding::UrlSafeBase64));
    }
    return RoomId(text);
}

std::expected<RoomId, IdentifierError> parse_room_id(std::string_view text,
                                                     const RoomRules& rules) {
    if (rules.event_format == EventFormat::HashedRoomId) {
        RETURN_IF_ERROR(check_hash_id(text, '!', rules.event_id_encoding));
    } else {
        RETURN_IF_ERROR(check_with_server(text, '!'));
    }
    return RoomId(text);
}

std::expected<EventId, IdentifierError> parse_event_id(std::string_view text) {
    if (text.contains(':')) {
        RETURN_IF_ERROR(check_with_server(text, '$'));
    } else if (!check_hash_id(text, '$', EventIdEncoding::StandardBase64)) {
        RETURN_IF_ERROR(check_hash_id(text, '$', EventIdEncoding::UrlSafeBase64));
    }
    return EventId(text);
}

std::expected<EventId, IdentifierError> parse_event_id(std::string_view text,
                                                       const RoomRules& rules) {
    if (rules.event_id_encoding == EventIdEncoding::Opaque) {
        RETURN_IF_ERROR(check_with_server(text, '$'));
    } else {
        RETURN_IF_ERROR(check_hash_id(text, '$', rules.event_id_encoding));
    }
    return EventId(text);
}

std::expected<RoomAlias, IdentifierError> parse_room_alias(std::string_view text) {
    RETURN_IF_ERROR(check_with_server(text, '#'));
    return RoomAlias(text);
}

std::expected<KeyId, IdentifierError> parse_key_id(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return refuse_identifier("\"algorithm:version\"");
    const auto is_algorithm_char = [](char c) { return is_lower(c) || is_digit(c) || c == '_'; };
    const auto is_version_char = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
    const std::string_view algorithm = text.substr(0, colon);
    const std::string_view version = text.substr(colon + 1);
    if (algorithm.empty() || !std::ranges::all_of(algorithm, is_algorithm_char)) {
        return refuse_identifier("the name of an algorithm before \":\"");
    }
    if (version.empty() || !std::ranges::all_of(version, is_version_char)) {
        return refuse_identifier("a version of letters, digits and \"_\"");
    }
    return KeyId(text);
}

std::expected<HostAndPort, IdentifierError> split_server_name(const ServerName& name) {
    ASSIGN_OR_RETURN(const ServerNameParts parts, split(name.view()));
    HostAndPort result = {std::string(parts.host), std::nullopt, parts.is_ip_literal};
    if (parts.port) {
        std::uint16_t port = 0;
        const char* end = parts.port->data() + parts.port->size();
        if (std::from_chars(parts.port->data(), end, port).ec != std::errc()) {
            return refuse_identifier("a port below 65536");
        }
        result.port = port;
    }
    return result;
}

}  // namespace matrix
