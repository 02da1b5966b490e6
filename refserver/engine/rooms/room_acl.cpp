// m.room.server_acl: which servers may take part in a room.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls

#include <algorithm>

#include "refserver/base/sometimes.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {
namespace {

/// How many servers' verdicts are kept: a stranger must not fill the memory with names.
constexpr std::size_t kAclVerdictsMax = 1000;

char lower_case(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `*` stands for any number of characters, `?` for one; without regard to ASCII case.
bool matches_glob(std::string_view glob, std::string_view text) {
    std::size_t at = 0, in_glob = 0;
    std::size_t star = std::string_view::npos, retry = 0;
    while (at < text.size()) {
        if (in_glob < glob.size() && glob[in_glob] == '*') {
            star = in_glob++;
            retry = at;
        } else if (in_glob < glob.size() &&
                   (glob[in_glob] == '?' || lower_case(glob[in_glob]) == lower_case(text[at]))) {
            ++in_glob;
            ++at;
        } else if (star != std::string_view::npos) {
            in_glob = star + 1;
            at = ++retry;
        } else {
            return false;
        }
    }
    while (in_glob < glob.size() && glob[in_glob] == '*')
        ++in_glob;
    return in_glob == glob.size();
}

bool is_listed(const json::Object& content, std::string_view field, std::string_view host) {
    const json::Value* value = content.find(field);
    const json::Array* globs = value ? value->if_array() : nullptr;
    if (!globs) return false;
    return std::ranges::any_of(*globs, [&](const json::Value& glob) {
        return glob.if_string() && matches_glob(*glob.if_string(), host);
    });
}

bool is_allowed_by(const Event& acl, const ServerName& server) {
    const json::Object content = acl.parse_content();
    const auto parts = split_server_name(server);
    if (!parts) return false;
    const json::Value* literals = content.find("allow_ip_literals");
    const bool* are_literals_allowed = literals ? literals->if_boolean() : nullptr;
    if (parts->is_ip_literal && are_literals_allowed && !*are_literals_allowed) {
        SIM_SOMETIMES("an ACL denies an address literal");
        return false;
    }
    if (is_listed(content, "deny", parts->host)) {
        SIM_SOMETIMES("an ACL denies a server that it lists");
        return false;
    }
    return is_listed(content, "allow", parts->host);
}

}  // namespace

bool Room::Data::is_server_allowed(const ServerName& server) {
    const EventId* acl_id = current.find("m.room.server_acl", "");
    if (!acl_id) return true;
    // Each event of a transaction asks, and the event may list thousands of globs.
    if (acl_verdicts_.acl != *acl_id || acl_verdicts_.by_server.size() >= kAclVerdictsMax) {
        acl_verdicts_ = {*acl_id, {}};
    }
    const auto known = acl_verdicts_.by_server.find(server);
    if (known != acl_verdicts_.by_server.end()) return known->second;
    const EventPtr acl = services.events.find_event(*acl_id);
    const bool is_allowed = !acl || is_allowed_by(*acl, server);
    SIM_SOMETIMES(!is_allowed, "an ACL shuts a server out");
    if (acl) acl_verdicts_.by_server.emplace(server, is_allowed);
    return is_allowed;
}

bool Room::is_server_allowed(const ServerName& server) const {
    return data().is_server_allowed(server);
}

}  // namespace matrix::engine
