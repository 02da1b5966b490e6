// Rooms of a few events over a fixed alphabet, for the enumeration of all of their graphs.
//
// Two actors, four kinds of deeds. What an event does to a room is little enough to be written in
// bits, so that the same question is put to the resolvers once, however many graphs ask it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/comparison/answers.h"

namespace matrix::comparison {

/// Each letter is a deed of an actor: letter / 2 is the deed, letter % 2 the actor.
using Letter = std::uint8_t;
inline constexpr Letter kLetters = 8;
/// One line for people.
std::string_view describe_letter(Letter letter);

/// Who has which power at first.
enum class PowerPattern { OneAbove, Equals, NoPowerLevels };
inline constexpr std::array kPowerPatterns = {
    PowerPattern::OneAbove, PowerPattern::Equals, PowerPattern::NoPowerLevels};
std::string_view name_of(PowerPattern pattern);

inline constexpr std::size_t kSmallRoomEventsMax = 5;

/// The keys of the state that deeds change.
enum class Slot : std::uint8_t { Bob, Levels, Rules, Topic };
inline constexpr std::size_t kSlots = 4;
/// Of each slot, what it holds: 0 is what the room began with, n the event n - 1.
using Slots = std::array<std::uint8_t, kSlots>;
/// A slot that a resolution left empty, although the room began with something.
inline constexpr std::uint8_t kLostSlot = 7;

/// An event of a small room: what it does, and the three slots that it may cite, as they were.
struct SmallEvent {
    Letter letter = 0;
    Slots before = {};
};

/// A room of one version and pattern, with answers that are remembered.
///
/// A question is a set of states and the events that they lead to; the same one is asked once,
/// however many graphs ask it. To be asked means: the oracle and a new resolver, which must agree
/// in everything; then one resolver that lasts through the question, in each order of the states;
/// and a new resolver, which meets the events in another order, for each rotation of the states and
/// of their reversal. These are all orders of up to three states. Of more they are those in which
/// each state comes first and last, and each two of them in either order.
class SmallRoom {
public:
    SmallRoom(const RoomRules& rules, PowerPattern pattern);

    using Events = std::array<SmallEvent, kSmallRoomEventsMax>;

    /// May event `index` be sent in the state before it? Both implementations are asked.
    bool is_allowed(const Events& events, std::size_t index);
    /// The resolution of states of a room with these events: asked, or remembered.
    Slots resolve(const Events& events, const std::vector<Slots>& states);
    /// The same by one call of the fast resolver, which is not remembered.
    Slots resolve_once(const Events& events, const std::vector<Slots>& states);
    void apply(const SmallEvent& event, std::size_t index, Slots& state) const;

    std::uint64_t questions() const { return answers_.size(); }
    std::uint64_t resolutions() const { return resolutions_; }
    /// The first difference between implementations or orders that was met.
    const std::optional<std::string>& difference() const { return difference_; }

private:
    using EventMask = std::uint8_t;
    using QuestionKey = std::pair<std::uint64_t, std::uint64_t>;
    struct HashKey {
        std::size_t operator()(const QuestionKey& key) const {
            return (key.first * 0x9e3779b97f4a7c15) ^ (key.second * 0xc2b2ae3d27d4eb4f);
        }
    };

    void make_beginning();
    EventPtr make(const std::string& id,
                  std::size_t time,
                  EventTemplate event,
                  const std::vector<EventPtr>& cited) const;
    EventPtr event_of(const Events& events, std::size_t index);
    EventPtr entry_of(const Events& events, Slot slot, std::uint8_t value);
    EventTemplate draft(Letter letter) const;
    json::Object levels_of(Letter letter) const;
    const State& state_of(const Slots& slots);
    Slots slots_of(const State& state) const;
    QuestionKey question_key(const Events& events, const std::vector<Slots>& states) const;
    Slots ask(const Events& events, const std::vector<Slots>& states);
    void ask_in_each_order(const generators::Room& room,
                           const Dispute& dispute,
                           Resolver& lasting,
                           const State& first);
    EventMask reach(const Events& events, const std::vector<Slots>& states) const;
    generators::Room room_of(const Events& events, const std::vector<Slots>& states);
    bool judge(const Events& events, std::size_t index);

    const RoomRules& rules_;
    const PowerPattern pattern_;
    RoomId room_id_;
    std::vector<EventPtr> beginning_;
    State base_;
    std::map<std::pair<std::size_t, std::uint64_t>, EventPtr> events_;
    std::vector<std::optional<State>> states_;  ///< By the bits of their slots.
    std::unordered_map<QuestionKey, Slots, HashKey> answers_;
    std::map<std::uint64_t, bool> verdicts_;
    std::uint64_t resolutions_ = 0;
    std::optional<std::string> difference_;
};

}  // namespace matrix::comparison
