// RemoteRooms: what this server signs on the word of others, and what it believes of their rooms.
#include "refserver/engine/rooms/remote_rooms.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/engine/fake_peer.h"

namespace matrix::engine {
namespace {

// The peer relays to the rooms of `resident_`, and changes what it relays as the test says.
class RemoteRoomsTest : public testing::Test {
protected:
    RemoteRoomsTest() {
        room_ = resident_.create_room();
        peer_.answer = [this](const runtime::HttpRequest& request) { return relay(request); };
    }
    runtime::HttpResponse relay(const runtime::HttpRequest& request) {
        const auto respond = [](const json::Object& body) {
            return runtime::HttpResponse{200, {}, json::write(body)};
        };
        const bool is_join = request.target.contains("/make_join/");
        if (is_join || request.target.contains("/make_knock/")) {
            const auto made =
                room_->make_template(member(bob_, bob_, is_join ? "join" : "knock")).value();
            json::Object event = make_pdu(made, room_->rules());
            change_template(event);
            return respond({{"event", event}, {"room_version", version_}});
        }
        const json::Object join = *json::parse(request.body).value().if_object();
        signed_.push_back(join);
        json::Array state;
        std::vector<EventId> ids;
        for (const EventPtr& event : room_->list_state()) {
            state.emplace_back(event->parse_text());
            ids.push_back(event->id);
        }
        json::Array auth_chain;
        for (const EventPtr& event : room_->auth_chain(ids))
            auth_chain.emplace_back(event->parse_text());
        change_state(state);
        if (request.target.contains("/send_knock/")) return respond({{"knock_room_state", state}});
        return respond({{"state", state}, {"auth_chain", auth_chain}});
    }
    Result<void> knock() {
        return a_.wait_for(remote_.knock(room_->id(), bob_, {peer_.name}, {})).value();
    }
    Result<RoomPtr> join() {
        json::Object content{{"displayname", "Bob"}};
        return a_.wait_for(remote_.join(room_->id(), bob_, {peer_.name}, content)).value();
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    RoomHost resident_{world_, "resident.test"};
    FakePeer peer_{world_, "peer.test"};
    RemoteRooms remote_{a_.remote_room_services()};
    RoomPtr room_;
    const UserId bob_ = a_.user("bob");
    std::string version_ = "12";
    std::function<void(json::Object&)> change_template = [](json::Object&) {};
    std::function<void(json::Array&)> change_state = [](json::Array&) {};
    std::vector<json::Object> signed_;  ///< What we sent to send_join.
};

TEST_F(RemoteRoomsTest, EntersARoom) {
    const auto joined = join();
    ASSERT_TRUE(joined) << joined.error().message;
    EXPECT_EQ((*joined)->membership(bob_), Membership::Join);
    EXPECT_EQ((*joined)->membership(resident_.user("alice")), Membership::Join);
    ASSERT_EQ(signed_.size(), 1);
    EXPECT_EQ(*signed_[0].find("content")->find_string("displayname"), "Bob");
}

// security-cases.tsv 25
TEST_F(RemoteRoomsTest, SignsNoOtherEventThanItAskedFor) {
    const json::Object changes{{"type", "m.room.power_levels"},
                               {"sender", "@alice:a.test"},
                               {"state_key", "@alice:a.test"},
                               {"room_id", "!other:peer.test"},
                               {"content", json::Object{{"membership", "leave"}}}};
    for (const json::Member& change : changes) {
        SCOPED_TRACE(change.key);
        change_template = [&](json::Object& event) { event.set(change.key, change.value); };
        const auto joined = join();
        ASSERT_FALSE(joined);
        EXPECT_EQ(joined.error().status, 502);
    }
    EXPECT_TRUE(signed_.empty());
}

// security-cases.tsv 25
TEST_F(RemoteRoomsTest, SignsNothingThatTheResidentSlippedIn) {
    change_template = [](json::Object& event) {
        event.set("redacts", "$x");
        event.set("origin_server_ts", 7);
        event["content"].if_object()->set("org.example.will", "all to eve");
    };
    ASSERT_TRUE(join());
    ASSERT_EQ(signed_.size(), 1);
    EXPECT_FALSE(signed_[0].contains("redacts"));
    EXPECT_NE(*signed_[0].find("origin_server_ts"), json::Value(7));
    EXPECT_EQ(signed_[0].find("content")->find("org.example.will"), nullptr);
}

TEST_F(RemoteRoomsTest, RefusesARoomVersionThatItDoesNotKnow) {
    version_ = "org.example.99";
    const auto joined = join();
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error().errcode, "M_INCOMPATIBLE_ROOM_VERSION");
    EXPECT_TRUE(signed_.empty());
}

TEST_F(RemoteRoomsTest, EntersNoRoomWhoseBeginningIsNotItsOwn) {
    const RoomPtr other = resident_.create_room();
    change_state = [&](json::Array& state) {
        for (json::Value& event : state) {
            if (*event.find_string("type") == "m.room.create") {
                event = other->find_state("m.room.create", "")->parse_text();
            }
        }
    };
    EXPECT_FALSE(join());
    EXPECT_FALSE(a_.rooms.find(room_->id()));
}

TEST_F(RemoteRoomsTest, DropsEventsOfTheStateThatAreNotSigned) {
    change_state = [&](json::Array& state) {
        for (json::Value& event : state) {
            if (*event.find_string("type") != "m.room.join_rules") continue;
            event.if_object()->set("origin_server_ts", 5);
        }
    };
    // Without join rules nobody may join.
    EXPECT_FALSE(join());
}

TEST_F(RemoteRoomsTest, ShowsOfARoomThatItKnocksOnWhatIsSigned) {
    const RoomPtr other = resident_.create_room();
    change_state = [&](json::Array& state) {
        for (json::Value& event : state) {
            const std::string type = *event.find_string("type");
            if (type == "m.room.join_rules") event.if_object()->set("origin_server_ts", 5);
            if (type == "m.room.power_levels") {
                event = other->find_state("m.room.power_levels", "")->parse_text();
            }
        }
        state.emplace_back("no event");
    };
    ASSERT_TRUE(knock());
    ASSERT_EQ(signed_.size(), 1);
    EXPECT_EQ(*signed_[0].find("content")->find_string("membership"), "knock");
    const auto outlier = a_.rooms.find_outlier_membership(room_->id(), bob_);
    ASSERT_TRUE(outlier);
    std::vector<std::string> types;
    for (const json::Value& shown : outlier->stripped_state) {
        types.push_back(*shown.find_string("type"));
        EXPECT_EQ(shown.if_object()->size(), 4U) << "a stripped event has no more: " << shown;
    }
    std::ranges::sort(types);
    EXPECT_EQ(types, (std::vector<std::string>{"m.room.create", "m.room.member"}));
}

// security-cases.tsv 25
TEST_F(RemoteRoomsTest, KnocksWithNoOtherEventThanItAskedFor) {
    change_template = [](json::Object& event) {
        event["content"].if_object()->set("membership", "join");
    };
    EXPECT_FALSE(knock());
    EXPECT_TRUE(signed_.empty());
    EXPECT_FALSE(a_.rooms.find_outlier_membership(room_->id(), bob_));
}

TEST_F(RemoteRoomsTest, TriesTheNextServer) {
    const std::vector<ServerName> servers{
        ServerName("nowhere.test"), a_.name, ServerName("nowhere.test"), peer_.name};
    const auto joined = a_.wait_for(remote_.join(room_->id(), bob_, servers, {}));
    ASSERT_TRUE(joined.value()) << joined->error().message;
    EXPECT_FALSE(a_.wait_for(remote_.join(room_->id(), bob_, {}, {})).value());
}

}  // namespace
}  // namespace matrix::engine
