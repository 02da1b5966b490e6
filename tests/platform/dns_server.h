// A DNS server on a UDP port of loopback, which answers from a table.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "refserver/platform/file_descriptor.h"

namespace matrix::platform {

class DnsServer {
public:
    DnsServer();
    ~DnsServer();
    DnsServer(const DnsServer&) = delete;
    DnsServer& operator=(const DnsServer&) = delete;

    // What it knows; complete before the first question.

    void add_v4(const std::string& name, const std::string& address, std::uint32_t ttl = 300);
    void add_v6(const std::string& name, const std::string& address, std::uint32_t ttl = 300);
    void add_alias(const std::string& name, const std::string& target);
    struct Service {
        std::uint16_t priority;
        std::uint16_t weight;
        std::uint16_t port;
        std::string target;
    };
    void add_service(const std::string& name, const Service& service, std::uint32_t ttl = 300);
    /// Questions for this name are not answered.
    void set_silent(const std::string& name) { records_[name].is_silent = true; }
    /// Questions for this name are answered with SERVFAIL.
    void set_broken(const std::string& name) { records_[name].is_broken = true; }

    /// `127.0.0.1:PORT`.
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
    /// Names that were asked for, once for each question.
    int questions() const { return questions_; }

private:
    struct Record {
        std::uint16_t type;
        std::uint32_t ttl;
        std::string data;
    };
    struct Name {
        std::vector<Record> records;
        bool is_silent = false;
        bool is_broken = false;
    };
    void serve();
    std::string answer(const std::string& question);

    std::map<std::string, Name> records_;
    FileDescriptor socket_;
    std::uint16_t port_ = 0;
    std::atomic<int> questions_ = 0;
    std::thread thread_;
};

}  // namespace matrix::platform
