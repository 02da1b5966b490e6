#include "refserver/platform/socket_address.h"

#include <gtest/gtest.h>

namespace matrix::platform {
namespace {

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
