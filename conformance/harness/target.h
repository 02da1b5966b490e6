// The server under test: where it is, what it offers, and how users come into being.
#pragma once

#include <expected>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/harness/client.h"
#include "conformance/harness/http_client.h"
#include "conformance/harness/process.h"
#include "conformance/harness/requirement.h"
#include "conformance/harness/target_description.h"
#include "refserver/protocol/identifiers.h"

namespace matrix::conformance {

class Target {
public:
    /// A server that runs at `description.url`.
    Target(TargetDescription description, ExchangeLog& log);
    ~Target();
    Target(const Target&) = delete;
    Target& operator=(const Target&) = delete;

    const ServerName& server_name() const { return server_name_; }
    const std::string& url() const { return http_->options().base_url; }

    /// A client without an account.
    Client anonymous() const { return Client(*http_); }
    /// A fresh account; its localpart starts with `hint`. Ends the test when that fails.
    Client make_user(std::string_view hint = "user");
    /// Another device of the same account, by password. Ends the test when that fails.
    Client log_in(const Client& user) const;
    /// A public room of a fresh user.
    RoomId create_public_room(std::string_view room_version = "");
    /// The version that rooms get without asking, from /capabilities. Ends the test if unknown.
    std::string default_room_version() const;

    /// Does /versions list `version` ("v1.5") or a later one?
    bool claims_version(std::string_view version) const;
    bool has_room_version(std::string_view version) const;
    /// Empty if the capability is there, else the reason.
    std::string obstacle_to(Capability capability) const;

    // For the run and the doctor, not for tests.

    /// Asks which versions of the specification it claims; what went wrong, empty if nothing did.
    std::string probe_versions();
    /// Asks which room versions it supports.
    void probe_capabilities(const Client& user);
    void set_federation(ServerName server_name, const std::string& url);
    void set_obstacle(Capability capability, std::string reason);
    const std::vector<std::string>& versions() const { return versions_; }
    const std::set<std::string>& room_versions() const { return room_versions_; }
    const TargetDescription& description() const { return description_; }
    HttpClient& http() { return *http_; }
    HttpClient& federation_http() { return *federation_http_; }
    bool is_answering() const;
    /// Notes that the target may now hear of a server of this name; false if it has before, and may
    /// remember that it was down, or what it said.
    bool introduce(const ServerName& peer) { return introduced_.insert(peer).second; }
    /// A fresh account, or why there is none.
    std::expected<Client, std::string> try_make_user(std::string_view hint);

private:
    std::expected<Client, std::string> register_open(const std::string& localpart);
    std::expected<Client, std::string> register_with_secret(const std::string& localpart);
    std::expected<Client, std::string> register_with_command(const std::string& localpart);
    std::expected<Client, std::string> log_in_next_user();

    TargetDescription description_;
    ServerName server_name_;
    std::unique_ptr<HttpClient> http_;
    std::unique_ptr<HttpClient> federation_http_;
    ExchangeLog& log_;
    std::vector<std::string> versions_;
    std::string default_room_version_;
    std::set<std::string> room_versions_;
    std::map<Capability, std::string> obstacles_;  ///< Why a capability is missing.
    std::size_t given_user_count_ = 0;
    std::set<ServerName> introduced_;
};

}  // namespace matrix::conformance
