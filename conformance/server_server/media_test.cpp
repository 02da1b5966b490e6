// Files of the target's users, asked for by another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#content-repository

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kMediaDownloadPlace =
    "server-server-api/#get_matrixfederationv1mediadownloadmediaid";

class MediaTest : public FederationTest {
protected:
    // The id of a new file; the test is skipped where the target has no uploads.
    std::string upload(const std::string& bytes, const std::string& type) const {
        HttpRequest request{.method = "POST",
                            .target = "/_matrix/media/v3/upload?filename=file",
                            .body = bytes,
                            .content_type = type};
        const Response response = alice.send(std::move(request));
        if (response.errcode == "M_UNRECOGNIZED") skip_unsupported("the target has no uploads");
        expect_step("uploading a file", response);
        const std::string uri = string_at(response.body, {"content_uri"});
        return uri.substr(uri.rfind('/') + 1);
    }
    Response download(std::string_view id, const XMatrixOptions& options = {}) {
        return peer.get("/_matrix/federation/v1/media/download/" + escape(id), options);
    }

    const Client alice = target.make_user("alice");
};

struct WrongMediaId {
    std::string_view name;
    std::string_view id;
};
const WrongMediaId kWrongMediaIds[] = {
    {"unknown", "nosuchfile"},
    {"parent", ".."},
    {"path", "../../../../etc/passwd"},
    {"nul", std::string_view("file\0", 5)},
    {"encoded_slash", "a%2fb"},
};

}  // namespace

CONFORMANCE_TEST(MediaTest,
                 {.id = "ss/media_download/is-multipart",
                  .place = kMediaDownloadPlace,
                  .text = "A file comes as multipart/mixed of two parts: metadata as JSON, and the "
                          "bytes with their type and disposition.",
                  .since = "v1.11"}) {
    const std::string id = upload("the very bytes", "text/plain");

    const Response response = download(id);

    ASSERT_TRUE(has_status(response, 200));
    const std::string* type = response.find_header("Content-Type");
    ASSERT_TRUE(type && type->starts_with("multipart/mixed")) << response;
    EXPECT_NE(type->find("boundary="), std::string::npos) << response;
    const std::size_t json = response.text.find("application/json");
    const std::size_t bytes = response.text.find("the very bytes");
    EXPECT_LT(json, bytes) << response;
    EXPECT_NE(bytes, std::string::npos) << response;
    EXPECT_NE(response.text.find("text/plain"), std::string::npos) << response;
}

CONFORMANCE_TEST(MediaTest,
                 {.id = "ss/media_download/page-is-an-attachment",
                  .level = Level::Should,
                  .place = "client-server-api/#serving-inline-content",
                  .text = "A type that a browser would run is an attachment, however it is written "
                          "(security-cases.tsv 60).",
                  .since = "v1.11"}) {
    const std::string id = upload("<script>alert(1)</script>", "Text/HTML ; charset=utf-8");

    const Response response = download(id);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.text.find("Content-Disposition: inline"), std::string::npos) << response;
}

CONFORMANCE_TEST(MediaTest,
                 {.id = "ss/media_download/what-is-no-file-is-404",
                  .place = kMediaDownloadPlace,
                  .text = "An id that leads to no file is 404, also one that is made to leave the "
                          "folder of files (security-cases.tsv 57).",
                  .since = "v1.11",
                  .rows = rows_of(kWrongMediaIds)}) {
    const Response response = download(row_of(kWrongMediaIds).id);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_LT(response.status, 500) << response;
    EXPECT_SHOULD(response.status == 404) << response;
}

CONFORMANCE_TEST(MediaTest,
                 {.id = "ss/media_download/needs-a-signed-request",
                  .place = "server-server-api/#request-authentication",
                  .text = "A request without authentication is refused, and leads to no request to "
                          "anybody (security-cases.tsv 59).",
                  .since = "v1.11"}) {
    EXPECT_EQ(download("nosuchfile").status, 404);
    const std::size_t requests = peer.received_requests().size();

    const Response response = download("nosuchfile", {.header = ""});

    EXPECT_EQ(response.status, 401) << response;
    EXPECT_EQ(peer.received_requests().size(), requests);
}

CONFORMANCE_TEST(MediaTest,
                 {.id = "ss/media_thumbnail/size-that-is-none-is-400",
                  .level = Level::Should,
                  .place = "server-server-api/#get_matrixfederationv1mediathumbnailmediaid",
                  .text = "A request for a thumbnail with dimensions that are no positive integers "
                          "is 400.",
                  .since = "v1.11"}) {
    const std::string path = "/_matrix/federation/v1/media/thumbnail/nosuchfile";
    EXPECT_EQ(peer.get(path + "?width=10&height=10").status, 404);

    EXPECT_EQ(peer.get(path + "?width=-1&height=10").status, 400);
    EXPECT_EQ(peer.get(path + "?width=wide&height=10").status, 400);
}

}  // namespace matrix::conformance
