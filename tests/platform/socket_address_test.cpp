#include "refserver/platform/socket_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

namespace matrix::platform {
namespace {

bool is_public(const char* text) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        return is_public_address(reinterpret_cast<const sockaddr&>(v4));
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
    return is_public_address(reinterpret_cast<const sockaddr&>(v6));
}

TEST(SocketAddress, OnlyTheInternetIsPublic) {
    for (const char* address : {"1.1.1.1",
                                "9.255.255.255",
                                "11.0.0.0",
                                "100.63.255.255",
                                "100.128.0.0",
                                "172.15.255.255",
                                "172.32.0.0",
                                "192.167.255.255",
                                "192.169.0.0",
                                "198.17.255.255",
                                "198.20.0.0",
                                "223.255.255.255",
                                "2606:4700::1111",
                                "2a00:1450::1",
                                "2001:4860:4860::8888"}) {
        EXPECT_TRUE(is_public(address)) << address;
    }
}

TEST(SocketAddress, PlacesBehindTheServerAreNotPublic) {
    for (const char* address : {"0.0.0.0",         "0.1.2.3",     "10.0.0.1",
                                "100.64.0.1",      "127.0.0.1",   "127.255.255.255",
                                "169.254.169.254", "172.16.0.1",  "172.31.255.255",
                                "192.0.0.1",       "192.168.1.1", "198.18.0.1",
                                "198.19.255.255",  "224.0.0.1",   "240.0.0.1",
                                "255.255.255.255", "::",          "::1",
                                "fe80::1",         "fc00::1",     "fd12::1",
                                "ff02::1",         "fec0::1"}) {
        EXPECT_FALSE(is_public(address)) << address;
    }
}

TEST(SocketAddress, AnIpv6AddressThatStandsForAnIpv4AddressIsNotPublic) {
    for (const char* address : {"::ffff:127.0.0.1",
                                "::ffff:1.1.1.1",
                                "::127.0.0.1",
                                "64:ff9b::7f00:1",
                                "64:ff9b:1::1",
                                "2002:7f00:1::",
                                "2001:0:4136:e378::1",
                                "2001:db8::1",
                                "3fff::1"}) {
        EXPECT_FALSE(is_public(address)) << address;
    }
}

TEST(SocketAddress, ReadsAndWritesBothFamilies) {
    EXPECT_EQ(parse_socket_address("127.0.0.1:8008"), (SocketAddress{"127.0.0.1", 8008}));
    EXPECT_EQ(parse_socket_address("[::1]:0"), (SocketAddress{"::1", 0}));
    EXPECT_EQ(to_string({"127.0.0.1", 80}), "127.0.0.1:80");
    EXPECT_EQ(to_string({"::1", 80}), "[::1]:80");
}

TEST(SocketAddress, SaysWhatWasExpected) {
    const auto error_of = [](std::string_view text) {
        const auto address = parse_socket_address(text);
        return address ? std::string("accepted") : address.error();
    };
    EXPECT_EQ(error_of("8008"),
              "\"8008\" is not ADDRESS:PORT, for example 127.0.0.1:8008 or [::1]:8008");
    EXPECT_EQ(error_of("127.0.0.1:65536"), "\"65536\" is not a port (0 to 65535)");
    EXPECT_EQ(error_of("127.0.0.1:"), "\"\" is not a port (0 to 65535)");
    EXPECT_EQ(error_of("127.0.0.1:-1"), "\"-1\" is not a port (0 to 65535)");
    EXPECT_EQ(error_of("::1:80"), "\"::1\" is not an IP address (IPv6 in brackets)");
    EXPECT_EQ(error_of("[127.0.0.1]:80"),
              "\"[127.0.0.1]\" is not an IP address (IPv6 in brackets)");
    EXPECT_EQ(error_of("localhost:80"), "\"localhost\" is not an IP address (IPv6 in brackets)");
}

}  // namespace
}  // namespace matrix::platform
