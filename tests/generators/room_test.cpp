// The generator is worth something only if its rooms have what resolvers and rules disagree about.

#include "tests/generators/room.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "tests/generators/adversarial_rooms.h"
#include "tests/generators/state_sets.h"

namespace matrix::generators {
namespace {

constexpr RoomLimits kAbstractRoom = {.realism = Realism::Abstract};

Room make_seeded_room(std::uint64_t seed, const RoomRules& rules, const RoomLimits& limits) {
    Choices choices = Choices::from_seed(seed);
    return make_room(choices, rules, limits);
}

TEST(RoomGenerator, IsTheSameForTheSameSeed) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const Realism realism : {Realism::Abstract, Realism::Encoded, Realism::Signed}) {
            const RoomLimits limits = {.realism = realism};
            const Room room = make_seeded_room(7, rules, limits);
            const Room again = make_seeded_room(7, rules, limits);
            ASSERT_EQ(room.events().size(), again.events().size());
            EXPECT_EQ(*room.events().back().event, *again.events().back().event);
            EXPECT_EQ(room.events().back().after, again.events().back().after);
        }
    }
}

// The same commands make the same room at every level of realism, but for ids and what follows from
// their order.
TEST(RoomGenerator, MakesTheSameBeginningAtEveryLevelOfRealism) {
    const RoomRules& rules = *find_room_rules("10");
    const Room abstract = make_seeded_room(3, rules, {.realism = Realism::Abstract});
    const Room real = make_seeded_room(3, rules, {.realism = Realism::Signed});
    constexpr std::size_t kBeginning = 12;
    ASSERT_GE(std::min(abstract.events().size(), real.events().size()), kBeginning);
    for (std::size_t index = 0; index < kBeginning; ++index) {
        EXPECT_EQ(abstract.events()[index].event->type, real.events()[index].event->type);
        EXPECT_EQ(abstract.events()[index].event->sender, real.events()[index].event->sender);
        EXPECT_EQ(abstract.events()[index].event->parse_content(),
                  real.events()[index].event->parse_content());
    }
}

TEST(RoomGenerator, MakesASmallerRoomFromAShorterStream) {
    const RoomRules& rules = *find_room_rules("11");
    const auto size_of = [&](std::size_t commands) {
        std::vector<std::uint32_t> numbers(kChoicesBeforeCommands + commands * kChoicesPerCommand,
                                           0);
        Choices choices = Choices::from_numbers(std::move(numbers));
        return make_room(choices, rules, kAbstractRoom).events().size();
    };
    EXPECT_LT(size_of(0), size_of(10));
    EXPECT_LT(size_of(10), size_of(20));
    Choices none = Choices::from_numbers({});
    EXPECT_GE(make_room(none, rules, kAbstractRoom).events().size(), 4U) << "create, join, levels";
}

// Else what cuts commands out of a stream would cut them in two.
TEST(RoomGenerator, TakesTheSameNumberOfChoicesForEachCommand) {
    for (const RoomRules& rules : all_room_rules()) {
        constexpr std::size_t kCommands = 7;
        const auto is_used_up = [&](std::size_t count) {
            std::vector<std::uint32_t> numbers;
            for (std::size_t number = 0; number < count; ++number)
                numbers.push_back(static_cast<std::uint32_t>(number * 7919));
            Choices choices = Choices::from_numbers(std::move(numbers));
            const RoomLimits limits = {.commands_max = kCommands, .realism = Realism::Abstract};
            make_room(choices, rules, limits);
            return choices.is_exhausted();
        };
        constexpr std::size_t kAll = kChoicesBeforeCommands + kCommands * kChoicesPerCommand;
        EXPECT_TRUE(is_used_up(kAll)) << rules.version;
        EXPECT_FALSE(is_used_up(kAll + 1)) << rules.version;
    }
}

TEST(RoomGenerator, CitesNothingThatIsNotThere) {
    for (const RoomRules& rules : all_room_rules()) {
        const Room room = make_seeded_room(11, rules, kAbstractRoom);
        std::set<EventId> known;
        for (const RoomEvent& made : room.events()) {
            for (const EventId& id : made.event->auth_events)
                EXPECT_TRUE(known.contains(id)) << *made.event;
            for (const EventId& id : made.event->prev_events)
                EXPECT_TRUE(known.contains(id)) << *made.event;
            EXPECT_TRUE(known.insert(made.event->id).second) << "an id twice";
        }
    }
}

TEST(RoomGenerator, SignsWithTheKeysOfServers) {
    for (const RoomRules& rules : all_room_rules()) {
        const Room room = make_seeded_room(5, rules, {.realism = Realism::Signed});
        for (const RoomEvent& made : room.events()) {
            const json::Object pdu = made.event->parse_text();
            EXPECT_TRUE(has_valid_content_hash(pdu));
            const std::vector<SignatureRef> signatures = list_signatures(pdu);
            for (const ServerName& server : required_signers(*made.event)) {
                const std::string key = make_server_signer(server)->public_key();
                const bool is_signed = std::ranges::any_of(signatures, [&](const auto& ref) {
                    return ref.entity == server.view() &&
                           ed25519_verifier().is_valid(
                               key, write_redacted_unsigned(pdu, rules), ref.signature);
                });
                EXPECT_TRUE(is_signed) << *made.event << " by " << server;
            }
        }
    }
}

TEST(RoomGenerator, DiscardsLessThanHalfOfWhatItDraws) {
    for (const RoomRules& rules : all_room_rules()) {
        Acceptance acceptance;
        constexpr std::uint64_t kRooms = 30;
        for (std::uint64_t seed = 0; seed < kRooms; ++seed)
            acceptance.add(make_seeded_room(seed, rules, kAbstractRoom).acceptance());
        EXPECT_TRUE(acceptance.check().has_value()) << acceptance;
        const AcceptanceCounts total = acceptance.total();
        EXPECT_GT(total.accepted * 2, total.drawn) << rules.version << '\n' << acceptance;
        EXPECT_GT(total.rejected * 100, total.drawn) << rules.version << '\n' << acceptance;
    }
}

TEST(AdversarialRooms, AreAsLargeAsAsked) {
    constexpr std::size_t kSize = 40;
    for (const RoomRules& rules : all_room_rules()) {
        for (const AuthShape shape : acyclic_shapes()) {
            Choices choices = Choices::from_seed(1);
            const AdversarialRoom made = make_adversarial_room(choices, rules, shape, kSize);
            EXPECT_GE(made.room.events().size(), kSize) << shape;
            EXPECT_GE(made.states.size(), 2U) << shape;
            EXPECT_FALSE(made.states.front() == made.states.back()) << shape;
        }
    }
}

TEST(RoomGenerator, RefusesToGoOnWhenMostDrawsAreDiscarded) {
    Acceptance acceptance;
    acceptance.of(CommandKind::Ban) = {.drawn = 1000, .accepted = 499, .discarded = 501};
    ASSERT_FALSE(acceptance.check().has_value());
    EXPECT_NE(acceptance.check().error().find("501 of 1000"), std::string::npos);
    acceptance.of(CommandKind::Join) = {.drawn = 10, .accepted = 10};
    EXPECT_TRUE(acceptance.check().has_value());
}

}  // namespace
}  // namespace matrix::generators
