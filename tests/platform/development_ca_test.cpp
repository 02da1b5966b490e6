#include "refserver/platform/development_ca.h"

#include <fstream>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

TEST(DevelopmentCa, IsTheSameForAllWhoOpenTheFolderAtOnce) {
    const TemporaryFolder folder;
    std::vector<std::string> pems(8);
    std::vector<std::thread> threads;
    for (auto& pem : pems) {
        threads.emplace_back([&] { pem = DevelopmentCa::open(folder.path())->certificate_pem(); });
    }
    for (auto& thread : threads)
        thread.join();
    for (const auto& pem : pems)
        EXPECT_EQ(pem, pems.front());
    EXPECT_EQ(read_authorities(folder.path() + "/ca.pem"), pems.front());
}

TEST(DevelopmentCa, KeepsItsKeyToItsOwner) {
    const TemporaryFolder folder;
    ASSERT_TRUE(DevelopmentCa::open(folder.path()));
    struct stat status{};
    ASSERT_EQ(::stat((folder.path() + "/ca-key.pem").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST(DevelopmentCa, SaysWhatIsWrongWithItsFolder) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() + "/ca.pem") << "no certificate";
    std::ofstream(folder.path() + "/ca-key.pem") << "no key";
    const auto authority = DevelopmentCa::open(folder.path());
    ASSERT_FALSE(authority);
    EXPECT_EQ(authority.error(), folder.path() + "/ca.pem holds no PEM certificate");
}

TEST(Certificate, TheKeyMustBelongToIt) {
    const TemporaryFolder folder;
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder.path() + "/" + name) << text;
        return folder.path() + "/" + name;
    };
    const DevelopmentCa authority = DevelopmentCa::make();
    const std::vector<std::string> names{"localhost"};
    const ServerCertificate a = authority.issue(names);
    const ServerCertificate b = authority.issue(names);
    const std::string chain = write("a.pem", a.chain_pem);
    EXPECT_TRUE(read_certificate(chain, write("a-key.pem", a.key_pem)));

    const auto other = read_certificate(chain, write("b-key.pem", b.key_pem));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error(),
              "the key in " + folder.path() + "/b-key.pem does not belong to the certificate in " +
                  chain);
    const auto missing = read_certificate(folder.path() + "/none.pem", chain);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error(),
              "cannot read " + folder.path() + "/none.pem: No such file or directory");
}

}  // namespace
}  // namespace matrix::platform
