// Identifiers: each kind is a type of its own, so that no user id is passed as a room id.
//
// A value of these types is not proof of a valid grammar: `parse_*` is. The unchecked constructor
// takes what has been checked or was written by ourselves.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#identifier-grammar
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "refserver/protocol/room_rules.h"

namespace matrix {

/// Text that names something of kind `Self`; compared as bytes.
template <class Self>
class Identifier {
public:
    Identifier() = default;
    explicit Identifier(std::string text) : text_(std::move(text)) {}
    explicit Identifier(std::string_view text) : text_(text) {}
    explicit Identifier(const char* text) : text_(text) {}

    const std::string& text() const { return text_; }
    std::string_view view() const { return text_; }
    bool empty() const { return text_.empty(); }

    friend auto operator<=>(const Identifier&, const Identifier&) = default;
    friend bool operator==(const Identifier&, const Identifier&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Identifier& id) {
        return out << id.text_;
    }

protected:
    /// What follows the first colon; empty if there is none.
    std::string_view after_colon() const {
        const std::size_t colon = text_.find(':');
        return colon == std::string::npos ? std::string_view() : view().substr(colon + 1);
    }

private:
    std::string text_;
};

/// `hostname[:port]`, an IPv4 literal or a bracketed IPv6 literal.
class ServerName : public Identifier<ServerName> {
    using Identifier::Identifier;
};

/// `@localpart:server`.
class UserId : public Identifier<UserId> {
public:
    using Identifier::Identifier;
    std::string_view localpart() const {
        const std::size_t colon = view().find(':');
        return view().substr(1, colon == std::string_view::npos ? colon : colon - 1);
    }
    ServerName server() const { return ServerName(after_colon()); }
    /// The same without a copy; borrows from this id.
    std::string_view domain() const { return after_colon(); }
};

/// `!opaque:server`, in room version 12 `!` and the reference hash of the create event.
class RoomId : public Identifier<RoomId> {
public:
    using Identifier::Identifier;
    /// Nothing for room ids without a server (room version 12).
    std::optional<ServerName> server() const {
        if (view().find(':') == std::string_view::npos) return std::nullopt;
        return ServerName(after_colon());
    }
};

/// `$opaque:server` in room versions 1 and 2, later `$` and the reference hash of the event.
class EventId : public Identifier<EventId> {
public:
    using Identifier::Identifier;
    /// Nothing for event ids that are hashes (room versions 3 and later).
    std::optional<ServerName> server() const {
        if (view().find(':') == std::string_view::npos) return std::nullopt;
        return ServerName(after_colon());
    }
};

/// `#name:server`.
class RoomAlias : public Identifier<RoomAlias> {
public:
    using Identifier::Identifier;
    ServerName server() const { return ServerName(after_colon()); }
};

class DeviceId : public Identifier<DeviceId> {
    using Identifier::Identifier;
};

/// `algorithm:version`, for example `ed25519:a1`.
class KeyId : public Identifier<KeyId> {
    using Identifier::Identifier;
};

/// Why a text is no identifier: one sentence that says what was expected.
struct IdentifierError {
    std::string what;
};
std::ostream& operator<<(std::ostream& out, const IdentifierError& error);

/// Which localparts a user id may have.
enum class UserIdGrammar {
    Strict,      ///< `a-z 0-9 . _ = - / +`, not empty: what a server may create.
    Historical,  ///< Any code points but `:` and NUL, also none: what must be accepted.
};

/// UNSPECIFIED: any port of one to five digits is in the grammar, and 1.2.3.256 is a DNS name in
/// it; both are accepted, so that no event is dropped for a name that nobody can reach.
std::expected<ServerName, IdentifierError> parse_server_name(std::string_view text);
std::expected<UserId, IdentifierError> parse_user_id(
    std::string_view text, UserIdGrammar grammar = UserIdGrammar::Historical);
/// A room id of any version: with a server, or a hash in URL-safe base64.
std::expected<RoomId, IdentifierError> parse_room_id(std::string_view text);
/// An event id of any version: with a server, or a hash in either alphabet.
std::expected<EventId, IdentifierError> parse_event_id(std::string_view text);
/// The same, of one room version.
std::expected<RoomId, IdentifierError> parse_room_id(std::string_view text, const RoomRules& rules);
std::expected<EventId, IdentifierError> parse_event_id(std::string_view text,
                                                       const RoomRules& rules);
std::expected<RoomAlias, IdentifierError> parse_room_alias(std::string_view text);
/// The id of a server's signing key: the version has letters, digits and `_` only.
std::expected<KeyId, IdentifierError> parse_key_id(std::string_view text);

/// The parts of a server name; fails also for a port above 65535. The port is absent unless it is
/// written.
struct HostAndPort {
    std::string host;  ///< An IPv6 literal keeps its brackets.
    std::optional<std::uint16_t> port;
    bool is_ip_literal = false;
};
std::expected<HostAndPort, IdentifierError> split_server_name(const ServerName& name);

/// The longest identifier, event type and state key, in bytes.
inline constexpr std::size_t kIdBytesMax = 255;

}  // namespace matrix
