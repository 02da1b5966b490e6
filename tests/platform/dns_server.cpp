#include "tests/platform/dns_server.h"

#include <array>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace matrix::platform {
namespace {

constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kTypeCname = 5;
constexpr std::uint16_t kTypeAaaa = 28;
constexpr std::uint16_t kTypeSrv = 33;

void put16(std::string& bytes, std::uint32_t value) {
    bytes += static_cast<char>(value >> 8 & 0xff);
    bytes += static_cast<char>(value & 0xff);
}

std::string encode_name(const std::string& name) {
    std::string bytes;
    std::size_t start = 0;
    while (start < name.size()) {
        const std::size_t end = std::min(name.find('.', start), name.size());
        bytes += static_cast<char>(end - start);
        bytes += name.substr(start, end - start);
        start = end + 1;
    }
    return bytes + '\0';
}

std::string address_bytes(int family, const std::string& text) {
    std::array<char, 16> bytes{};
    EXPECT_EQ(::inet_pton(family, text.c_str(), bytes.data()), 1) << text;
    return {bytes.data(), family == AF_INET ? 4U : 16U};
}

}  // namespace

DnsServer::DnsServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), size), 0);
    ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

DnsServer::~DnsServer() {
    ::shutdown(socket_.number(), SHUT_RDWR);
    // A datagram socket that is not connected is not woken by that everywhere: an empty one is.
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    const FileDescriptor waker(::socket(AF_INET, SOCK_DGRAM, 0));
    ::sendto(waker.number(), "", 0, 0, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    thread_.join();
}

void DnsServer::add_v4(const std::string& name, const std::string& address, std::uint32_t ttl) {
    records_[name].records.push_back({kTypeA, ttl, address_bytes(AF_INET, address)});
}

void DnsServer::add_v6(const std::string& name, const std::string& address, std::uint32_t ttl) {
    records_[name].records.push_back({kTypeAaaa, ttl, address_bytes(AF_INET6, address)});
}

void DnsServer::add_alias(const std::string& name, const std::string& target) {
    records_[name].records.push_back({kTypeCname, 300, encode_name(target)});
}

void DnsServer::add_service(const std::string& name, const Service& service, std::uint32_t ttl) {
    std::string data;
    put16(data, service.priority);
    put16(data, service.weight);
    put16(data, service.port);
    records_[name].records.push_back({kTypeSrv, ttl, data + encode_name(service.target)});
}

void DnsServer::serve() {
    std::array<char, 1024> bytes{};
    while (true) {
        sockaddr_in client{};
        socklen_t size = sizeof(client);
        const ssize_t count = ::recvfrom(socket_.number(),
                                         bytes.data(),
                                         bytes.size(),
                                         0,
                                         reinterpret_cast<sockaddr*>(&client),
                                         &size);
        if (count <= 0) return;
        const std::string reply =
            answer(std::string(bytes.data(), static_cast<std::size_t>(count)));
        if (reply.empty()) continue;
        ::sendto(socket_.number(),
                 reply.data(),
                 reply.size(),
                 0,
                 reinterpret_cast<sockaddr*>(&client),
                 size);
    }
}

std::string DnsServer::answer(const std::string& question) {
    std::string name;
    std::size_t at = 12;
    while (at < question.size() && question[at] != 0) {
        if (!name.empty()) name += '.';
        name += question.substr(at + 1, static_cast<unsigned char>(question[at]));
        at += static_cast<unsigned char>(question[at]) + 1U;
    }
    if (at + 5 > question.size()) return "";
    ++questions_;
    const auto type = static_cast<unsigned char>(question[at + 2]);
    const std::string asked = question.substr(12, at + 5 - 12);

    const auto known = records_.find(name);
    if (known != records_.end() && known->second.is_silent) return "";
    int code = known == records_.end() ? 3 : 0;  // NXDOMAIN
    if (known != records_.end() && known->second.is_broken) code = 2;
    std::string records;
    std::uint32_t count = 0;
    // A resolver of its own: it follows an alias one step.
    std::string owner = name;
    while (code == 0 && records_.contains(owner)) {
        std::string alias;
        for (const Record& record : records_[owner].records) {
            if (record.type != type && record.type != kTypeCname) continue;
            records += encode_name(owner);
            put16(records, record.type);
            put16(records, 1);
            put16(records, record.ttl >> 16);
            put16(records, record.ttl & 0xffff);
            put16(records, static_cast<std::uint32_t>(record.data.size()));
            records += record.data;
            ++count;
            if (record.type == kTypeCname) alias = record.data;
        }
        owner.clear();
        for (std::size_t i = 0; i < alias.size() && alias[i] != 0;
             i += static_cast<unsigned char>(alias[i]) + 1U) {
            if (!owner.empty()) owner += '.';
            owner += alias.substr(i + 1, static_cast<unsigned char>(alias[i]));
        }
    }
    std::string reply = question.substr(0, 2);
    reply += static_cast<char>(0x81);
    reply += static_cast<char>(0x80 | code);
    put16(reply, 1);
    put16(reply, count);
    put16(reply, 0);
    put16(reply, 0);
    return reply + asked + records;
}

}  // namespace matrix::platform
