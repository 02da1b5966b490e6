// The reference server as a child process that keeps its data on disk, so that its answers wait for
// the disk as they do in operation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "conformance/harness/certificates.h"
#include "conformance/harness/process.h"
#include "refserver/protocol/identifiers.h"

namespace matrix::bench {

/// Why a benchmark cannot run, for SkipWithError.
using Problem = std::string;

class LiveServer {
public:
    /// A fresh server with this many users, and with TLS under this authority.
    static std::expected<std::unique_ptr<LiveServer>, Problem> start(
        std::size_t users, const conformance::TlsIdentity& authority);
    /// The same without TLS.
    static std::expected<std::unique_ptr<LiveServer>, Problem> start(std::size_t users);
    ~LiveServer();
    LiveServer(const LiveServer&) = delete;
    LiveServer& operator=(const LiveServer&) = delete;

    const std::string& url() const { return url_; }
    std::uint16_t port() const { return port_; }
    const ServerName& name() const { return name_; }
    /// Empty without TLS.
    const std::string& federation_url() const { return federation_url_; }
    std::string authority_file() const { return (folder_ / "ca/ca.pem").string(); }
    const std::vector<std::string>& access_tokens() const { return access_tokens_; }

private:
    LiveServer();
    Problem run(std::size_t users, bool has_tls);
    Problem read_ready_line(const std::string& line);

    std::filesystem::path folder_;
    std::unique_ptr<conformance::Process> process_;
    std::string url_;
    std::uint16_t port_ = 0;
    ServerName name_;
    std::string federation_url_;
    std::vector<std::string> access_tokens_;
};

}  // namespace matrix::bench
