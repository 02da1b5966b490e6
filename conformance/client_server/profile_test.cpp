// Profiles.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#profiles

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

std::string profile_path(const Client& user, std::string_view field = "") {
    std::string path = "/_matrix/client/v3/profile/" + escape(user.user().view());
    if (!field.empty()) path += "/" + std::string(field);
    return path;
}

struct ProfileField {
    std::string name;
    std::string value;
};
const std::vector<ProfileField> kProfileFields = {
    {"displayname", "Alice Margatroid"},
    {"avatar_url", "mxc://example.org/avatar"},
};

}  // namespace

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/profile/returns-what-was-set",
                  .place = "client-server-api/#put_matrixclientv3profileuseridkeyname",
                  .text = "A profile field that was set is read by anybody, alone and with the "
                          "others.",
                  .rows = rows_of(kProfileFields)}) {
    const ProfileField& field = row_of(kProfileFields);
    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");

    ASSERT_TRUE(
        has_status(alice.put(profile_path(alice, field.name), {{field.name, field.value}}), 200));

    const Response one = bob.get(profile_path(alice, field.name));
    const Response all = bob.get(profile_path(alice));
    ASSERT_TRUE(has_status(one, 200));
    EXPECT_EQ(string_at(one.body, {field.name}), field.value);
    ASSERT_TRUE(has_status(all, 200));
    EXPECT_EQ(string_at(all.body, {field.name}), field.value);
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/profile/of-others-cannot-be-set",
                  .place = "client-server-api/#put_matrixclientv3profileuseridkeyname",
                  .text = "A user cannot set the profile of another one: 403 M_FORBIDDEN."}) {
    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");
    const Json body = {{"displayname", "Mallory"}};
    ASSERT_TRUE(has_status(alice.put(profile_path(alice, "displayname"), body), 200));

    EXPECT_TRUE(is_error(alice.put(profile_path(bob, "displayname"), body), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/profile/unknown-user-is-404",
                  .place = "client-server-api/#get_matrixclientv3profileuserid",
                  .text = "The profile of a user who does not exist is 404 M_NOT_FOUND."}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(
        has_status(alice.put(profile_path(alice, "displayname"), {{"displayname", "A"}}), 200));

    const Response response =
        alice.get("/_matrix/client/v3/profile/" +
                  escape("@nobody-of-that-name:" + target.server_name().text()));

    EXPECT_TRUE(is_error(response, 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(
    ClientTest,
    {.id = "cs/profile/changes-memberships",
     .place = "client-server-api/#events-on-change-of-profile-information",
     .text = "A changed display name is in the memberships of the rooms that the user is "
             "in."}) {
    const Client alice = target.make_user("alice");
    const RoomId room = alice.create_room();

    ASSERT_TRUE(
        has_status(alice.put(profile_path(alice, "displayname"), {{"displayname", "Ali"}}), 200));

    EXPECT_TRUE(eventually(kDeadline, [&] {
        return string_at(alice.state(room, "m.room.member", alice.user().view()),
                         {"displayname"}) == "Ali";
    }));
}

}  // namespace matrix::conformance
