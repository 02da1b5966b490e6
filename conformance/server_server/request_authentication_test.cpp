// The X-Matrix header: what it proves, and how it may be written.
//
// UNSPECIFIED: with which status most requests that prove nothing are refused: 401 and 403 are
// taken, and 401 is what should be.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#request-authentication

#include "conformance/harness/federation_test.h"
#include "conformance/server_server/shared_room.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/x_matrix.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kAuthenticationPlace = "server-server-api/#request-authentication";

// A request that a server answers if it believes the peer.
class XMatrixTest : public FederationTest {
protected:
    std::string path_for(std::string_view localpart) const {
        return "/_matrix/federation/v1/make_join/" + escape(room.view()) + "/" +
               escape(peer.user(localpart).view()) +
               "?ver=" + escape(target.default_room_version());
    }
    Response ask(const XMatrixOptions& options = {}) { return peer.get(path, options); }

    const RoomId room = target.create_public_room();
    const std::string path = path_for("bob");
};

void expect_unauthorized(const Response& response) {
    EXPECT_TRUE(response.status == 401 || response.status == 403) << response;
    EXPECT_SHOULD(response.status == 401) << response;
}

XMatrix parse_own(const std::string& header) {
    return parse_x_matrix(header).value();
}

std::string parameter(std::string_view name, std::string_view value) {
    return std::string(name) + "=\"" + std::string(value) + "\"";
}

// The header in other words: the same parameters, written as the table says.
std::string write_header(const XMatrix& header,
                         const std::vector<std::string>& names,
                         std::string_view separator) {
    const std::string values[] = {header.origin.text(),
                                  header.destination->text(),
                                  header.key_id.text(),
                                  encode_base64(header.signature)};
    std::string written = "X-Matrix ";
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i != 0) written += separator;
        written += parameter(names[i], values[i]);
    }
    return written;
}

struct HeaderForm {
    std::string_view name;
    std::string_view text;
    std::string (*write)(const XMatrix&);
};
const HeaderForm kHeaderForms[] = {
    {"upper_case_names",
     "The names of the parameters are case insensitive.",
     [](const XMatrix& header) {
         return write_header(header, {"Origin", "DESTINATION", "Key", "SIG"}, ",");
     }},
    {"spaces_around_commas",
     "Zero or more spaces and tabs around each comma are allowed.",
     [](const XMatrix& header) {
         return write_header(header, {"origin", "destination", "key", "sig"}, " ,\t ");
     }},
    {"unknown_parameter",
     "Unknown parameters are ignored.",
     [](const XMatrix& header) {
         return write_header(header, {"origin", "destination", "key", "sig"}, ",") +
                ",org.example.new=\"value\"";
     }},
    {"another_order",
     "The order of the parameters does not matter.",
     [](const XMatrix& header) {
         return "X-Matrix " + parameter("sig", encode_base64(header.signature)) + "," +
                parameter("destination", header.destination->view()) + "," +
                parameter("key", header.key_id.view()) + "," +
                parameter("origin", header.origin.view());
     }},
    {"escaped_characters",
     "The recipient must unescape the characters of quoted values.",
     [](const XMatrix& header) {
         const std::string origin = header.origin.text();
         return "X-Matrix " + parameter("origin", "\\" + origin) + "," +
                parameter("destination", header.destination->view()) + "," +
                parameter("key", header.key_id.view()) + "," +
                parameter("sig", encode_base64(header.signature));
     }},
};

}  // namespace

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/is-needed",
                  .place = kAuthenticationPlace,
                  .text = "A request without an Authorization header is refused."}) {
    ASSERT_TRUE(has_status(ask(), 200));

    expect_unauthorized(ask({.header = ""}));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/other-destination-is-401",
                  .place = kAuthenticationPlace,
                  .text = "A request whose `destination` is another server is denied with 401.",
                  .since = "v1.3"}) {
    ASSERT_TRUE(has_status(ask(), 200));

    const Response response = ask({.destination = "elsewhere.example"});

    EXPECT_TRUE(has_status(response, 401));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/unknown-key-is-refused",
                  .place = kAuthenticationPlace,
                  .text = "A request that is signed with a key that the origin does not publish is "
                          "refused."}) {
    ASSERT_TRUE(has_status(ask(), 200));
    const auto unknown = make_ed25519_signer(KeyId("ed25519:unknown"), std::string(32, 'u'));

    expect_unauthorized(ask({.signer = unknown.get()}));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/covers-the-target",
                  .place = kAuthenticationPlace,
                  .text = "The signature covers the path with its query: one that was made for "
                          "another is refused."}) {
    ASSERT_TRUE(has_status(ask({.header = peer.authorize("GET", path, nullptr)}), 200));

    expect_unauthorized(ask({.header = peer.authorize("GET", path_for("carol"), nullptr)}));
    expect_unauthorized(ask({.header = peer.authorize("GET", path + "&ver=1", nullptr)}));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/covers-the-method",
                  .place = kAuthenticationPlace,
                  .text = "The signature covers the method: one that was made for another is "
                          "refused."}) {
    ASSERT_TRUE(has_status(ask({.header = peer.authorize("GET", path, nullptr)}), 200));

    expect_unauthorized(ask({.header = peer.authorize("POST", path, nullptr)}));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/covers-the-body",
                  .place = kAuthenticationPlace,
                  .text = "The signature covers the body: one that was made over another is "
                          "refused."}) {
    const std::string send = "/_matrix/federation/v1/send/";
    const Json body = {
        {"origin", peer.name().text()}, {"origin_server_ts", 1}, {"pdus", Json::array()}};
    ASSERT_TRUE(has_status(peer.put(send + Client::make_transaction_id(), body), 200));
    Json other = body;
    other["origin_server_ts"] = 2;

    const Response response =
        peer.put(send + Client::make_transaction_id(), body, {.signed_body = other});

    expect_unauthorized(response);
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/header-may-be-written-so",
                  .place = kAuthenticationPlace,
                  .text = "The header is written as RFC 9110 has it.",
                  .since = "v1.7",
                  .rows = rows_of(kHeaderForms)}) {
    const std::string usual = peer.authorize("GET", path, nullptr);
    ASSERT_TRUE(has_status(ask({.header = usual}), 200));

    const Response response = ask({.header = row_of(kHeaderForms).write(parse_own(usual))});

    EXPECT_TRUE(has_status(response, 200));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/destination-may-be-missing",
                  .level = Level::Should,
                  .place = kAuthenticationPlace,
                  .text = "Recipients should accept requests without `destination`, which older "
                          "servers do not send."}) {
    XMatrix header = parse_own(peer.authorize("GET", path, nullptr));
    header.destination.reset();

    const Response response = ask({.header = write_x_matrix(header)});

    EXPECT_TRUE(has_status(response, 200));
}

CONFORMANCE_TEST(XMatrixTest,
                 {.id = "ss/request_authentication/requests-of-the-server-are-signed",
                  .place = kAuthenticationPlace,
                  .text = "Every request that the server makes names origin and destination, and "
                          "is signed by one of its keys."}) {
    const Client alice = target.make_user("alice");
    const PeerRoom& remote = peer.create_room({.version = target.default_room_version()});
    alice.join(remote.id(), peer.name().view());
    const Response published = peer.send_unsigned({.target = "/_matrix/key/v2/server"});
    const auto keys = parse_server_keys(to_protocol_object(published.body), ed25519_verifier());
    ASSERT_TRUE(keys) << published;

    const auto request = peer.wait_for_request("PUT", "/_matrix/federation/v2/send_join/");

    ASSERT_TRUE(request) << "the server sent no join";
    const std::string* text = find_header(request->headers, "Authorization");
    ASSERT_NE(text, nullptr);
    const auto header = parse_x_matrix(*text);
    ASSERT_TRUE(header) << *text;
    EXPECT_EQ(header->origin, target.server_name());
    EXPECT_EQ(header->destination, peer.name());
    ASSERT_TRUE(keys->keys.contains(header->key_id)) << *text;
    const json::Value body = to_protocol(request->json());
    const std::string content = write_request_to_sign(
        request->method, request->target, target.server_name(), peer.name(), &body);
    EXPECT_TRUE(ed25519_verifier().is_valid(
        keys->keys.at(header->key_id).public_key, content, header->signature))
        << *text;
}

}  // namespace matrix::conformance
