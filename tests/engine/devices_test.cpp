// Devices: what waits for them, what is known of those of other servers, and how much others can
// make us do.
#include "refserver/engine/devices/devices.h"

#include <gtest/gtest.h>

#include "tests/engine/client_world.h"
#include "tests/engine/federation_fixture.h"

namespace matrix::engine {
namespace {

class DevicesTest : public FederationServerTest {
protected:
    DevicesTest() {
        peer_.answer = [this](const runtime::HttpRequest& request) {
            if (request.target.find("/user/keys/query") != std::string::npos) {
                ++queries_;
                return runtime::HttpResponse{200, {}, json::write(queried())};
            }
            if (request.target.find("/user/devices/") != std::string::npos) {
                ++resyncs_;
                return runtime::HttpResponse{200, {}, json::write(listed())};
            }
            return runtime::HttpResponse{200, {}, R"({"pdus":{}})"};
        };
    }
    json::Object keys_of(const std::string& device) const {
        return {{"user_id", eve_.text()}, {"device_id", device}, {"keys", json::Object{}}};
    }
    json::Object queried() const {
        json::Object devices;
        for (const std::string& device : devices_of_eve_)
            devices.set(device, keys_of(device));
        json::Object by_user;
        by_user.set(eve_.view(), std::move(devices));
        return {{"device_keys", std::move(by_user)}};
    }
    json::Object listed() const {
        json::Array devices;
        for (const std::string& device : devices_of_eve_)
            devices.push_back(json::Object{{"device_id", device}, {"keys", keys_of(device)}});
        return {
            {"user_id", eve_.text()}, {"stream_id", stream_id_}, {"devices", std::move(devices)}};
    }
    json::Object update(const UserId& user,
                        const std::string& device,
                        std::int64_t stream_id,
                        std::int64_t previous) const {
        json::Object keys = keys_of(device);
        keys.set("user_id", user.text());
        return {{"user_id", user.text()},
                {"device_id", device},
                {"stream_id", stream_id},
                {"prev_id", json::Array{previous}},
                {"keys", std::move(keys)}};
    }
    Result<void> take(const json::Object& content) {
        Result<void> taken;
        a_.turn([&] { taken = devices_.remote.take_update(content, peer_.name); });
        return taken;
    }
    /// The ids of eve's devices as alice is told.
    std::vector<std::string> query() {
        const auto keys = a_.wait_for(
            devices_.remote.query(peer_.name, {{eve_, {}}}, alice_, runtime::seconds(10)));
        std::vector<std::string> ids;
        const json::Value* by_device = keys ? keys->device_keys.find(eve_.view()) : nullptr;
        if (!by_device || !by_device->is_object()) return ids;
        for (const json::Member& device : *by_device->if_object())
            ids.push_back(device.key);
        return ids;
    }
    /// A list that the next update can follow on.
    void know_list() {
        devices_of_eve_ = {"ONE"};
        query();
        stream_id_ = 10;
        ASSERT_TRUE(take(update(eve_, "ONE", 10, 9)));
        world_.settle();
        resyncs_ = 0;
        queries_ = 0;
    }

    std::vector<std::string> devices_of_eve_;
    std::int64_t stream_id_ = 0;
    int queries_ = 0;
    int resyncs_ = 0;
};
using Ids = std::vector<std::string>;

TEST_F(DevicesTest, AsksForAUserOnceWhileTheyShareARoom) {
    devices_of_eve_ = {"ONE"};
    EXPECT_EQ(query(), Ids{"ONE"});
    EXPECT_EQ(query(), Ids{"ONE"});
    EXPECT_EQ(queries_, 1);
}

TEST_F(DevicesTest, AppliesAnUpdateThatFollowsWithoutAsking) {
    know_list();
    ASSERT_TRUE(take(update(eve_, "TWO", 11, 10)));
    world_.settle();
    EXPECT_EQ(query(), (Ids{"ONE", "TWO"}));
    json::Object deleted = update(eve_, "ONE", 12, 11);
    deleted.set("deleted", true);
    ASSERT_TRUE(take(deleted));
    EXPECT_EQ(query(), Ids{"TWO"});
    EXPECT_EQ(queries_ + resyncs_, 0);
}

TEST_F(DevicesTest, AsksForTheListAfterAGap) {
    know_list();
    devices_of_eve_ = {"ONE", "MISSED", "TWO"};
    stream_id_ = 20;
    ASSERT_TRUE(take(update(eve_, "TWO", 20, 19)));
    world_.settle();
    EXPECT_EQ(resyncs_, 1);
    EXPECT_EQ(query(), (Ids{"MISSED", "ONE", "TWO"}));
    EXPECT_EQ(queries_, 0);
}

TEST_F(DevicesTest, AFloodOfUpdatesMakesFewRequests) {
    know_list();
    stream_id_ = 1000;
    a_.turn([&] {
        for (int i = 0; i < 500; ++i) {
            EXPECT_TRUE(
                devices_.remote.take_update(update(eve_, "X", 1000 + 2 * i, 1), peer_.name));
        }
    });
    world_.settle();
    EXPECT_GE(resyncs_, 1);
    EXPECT_LE(resyncs_, 3);
}

TEST_F(DevicesTest, IgnoresUsersWhoShareNoRoom) {
    const UserId stranger = peer_.user("stranger");
    ASSERT_TRUE(take(update(stranger, "X", 5, 4)));
    world_.settle();
    EXPECT_EQ(devices_.lists.changed_at(stranger), StreamPosition{});
    EXPECT_EQ(resyncs_, 0);
}

TEST_F(DevicesTest, RefusesUpdatesOfUsersOfOtherServers) {
    EXPECT_FALSE(take(update(alice_, "X", 5, 4)));
    EXPECT_FALSE(take(update(UserId("@eve:elsewhere.test"), "X", 5, 4)));
    json::Object wrong_keys = update(eve_, "X", 5, 4);
    wrong_keys.set("device_id", "Y");
    EXPECT_FALSE(take(wrong_keys));
    for (const char* field : {"user_id", "device_id", "stream_id", "prev_id"}) {
        json::Object wrong_type = update(eve_, "X", 5, 4);
        wrong_type.set(field, json::Object{});
        EXPECT_FALSE(take(wrong_type)) << field;
    }
    EXPECT_EQ(devices_.lists.changed_at(eve_), StreamPosition{});
    EXPECT_TRUE(take(update(eve_, "X", 5, 4)));
}

TEST_F(DevicesTest, ForgetsWhoLeftTheRoom) {
    devices_of_eve_ = {"ONE"};
    query();
    const json::Object leave = from_eve(member(eve_, eve_, "leave"));
    ASSERT_EQ(a_.receive(room_, leave, peer_.name).value().stored.status, EventStatus::Accepted);
    devices_of_eve_ = {"TWO"};
    EXPECT_EQ(query(), Ids{"TWO"});
    EXPECT_EQ(queries_, 2);
}

TEST_F(DevicesTest, ForgetsEverybodyOfARoomThatWeLeft) {
    devices_of_eve_ = {"ONE"};
    query();
    send(room_, member(alice_, alice_, "leave"));
    devices_of_eve_ = {"TWO"};
    EXPECT_EQ(query(), Ids{"TWO"});
}

TEST_F(DevicesTest, AServerThatFailsIsAFailureAndKeepsNothing) {
    peer_.answer = [](const runtime::HttpRequest&) { return runtime::HttpResponse{500, {}, "{}"}; };
    const auto keys =
        a_.wait_for(devices_.remote.query(peer_.name, {{eve_, {}}}, alice_, runtime::seconds(10)));
    ASSERT_TRUE(keys);
    EXPECT_TRUE(keys->failure);
    EXPECT_TRUE(keys->device_keys.empty());
}

TEST_F(DevicesTest, AnInboxKeepsTheNewestAndForgetsOldIds) {
    storage::DeviceInboxStore inbox(a_.turns);
    const DeviceId device("D");
    a_.turn([&] {
        for (int i = 0; i < 5; ++i)
            inbox.append(alice_, device, std::to_string(i), 3);
        EXPECT_TRUE(inbox.note_received(peer_.name, "first", 2));
        EXPECT_FALSE(inbox.note_received(peer_.name, "first", 2));
        EXPECT_TRUE(inbox.note_received(ServerName("b.test"), "first", 2));
        EXPECT_TRUE(inbox.note_received(peer_.name, "second", 2));
        EXPECT_TRUE(inbox.note_received(peer_.name, "third", 2));
        EXPECT_TRUE(inbox.note_received(peer_.name, "first", 2)) << "two others came since";
    });
    Ids texts;
    for (const auto& message : inbox.list(alice_, device, {}, a_.turns.newest(), 10))
        texts.push_back(message.text);
    EXPECT_EQ(texts, (Ids{"2", "3", "4"}));
}

// --- Whole servers -------------------------------------------------------------------------------

TEST(DevicesOfServers, AMessageReachesTheOtherServerOnce) {
    ClientWorld world(2);
    const std::string device = world.call(world.token(0, 1), "GET", "/devices", {}, 1).text;
    ASSERT_NE(device.find("device_id"), std::string::npos);
    json::Object messages;
    messages.set(world.id(0, 1), json::Object{{"*", json::Object{{"text", "hello"}}}});
    const ClientAnswer sent = world.call(world.token(0),
                                         "PUT",
                                         "/sendToDevice/org.test/1",
                                         json::Object{{"messages", std::move(messages)}});
    ASSERT_EQ(sent.status, 200) << sent.text;
    world.run(30'000);

    const ClientAnswer sync = world.call(world.token(0, 1), "GET", "/sync?timeout=0", {}, 1);
    const json::Value* events = sync.at({"to_device", "events"});
    ASSERT_NE(events, nullptr) << sync.text;
    ASSERT_EQ(events->if_array()->size(), 1U) << sync.text;
    const ClientAnswer next = world.call(
        world.token(0, 1), "GET", "/sync?timeout=0&since=" + sync.string_at({"next_batch"}), {}, 1);
    EXPECT_TRUE(next.at({"to_device", "events"})->if_array()->empty()) << next.text;
}

}  // namespace
}  // namespace matrix::engine
