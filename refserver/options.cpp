#include "refserver/options.h"

#include <sstream>
#include <utility>

#include <CLI/CLI.hpp>

#include "refserver/admin/commands.h"
#include "refserver/commands/commands.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/room_rules.h"

namespace matrix {
namespace {

constexpr const char* kExamples =
    R"(Without --data everything is kept in memory and ends with the process.
When the server serves, it prints one line of JSON on standard output:
url, federation_url, server_name, admin_token, users (user id to access token), pid.
SIGTERM and SIGINT end it after the requests in progress; a second one ends it at once.

Examples:
  refserver
      a server in memory on a free port, for one test
  refserver --users alice,bob --listen 127.0.0.1:8008
      two accounts, whose tokens are in the line of JSON
  refserver --dev-ca /tmp/ca --users alice
      speaks TLS with other servers that are started with the same --dev-ca
  refserver --dev-ca /tmp/ca --server-name one.test --resolve two.test=127.0.0.1:8449
      names that no DNS server knows
  refserver --data /var/lib/refserver --server-name example.org \
      --listen 127.0.0.1:8008 --federation-listen 0.0.0.0:8448 \
      --tls-cert fullchain.pem --tls-key privkey.pem
      keeps its data, and speaks only with public addresses)";

using CLI::ValidationError;

std::string check_address(const std::string& text) {
    const auto address = platform::parse_socket_address(text);
    return address ? "" : address.error();
}

std::string check_user(const std::string& name) {
    const auto user = parse_user_id("@" + name + ":localhost", UserIdGrammar::Strict);
    return user ? "" : "\"" + name + "\" is not a localpart (a-z 0-9 . _ = - / +)";
}

std::string check_server_name(const std::string& text) {
    const auto name = parse_server_name(text);
    return name ? "" : "\"" + text + "\" is not a server name: " + name.error().what;
}

std::string check_room_version(const std::string& version) {
    return find_room_rules(version) != nullptr
               ? ""
               : "\"" + version + "\" is not a room version that this server knows (1 to 12)";
}

// NAME=ADDR; a name has no "=".
std::string check_override(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) return "\"" + text + "\" is not NAME=ADDRESS:PORT";
    const std::string problem = check_server_name(text.substr(0, equals));
    return problem.empty() ? check_address(text.substr(equals + 1)) : problem;
}

std::string check_network(const std::string& text) {
    const auto block = platform::parse_ip_block(text);
    return block ? "" : block.error();
}

/// What the flags say, as text that has been checked.
struct Texts {
    std::string listen;
    std::string federation_listen;
    std::vector<std::string> overrides;
    std::vector<std::string> allowed_networks;
    std::vector<std::string> denied_networks;
    std::string log_level = "warning";
    std::string log_format = "text";
    bool wants_development = false;
};

void declare_addresses(CLI::App& app, Options& options, Texts& texts) {
    app.add_option("--listen",
                   texts.listen,
                   "Plain HTTP for clients and servers; port 0: a free one [127.0.0.1:0, or the "
                   "port of the name localhost:PORT]")
        ->type_name("ADDR:PORT")
        ->check(CLI::Validator(check_address, ""));
    app.add_option("--federation-listen",
                   texts.federation_listen,
                   "HTTPS for other servers, also for clients [with a certificate as --listen, "
                   "which then takes a free port]")
        ->type_name("ADDR:PORT")
        ->check(CLI::Validator(check_address, ""));
    app.add_option("--server-name",
                   options.server_name,
                   "The name in user ids [localhost:PORT of the HTTPS listener, else of --listen; "
                   "with --data, that of the first start]")
        ->type_name("NAME")
        ->check(CLI::Validator(check_server_name, ""));
    app.add_option("--well-known-server",
                   options.delegated_name,
                   "Tells other servers at /.well-known/matrix/server that they reach this one as "
                   "NAME")
        ->type_name("NAME")
        ->check(CLI::Validator(check_server_name, ""));
}

void make_repeatable(CLI::Option* option,
                     const std::string& type_name,
                     std::string (*check)(const std::string&)) {
    option->type_name(type_name)
        ->check(CLI::Validator(check, ""))
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// How other servers are found, and which may be.
void declare_federation(CLI::App& app, Options& options, Texts& texts) {
    make_repeatable(
        app.add_option("--resolve",
                       texts.overrides,
                       "Connects to ADDR for the server NAME (host or host:port), whatever DNS and "
                       "well-known say; the certificate must be that of NAME. May be repeated"),
        "NAME=ADDR:PORT",
        check_override);
    make_repeatable(app.add_option("--allow-network",
                                   texts.allowed_networks,
                                   "Requests may go to these addresses although they are private "
                                   "or translated. May be repeated"),
                    "CIDR",
                    check_network);
    make_repeatable(app.add_option("--deny-network",
                                   texts.denied_networks,
                                   "Requests never go to these addresses, also in development. May "
                                   "be repeated"),
                    "CIDR",
                    check_network);
    make_repeatable(app.add_option("--trusted-key-server",
                                   options.trusted_key_servers,
                                   "Asks the notary NAME for keys of servers that do not answer. "
                                   "May be repeated"),
                    "NAME",
                    check_server_name);
    app.add_flag("--rotate-key",
                 options.rotates_key,
                 "Signs with a new key from now on, and publishes the one before as an old one");
    app.add_option("--dns", options.dns_servers, "Asks this DNS server instead of the system's")
        ->type_name("ADDR:PORT")
        ->check(CLI::Validator(check_address, ""));
}

void declare_policy(CLI::App& app, Options& options) {
    CLI::Option* serves = app.add_flag(
        "--policy-server",
        options.is_policy_server,
        "Signs events for rooms whose m.room.policy names this server, with the key that "
        "/.well-known/matrix/policy_server tells");
    app.add_option("--policy-refuse",
                   options.policy_refused_texts,
                   "Does not sign events whose canonical JSON contains TEXT. May be repeated")
        ->type_name("TEXT")
        ->needs(serves)
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void declare_certificates(CLI::App& app, Options& options) {
    CLI::Option* chain = app.add_option(
        "--tls-cert", options.tls_cert, "Certificate of the HTTPS listener and its chain, PEM");
    CLI::Option* key =
        app.add_option("--tls-key", options.tls_key, "Private key of --tls-cert, PEM");
    chain->type_name("FILE")->needs(key);
    key->type_name("FILE")->needs(chain);
    app.add_option("--dev-ca",
                   options.development_ca,
                   "Makes the certificate with the development CA in DIR, which is created if need "
                   "be, and trusts that CA")
        ->type_name("DIR")
        ->excludes(chain);
    app.add_option(
           "--ca", options.authorities, "Trusts the CAs in FILE (PEM) besides those of the system")
        ->type_name("FILE");
}

void declare_others(CLI::App& app, Options& options, Texts& texts) {
    app.add_option("--data", options.data, "Keeps key and database in DIR")->type_name("DIR");
    app.add_option("--users", options.users, "Creates these accounts, if they do not exist")
        ->type_name("NAME,NAME...")
        ->delimiter(',')
        ->check(CLI::Validator(check_user, ""));
    app.add_option("--registration-shared-secret",
                   options.registration_shared_secret,
                   "Allows registration with this secret")
        ->type_name("SECRET");
    app.add_option("--room-version", options.room_version, "Of rooms that are created without one")
        ->type_name("VERSION")
        ->check(CLI::Validator(check_room_version, ""))
        ->capture_default_str();
    app.add_flag("--development",
                 texts.wants_development,
                 "Private addresses may be reached, registration is open, no rate limits; always "
                 "without --data");
    app.add_option("--log-level", texts.log_level, "On standard error")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
        ->capture_default_str();
    app.add_option("--log-format", texts.log_format, "Lines of text, or JSON objects, one a line")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
    app.set_version_flag("--version", "refserver " TOUCHSTONE_VERSION);
}

runtime::LogLevel log_level_of(const std::string& text) {
    if (text == "debug") return runtime::LogLevel::Debug;
    if (text == "info") return runtime::LogLevel::Info;
    if (text == "error") return runtime::LogLevel::Error;
    return runtime::LogLevel::Warning;
}

void take_texts(const Texts& texts, Options& options) {
    if (!texts.listen.empty()) {
        options.listen = platform::parse_socket_address(texts.listen).value();
    }
    if (!texts.federation_listen.empty()) {
        options.federation_listen = platform::parse_socket_address(texts.federation_listen).value();
    }
    for (const std::string& text : texts.overrides) {
        const std::size_t equals = text.find('=');
        options.overrides[text.substr(0, equals)] =
            platform::parse_socket_address(text.substr(equals + 1)).value();
    }
    for (const std::string& text : texts.allowed_networks)
        options.allowed_networks.push_back(platform::parse_ip_block(text).value());
    for (const std::string& text : texts.denied_networks)
        options.denied_networks.push_back(platform::parse_ip_block(text).value());
    options.log_level = log_level_of(texts.log_level);
    if (texts.log_format == "json") options.log_format = platform::LogFormat::JsonLines;
    options.is_development = texts.wants_development || !options.data;
}

}  // namespace

std::expected<Options, EarlyExit> parse_options(int count, const char* const* arguments) {
    Options options;
    Texts texts;
    CLI::App app("Touchstone's reference Matrix homeserver; with a command, a tool of its trade.",
                 "refserver");
    app.footer(commands::list_commands() + admin::list_commands() + "\n" + kExamples);
    app.get_formatter()->column_width(36);
    declare_addresses(app, options, texts);
    declare_federation(app, options, texts);
    declare_policy(app, options);
    declare_certificates(app, options);
    declare_others(app, options, texts);
    try {
        app.parse(count, arguments);
        if (!texts.federation_listen.empty() && !options.has_certificate()) {
            throw ValidationError("--federation-listen",
                                  "needs a certificate: --tls-cert and --tls-key, or --dev-ca");
        }
    } catch (const CLI::ParseError& error) {
        std::ostringstream out;
        const bool is_wrong = app.exit(error, out, out) != 0;
        return std::unexpected(EarlyExit{is_wrong ? 2 : 0, out.str()});
    }
    take_texts(texts, options);
    return options;
}

}  // namespace matrix
