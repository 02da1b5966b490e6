// KilledServer: the reference server as a process over one folder, killed and started again.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "conformance/harness/certificates.h"
#include "conformance/harness/process.h"

namespace matrix::crash {

/// Empty: all is well.
using Problem = std::string;

class KilledServer {
public:
    /// The folder is made, and removed at the end. `authority` signs its certificate.
    KilledServer(std::string program, const conformance::TlsIdentity& authority);
    KilledServer(const KilledServer&) = delete;
    KilledServer& operator=(const KilledServer&) = delete;
    ~KilledServer();

    /// Starts a process, always at the same addresses, and does not wait for it.
    Problem launch();
    /// Waits until it serves.
    Problem wait_until_ready();
    /// SIGKILL, and waits for the end.
    void kill();

    /// Has `refserver fsck` look at the folder while no process uses it.
    Problem verify() const;

    const std::string& url() const { return url_; }
    const std::string& federation_url() const { return federation_url_; }
    const std::string& name() const { return name_; }
    std::string authority_file() const { return (folder_ / "ca/ca.pem").string(); }
    std::string data_folder() const { return (folder_ / "data").string(); }
    std::string log_file() const { return data_folder() + "/homeserver.db-wal"; }
    /// Of the process that is ready, by user id.
    const std::map<std::string, std::string>& access_tokens() const { return access_tokens_; }
    /// From `launch` to the ready line.
    std::chrono::milliseconds last_start() const { return last_start_; }

private:
    Problem read_ready_line(const std::string& line);

    std::string program_;
    std::filesystem::path folder_;
    std::unique_ptr<conformance::Process> process_;
    std::chrono::steady_clock::time_point launched_;
    std::chrono::milliseconds last_start_{0};
    std::string url_;
    std::string federation_url_;
    std::string name_;
    std::map<std::string, std::string> access_tokens_;
};

}  // namespace matrix::crash
