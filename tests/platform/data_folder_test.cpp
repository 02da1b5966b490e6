#include "refserver/platform/data_folder.h"

#include <array>

#include <gtest/gtest.h>

#include "refserver/platform/memory_disk.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

TEST(DataFolder, IsCreatedWithItsParents) {
    const TemporaryFolder folder;
    const auto disk = DataFolder::open(folder.path() + "/a/b");
    ASSERT_TRUE(disk) << disk.error();
    EXPECT_EQ((*disk)->native_folder(), folder.path() + "/a/b");
}

TEST(DataFolder, RefusesASecondServer) {
    const TemporaryFolder folder;
    {
        const auto first = DataFolder::open(folder.path());
        ASSERT_TRUE(first);
        const auto second = DataFolder::open(folder.path());
        ASSERT_FALSE(second);
        EXPECT_EQ(second.error(), "another server is using " + folder.path());
    }
    EXPECT_TRUE(DataFolder::open(folder.path()));
}

TEST(DataFolder, SaysWhyItCannotBeMade) {
    const auto disk = DataFolder::open("/proc/no-such-folder");
    ASSERT_FALSE(disk);
    EXPECT_TRUE(disk.error().starts_with("cannot create /proc/no-such-folder: ")) << disk.error();
}

void check_files(runtime::Disk& disk) {
    EXPECT_FALSE(disk.exists("f"));
    const auto file = disk.open("f");
    ASSERT_NE(file, nullptr);
    EXPECT_TRUE(disk.exists("f"));
    EXPECT_EQ(file->write(2, std::string_view("abc")), runtime::DiskStatus::Ok);
    EXPECT_EQ(file->size(), 5U);
    std::array<char, 8> bytes;
    bytes.fill('?');
    std::size_t count = 0;
    EXPECT_EQ(file->read(1, bytes, count), runtime::DiskStatus::Ok);
    EXPECT_EQ(count, 4U);
    EXPECT_EQ(std::string_view(bytes.data(), 8), std::string_view("\0abc\0\0\0\0", 8));
    EXPECT_EQ(file->read(9, bytes, count), runtime::DiskStatus::Ok);
    EXPECT_EQ(count, 0U);
    EXPECT_EQ(file->truncate(3), runtime::DiskStatus::Ok);
    EXPECT_EQ(file->sync(), runtime::DiskStatus::Ok);
    EXPECT_EQ(disk.open("f")->size(), 3U);
    EXPECT_EQ(disk.remove("f"), runtime::DiskStatus::Ok);
    EXPECT_FALSE(disk.exists("f"));
    EXPECT_NE(disk.remove("f"), runtime::DiskStatus::Ok);
}

TEST(DataFolder, KeepsFiles) {
    const TemporaryFolder folder;
    check_files(**DataFolder::open(folder.path()));
}

TEST(MemoryDisk, KeepsFiles) {
    MemoryDisk disk;
    check_files(disk);
    EXPECT_FALSE(disk.native_folder());
}

}  // namespace
}  // namespace matrix::platform
