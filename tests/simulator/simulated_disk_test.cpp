// SimulatedDisk: what it stores, what it shares, and what its faults do.
#include "simulator/simulated_disk.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

using runtime::DiskFile;
using runtime::DiskStatus;

std::string read_all(DiskFile& file) {
    std::string bytes(file.size() + 3, '?');
    std::size_t count = 0;
    EXPECT_EQ(file.read(0, bytes, count), DiskStatus::Ok);
    EXPECT_EQ(bytes.substr(count), std::string(3, '\0')) << "beyond the end are zeros";
    bytes.resize(count);
    return bytes;
}

/// Does the same to a disk and to a string, across pages and sectors.
TEST(SimulatedDisk, ReadsWhatWasWritten) {
    SimulatedRandom random(5);
    SimulatedDisk disk(1);
    const auto file = disk.open("file");
    std::string expected;
    for (int step = 0; step < 2000; ++step) {
        const std::uint64_t offset = random.below(20'000);
        if (random.one_in(10)) {
            expected.resize(offset);
            ASSERT_EQ(file->truncate(offset), DiskStatus::Ok);
        } else {
            const std::string bytes = random.bytes(random.below(6000));
            if (bytes.empty()) continue;
            if (expected.size() < offset + bytes.size()) expected.resize(offset + bytes.size());
            expected.replace(offset, bytes.size(), bytes);
            ASSERT_EQ(file->write(offset, bytes), DiskStatus::Ok);
        }
        if (random.one_in(20)) ASSERT_EQ(file->sync(), DiskStatus::Ok);
        ASSERT_EQ(read_all(*file), expected) << "step " << step;
        if (!random.one_in(50)) continue;
        // What is synced survives as it is.
        ASSERT_EQ(file->sync(), DiskStatus::Ok);
        SimulatedDisk copy(disk, random.bits());
        copy.cut_power();
        copy.restore_power();
        ASSERT_EQ(read_all(*copy.open("file")), expected) << "step " << step;
    }
}

TEST(SimulatedDisk, SharesPagesWithItsCopiesUntilTheyAreWritten) {
    SimulatedDisk original(1);
    original.open("file")->write(0, std::string(10'000, 'a'));
    SimulatedDisk copy(original, 2);
    copy.open("file")->write(5000, std::string("b"));
    EXPECT_EQ(read_all(*original.open("file")), std::string(10'000, 'a'));
    EXPECT_EQ(read_all(*copy.open("file"))[5000], 'b');
    EXPECT_EQ(copy.bytes(), 10'000U);
}

TEST(SimulatedDisk, LosesAnyPartOfWhatWasNotSynced) {
    std::set<std::string> outcomes;
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        SimulatedDisk disk(seed);
        const auto file = disk.open("file");
        file->write(0, std::string(1024, 'o'));
        file->sync();
        file->write(0, std::string(1024, 'a'));
        file->write(512, std::string(512, 'b'));
        disk.cut_power();
        disk.restore_power();
        const std::string left = read_all(*disk.open("file"));
        ASSERT_EQ(left.size(), 1024U);
        outcomes.insert({left.front(), left.back()});
        EXPECT_EQ(left, std::string(512, left.front()) + std::string(512, left.back()));
    }
    // Each sector: as before, or the first write, or (reordered, torn) the second without it.
    EXPECT_EQ(outcomes, (std::set<std::string>{"oo", "oa", "ob", "ao", "aa", "ab"}));
}

TEST(SimulatedDisk, FailsEverythingFromTheCutOn) {
    SimulatedDisk disk(1);
    const auto file = disk.open("file");
    file->write(0, std::string("kept"));
    file->sync();
    disk.cut_power_at(disk.operations() + 1);
    EXPECT_EQ(file->write(0, std::string("1")), DiskStatus::Ok);
    EXPECT_EQ(file->sync(), DiskStatus::IoError);
    EXPECT_FALSE(disk.has_power());
    char byte = 0;
    std::size_t count = 0;
    EXPECT_EQ(file->read(0, {&byte, 1}, count), DiskStatus::IoError);
    EXPECT_EQ(file->write(0, std::string("2")), DiskStatus::IoError);
    EXPECT_EQ(file->truncate(0), DiskStatus::IoError);
    EXPECT_EQ(disk.remove("file"), DiskStatus::IoError);
    EXPECT_EQ(disk.open("file"), nullptr);
    EXPECT_EQ(disk.open("other"), nullptr);
    disk.restore_power();
    EXPECT_EQ(file->write(0, std::string("3")), DiskStatus::IoError) << "of a process that ended";
    EXPECT_NE(disk.open("file"), nullptr);
    EXPECT_EQ(read_all(*disk.open("file")).substr(1), "ept");
}

TEST(SimulatedDisk, ForgetsWhatALyingSyncPromised) {
    int losses = 0;
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        SimulatedDisk disk(seed);
        disk.lose_syncs(true);
        const auto file = disk.open("file");
        file->write(0, std::string("x"));
        EXPECT_EQ(file->sync(), DiskStatus::Ok);
        disk.cut_power();
        disk.restore_power();
        if (!disk.exists("file") || read_all(*disk.open("file")) != "x") ++losses;
    }
    EXPECT_GT(losses, 30);
}

TEST(SimulatedDisk, RefusesToGrowBeyondItsLimit) {
    SimulatedDisk disk(1);
    const auto file = disk.open("file");
    disk.limit_bytes(10);
    EXPECT_EQ(file->write(0, std::string(10, 'a')), DiskStatus::Ok);
    EXPECT_EQ(file->write(10, std::string("b")), DiskStatus::Full);
    EXPECT_EQ(file->write(9, std::string("c")), DiskStatus::Ok) << "no growth";
    EXPECT_EQ(disk.open("other")->write(0, std::string("d")), DiskStatus::Full);
    disk.limit_bytes(std::nullopt);
    EXPECT_EQ(file->write(10, std::string("b")), DiskStatus::Ok);
}

}  // namespace
}  // namespace matrix::simulator
