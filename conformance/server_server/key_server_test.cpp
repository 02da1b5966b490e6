// The keys that a server publishes, and those of others that it tells as a notary.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys

#include <chrono>

#include "conformance/harness/federation_test.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kKeyServerPlace = "server-server-api/#get_matrixkeyv2server";
constexpr std::string_view kNotaryGetPlace = "server-server-api/#get_matrixkeyv2queryservername";
constexpr std::string_view kNotaryPostPlace = "server-server-api/#post_matrixkeyv2query";
constexpr std::string_view kNotaryPath = "/_matrix/key/v2/query";
constexpr std::string_view kKeyServerPath = "/_matrix/key/v2/server";

class KeyServer : public FederationTest {
protected:
    const Response response = peer.send_unsigned({.target = std::string(kKeyServerPath)});
};

class KeyNotary : public FederationTest {
protected:
    /// `minimum` is the query, empty or "?minimum_valid_until_ts=...".
    Response query(std::string_view server, const std::string& minimum = "") {
        return peer.send_unsigned(
            {.target = std::string(kNotaryPath) + "/" + escape(server) + minimum});
    }
    Response query_many(const Json& server_keys) {
        return peer.send_unsigned({.method = "POST",
                                   .target = std::string(kNotaryPath),
                                   .headers = {{"Content-Type", "application/json"}},
                                   .body = Json{{"server_keys", server_keys}}.dump()});
    }
    /// Its documents of a server.
    static std::vector<Json> documents_of(const Response& response, std::string_view server) {
        std::vector<Json> found;
        for (const Json& document : response.at({"server_keys"})) {
            if (string_at(document, {"server_name"}) == server) found.push_back(document);
        }
        return found;
    }
    /// Is it signed by its origin, and by the target with a key that the target publishes?
    void expect_signed_by_both(const Json& document) {
        const auto keys = parse_server_keys(to_protocol_object(document), ed25519_verifier());
        ASSERT_TRUE(keys) << keys.error();
        const auto own = parse_server_keys(
            to_protocol_object(peer.send_unsigned({.target = std::string(kKeyServerPath)}).body),
            ed25519_verifier());
        ASSERT_TRUE(own) << own.error();
        bool is_signed = false;
        for (const SignatureRef& ref : list_signatures(keys->document)) {
            const auto key = own->keys.find(ref.key_id);
            if (ref.entity != target.server_name().view() || key == own->keys.end()) continue;
            EXPECT_TRUE(has_signature(
                keys->document, ref.signature, key->second.public_key, ed25519_verifier()));
            is_signed = true;
        }
        EXPECT_TRUE(is_signed) << document;
    }
    /// A name at which nobody listens.
    const std::string nobody = "localhost:1";
};

}  // namespace

CONFORMANCE_TEST(KeyServer,
                 {.id = "ss/key_server/names-itself",
                  .place = kKeyServerPlace,
                  .text = "`server_name` is the name of the homeserver."}) {
    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"server_name"}), target.server_name().text());
}

CONFORMANCE_TEST(KeyServer,
                 {.id = "ss/key_server/is-signed-by-each-of-its-keys",
                  .place = kKeyServerPlace,
                  .text = "The response is signed with each key of `verify_keys`."}) {
    ASSERT_TRUE(has_status(response, 200));
    ASSERT_FALSE(response.at({"verify_keys"}).empty()) << response;

    const auto keys = parse_server_keys(to_protocol_object(response.body), ed25519_verifier());

    EXPECT_TRUE(keys) << keys.error();
}

CONFORMANCE_TEST(KeyServer,
                 {.id = "ss/key_server/is-valid-now",
                  .place = kKeyServerPlace,
                  .text = "`valid_until_ts` is the time until which the keys are valid."}) {
    using std::chrono::milliseconds;
    using std::chrono::system_clock;
    ASSERT_TRUE(has_status(response, 200));

    const Json& until = response.at({"valid_until_ts"});

    ASSERT_TRUE(until.is_number_integer()) << response;
    const auto now =
        std::chrono::duration_cast<milliseconds>(system_clock::now().time_since_epoch());
    EXPECT_GT(until.get<std::int64_t>(), now.count()) << "keys that have expired cannot be used";
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/get-is-signed-by-origin-and-notary",
                  .place = kNotaryGetPlace,
                  .text = "The notary signs the keys that the queried server returned."}) {
    const Response response = query(peer.name().view());

    ASSERT_TRUE(has_status(response, 200));
    const std::vector<Json> documents = documents_of(response, peer.name().view());
    ASSERT_EQ(documents.size(), 1U) << response;
    EXPECT_EQ(string_at(documents.front(), {"verify_keys", peer.signer().key_id().text(), "key"}),
              encode_base64(peer.signer().public_key()));
    expect_signed_by_both(documents.front());
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/get-of-a-server-that-is-away-is-empty",
                  .place = kNotaryGetPlace,
                  .text = "The answer is an empty array if the server could not be reached and no "
                          "cached keys were available."}) {
    const Response response = query(nobody);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"server_keys"}), Json::array());
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/get-tells-own-keys",
                  .level = Level::Should,
                  .place = kNotaryGetPlace,
                  .text = "A server is a notary for its own keys too."}) {
    const Response response = query(target.server_name().view());

    ASSERT_TRUE(has_status(response, 200));
    const std::vector<Json> documents = documents_of(response, target.server_name().view());
    ASSERT_FALSE(documents.empty()) << response;
    expect_signed_by_both(documents.front());
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/returns-the-last-keys-of-a-server-that-fails",
                  .level = Level::Should,
                  .place = kKeyServerPlace,
                  .text = "If the server fails to respond, notaries continue to return the last "
                          "response, so that signatures of old events can be checked."}) {
    ASSERT_EQ(documents_of(query(peer.name().view()), peer.name().view()).size(), 1U);
    peer.on("GET", "/_matrix/key/", [](const IncomingRequest&) {
        return respond_error(500, "M_UNKNOWN", "out of order");
    });

    // Valid for longer than any key is believed: the notary has to ask again.
    const Response response = query(peer.name().view(), "?minimum_valid_until_ts=9000000000000000");

    ASSERT_TRUE(has_status(response, 200));
    const std::vector<Json> documents = documents_of(response, peer.name().view());
    ASSERT_EQ(documents.size(), 1U) << response;
    expect_signed_by_both(documents.front());
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/refuses-keys-that-are-not-signed-by-themselves",
                  .place = kKeyServerPlace,
                  .text = "The response of a server is signed by the keys that it lists; a notary "
                          "passes on no other."}) {
    peer.on("GET", "/_matrix/key/", [this](const IncomingRequest&) {
        json::Object keys = make_server_keys(peer.name(), peer.signer(), 4'000'000'000'000);
        keys.set("valid_until_ts", std::int64_t{4'000'000'000'001});
        return respond(200, Json::parse(json::write(keys)));
    });

    const Response response = query(peer.name().view());

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"server_keys"}), Json::array());
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/post-answers-for-those-that-it-reaches",
                  .place = kNotaryPostPlace,
                  .text = "Keys of several servers are queried in a batch, with or without key "
                          "ids; servers that are offline and unknown are not in the result."}) {
    const Json criteria = {{"minimum_valid_until_ts", 1234567890}};
    for (const Json& keys : {Json::object(),
                             Json{{peer.signer().key_id().text(), criteria}},
                             Json{{peer.signer().key_id().text(), Json::object()}}}) {
        const Response response = query_many({{peer.name().text(), keys}, {nobody, keys}});

        ASSERT_TRUE(has_status(response, 200));
        const std::vector<Json> documents = documents_of(response, peer.name().view());
        ASSERT_EQ(documents.size(), 1U) << response;
        EXPECT_EQ(response.at({"server_keys"}).size(), 1U) << response;
        expect_signed_by_both(documents.front());
    }
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/post-without-servers-is-empty",
                  .place = kNotaryPostPlace,
                  .text = "If no servers are given, the notary server must return an empty "
                          "`server_keys` array."}) {
    const Response response = query_many(Json::object());

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"server_keys"}), Json::array());
}

CONFORMANCE_TEST(KeyNotary,
                 {.id = "ss/key_query/post-refuses-other-shapes",
                  .place = kNotaryPostPlace,
                  .text = "`server_keys` is a required object of objects of criteria."}) {
    ASSERT_TRUE(has_status(query_many(Json::object()), 200));
    for (const Json& shape : {Json("x"), Json{{peer.name().text(), 7}}}) {
        const Response response = query_many(shape);
        EXPECT_TRUE(response.status >= 400 && response.status < 500) << response;
    }
}

}  // namespace matrix::conformance
