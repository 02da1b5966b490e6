// fsck: a sound database has no breach, and each kind of damage has the one that names it.

#include "refserver/engine/fsck/fsck.h"

#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "refserver/storage/media.h"
#include "refserver/storage/outbox_store.h"
#include "refserver/storage/signing_keys.h"
#include "refserver/storage/transactions.h"
#include "simulator/simulated_crypto.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

using Names = std::set<std::string>;

class Fsck : public testing::Test {
protected:
    void start(const std::string& version) {
        a_.turn([&] {
            storage::SigningKeyStore(a_.turns).insert(
                {KeyId("ed25519:test"), std::string(view(sha256(a_.name.text())))});
        });
        room_ = a_.create_room(version);
        receive(member(eve_, eve_, "join"));
        send(message(alice_, "one"));
        fork_by_eve();
        const StoredEvent regret = send(message(alice_, "regret"));
        send({.sender = alice_,
              .type = "m.room.redaction",
              .state_key = std::nullopt,
              .content = {},
              .redacts = regret.event->id});
        send(state_event(alice_, "m.room.name", {{"name", "a name"}}));
        // Refused, and stored as such.
        receive(state_event(eve_, "m.room.topic", {{"topic", "mine"}}));
        a_.turn([&] {
            storage::MediaStore media(a_.turns);
            media.reserve("file", alice_, 1);
            media.upload("file", std::nullopt, "text/plain", "some bytes");
            storage::ReceivedTransactions(a_.turns).put_response(peer_.name(), "1", "{}");
            storage::OutboxStore(a_.turns).append(ServerName("x.test"), room_->extremities()[0]);
            write_rows();
        });
        world_.settle();
    }
    // A sound row in each table that no event fills. <room> and <event> are the newest ones.
    void write_rows() {
        for (std::string sql :
             {"accounts (user_id, created_ts) VALUES ('@alice:a.test', 1)",
              "devices (user_id, device_id) VALUES ('@alice:a.test', 'D')",
              "access_tokens VALUES (x'00', '@alice:a.test', 'D', 1)",
              "profile_fields VALUES ('@alice:a.test', 'displayname', '\"A\"')",
              "account_data VALUES ('@alice:a.test', '<room>', 'm.tag', '{}', 1)",
              "filters VALUES ('@alice:a.test', 1, '{}')",
              "openid_tokens VALUES (x'00', '@alice:a.test', 1)",
              "device_keys VALUES ('@alice:a.test', 'D', '{}')",
              "one_time_keys VALUES ('@alice:a.test', 'D', 'a', 'k', 1, '{}')",
              "fallback_keys VALUES ('@alice:a.test', 'D', 'a', 'k', '{}', 0)",
              "cross_signing_keys VALUES ('@alice:a.test', 0, '{}')",
              "device_messages VALUES ('@alice:a.test', 'D', 1, '{}')",
              "remote_device_lists VALUES ('@eve:peer.test', 1, 0, NULL, NULL)",
              "remote_devices VALUES ('@eve:peer.test', 'E', '{}', NULL)",
              "presence VALUES ('@alice:a.test', 1, NULL, NULL, 0, 1, NULL)",
              "receipts VALUES ('<room>', 'm.read', '@alice:a.test', '', '<event>', 1, 1)",
              "room_aliases VALUES ('#a:a.test', '<room>', '@alice:a.test')",
              "published_rooms VALUES ('<room>')",
              "outbox_edus VALUES ('x.test', 0, '', '{}')",
              "outbox_gaps VALUES ('x.test', '<room>', '<event>')",
              "unfinished_handshakes VALUES ('$h', 'r.test', '<room>', '@alice:a.test', '12',"
              " '{}', 0)"}) {
            const auto fill = [&](const std::string& place, const std::string& text) {
                const std::size_t at = sql.find(place);
                if (at != std::string::npos) sql.replace(at, place.size(), text);
            };
            fill("<room>", room_->id().text());
            fill("<event>", room_->extremities()[0].text());
            a_.database->execute("INSERT OR REPLACE INTO " + sql);
        }
    }
    // Two events upon one, of which each changes the state, and one upon both.
    void fork_by_eve() {
        const EventTemplate mine = room_->make_template(message(eve_, "fork")).value();
        send(state_event(alice_, "m.room.topic", {{"topic", "ours"}}));
        const auto received =
            a_.receive(room_, peer_.sign(mine, room_->rules()), peer_.name()).value();
        ASSERT_EQ(received.stored.status, EventStatus::Accepted);
        ASSERT_EQ(room_->extremities().size(), 2u);
        send(message(alice_, "merge"));
    }
    StoredEvent send(const NewEvent& event) {
        std::optional<StoredEvent> sent;
        a_.turn([&] { sent = room_->send(event).value(); });
        return *sent;
    }
    StoredEvent receive(const NewEvent& event) {
        const auto made = room_->make_template(event).value();
        return a_.receive(room_, peer_.sign(made, room_->rules()), peer_.name()).value().stored;
    }
    void damage(const std::string& sql) {
        a_.turn([&] { a_.database->execute(sql); });
        world_.settle();
    }
    Names check() {
        Names names;
        found_.str("");
        FsckOptions options;
        options.server_name = a_.name;
        options.now_ts = a_.clock.now().value;
        options.make_signer = simulator::make_simulated_signer;
        options.verifier = &simulator::simulated_verifier();
        options.on_breach = [&](const Breach& breach) {
            names.emplace(breach.name);
            found_ << breach << '\n';
        };
        counts_ = check_database(*a_.database, options);
        return names;
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    ScriptedPeer peer_{world_, "peer.test"};
    RoomPtr room_;
    const UserId alice_ = a_.user("alice");
    const UserId eve_ = peer_.user("eve");
    FsckCounts counts_;
    std::ostringstream found_;
};

TEST_F(Fsck, FindsNothingInASoundDatabase) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        if (room_) damage("DELETE FROM signing_keys");
        if (room_) damage("DELETE FROM media");
        if (room_) damage("DELETE FROM received_transactions");
        start(version);
        EXPECT_EQ(check(), Names{}) << found_.str();
    }
    EXPECT_EQ(counts_.rooms, 12u);
    EXPECT_GT(counts_.events, 120u);
    EXPECT_GT(counts_.states, 100u);
    EXPECT_EQ(counts_.signatures_unjudged, 0u);
    EXPECT_EQ(counts_.verdicts_unjudged, 0u);
    EXPECT_EQ(counts_.states_unjudged, 0u);
}

TEST_F(Fsck, CountsWhatItCannotJudgeWithoutKeys) {
    start("12");
    damage("DELETE FROM server_keys");
    EXPECT_EQ(check(), Names{}) << found_.str();
    EXPECT_GT(counts_.signatures_unjudged, 0u);
}

/// A kind of damage, and the breaches that it is told by: one, or one and what follows from it.
struct Damage {
    const char* sql;
    Names breaches;
    friend std::ostream& operator<<(std::ostream& out, const Damage& damage) {
        return out << damage.sql;
    }
};

constexpr const char* kName = "'%\"type\":\"m.room.name\"%'";

std::string of_name(const std::string& set) {
    return "UPDATE events SET " + set + " WHERE text LIKE " + kName;
}

class FsckDamage : public Fsck, public testing::WithParamInterface<Damage> {};

// In the statements of the tests, `SET ...` changes the event of the room's name, and `<one>` is
// the number of the message that says so.
std::string write_sql(std::string sql) {
    if (sql.starts_with("SET ")) sql = of_name(sql.substr(4));
    for (const std::string body : {"one", "merge"}) {
        const std::string place = "<" + body + ">";
        const std::size_t at = sql.find(place);
        if (at == std::string::npos) continue;
        sql.replace(at,
                    place.size(),
                    "(SELECT event FROM events WHERE text LIKE '%\"body\":\"" + body + "\"%')");
    }
    return sql;
}

TEST_P(FsckDamage, IsNamed) {
    start("12");
    damage(write_sql(GetParam().sql));
    EXPECT_EQ(check(), GetParam().breaches) << found_.str();
}

INSTANTIATE_TEST_SUITE_P(
    Events,
    FsckDamage,
    testing::Values(
        Damage{"SET text = 'nothing'", {"event_unreadable", "state_entry", "extremity_missing"}},
        Damage{"SET text = ' ' || text", {"event_text"}},
        Damage{"SET text = replace(text, 'a name', 'another')", {"event_hash"}},
        Damage{"SET depth = 1", {"event_depth"}},
        Damage{"SET status = 9", {"event_status", "extremity_missing", "state_entry"}},
        Damage{"SET rule = 'v12 5'", {"event_rule"}},
        Damage{"SET position = position + 1000000000000000", {"position_beyond"}},
        Damage{"UPDATE events SET position = (SELECT MAX(position) FROM events)"
               " WHERE event = <one>",
               {"position_repeated"}},
        Damage{"UPDATE events SET position = 10000 WHERE status = 2", {"event_position"}},
        Damage{"SET redacted_by = '$none'", {"redaction_undone", "redaction_missing"}},
        Damage{"UPDATE events SET redacted_by = '$none' WHERE redacted_by IS NOT NULL",
               {"redaction_missing"}},
        Damage{"UPDATE events SET room = 99 WHERE event = <one>",
               {"room_missing", "event_time_extra", "extremity_missing"}},
        Damage{"UPDATE rooms SET version = '0'", {"room_version"}},
        Damage{"UPDATE server_keys SET public_key = zeroblob(32)", {"event_signature"}},
        Damage{"UPDATE events SET status = 0, rule = '' WHERE status = 2",
               {"event_auth", "state_after"}},
        Damage{"UPDATE events SET status = 2, rule = 'v12 9', position = 0 WHERE event = <one>",
               {"event_rejected", "event_time_extra", "edge_missing"}}));

INSTANTIATE_TEST_SUITE_P(
    States,
    FsckDamage,
    testing::Values(
        Damage{"SET state_before = NULL", {"state_missing"}},
        Damage{"SET state_after = state_before", {"state_after", "state_before", "current_state"}},
        Damage{"UPDATE events SET state_before = (SELECT state_after FROM events WHERE depth = 3),"
               " state_after = (SELECT state_after FROM events WHERE depth = 3) WHERE event "
               "= <merge>",
               {"state_before"}},
        Damage{"DELETE FROM state_nodes WHERE hash = (SELECT current_state FROM rooms)",
               {"state_dangling"}},
        Damage{"UPDATE rooms SET current_state = (SELECT state_after FROM events WHERE depth = 3)",
               {"current_state", "state_change", "membership"}},
        Damage{"DELETE FROM state_changes", {"state_change"}},
        Damage{"UPDATE memberships SET membership = 'ban' WHERE user_id LIKE '@eve%'",
               {"membership", "joined_servers"}},
        Damage{"DELETE FROM memberships WHERE user_id LIKE '@eve%'",
               {"membership", "joined_servers"}},
        Damage{"INSERT INTO memberships VALUES (1, '@x:x.test', 'join', '$x')",
               {"membership", "joined_servers"}},
        Damage{"INSERT INTO extremities VALUES (1, '$none')", {"extremity_dangling"}},
        Damage{"INSERT INTO extremities SELECT room, event_id FROM events WHERE event = <one>",
               {"extremity_followed"}}));

INSTANTIATE_TEST_SUITE_P(
    Rows,
    FsckDamage,
    testing::Values(
        Damage{"INSERT INTO event_edges SELECT '$x', event FROM events WHERE event = <one>",
               {"edge_extra"}},
        Damage{"INSERT INTO event_edges VALUES ('$x', 9999)", {"edge_extra"}},
        Damage{"DELETE FROM event_times WHERE event = <one>", {"event_time_missing"}},
        Damage{"INSERT INTO event_times SELECT room, 5, event FROM event_times LIMIT 1",
               {"event_time_extra"}},
        Damage{"DELETE FROM membership_changes", {"membership_change_missing"}},
        Damage{"UPDATE membership_changes SET event_id = '$none'",
               {"membership_change_dangling", "membership_change_mismatch"}},
        Damage{"UPDATE outbox SET event_id = '$none'", {"outbox_dangling"}},
        Damage{"UPDATE destinations SET next_number = 1", {"outbox_number"}},
        Damage{"UPDATE received_transactions SET response = '{'", {"transaction_unreadable"}},
        Damage{"INSERT INTO received_transactions VALUES ('peer.test', 7, '1', '{}')",
               {"transaction_repeated"}},
        Damage{"INSERT INTO early_redactions VALUES ('$x', '$y')", {"early_redaction_dangling"}},
        Damage{"INSERT INTO sent_events VALUES (9999, '@x:a.test', 'D', '1')",
               {"sent_event_dangling"}},
        Damage{"UPDATE joined_servers SET users = 9", {"joined_servers"}},
        Damage{"DELETE FROM joined_servers", {"joined_servers"}},
        Damage{"UPDATE outbox_edus SET number = 100", {"outbox_number"}},
        Damage{"UPDATE outbox_edus SET text = '{'", {"outbox_edu_unreadable"}},
        Damage{"UPDATE outbox_gaps SET last_event_id = '$none'", {"outbox_gap_dangling"}},
        Damage{"UPDATE outbox_gaps SET room_id = '!none'", {"outbox_gap_dangling"}},
        Damage{"UPDATE media_slices SET bytes = x'00'", {"media_damaged"}},
        Damage{"DELETE FROM media_slices", {"media_damaged"}}));

INSTANTIATE_TEST_SUITE_P(
    Users,
    FsckDamage,
    testing::Values(
        Damage{"DELETE FROM accounts", {"account_missing"}},
        Damage{"UPDATE devices SET user_id = '@x:a.test'", {"account_missing", "device_missing"}},
        Damage{"UPDATE profile_fields SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE account_data SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE filters SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE openid_tokens SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE cross_signing_keys SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE media SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE presence SET user_id = '@x:a.test'", {"account_missing"}},
        Damage{"UPDATE presence SET state = 3", {"presence_state"}},
        Damage{"UPDATE presence SET position = 1000000000000000", {"position_beyond"}},
        Damage{"DELETE FROM devices", {"device_missing"}},
        Damage{"UPDATE access_tokens SET device_id = 'X'", {"device_missing"}},
        Damage{"UPDATE device_keys SET device_id = 'X'", {"device_missing"}},
        Damage{"UPDATE one_time_keys SET device_id = 'X'", {"device_missing"}},
        Damage{"UPDATE fallback_keys SET device_id = 'X'", {"device_missing"}},
        Damage{"UPDATE device_messages SET device_id = 'X'", {"device_missing"}},
        Damage{"UPDATE device_messages SET text = '{'", {"device_data_unreadable"}},
        Damage{"UPDATE device_keys SET keys = '{'", {"device_data_unreadable"}},
        Damage{"UPDATE remote_devices SET keys = '{'", {"device_data_unreadable"}},
        Damage{"DELETE FROM remote_device_lists", {"remote_device_dangling"}},
        Damage{"UPDATE account_data SET content = '{'", {"account_data_unreadable"}},
        Damage{"UPDATE filters SET filter = '{'", {"account_data_unreadable"}},
        Damage{"UPDATE receipts SET room_id = '!none'", {"receipt_dangling"}},
        Damage{"UPDATE receipts SET position = 1000000000000000", {"position_beyond"}},
        Damage{"UPDATE room_aliases SET room_id = '!none'", {"directory_dangling"}},
        Damage{"UPDATE published_rooms SET room_id = '!none'", {"directory_dangling"}},
        Damage{"UPDATE unfinished_handshakes SET pdu = '{'", {"handshake_unreadable"}}));

TEST_F(Fsck, CountsNodesThatNoStateHas) {
    start("12");
    damage("DELETE FROM state_changes WHERE position <> (SELECT MAX(position) FROM state_changes)");
    ASSERT_EQ(check(), Names{}) << found_.str();
    EXPECT_EQ(counts_.state_nodes_unreachable, 0u);
    const Sha256 hash = sha256("L");
    a_.turn([&] {
        a_.database->execute("INSERT INTO state_nodes VALUES (?1, ?2)",
                             {storage::Binding::blob(view(hash)), storage::Binding::blob("L")});
    });
    world_.settle();
    EXPECT_EQ(check(), Names{}) << found_.str();
    EXPECT_EQ(counts_.state_nodes_unreachable, 1u);
}

TEST_F(Fsck, NamesADamagedNode) {
    start("12");
    damage("UPDATE state_nodes SET bytes = x'4c00' WHERE hash = (SELECT current_state FROM rooms)");
    EXPECT_EQ(check(), Names{"state_node_hash"}) << found_.str();
}

// Its bytes have its hash, and are no node.
TEST_F(Fsck, NamesANodeThatCannotBeRead) {
    start("12");
    const Sha256 hash = sha256("no node");
    a_.turn([&] {
        a_.database->execute("INSERT INTO state_nodes VALUES (?1, ?2)",
                             {storage::Binding::blob(view(hash)), "no node"});
    });
    world_.settle();
    EXPECT_EQ(check(), Names{"state_node_unreadable"}) << found_.str();
}

TEST_F(Fsck, NamesAMissingNodeBelowAnother) {
    start("12");
    for (int number = 0; number < 20; ++number)
        send(state_event(alice_, "x.number." + std::to_string(number), {}));
    damage(
        "DELETE FROM state_nodes WHERE hash = (SELECT hash FROM state_nodes WHERE hash NOT IN"
        " (SELECT state_after FROM events WHERE state_after IS NOT NULL UNION"
        " SELECT current_state FROM rooms UNION SELECT root FROM state_changes) LIMIT 1)");
    EXPECT_TRUE(check().contains("state_node_dangling")) << found_.str();
}

TEST_F(Fsck, NamesAnEventOfAnotherRoom) {
    start("11");
    damage(
        write_sql("UPDATE events SET text = replace(text, '\"room_id\":\"!', '\"room_id\":\"!x')"
                  " WHERE event = <one>"));
    EXPECT_TRUE(check().contains("event_room")) << found_.str();
}

TEST_F(Fsck, NamesAnEventOfAnotherId) {
    start("11");
    damage(
        write_sql("UPDATE events SET text = replace(text, '\"depth\":', '\"depth\":1')"
                  " WHERE event = <one>"));
    EXPECT_TRUE(check().contains("event_id")) << found_.str();
}

TEST_F(Fsck, NamesAMissingAuthEvent) {
    start("12");
    damage("DELETE FROM events WHERE text LIKE '%m.room.join_rules%'");
    const Names names = check();
    EXPECT_TRUE(names.contains("auth_event_missing")) << found_.str();
    EXPECT_TRUE(names.contains("state_entry")) << found_.str();
}

// Edges are kept for previous events that were not accepted.
TEST_F(Fsck, NamesAMissingEdge) {
    start("12");
    const StoredEvent refused = receive(state_event(eve_, "m.room.topic", {{"topic", "again"}}));
    ASSERT_EQ(refused.status, EventStatus::Rejected);
    EventTemplate upon = room_->make_template(message(eve_, "upon a refused one")).value();
    upon.prev_events = {refused.event->id};
    const auto receipt = a_.receive(room_, peer_.sign(upon, room_->rules()), peer_.name());
    ASSERT_EQ(receipt.value().stored.status, EventStatus::Accepted);
    ASSERT_EQ(check(), Names{}) << found_.str();
    damage("DELETE FROM event_edges");
    EXPECT_EQ(check(), Names{"edge_missing"}) << found_.str();
}

TEST_F(Fsck, NamesATipThatIsNoExtremity) {
    start("12");
    damage("DELETE FROM extremities");
    EXPECT_EQ(check(), Names{"extremity_missing"}) << found_.str();
}

TEST_F(Fsck, NamesAnExtremityThatWasRefused) {
    start("12");
    damage("INSERT INTO extremities SELECT room, event_id FROM events WHERE status = 2");
    EXPECT_EQ(check(), Names{"extremity_status"}) << found_.str();
}

TEST_F(Fsck, ChangesNothing) {
    start("12");
    const auto count = [&] {
        return a_.database->find(
            "SELECT total_changes()", {}, [](const storage::Row& row) { return row.integer(0); });
    };
    const auto before = count();
    check();
    EXPECT_EQ(count(), before);
    EXPECT_FALSE(a_.database->is_in_transaction());
}

}  // namespace
}  // namespace matrix::engine
