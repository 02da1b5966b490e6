// Base64: what is decoded, and what is refused.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#unpadded-base64

#include "refserver/protocol/base64.h"

#include <gtest/gtest.h>

#include "refserver/protocol/sha256.h"

namespace matrix {
namespace {

TEST(Base64, DecodesWithAndWithoutCorrectPadding) {
    for (const std::string_view text : {"Zg", "Zg=="})
        EXPECT_EQ(decode_base64(text), "f") << text;
    for (const std::string_view text : {"Zm8", "Zm8="})
        EXPECT_EQ(decode_base64(text), "fo");
    EXPECT_EQ(decode_base64("Zm9v"), "foo");
    EXPECT_EQ(decode_base64(""), "");
}

TEST(Base64, RefusesWhatIsNoBase64OfItsAlphabet) {
    for (const std::string_view text : {"Z",
                                        "Zg=",
                                        "Zm8==",
                                        "Zm9v=",
                                        "====",
                                        "=",
                                        "Zm 8",
                                        "Zm8\n",
                                        "Zm9vZ",
                                        "Z=g=",
                                        "Zm8\xff",
                                        "A==="}) {
        EXPECT_EQ(decode_base64(text), std::nullopt) << text;
        EXPECT_EQ(decode_base64_url(text), std::nullopt) << text;
    }
    EXPECT_EQ(decode_base64("-_8"), std::nullopt);
    EXPECT_EQ(decode_base64_url("+/8"), std::nullopt);
    EXPECT_EQ(decode_base64("+/8"), decode_base64_url("-_8"));
}

// The appendix's own seed, which ends in unused bits that are not zero.
TEST(Base64, DecodesTheSpecificationsSeed) {
    const auto seed = decode_base64("YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1");
    ASSERT_TRUE(seed);
    EXPECT_EQ(seed->size(), 32U);
    EXPECT_NE(encode_base64(*seed), "YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1");
}

TEST(Sha256, HashesAsFips180Says) {
    EXPECT_EQ(encode_base64(view(sha256(""))), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    EXPECT_EQ(encode_base64(view(sha256("abc"))), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
}

}  // namespace
}  // namespace matrix
