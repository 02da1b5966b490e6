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

#include <benchmark/benchmark.h>

#include "conformance/harness/certificates.h"
#include "conformance/harness/process.h"
#include "refserver/protocol/identifiers.h"

namespace matrix::bench {

/// Why a benchmark cannot run, for SkipWithError.
using Problem = std::string;

/// What a server has used and done since its start.
struct Usage {
    double cpu_us = 0;         ///< Of all its threads.
    double engine_cpu_us = 0;  ///< Of the thread on which the engine runs.
    double syncs = 0;          ///< Calls of fdatasync.
    double sync_us = 0;        ///< What all of them took.
    double longest_turn_us = 0;
    double longest_turn_cpu_us = 0;
    double database_bytes = 0;
    double resident_bytes = 0;
};

class LiveServer {
public:
    /// A fresh server with this many users, and with TLS under this authority.
    static std::expected<std::unique_ptr<LiveServer>, Problem> start(
        std::size_t users, const conformance::TlsIdentity& authority);
    /// The same without TLS.
    static std::expected<std::unique_ptr<LiveServer>, Problem> start(std::size_t users);
    /// Ends it as an operator does, and starts it again upon its data; on the same port.
    Problem restart();
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
    const std::string& admin_token() const { return admin_token_; }

    Usage usage() const;
    /// When what the last work has freed has gone back to the system; takes two seconds.
    double resident_bytes_at_rest() const;

private:
    LiveServer();
    Problem run(std::size_t users, bool has_tls);
    Problem run_command();
    Problem read_ready_line(const std::string& line);

    std::filesystem::path folder_;
    std::vector<std::string> command_;
    std::unique_ptr<conformance::Process> process_;
    std::string pid_;
    std::string admin_token_;
    std::string url_;
    std::uint16_t port_ = 0;
    ServerName name_;
    std::string federation_url_;
    std::vector<std::string> access_tokens_;
};

/// Counters of what the server used for each of so many operations between two looks: CPU time of
/// all its threads and of the engine's, how long the disk took to sync and how often it did, and
/// the engine's longest turn since the server's start, by the clock and by CPU time.
void report_usage(benchmark::State& state,
                  const Usage& before,
                  const Usage& after,
                  double operations);

/// A run that only shows that the benchmarks work: rooms are small then.
bool is_brief();

}  // namespace matrix::bench
