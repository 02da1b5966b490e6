#include "refserver/storage/lru_map.h"

#include <gtest/gtest.h>

namespace matrix::storage {
namespace {

TEST(LruMap, ForgetsTheOldestOfThoseThatWereNotFound) {
    LruMap<int> map(3);
    map.put("a", 1);
    map.put("b", 2);
    map.put("c", 3);
    EXPECT_NE(map.find("a"), nullptr);
    map.put("d", 4);

    EXPECT_EQ(map.find("b"), nullptr);
    for (const char* kept : {"a", "c", "d"})
        EXPECT_NE(map.find(kept), nullptr) << kept;
    EXPECT_EQ(map.size(), 3U);
}

TEST(LruMap, ReplacesWhatHasTheSameKey) {
    LruMap<int> map(2);
    map.put("a", 1);
    map.put("b", 2);
    map.put("a", 3);

    ASSERT_NE(map.find("a"), nullptr);
    EXPECT_EQ(*map.find("a"), 3);
    EXPECT_NE(map.find("b"), nullptr);
}

TEST(LruMap, ForgetsSomethingAlthoughEverythingIsUsed) {
    constexpr std::size_t kSize = 100;
    LruMap<std::size_t> map(kSize);
    for (std::size_t number = 0; number < 10 * kSize; ++number) {
        map.put(std::to_string(number), number);
        for (std::size_t known = 0; known <= number; ++known)
            map.find(std::to_string(known));
        EXPECT_LE(map.size(), kSize);
    }
    EXPECT_NE(map.find(std::to_string(10 * kSize - 1)), nullptr);
}

TEST(LruMap, IsEmptyAfterClear) {
    LruMap<int> map(1);
    map.put("a", 1);
    map.clear();
    EXPECT_EQ(map.find("a"), nullptr);
    map.put("b", 2);
    map.put("c", 3);
    EXPECT_EQ(map.size(), 1U);
}

}  // namespace
}  // namespace matrix::storage
