#include "conformance/harness/target.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "conformance/harness/steps.h"
#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"

namespace matrix::conformance {
namespace {

constexpr std::chrono::milliseconds kCommandDeadline{30'000};

// Part of each name, so that runs against a server that stays do not meet.
std::string random_suffix() {
    static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string suffix;
    for (int i = 0; i < 10; ++i)
        suffix += kAlphabet[randombytes_uniform(kAlphabet.size())];
    return suffix;
}

std::string make_password() {
    return "Pass-" + random_suffix() + random_suffix();
}

HttpOptions client_options(const TargetDescription& description) {
    return {.base_url = description.url,
            .ca_file = description.ca_file,
            .verifies_tls = description.verifies_tls,
            .who = "client",
            .give_up_at = description.give_up_at};
}
HttpOptions federation_options(const TargetDescription& description) {
    HttpOptions options = client_options(description);
    options.base_url = description.federation_url;
    options.who = "peer";
    return options;
}

// The numbers of "v1.11": {1, 11}. The old "r0.6.1" are older than all of these.
std::optional<std::pair<int, int>> parse_version(std::string_view version) {
    if (!version.starts_with('v')) return std::nullopt;
    std::pair<int, int> numbers;
    const char* end = version.data() + version.size();
    const auto major = std::from_chars(version.data() + 1, end, numbers.first);
    if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
    const auto minor = std::from_chars(major.ptr + 1, end, numbers.second);
    if (minor.ec != std::errc() || minor.ptr != end) return std::nullopt;
    return numbers;
}

std::string hex_hmac_sha1(const std::string& key, const std::string& message) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    HMAC(EVP_sha1(),
         key.data(),
         static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(message.data()),
         message.size(),
         digest,
         &size);
    static constexpr std::string_view kHex = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex += kHex[digest[i] >> 4];
        hex += kHex[digest[i] & 15];
    }
    return hex;
}

std::string describe(const std::string& what, const Response& response) {
    return what + ": " + testing::PrintToString(response);
}

std::expected<Client, std::string> client_from(HttpClient& http,
                                               const std::string& what,
                                               const Response& response,
                                               const std::string& password) {
    if (!response.is_ok()) return std::unexpected(describe(what, response));
    Client client(http,
                  UserId(string_at(response.body, {"user_id"})),
                  string_at(response.body, {"access_token"}),
                  DeviceId(string_at(response.body, {"device_id"})));
    if (client.user().empty() || client.access_token().empty()) {
        return std::unexpected(describe(what + " gave no user_id or access_token", response));
    }
    client.set_password(password);
    return client;
}

std::expected<Client, std::string> log_in_by_password(HttpClient& http,
                                                      const std::string& user,
                                                      const std::string& password) {
    const Json login = {{"type", "m.login.password"},
                        {"identifier", {{"type", "m.id.user"}, {"user", user}}},
                        {"password", password}};
    const Response response = Client(http).post("/_matrix/client/v3/login", login);
    return client_from(http, "logging in " + user, response, password);
}

}  // namespace

Target::Target(TargetDescription description, ExchangeLog& log)
    : description_(std::move(description)),
      server_name_(description_.server_name),
      http_(std::make_unique<HttpClient>(client_options(description_), log)),
      federation_http_(std::make_unique<HttpClient>(federation_options(description_), log)),
      log_(log) {}

Target::~Target() = default;

void Target::set_federation(ServerName server_name, const std::string& url) {
    server_name_ = std::move(server_name);
    description_.federation_url = url;
    federation_http_ = std::make_unique<HttpClient>(federation_options(description_), log_);
}

Client Target::make_user(std::string_view hint) {
    std::expected<Client, std::string> user = try_make_user(hint);
    if (!user) fail_step("making a user: " + user.error());
    return *std::move(user);
}

std::expected<Client, std::string> Target::try_make_user(std::string_view hint) {
    const std::string localpart = std::string(hint) + "-" + random_suffix();
    switch (description_.registration.way) {
        case RegistrationWay::Open:
            return register_open(localpart);
        case RegistrationWay::SharedSecret:
            return register_with_secret(localpart);
        case RegistrationWay::Command:
            return register_with_command(localpart);
        case RegistrationWay::Users:
            return log_in_next_user();
    }
    unreachable();
}

std::expected<Client, std::string> Target::register_open(const std::string& localpart) {
    constexpr int kNeedsAuthentication = 401;
    const std::string password = make_password();
    Json body = {
        {"username", localpart}, {"password", password}, {"auth", {{"type", "m.login.dummy"}}}};
    Response response = anonymous().post("/_matrix/client/v3/register", body);
    const std::string session = string_at(response.body, {"session"});
    if (response.status == kNeedsAuthentication && !session.empty()) {
        body["auth"]["session"] = session;
        response = anonymous().post("/_matrix/client/v3/register", body);
    }
    return client_from(*http_, "registering with m.login.dummy", response, password);
}

std::expected<Client, std::string> Target::register_with_secret(const std::string& localpart) {
    constexpr std::string_view kEndpoint = "/_synapse/admin/v1/register";
    const std::string password = make_password();
    const Response first = anonymous().get(kEndpoint);
    const std::string nonce = string_at(first.body, {"nonce"});
    if (nonce.empty()) return std::unexpected(describe("asking for a registration nonce", first));
    std::string signed_text = nonce;
    signed_text += '\0' + localpart + '\0' + password + '\0' + "notadmin";
    const Json body = {
        {"nonce", nonce},
        {"username", localpart},
        {"password", password},
        {"admin", false},
        {"mac", hex_hmac_sha1(description_.registration.shared_secret, signed_text)}};
    const Response response = anonymous().post(kEndpoint, body);
    return client_from(*http_, "registering with the shared secret", response, password);
}

std::expected<Client, std::string> Target::register_with_command(const std::string& localpart) {
    const std::string password = make_password();
    std::vector<std::string> command;
    for (const std::string& part : description_.registration.command) {
        auto filled = fill_placeholders(part, {{"user", localpart}, {"password", password}});
        if (!filled) return std::unexpected("unknown placeholder " + filled.error());
        command.push_back(*std::move(filled));
    }
    RETURN_IF_ERROR(run_command(command, kCommandDeadline));
    return log_in_by_password(*http_, localpart, password);
}

std::expected<Client, std::string> Target::log_in_next_user() {
    const auto& users = description_.registration.users;
    if (given_user_count_ >= users.size()) {
        return std::unexpected("all " + std::to_string(users.size()) +
                               " users of the target file are used up");
    }
    const auto& [name, password] = users[given_user_count_++];
    return log_in_by_password(*http_, name, password);
}

Client Target::log_in(const Client& user) const {
    std::expected<Client, std::string> device =
        log_in_by_password(*http_, user.user().text(), user.password());
    if (!device) fail_step(device.error());
    return *std::move(device);
}

RoomId Target::create_public_room(std::string_view room_version) {
    const Client creator = make_user("creator");
    return room_version.empty() ? creator.create_room()
                                : creator.create_room_of_version(room_version);
}

bool Target::claims_version(std::string_view version) const {
    const auto wanted = parse_version(version);
    if (!wanted) return false;
    return std::ranges::any_of(versions_, [&](const std::string& claimed) {
        const auto numbers = parse_version(claimed);
        return numbers && *numbers >= *wanted;
    });
}

bool Target::has_room_version(std::string_view version) const {
    return room_versions_.contains(std::string(version));
}

std::string Target::default_room_version() const {
    if (default_room_version_.empty()) fail_step("/capabilities names no default room version");
    return default_room_version_;
}

std::string Target::obstacle_to(Capability capability) const {
    const auto obstacle = obstacles_.find(capability);
    return obstacle == obstacles_.end() ? std::string() : obstacle->second;
}
void Target::set_obstacle(Capability capability, std::string reason) {
    obstacles_[capability] = std::move(reason);
}

std::string Target::probe_versions() {
    const Response response = anonymous().get("/_matrix/client/versions");
    if (!response.is_ok()) return describe("GET /_matrix/client/versions", response);
    versions_.clear();
    if (!description_.spec_version.empty()) versions_.push_back(description_.spec_version);
    for (const Json& version : response.at({"versions"})) {
        if (version.is_string()) versions_.push_back(version.get<std::string>());
    }
    return {};
}

void Target::probe_capabilities(const Client& user) {
    const Response response = user.get("/_matrix/client/v3/capabilities");
    const Json& versions = response.at({"capabilities", "m.room_versions"});
    default_room_version_ = string_at(versions, {"default"});
    // Without the capability a client shall assume that only version 1 is there.
    if (!response.is_ok() || versions.is_null()) {
        default_room_version_ = "1";
        room_versions_ = {"1"};
        return;
    }
    const Json& available = at_path(versions, {"available"});
    if (!available.is_object()) return;
    for (const auto& [version, stability] : available.items())
        room_versions_.insert(version);
}

bool Target::is_answering() const {
    return anonymous().get("/_matrix/client/versions").status != 0;
}

}  // namespace matrix::conformance
