// A target that is up, with all that tests need around it.
//
// Starts the server if there is a command for it, waits until it is ready, finds out what it offers
// and what reaches what, and starts it again after a crash.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "conformance/harness/exchange_log.h"
#include "conformance/harness/peer.h"
#include "conformance/harness/process.h"
#include "conformance/harness/target.h"

namespace matrix::conformance {

struct SessionOptions {
    TargetDescription description;
    std::string bin_dir;   ///< Where this program is: `{bin_dir}` in target files.
    std::string log_file;  ///< Where the server's output goes.
    std::string peer_bind = "127.0.0.1:0";
    std::string peer_name;
    /// Of the peers' certificates, and of the target's if it is started here; nothing: a new one.
    std::optional<TlsIdentity> authority = std::nullopt;
    std::chrono::milliseconds probe_deadline{
        5'000};  ///< How long the target may take to call back.
};

/// One thing that was tried at the start.
struct Probe {
    std::string name;
    std::string problem;  ///< Empty: it works.
    std::string detail;   ///< What was found.
    std::chrono::milliseconds duration{0};
};

class Session {
public:
    static std::expected<std::unique_ptr<Session>, std::string> open(SessionOptions options);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Target& target() { return *target_; }
    ExchangeLog& log() { return log_; }
    const PeerIdentity& identity() const { return identity_; }
    const std::vector<Probe>& probes() const { return probes_; }
    const std::string& software() const { return software_; }

    /// How the server that we started ended; nothing while it runs, or if it is not ours.
    std::optional<std::string> find_end();
    /// Starts it again; what went wrong, empty if nothing did.
    std::string restart();

private:
    explicit Session(SessionOptions options);
    std::string start();
    std::expected<TargetDescription, std::string> fill_in() const;
    std::string start_process(TargetDescription& description);
    std::string read_ready_line(TargetDescription& description);
    std::string wait_for_versions(const TargetDescription& description);
    void probe_all();
    Probe probe_client_api();
    Probe probe_users();
    Probe probe_open_registration();
    Probe probe_server_name();
    Probe probe_federation_out();
    Probe probe_federation_in();

    SessionOptions options_;
    ExchangeLog log_;
    PeerIdentity identity_;
    std::filesystem::path work_dir_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<Target> target_;
    std::optional<Client> probe_user_;
    std::vector<Probe> probes_;
    std::string software_;
};

/// The target file of the built-in reference server.
extern const char* const kBuiltInTarget;

}  // namespace matrix::conformance
