#include "conformance/harness/session.h"

#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/harness/steps.h"
#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

namespace fs = std::filesystem;

// Where Debian and its relatives keep the authorities that everybody trusts.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

void write_file(const fs::path& path, const std::string& content, fs::perms permissions) {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
    fs::permissions(path, permissions);
}

constexpr fs::perms kPublic =
    fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read | fs::perms::others_read;
constexpr fs::perms kSecret = fs::perms::owner_read | fs::perms::owner_write;

std::string read_whole_file(const fs::path& path) {
    std::ostringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
}

// A port that was free a moment ago.
std::string find_free_port() {
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    MATRIX_ASSERT(bind(listener, generic, size) == 0);
    MATRIX_ASSERT(getsockname(listener, generic, &size) == 0);
    close(listener);
    return std::to_string(ntohs(address.sin_port));
}

std::string fill(std::string& text, const Placeholders& values) {
    std::expected<std::string, std::string> filled = fill_placeholders(text, values);
    if (!filled) return "unknown placeholder " + filled.error();
    text = *std::move(filled);
    return {};
}

}  // namespace

const char* const kBuiltInTarget =
    R"(# The reference server of this repository, in memory, on free ports.
name: refserver
command:
  - "{bin_dir}/refserver"
  - --listen
  - 127.0.0.1:0
  - --federation-listen
  - 127.0.0.1:0
  - --dev-ca
  - "{ca_dir}"
  - --policy-server
ready:
  way: ready_line
  within_ms: 10000
spec_version: v1.19
registration:
  way: open
)";

std::expected<std::unique_ptr<Session>, std::string> Session::open(SessionOptions options) {
    std::unique_ptr<Session> session(new Session(std::move(options)));
    std::string problem = session->start();
    if (!problem.empty()) return std::unexpected(std::move(problem));
    return session;
}

Session::Session(SessionOptions options)
    : options_(std::move(options)),
      identity_(make_peer_identity(options_.peer_bind, options_.peer_name, options_.authority)) {
    std::string pattern = (fs::temp_directory_path() / "conformance-XXXXXX").string();
    MATRIX_ASSERT(mkdtemp(pattern.data()) != nullptr);
    work_dir_ = pattern;
    write_file(work_dir_ / "ca/ca.pem", identity_.authority.certificate, kPublic);
    write_file(work_dir_ / "ca/ca-key.pem", identity_.authority.private_key, kSecret);
    const TlsIdentity target_identity =
        make_certificate(identity_.authority, {"localhost", "127.0.0.1", "::1"});
    write_file(work_dir_ / "tls/cert.pem", target_identity.certificate, kPublic);
    write_file(work_dir_ / "tls/key.pem", target_identity.private_key, kSecret);
}

Session::~Session() {
    probe_user_.reset();
    target_.reset();
    process_.reset();
    std::error_code ignored;
    fs::remove_all(work_dir_, ignored);
}

std::expected<TargetDescription, std::string> Session::fill_in() const {
    TargetDescription description = options_.description;
    const Placeholders values = {
        {"bin_dir", options_.bin_dir},
        {"work_dir", work_dir_.string()},
        {"ca_dir", (work_dir_ / "ca").string()},
        {"ca_file", (work_dir_ / "ca/ca.pem").string()},
        {"tls_cert", (work_dir_ / "tls/cert.pem").string()},
        {"tls_key", (work_dir_ / "tls/key.pem").string()},
        {"client_port", find_free_port()},
        {"federation_port", find_free_port()},
        {"registration_shared_secret", description.registration.shared_secret},
    };
    std::vector<std::string*> texts = {&description.url,
                                       &description.server_name,
                                       &description.federation_url,
                                       &description.ca_file};
    for (std::string& part : description.command)
        texts.push_back(&part);
    for (auto& [name, value] : description.environment)
        texts.push_back(&value);
    for (auto& [name, content] : description.files)
        texts.push_back(&content);
    for (std::string* text : texts) {
        std::string problem = fill(*text, values);
        if (!problem.empty()) return std::unexpected(std::move(problem));
    }
    // {user} and {password} are filled for each user.
    Placeholders of_command = values;
    of_command["user"] = "{user}";
    of_command["password"] = "{password}";
    for (std::string& part : description.registration.command) {
        std::string problem = fill(part, of_command);
        if (!problem.empty()) return std::unexpected(std::move(problem));
    }
    while (description.url.ends_with('/'))
        description.url.pop_back();
    return description;
}

std::string Session::start() {
    std::expected<TargetDescription, std::string> description = fill_in();
    if (!description) return description.error();
    // Whom the suite trusts: its own authority, the target's, and those of the system.
    std::string authorities = identity_.authority.certificate;
    if (!description->ca_file.empty()) {
        if (!fs::exists(description->ca_file)) return description->ca_file + ": no such file";
        authorities += read_whole_file(description->ca_file);
    }
    if (fs::exists(kSystemAuthorities)) authorities += read_whole_file(kSystemAuthorities);
    write_file(work_dir_ / "trusted.pem", authorities, kPublic);
    description->ca_file = (work_dir_ / "trusted.pem").string();

    if (!description->command.empty()) {
        std::string problem = start_process(*description);
        if (!problem.empty()) return problem;
    }
    target_ = std::make_unique<Target>(*description, log_);
    std::string problem =
        process_ != nullptr ? wait_for_versions(*description) : target_->probe_versions();
    if (!problem.empty()) return "the server is not ready: " + problem;
    probe_all();
    return {};
}

std::string Session::start_process(TargetDescription& description) {
    for (const auto& [name, content] : description.files) {
        write_file(work_dir_ / name, content, kSecret);
    }
    const bool has_ready_line = description.ready == ReadyWay::ReadyLine;
    auto process = Process::start({.command = description.command,
                                   .environment = description.environment,
                                   .working_directory = work_dir_.string(),
                                   .stdout_file = has_ready_line ? "" : options_.log_file,
                                   .stderr_file = options_.log_file});
    if (!process) return process.error();
    process_ = *std::move(process);
    return has_ready_line ? read_ready_line(description) : std::string();
}

std::string Session::read_ready_line(TargetDescription& description) {
    const std::optional<std::string> line = process_->read_line(description.ready_within);
    if (!line) {
        const std::optional<std::string> end = process_->find_end();
        return description.command.front() +
               (end ? " " + *end + " before it was ready" : " printed no ready line in time") +
               "; see " + options_.log_file;
    }
    const Json ready = Json::parse(*line, nullptr, false);
    const auto take = [&](std::string& value, const char* key) {
        if (value.empty()) value = string_at(ready, {key});
    };
    take(description.url, "url");
    take(description.federation_url, "federation_url");
    take(description.server_name, "server_name");
    if (description.url.empty()) return "the ready line has no url: " + *line;
    return {};
}

std::string Session::wait_for_versions(const TargetDescription& description) {
    std::string problem;
    const bool is_over = eventually(description.ready_within, [&] {
        problem = target_->probe_versions();
        return problem.empty() || process_->find_end().has_value();
    });
    if (const auto end = process_->find_end()) {
        return description.command.front() + " " + *end + "; see " + options_.log_file;
    }
    return is_over ? std::string() : problem;
}

std::optional<std::string> Session::find_end() {
    return process_ == nullptr ? std::nullopt : process_->find_end();
}

std::string Session::restart() {
    if (options_.description.command.empty()) return "the suite did not start this server";
    probe_user_.reset();
    target_.reset();
    process_.reset();
    return start();
}

}  // namespace matrix::conformance
