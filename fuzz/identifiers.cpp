// Any bytes as identifiers of every kind and room version.

#include "refserver/protocol/identifiers.h"

#include "fuzz/target.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/utf8.h"

namespace matrix::fuzz {
namespace {

// A DNS name of 255 bytes and a port.
constexpr std::size_t kServerNameBytesMax = 255 + std::string_view(":65535").size();

// What holds for every kind of identifier.
template <class Id>
const char* law_broken_by(const std::expected<Id, IdentifierError>& parsed,
                          std::string_view bytes,
                          std::size_t bytes_max = kIdBytesMax) {
    if (!parsed) return parsed.error().what.empty() ? "an error says what was expected" : nullptr;
    if (parsed->view() != bytes) return "an identifier is the text that was parsed";
    if (bytes.size() > bytes_max || bytes.empty()) return "an identifier has a limited length";
    if (!is_valid_utf8(bytes)) return "an identifier is UTF-8";
    return nullptr;
}

const char* law_broken_by_server(std::string_view bytes) {
    const auto name = parse_server_name(bytes);
    if (const char* law = law_broken_by(name, bytes, kServerNameBytesMax)) return law;
    if (!name) return nullptr;
    const auto parts = split_server_name(*name);
    if (!parts) return nullptr;  // A port above 65535.
    if (!bytes.starts_with(parts->host)) return "a server name begins with its host";
    if (parts->port.has_value() == (parts->host.size() == bytes.size())) {
        return "what follows the host is the port";
    }
    if (!parse_server_name(parts->host)) return "a host is a server name too";
    return nullptr;
}

const char* law_broken_by_user(std::string_view bytes) {
    const auto user = parse_user_id(bytes);
    if (const char* law = law_broken_by(user, bytes)) return law;
    const auto strict = parse_user_id(bytes, UserIdGrammar::Strict);
    if (strict && !user) return "a strict user id is a historical one";
    if (!user) return nullptr;
    if ("@" + std::string(user->localpart()) + ":" + user->server().text() != bytes) {
        return "a user id is its localpart and its server";
    }
    return parse_server_name(user->server().view()) ? nullptr : "a user's server is a server name";
}

const char* law_broken_by_versions(std::string_view bytes) {
    const bool is_room = parse_room_id(bytes).has_value();
    const bool is_event = parse_event_id(bytes).has_value();
    bool is_room_somewhere = false;
    bool is_event_somewhere = false;
    for (const RoomRules& rules : all_room_rules()) {
        is_room_somewhere |= parse_room_id(bytes, rules).has_value();
        is_event_somewhere |= parse_event_id(bytes, rules).has_value();
    }
    if (is_room != is_room_somewhere) return "a room id is one of some version";
    if (is_event != is_event_somewhere) return "an event id is one of some version";
    return nullptr;
}

const char* broken_law(std::string_view bytes) {
    if (const char* law = law_broken_by_server(bytes)) return law;
    if (const char* law = law_broken_by_user(bytes)) return law;
    if (const char* law = law_broken_by(parse_room_id(bytes), bytes)) return law;
    if (const char* law = law_broken_by(parse_event_id(bytes), bytes)) return law;
    if (const char* law = law_broken_by(parse_room_alias(bytes), bytes)) return law;
    if (const char* law = law_broken_by(parse_key_id(bytes), bytes, bytes.size())) return law;
    return law_broken_by_versions(bytes);
}

}  // namespace

Outcome run_identifiers(std::string_view bytes) {
    const char* law = broken_law(bytes);
    if (!law) return std::nullopt;
    return Finding{law, {{"text", is_valid_utf8(bytes) ? json::Value(bytes) : json::Value()}}};
}

}  // namespace matrix::fuzz
