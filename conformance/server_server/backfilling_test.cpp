// History from before the target was in a room, which its clients page back to.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events

#include <set>

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kBackfillingPlace =
    "server-server-api/#backfilling-and-retrieving-missing-events";
constexpr std::string_view kBackfillPath = "/_matrix/federation/v1/backfill/";
// A client walks so many pages at most.
constexpr int kPagesMax = 20;

// The peer's room has messages; then alice of the target joins it.
class Backfilling : public FederationTest {
protected:
    EventId say(const std::string& text) {
        return peer
            .append(room,
                    creator,
                    "m.room.message",
                    {{"msgtype", "m.text"}, {"body", text}},
                    std::nullopt)
            .id();
    }
    void set_visibility(const std::string& visibility) {
        peer.append(
            room, creator, "m.room.history_visibility", {{"history_visibility", visibility}}, "");
    }
    // What alice sees on all pages back from now.
    std::set<std::string> page_back() const {
        std::set<std::string> seen;
        std::string from;
        for (int page = 0; page < kPagesMax; ++page) {
            const Response response =
                alice.get(room_path(room.id(), {"messages"}) + "?dir=b&limit=20" + from);
            expect_step("reading the messages", response);
            for (const Json& event : response.at({"chunk"}))
                seen.insert(string_at(event, {"event_id"}));
            const std::string end = string_at(response.body, {"end"});
            if (end.empty()) break;
            from = "&from=" + escape(end);
        }
        return seen;
    }

    const Client alice = target.make_user("alice");
    PeerRoom& room = peer.create_room({.version = room_version_here(target)});
    const UserId creator = peer.user("creator");
};

}  // namespace

CONFORMANCE_TEST(Backfilling,
                 {.id = "ss/backfilling/gives-clients-history-from-before-the-join",
                  .level = Level::Should,
                  .place = kBackfillingPlace,
                  .text = "A client may step backwards in history to before its server was in the "
                          "room: the server gets these events from another one."}) {
    std::vector<EventId> messages;
    for (int number = 0; number < 30; ++number)
        messages.push_back(say("message " + std::to_string(number)));
    alice.join(room.id(), peer.name().view());

    const std::set<std::string> seen = page_back();

    for (const EventId& message : messages)
        EXPECT_TRUE(seen.contains(message.text())) << message.text();
}

CONFORMANCE_TEST(Backfilling,
                 {.id = "ss/backfilling/hides-what-was-for-members-alone",
                  .place = "client-server-api/#room-history-visibility",
                  .text = "With the visibility `joined`, events from before the user joined are "
                          "not shown, wherever they come from."}) {
    const EventId open = say("for everybody who comes");
    set_visibility("joined");
    const EventId closed = say("for members alone");
    alice.join(room.id(), peer.name().view());

    const std::set<std::string> seen = page_back();

    EXPECT_SHOULD(seen.contains(open.text()));
    EXPECT_FALSE(seen.contains(closed.text()));
}

CONFORMANCE_TEST(Backfilling,
                 {.id = "ss/backfilling/checks-what-it-gets",
                  .place = "server-server-api/#checks-performed-on-receipt-of-a-pdu",
                  .text = "An event of an answer to /backfill that fails the signature check is "
                          "dropped."}) {
    const EventId genuine = say("genuine");
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));
    const Pdu forged =
        sign_pdu(room.draft(creator, "m.room.message", {{"msgtype", "m.text"}, {"body", "forged"}}),
                 peer.name(),
                 *stranger);
    room.add(forged);
    room.set_extremities({genuine, forged.id()});  // The join follows both.
    alice.join(room.id(), peer.name().view());

    const std::set<std::string> seen = page_back();

    EXPECT_FALSE(seen.contains(forged.id().text()));
    EXPECT_SHOULD(seen.contains(genuine.text()));
}

CONFORMANCE_TEST(Backfilling,
                 {.id = "ss/backfilling/answers-when-the-peer-does-not",
                  .place = "client-server-api/#get_matrixclientv3roomsroomidmessages",
                  .text = "A page of the messages that are here is answered, whether or not "
                          "another server gives more."}) {
    say("out of reach");
    alice.join(room.id(), peer.name().view());
    peer.on("GET", kBackfillPath.data(), [](const IncomingRequest&) {
        return respond(500, {{"errcode", "M_UNKNOWN"}, {"error", "broken"}});
    });

    const Response response = alice.get(room_path(room.id(), {"messages"}) + "?dir=b&limit=20");

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(response.at({"chunk"}).empty()) << response;
}

}  // namespace matrix::conformance
