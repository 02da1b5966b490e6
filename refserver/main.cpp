// The reference homeserver: flags, the real world, and the engine in it; or one of the commands.

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "refserver/admin/commands.h"
#include "refserver/admin/data_file.h"
#include "refserver/base/result_macros.h"
#include "refserver/commands/commands.h"
#include "refserver/engine/server.h"
#include "refserver/options.h"
#include "refserver/platform/data_folder.h"
#include "refserver/platform/development_ca.h"
#include "refserver/platform/dns_resolver.h"
#include "refserver/platform/event_loop.h"
#include "refserver/platform/http_client.h"
#include "refserver/platform/http_server.h"
#include "refserver/platform/log_durability.h"
#include "refserver/platform/memory_disk.h"
#include "refserver/platform/stderr_log.h"
#include "refserver/platform/stop_signals.h"
#include "refserver/platform/system_random.h"
#include "refserver/platform/thread_workers.h"
#include "refserver/protocol/json.h"

namespace matrix {
namespace {

using platform::SocketAddress;

using admin::kDatabaseFile;
using admin::kNameFile;
constexpr std::string_view kDefaultHost = "localhost";

/// A sentence that names the flag which is to blame.
using Problem = std::string;
template <class T>
using Outcome = std::expected<T, Problem>;

template <class T>
Outcome<T> blame(std::string_view flag, Outcome<T> outcome) {
    if (outcome) return outcome;
    return std::unexpected(std::string(flag) + ": " + std::move(outcome).error());
}

// --- Certificates and trust ----------------------------------------------------------------------

/// What TLS needs, in both directions.
struct Trust {
    std::optional<platform::ServerCertificate> certificate;
    std::string authorities_pem;
};

std::vector<std::string> names_of_certificate(const Options& options) {
    std::vector<std::string> names{std::string(kDefaultHost), "127.0.0.1"};
    const auto add = [&names](std::string name) {
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    };
    if (options.server_name) {
        const auto parts = split_server_name(parse_server_name(*options.server_name).value());
        std::string host = parts ? parts->host : std::string(kDefaultHost);
        if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
        add(std::move(host));
    }
    if (options.federation_listen) add(options.federation_listen->ip);
    return names;
}

Outcome<Trust> make_trust(const Options& options) {
    Trust trust;
    if (options.authorities) {
        ASSIGN_OR_RETURN(trust.authorities_pem,
                         blame("--ca", platform::read_authorities(*options.authorities)));
    }
    if (options.tls_cert) {
        ASSIGN_OR_RETURN(
            trust.certificate,
            blame("--tls-cert", platform::read_certificate(*options.tls_cert, *options.tls_key)));
    }
    if (options.development_ca) {
        ASSIGN_OR_RETURN(const platform::DevelopmentCa authority,
                         blame("--dev-ca", platform::DevelopmentCa::open(*options.development_ca)));
        trust.certificate = authority.issue(names_of_certificate(options));
        trust.authorities_pem += authority.certificate_pem();
    }
    return trust;
}

// --- The server's name ---------------------------------------------------------------------------

// Users and rooms belong to the name, so a data folder keeps that of its first start.
std::optional<std::string> read_name(runtime::Disk& disk) {
    if (!disk.exists(kNameFile)) return std::nullopt;
    const auto file = disk.open(kNameFile);
    if (!file) return std::nullopt;
    std::string name(std::min<std::uint64_t>(file->size(), kIdBytesMax), '\0');
    std::size_t count = 0;
    if (file->read(0, name, count) != runtime::DiskStatus::Ok || name.empty()) return std::nullopt;
    return name;
}

Outcome<void> write_name(runtime::Disk& disk, const std::string& name) {
    const auto file = disk.open(kNameFile);
    const bool is_written = file && file->write(0, name) == runtime::DiskStatus::Ok &&
                            file->sync() == runtime::DiskStatus::Ok;
    if (!is_written)
        return std::unexpected("--data: cannot write the file " + std::string(kNameFile));
    return {};
}

// The name that the flags or the data folder give; nothing on a first start without --server-name.
Outcome<std::optional<std::string>> find_name(const Options& options, runtime::Disk& disk) {
    const auto kept = read_name(disk);
    if (kept && options.server_name && *kept != *options.server_name) {
        return std::unexpected("--server-name: the data in " + *options.data +
                               " belong to the server " + *kept);
    }
    if (kept && !parse_server_name(*kept)) {
        return std::unexpected("--data: the file " + std::string(kNameFile) +
                               " holds no server name");
    }
    return kept ? kept : options.server_name;
}

// A server that was called localhost:PORT listens on that port again, unless told otherwise: a fork
// of it runs beside it, and takes a free port.
SocketAddress default_address(const std::optional<std::string>& name) {
    SocketAddress address{"127.0.0.1", 0};
    if (!name) return address;
    const auto parts = split_server_name(parse_server_name(*name).value());
    if (parts && parts->host == kDefaultHost && parts->port) address.port = *parts->port;
    return address;
}

// --- Listeners -----------------------------------------------------------------------------------

struct Listening {
    std::string url;
    std::optional<std::string> federation_url;
    std::string server_name;
};

std::string url_of(std::string_view scheme, SocketAddress address, std::uint16_t port) {
    if (address.ip == "0.0.0.0") address.ip = "127.0.0.1";
    if (address.ip == "::") address.ip = "::1";
    return std::string(scheme) + "://" + to_string(SocketAddress{address.ip, port});
}

Outcome<Listening> listen(const Options& options,
                          const Trust& trust,
                          const std::optional<std::string>& name,
                          platform::HttpServer& http) {
    Listening listening;
    // Of two listeners the encrypted one has the name's port.
    const SocketAddress plain =
        options.listen.value_or(default_address(trust.certificate ? std::nullopt : name));
    ASSIGN_OR_RETURN(std::uint16_t port, blame("--listen", http.listen(plain, std::nullopt)));
    listening.url = url_of("http", plain, port);
    if (trust.certificate) {
        const SocketAddress encrypted = options.federation_listen.value_or(default_address(name));
        ASSIGN_OR_RETURN(port,
                         blame("--federation-listen", http.listen(encrypted, trust.certificate)));
        listening.federation_url = url_of("https", encrypted, port);
    }
    listening.server_name = name.value_or(std::string(kDefaultHost) + ":" + std::to_string(port));
    return listening;
}

// An error of the HTTP layer, in the form that Matrix gives to errors.
runtime::HttpResponse make_plain_error(int status, std::string_view detail) {
    const bool is_too_large = status == 413 || status == 431;
    runtime::HttpResponse response;
    response.status = status;
    response.headers = {
        {"Content-Type", "application/json"},
        {"Access-Control-Allow-Origin", "*"},
        {"Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"},
        {"Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization"}};
    response.body = json::write(
        json::Object{{"errcode", is_too_large ? "M_TOO_LARGE" : "M_UNKNOWN"}, {"error", detail}});
    return response;
}

// --- The program ---------------------------------------------------------------------------------

/// Where the data are, and how they become durable.
struct Storage {
    std::unique_ptr<runtime::Disk> disk;
    std::unique_ptr<runtime::Durability> durability;
};

Outcome<Storage> open_storage(const Options& options,
                              runtime::Executor& executor,
                              runtime::Log& log) {
    if (!options.data) {
        return Storage{std::make_unique<platform::MemoryDisk>(),
                       std::make_unique<platform::ImmediateDurability>(executor)};
    }
    ASSIGN_OR_RETURN(auto folder, blame("--data", platform::DataFolder::open(*options.data)));
    return Storage{
        std::move(folder),
        std::make_unique<platform::LogDurability>(executor, log, *options.data, kDatabaseFile)};
}

engine::ServerOptions engine_options(const Options& options, const Listening& listening) {
    engine::ServerOptions settings;
    settings.server_name = parse_server_name(listening.server_name).value();
    settings.database_name = kDatabaseFile;
    settings.database.is_in_memory = !options.data;
    settings.is_development = options.is_development;
    settings.default_room_version = options.room_version;
    settings.registration_shared_secret = options.registration_shared_secret;
    settings.rotates_key = options.rotates_key;
    settings.is_policy_server = options.is_policy_server;
    settings.policy_refused_texts = options.policy_refused_texts;
    settings.public_url = listening.url;
    settings.users = options.users;
    if (options.delegated_name) settings.delegated_name = ServerName(*options.delegated_name);
    for (const std::string& name : options.trusted_key_servers)
        settings.trusted_key_servers.emplace_back(name);
    for (const auto& [name, address] : options.overrides)
        settings.appointed_addresses[name] = {address.ip, address.port};
    return settings;
}

platform::HttpClientOptions client_options(const Options& options, const Trust& trust) {
    platform::HttpClientOptions settings;
    settings.policy = {
        .reach = options.is_development ? platform::Reach::Everything : platform::Reach::PublicOnly,
        .allowed = options.allowed_networks,
        .denied = options.denied_networks};
    settings.authorities_pem = trust.authorities_pem;
    settings.user_agent = "touchstone-refserver/" TOUCHSTONE_VERSION;
    return settings;
}

// One line, in one write: whoever waits for it reads all of it.
void print_ready_line(const Listening& listening, const engine::Server& server) {
    json::Object users;
    for (const auto& [name, token] : server.user_tokens())
        users.set(name, token);
    json::Object line{{"url", listening.url},
                      {"server_name", listening.server_name},
                      {"admin_token", server.admin_token()},
                      {"users", std::move(users)},
                      {"pid", static_cast<std::int64_t>(::getpid())}};
    line.set("federation_url",
             listening.federation_url ? json::Value(*listening.federation_url) : json::Value());
    const std::string text = json::write(line) + "\n";
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

Outcome<void> serve(const Options& options) {
    platform::EventLoop loop;
    platform::HttpServer* stopping = nullptr;
    const platform::StopSignals signals(loop, [&] { stopping->drain([&loop] { loop.stop(); }); });
    platform::StderrLog log(options.log_level, options.log_format);
    loop.on_slow_turn([&log](std::int64_t turn_us, std::int64_t cpu_us) {
        log.write("slow_turn", {{"turn_us", turn_us}, {"cpu_us", cpu_us}});
    });
    platform::SystemRandom random;
    platform::ThreadWorkers workers(loop);
    ASSIGN_OR_RETURN(const Storage storage, open_storage(options, loop, log));
    ASSIGN_OR_RETURN(const auto name, find_name(options, *storage.disk));
    ASSIGN_OR_RETURN(const Trust trust, make_trust(options));

    platform::HttpClient client(loop, client_options(options, trust));
    platform::DnsResolver resolver(loop, {.servers = options.dns_servers});
    platform::HttpServer http(loop, log, {.plain_error = make_plain_error});
    stopping = &http;
    ASSIGN_OR_RETURN(const Listening listening, listen(options, trust, name, http));
    RETURN_IF_ERROR(write_name(*storage.disk, listening.server_name));

    const runtime::World world{
        loop, loop, random, client, resolver, workers, *storage.disk, *storage.durability, log};
    auto server = engine::Server::open(world, engine_options(options, listening));
    if (!server) return std::unexpected("cannot open the database: " + server.error().what);
    http.serve([&](runtime::HttpRequest request, runtime::Responder respond) {
        (*server)->handle(std::move(request), std::move(respond));
    });
    print_ready_line(listening, **server);
    loop.run();
    return {};
}

// Each waiting client is an open file.
void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace
}  // namespace matrix

int main(int count, char** arguments) {
    if (const auto code = matrix::commands::run_command(count, arguments)) return *code;
    if (const auto code = matrix::admin::run_command(count, arguments)) return *code;
    const auto options = matrix::parse_options(count, arguments);
    if (!options) {
        std::fputs(options.error().text.c_str(), options.error().code == 0 ? stdout : stderr);
        return options.error().code;
    }
    ::signal(SIGPIPE, SIG_IGN);
    matrix::raise_file_limit();
    const auto outcome = matrix::serve(*options);
    if (!outcome) {
        std::fprintf(stderr, "refserver: %s\n", outcome.error().c_str());
        return 1;
    }
    return 0;
}
