#include "conformance/harness/target_description.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "conformance/harness/session.h"

namespace matrix::conformance {
namespace {

std::string error_of(std::string_view yaml) {
    const auto parsed = parse_target_description(yaml);
    return parsed ? "" : to_string(parsed.error(), "t.yaml");
}

TEST(TargetFile, IsRead) {
    const auto target = parse_target_description(R"(
name: mine
command: [server, --port, "{client_port}"]
environment: {LOG: debug}
files:
  server.conf: "port {client_port}"
ready: {way: http_get, within_ms: 1500}
url: http://localhost:{client_port}
server_name: localhost:{federation_port}
federation_url: https://localhost:{federation_port}
registration: {way: shared_secret, shared_secret: hush}
ca_file: /tmp/ca.pem
verify_tls: false
)");
    ASSERT_TRUE(target) << target.error().what;
    EXPECT_EQ(target->command.at(2), "{client_port}");
    EXPECT_EQ(target->environment.at("LOG"), "debug");
    EXPECT_EQ(target->files.at("server.conf"), "port {client_port}");
    EXPECT_EQ(target->ready_within.count(), 1500);
    EXPECT_EQ(target->registration.way, RegistrationWay::SharedSecret);
    EXPECT_FALSE(target->verifies_tls);
}

TEST(TargetFile, ErrorsNameLineAndKey) {
    EXPECT_TRUE(
        error_of("url: http://x\ncolour: red\n").starts_with("t.yaml:2: colour: unknown key"));
    EXPECT_TRUE(error_of("url: http://x\nregistration:\n  way: magic\n")
                    .starts_with("t.yaml:3: registration.way: expected one of"));
    EXPECT_TRUE(error_of("url: http://x\nregistration: {way: shared_secret}\n")
                    .starts_with("t.yaml:2: registration.shared_secret: "));
    EXPECT_TRUE(error_of("url: http://x\nready:\n  within_ms: -1\n")
                    .starts_with("t.yaml:3: ready.within_ms: "));
    EXPECT_TRUE(error_of("url: [a]\n").starts_with("t.yaml:1: url: expected a string"));
    EXPECT_TRUE(error_of("url: http://x\ncommand: server\n")
                    .starts_with("t.yaml:2: command: expected a list"));
    EXPECT_TRUE(error_of("name: x\n").starts_with("t.yaml:1: url: "));
    EXPECT_TRUE(error_of("url: http://x\nfiles: [}\n").starts_with("t.yaml:2: "));
    EXPECT_TRUE(error_of("- a\n").starts_with("t.yaml:1: expected a map"));
    EXPECT_FALSE(error_of("").empty());
}

TEST(TargetFile, TheExamplesAreGood) {
    for (const auto& entry : std::filesystem::directory_iterator("conformance/targets")) {
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        EXPECT_EQ(error_of(text.str()), "") << entry.path();
    }
}

TEST(TargetFile, TheBuiltInOneIsTheExample) {
    std::ostringstream text;
    text << std::ifstream("conformance/targets/refserver.yaml").rdbuf();
    EXPECT_EQ(text.str(), kBuiltInTarget);
}

TEST(Placeholders, AreFilled) {
    EXPECT_EQ(fill_placeholders("a{x}b{{y}", {{"x", "1"}}), "a1b{y}");
    EXPECT_EQ(fill_placeholders("{y}", {}).error(), "{y}");
    EXPECT_EQ(fill_placeholders("{y", {{"y", "1"}}).value_or(""), "1");
}

}  // namespace
}  // namespace matrix::conformance
