// What others get of our users' files.
#include "refserver/engine/media_headers.h"
#include "refserver/storage/media.h"
#include "tests/engine/federation_fixture.h"

namespace matrix::engine {
namespace {

class FederationMediaTest : public FederationServerTest {
protected:
    using S = FederationServer;

    void upload(const std::string& id,
                const std::string& type,
                const std::string& bytes,
                std::optional<std::string> name = std::nullopt) {
        a_.turn([&] {
            media_.reserve(id, alice_, 0);
            media_.upload(id, name, type, bytes);
        });
    }
    void add_thumbnail(const std::string& id, storage::Thumbnail thumbnail) {
        const std::string bytes = "thumbnail of " + std::to_string(thumbnail.width);
        a_.turn([&] { media_.put_thumbnail(id, std::move(thumbnail), bytes); });
    }
    std::string thumbnail(const std::string& id, Query query) {
        return text_of(ask(&S::download_thumbnail, {id}, std::move(query)));
    }

    storage::MediaStore media_{a_.turns};
};

TEST_F(FederationMediaTest, SendsAFileInTwoParts) {
    const std::string bytes =
        std::string("\x89PNG\r\n\0--not a boundary--", 25) + std::string(600'000, 'x');
    upload("abc", "image/png", bytes, "cat.png");

    const auto reply = ask(&S::download_media, {"abc"});

    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    constexpr std::string_view kType = "multipart/mixed; boundary=";
    ASSERT_TRUE(reply->content_type.starts_with(kType)) << reply->content_type;
    const std::string boundary = reply->content_type.substr(kType.size());
    EXPECT_EQ(reply->written_body,
              "--" + boundary + "\r\nContent-Type: application/json\r\n\r\n{}\r\n--" + boundary +
                  "\r\nContent-Type: image/png\r\nContent-Disposition: inline; "
                  "filename=\"cat.png\"\r\n\r\n" +
                  bytes + "\r\n--" + boundary + "--\r\n");
}

TEST_F(FederationMediaTest, StoresEqualFilesOnceAndReadsBoth) {
    upload("one", "text/plain", "same");
    upload("two", "text/css", "same");
    EXPECT_NE(text_of(ask(&S::download_media, {"one"})).find("same"), std::string::npos);
    EXPECT_NE(text_of(ask(&S::download_media, {"two"})).find("text/css"), std::string::npos);
    const auto slices = a_.turns.database().find(
        "SELECT COUNT(*) FROM media_slices", {}, [](const storage::Row& row) {
            return row.integer(0);
        });
    EXPECT_EQ(slices, 1);
}

// security-cases.tsv 57
TEST_F(FederationMediaTest, TakesNoIdThatIsNone) {
    upload("abc", "text/plain", "hello");
    ASSERT_EQ(status_of(ask(&S::download_media, {"abc"})), 200);
    for (const std::string& id : {std::string("unknown"),
                                  std::string("../abc"),
                                  std::string("../../../etc/passwd"),
                                  std::string("abc\0", 4),
                                  std::string("a%2fb"),
                                  std::string("a/b"),
                                  std::string(256, 'a')}) {
        EXPECT_EQ(status_of(ask(&S::download_media, {id})), 404) << id;
        EXPECT_EQ(status_of(ask(&S::download_thumbnail, {id}, {{"width", "1"}, {"height", "1"}})),
                  404)
            << id;
    }
}

// security-cases.tsv 59
TEST_F(FederationMediaTest, AsksNobodyAndKeepsNothingForThoseWhoAsk) {
    upload("abc", "text/plain", "hello");
    peer_.requests.clear();
    EXPECT_EQ(status_of(ask(&S::download_media, {"theirs"})), 404);
    EXPECT_TRUE(peer_.requests.empty());
    const auto files = a_.turns.database().find(
        "SELECT COUNT(*) FROM media", {}, [](const storage::Row& row) { return row.integer(0); });
    EXPECT_EQ(files, 1);
}

TEST_F(FederationMediaTest, SaysThatAFileIsNotThereYet) {
    a_.turn([&] { media_.reserve("abc", alice_, 0); });
    const auto reply = ask(&S::download_media, {"abc"});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().status, 504);
    EXPECT_EQ(reply.error().errcode, "M_NOT_YET_UPLOADED");
}

TEST_F(FederationMediaTest, ChoosesTheThumbnailThatFits) {
    using enum storage::ThumbnailMethod;
    upload("abc", "image/png", "picture");
    ASSERT_EQ(status_of(ask(&S::download_thumbnail, {"abc"}, {{"width", "9"}, {"height", "9"}})),
              400)
        << "none is made here";
    const storage::MediaFile png{.content_type = "image/png"};
    add_thumbnail("abc", {32, 32, Crop, false, png});
    add_thumbnail("abc", {320, 240, Scale, false, png});
    add_thumbnail("abc", {640, 480, Scale, false, png});
    add_thumbnail("abc", {641, 480, Scale, true, png});

    const auto expect = [&](Query query, const std::string& width) {
        const std::string text = thumbnail("abc", query);
        EXPECT_NE(text.find("thumbnail of " + width + "\r\n"), std::string::npos) << text;
    };
    expect({{"width", "30"}, {"height", "30"}, {"method", "crop"}}, "32");
    expect({{"width", "30"}, {"height", "30"}, {"method", "scale"}}, "320");
    expect({{"width", "320"}, {"height", "241"}}, "640");
    expect({{"width", "5000"}, {"height", "5000"}}, "640");
    expect({{"width", "400"}, {"height", "400"}, {"animated", "true"}}, "641");
    expect({{"width", "641"}, {"height", "480"}, {"animated", "false"}}, "640");
}

TEST_F(FederationMediaTest, RefusesSizesThatAreNone) {
    upload("abc", "image/png", "picture");
    add_thumbnail("abc", {32, 32, storage::ThumbnailMethod::Scale, false, {}});
    const auto status = [&](Query query) {
        return status_of(ask(&S::download_thumbnail, {"abc"}, std::move(query)));
    };
    ASSERT_EQ(status({{"width", "9"}, {"height", "9"}}), 200);
    EXPECT_EQ(status({{"width", "9"}}), 400);
    EXPECT_EQ(status({{"width", "-9"}, {"height", "9"}}), 400);
    EXPECT_EQ(status({{"width", "wide"}, {"height", "9"}}), 400);
    EXPECT_EQ(status({{"width", "9"}, {"height", "9"}, {"method", "stretch"}}), 400);
}

// security-cases.tsv 60
TEST(MediaHeaders, AreInlineOnlyForTypesThatNoBrowserRuns) {
    struct Case {
        std::string_view written;
        std::string_view type;
        std::string_view disposition;
    };
    constexpr Case kCases[] = {
        {"image/png", "image/png", "inline"},
        {" Image/PNG ", "Image/PNG", "inline"},
        {"text/plain; charset=utf-8", "text/plain; charset=utf-8", "inline"},
        {"text/plain ;charset=utf-8", "text/plain ;charset=utf-8", "inline"},
        {"text/html", "text/html", "attachment"},
        {" TEXT/HTML", "TEXT/HTML", "attachment"},
        {"image/svg+xml", "image/svg+xml", "attachment"},
        {"application/pdf", "application/pdf", "attachment"},
        {"image/png, text/html", "application/octet-stream", "attachment"},
        {"image/png\r\nX-Evil: 1", "application/octet-stream", "attachment"},
        {"image", "application/octet-stream", "attachment"},
        {"", "application/octet-stream", "attachment"},
    };
    for (const Case& one : kCases) {
        const MediaHeaders headers = headers_of_media(one.written, std::nullopt);
        EXPECT_EQ(headers.content_type, one.type) << one.written;
        EXPECT_EQ(headers.content_disposition, one.disposition) << one.written;
    }
}

TEST(MediaHeaders, EncodeNamesThatAHeaderCannotCarry) {
    const auto name = [](const char* text) {
        return headers_of_media("application/zip", std::string(text)).content_disposition;
    };
    EXPECT_EQ(name("a b.zip"), "attachment; filename=\"a b.zip\"");
    EXPECT_EQ(name("a\".zip"), "attachment; filename*=utf-8''a%22.zip");
    EXPECT_EQ(name("a\r\nSet-Cookie: x"), "attachment; filename*=utf-8''a%0D%0ASet-Cookie%3A%20x");
    EXPECT_EQ(name("ä"), "attachment; filename*=utf-8''%C3%A4");
}

}  // namespace
}  // namespace matrix::engine
