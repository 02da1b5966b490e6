// A room whose state is read bit by bit, while the disk fails: what was asked meanwhile fails, and
// all is as before when the disk is well again.
#include <functional>
#include <list>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

constexpr int kThings = 400;

class RoomStateFaults : public testing::Test {
protected:
    void SetUp() override {
        std::vector<NewEvent> things;
        for (int i = 0; i < kThings; ++i)
            things.push_back(state_event(alice_, "org.test.thing", {}, std::to_string(i)));
        const RoomPtr room = a_.create_room("12", "public", things);
        id_ = room->id();
        whole_ = room->current_state();
    }
    /// The server's rooms as after a restart: nothing of them is in memory, nor of the database.
    Rooms& restart() {
        const auto next = lives_.emplace(lives_.end(), a_);
        a_.turn([&] {
            a_.database->query("PRAGMA shrink_memory", {}, [](const Row&) { return true; });
        });
        return next->rooms;
    }

    using Row = storage::Row;
    /// They live as long as the turns, which tell them of failed commits.
    struct Life {
        explicit Life(RoomHost& host)
            : events(host.turns), states(host.turns), rooms(host.room_services(events, states)) {}
        storage::EventStore events;
        storage::StateStore states;
        Rooms rooms;
    };

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    std::list<Life> lives_;
    const UserId alice_ = a_.user("alice");
    RoomId id_;
    State whole_;
};

using Step = std::function<void(Rooms& rooms, const RoomId& id)>;

TEST_F(RoomStateFaults, AreErrorsAndPass) {
    const auto thing = [](int number) {
        return [number](Rooms& rooms, const RoomId& id) {
            if (const auto room = rooms.find(id)) {
                (*room)->find_state("org.test.thing", std::to_string(number));
            }
        };
    };
    const Step send = [this](Rooms& rooms, const RoomId& id) {
        if (const auto room = rooms.find(id))
            static_cast<void>((*room)->send(message(alice_, "hello")));
    };
    const Step change = [this](Rooms& rooms, const RoomId& id) {
        if (const auto room = rooms.find(id)) {
            static_cast<void>((*room)->send(state_event(alice_, "org.test.thing", {}, "7")));
        }
    };
    const Step list = [](Rooms& rooms, const RoomId& id) {
        if (const auto room = rooms.find(id)) (*room)->list_state();
    };
    const std::vector<Step> steps{thing(1), thing(2), send, thing(300), change, list, send};

    for (std::size_t failing = 0; failing < steps.size(); ++failing) {
        SCOPED_TRACE(failing);
        Rooms& rooms = restart();
        for (std::size_t i = 0; i < failing; ++i)
            a_.turn([&] { steps[i](rooms, id_); });
        world_.settle(10);
        const auto before = rooms.find(id_).value()->extremities();
        a_.turn([&] {
            a_.database->query("PRAGMA shrink_memory", {}, [](const Row&) { return true; });
        });

        a_.disk.fail(simulator::SimulatedDisk::Failing::Everything);
        const std::uint64_t failed_before = a_.turns.failed_commits();
        for (std::size_t i = failing; i < steps.size(); ++i)
            a_.turn([&] { steps[i](rooms, id_); });
        EXPECT_GT(a_.turns.failed_commits(), failed_before);
        a_.disk.fail(simulator::SimulatedDisk::Failing::Nothing);

        world_.settle(10);
        const RoomPtr room = rooms.find(id_).value();
        EXPECT_EQ(room->extremities(), before);
        EXPECT_EQ(room->current_state().size(), whole_.size());
        EXPECT_EQ(room->list_state().size(), whole_.size());
        bool is_sent = false;
        a_.turn([&] { is_sent = room->send(message(alice_, "again")).has_value(); });
        EXPECT_TRUE(is_sent);
        world_.settle(10);
    }
}

// A node that is not what was written is as good as none, and spoils what is read with it alone.
TEST_F(RoomStateFaults, AMissingNodeIsAnError) {
    const auto nodes = whole_.list_new_nodes([](const State::Hash&) { return false; });
    a_.turn([&] {
        for (const State::StoredNode& node : nodes) {
            if (node.hash == whole_.root()) continue;
            a_.database->execute("DELETE FROM state_nodes WHERE hash = ?1",
                                 {storage::Binding::blob(view(node.hash))});
        }
    });
    world_.settle(10);
    Rooms& rooms = restart();
    const std::uint64_t failed_before = a_.turns.failed_commits();
    a_.turn([&] {
        const RoomPtr room = rooms.find(id_).value();
        EXPECT_FALSE(room->find_state("org.test.thing", "1"));
        EXPECT_FALSE(room->send(message(alice_, "hello")).has_value());
    });
    world_.settle(10);
    EXPECT_GT(a_.turns.failed_commits(), failed_before);
    EXPECT_TRUE(a_.create_room()) << "other rooms go on";
}

}  // namespace
}  // namespace matrix::engine
