#include "refserver/platform/address_policy.h"

#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace matrix::platform {
namespace {

sockaddr_storage address_of(const char* text) {
    sockaddr_storage storage{};
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        std::memcpy(&storage, &v4, sizeof(v4));
        return storage;
    }
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    EXPECT_EQ(::inet_pton(AF_INET6, text, &v6.sin6_addr), 1) << text;
    std::memcpy(&storage, &v6, sizeof(v6));
    return storage;
}

bool is_public(const char* text) {
    const sockaddr_storage address = address_of(text);
    return is_public_address(reinterpret_cast<const sockaddr&>(address));
}

bool permits(const AddressPolicy& policy, const char* text) {
    const sockaddr_storage address = address_of(text);
    return policy.permits(reinterpret_cast<const sockaddr&>(address));
}

std::vector<IpBlock> blocks(std::initializer_list<const char*> texts) {
    std::vector<IpBlock> parsed;
    for (const char* text : texts)
        parsed.push_back(parse_ip_block(text).value());
    return parsed;
}

TEST(AddressPolicy, OnlyTheInternetIsPublic) {
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
        EXPECT_TRUE(permits({}, address)) << address;
    }
}

// security-cases.tsv 64
TEST(AddressPolicy, PlacesBehindTheServerAreNotPublic) {
    for (const char* address : {"0.0.0.0",         "0.1.2.3",     "10.0.0.1",
                                "100.64.0.1",      "127.0.0.1",   "127.255.255.255",
                                "169.254.169.254", "172.16.0.1",  "172.31.255.255",
                                "192.0.0.1",       "192.168.1.1", "198.18.0.1",
                                "198.19.255.255",  "224.0.0.1",   "240.0.0.1",
                                "255.255.255.255", "::",          "::1",
                                "fe80::1",         "fc00::1",     "fd12::1",
                                "ff02::1",         "fec0::1"}) {
        EXPECT_FALSE(is_public(address)) << address;
        EXPECT_FALSE(permits({}, address)) << address;
        EXPECT_TRUE(permits({.reach = Reach::Everything}, address)) << address;
    }
}

// security-cases.tsv 66
TEST(AddressPolicy, AnIpv6AddressThatStandsForAnIpv4AddressIsNotPublic) {
    for (const char* address : {"::ffff:127.0.0.1",
                                "::ffff:1.1.1.1",
                                "::127.0.0.1",
                                "::1.1.1.1",
                                "64:ff9b::7f00:1",
                                "64:ff9b::101:101",
                                "64:ff9b:1::1",
                                "2002:7f00:1::",
                                "2002:101:101::",
                                "2001:0:4136:e378::1",
                                "2001:db8::1",
                                "3fff::1"}) {
        EXPECT_FALSE(is_public(address)) << address;
        EXPECT_FALSE(permits({}, address)) << address;
    }
}

TEST(AddressPolicy, AnAllowedBlockMayBeReached) {
    const AddressPolicy policy{.allowed = blocks({"10.1.0.0/16", "fd00:1::/32", "192.168.7.7"})};
    for (const char* address : {"10.1.255.1", "fd00:1::9", "192.168.7.7", "1.1.1.1"})
        EXPECT_TRUE(permits(policy, address)) << address;
    for (const char* address : {"10.2.0.1", "fd00:2::9", "192.168.7.8", "127.0.0.1", "::1"})
        EXPECT_FALSE(permits(policy, address)) << address;
}

TEST(AddressPolicy, ADeniedBlockIsNeverReached) {
    const AddressPolicy policy{.reach = Reach::Everything,
                               .allowed = blocks({"10.0.0.0/8"}),
                               .denied = blocks({"10.1.0.0/16", "2606:4700::/32"})};
    for (const char* address :
         {"10.1.0.1", "::ffff:10.1.0.1", "64:ff9b::a01:1", "2002:a01:1::", "2606:4700::1111"})
        EXPECT_FALSE(permits(policy, address)) << address;
    for (const char* address : {"10.2.0.1", "127.0.0.1", "::1", "::"})
        EXPECT_TRUE(permits(policy, address)) << address;
}

// A network that has only IPv6 and reaches IPv4 by NAT64 must allow its prefix, and does not open
// its private networks by that.
TEST(AddressPolicy, AnAllowedTranslationLeadsToPublicAddressesOnly) {
    const AddressPolicy policy{.allowed = blocks({"64:ff9b::/96", "2001::/32", "2002::/16"})};
    EXPECT_TRUE(permits(policy, "64:ff9b::101:101"));
    EXPECT_FALSE(permits(policy, "64:ff9b::a00:1"));
    EXPECT_FALSE(permits(policy, "64:ff9b::7f00:1"));
    EXPECT_TRUE(permits(policy, "2002:101:101::"));
    EXPECT_FALSE(permits(policy, "2002:c0a8:1::"));
    // Teredo inverts the bits: 1.1.1.1 and 10.0.0.1.
    EXPECT_TRUE(permits(policy, "2001:0:101:101::fefe:fefe"));
    EXPECT_FALSE(permits(policy, "2001:0:101:101::f5ff:fffe"));
}

TEST(AddressPolicy, SaysWhatABlockIs) {
    const auto error_of = [](std::string_view text) {
        const auto block = parse_ip_block(text);
        return block ? std::string("accepted") : block.error();
    };
    EXPECT_EQ(error_of("10.0.0.0/8"), "accepted");
    EXPECT_EQ(error_of("::/0"), "accepted");
    EXPECT_EQ(error_of("fd00::1"), "accepted");
    EXPECT_EQ(error_of("localhost"),
              "\"localhost\" is not a block of IP addresses, for example 10.0.0.0/8 or fd00::/8");
    EXPECT_EQ(error_of("10.0.0.0/33"),
              "\"10.0.0.0/33\" is not a block: the length of its prefix is 0 to 32");
    EXPECT_EQ(error_of("10.0.0.0/"),
              "\"10.0.0.0/\" is not a block: the length of its prefix is 0 to 32");
    EXPECT_EQ(error_of("10.0.0.1/8"),
              "\"10.0.0.1/8\" is not a block: there are bits behind its prefix");
}

}  // namespace
}  // namespace matrix::platform
