// Every room of a few events: all event graphs whose parents are antichains, over a fixed alphabet.
//
// Room by room, each event is judged by the state that resolution gives of its parents, as every
// server does that receives it. What a delivery order changes for pure functions is the order in
// which states reach the resolver and in which it meets events. `SmallRoom` says in which orders
// each question is asked, and that its answer is remembered; `plays_deliveries` remembers nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "tests/comparison/shard.h"
#include "tests/comparison/small_room.h"

namespace matrix::comparison {

/// Of each event, the events that it follows on, as a mask: none of them follows on another, and
/// all have smaller numbers. No parents: it follows on the beginning of the room.
using Shape = std::vector<std::uint8_t>;

/// All shapes of `count` events: 1, 2, 7, 40, 357 for one to five.
std::vector<Shape> list_shapes(std::size_t count);
/// How many orders there are in which the events can be delivered after what they follow on.
std::uint64_t count_delivery_orders(const Shape& shape);

inline constexpr std::uint64_t kDagShardsMax = std::uint64_t{kLetters} * kLetters;

struct DagOptions {
    const RoomRules* rules = nullptr;
    std::size_t event_count = 4;  ///< At most `kSmallRoomEventsMax`.
    /// Only this part of the rooms, by their first two letters; at most `kDagShardsMax` parts. What
    /// parts ask in common is asked in each of them.
    Shard shard = {};
    /// Besides: plays every delivery order of every room on a server, without remembered answers.
    bool plays_deliveries = false;
    /// Called after each shape with how many are done, of how many.
    std::function<void(std::size_t done, std::size_t all)> on_progress = {};
};

struct DagCounts {
    std::uint64_t shapes = 0;
    std::uint64_t rooms = 0;            ///< Shapes with letters, for each power pattern.
    std::uint64_t delivery_orders = 0;  ///< Of all these rooms together.
    std::uint64_t accepted = 0;         ///< Events, of the last place of each room.
    std::uint64_t rejected = 0;
    std::uint64_t questions = 0;    ///< Different resolutions that these rooms ask for.
    std::uint64_t resolutions = 0;  ///< Calls of the fast resolver.
};
std::ostream& operator<<(std::ostream& out, const DagCounts& counts);

struct DagResult {
    DagCounts counts;
    std::optional<std::string> difference;
};
DagResult enumerate_dags(const DagOptions& options);

}  // namespace matrix::comparison
