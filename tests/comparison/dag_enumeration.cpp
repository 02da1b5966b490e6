// Shapes of event graphs, and the rooms that have them.

#include "tests/comparison/dag_enumeration.h"

#include <algorithm>
#include <bit>
#include <ostream>

namespace matrix::comparison {
namespace {

using Mask = std::uint8_t;

bool has(Mask mask, std::size_t index) {
    return (mask >> index & 1) != 0;
}

// Of each event, everything before it.
std::vector<Mask> ancestors_of(const Shape& shape) {
    std::vector<Mask> ancestors;
    for (const Mask parents : shape) {
        Mask all = parents;
        for (std::size_t index = 0; index < ancestors.size(); ++index) {
            if (has(parents, index)) all = static_cast<Mask>(all | ancestors[index]);
        }
        ancestors.push_back(all);
    }
    return ancestors;
}

bool is_antichain(Mask mask, const std::vector<Mask>& ancestors) {
    for (std::size_t index = 0; index < ancestors.size(); ++index) {
        if (has(mask, index) && (mask & ancestors[index]) != 0) return false;
    }
    return true;
}

}  // namespace

std::vector<Shape> list_shapes(std::size_t count) {
    std::vector<Shape> shapes = {{}};
    for (std::size_t size = 0; size < count; ++size) {
        std::vector<Shape> longer;
        for (const Shape& shape : shapes) {
            const std::vector<Mask> ancestors = ancestors_of(shape);
            for (unsigned mask = 0; mask < 1U << size; ++mask) {
                if (!is_antichain(static_cast<Mask>(mask), ancestors)) continue;
                longer.push_back(shape);
                longer.back().push_back(static_cast<Mask>(mask));
            }
        }
        shapes = std::move(longer);
    }
    return shapes;
}

// Of each set of delivered events, in how many orders it can come about.
std::uint64_t count_delivery_orders(const Shape& shape) {
    std::vector<std::uint64_t> orders(std::size_t{1} << shape.size());
    orders[0] = 1;
    for (std::size_t delivered = 1; delivered < orders.size(); ++delivered) {
        for (std::size_t last = 0; last < shape.size(); ++last) {
            if ((delivered >> last & 1) == 0) continue;
            const std::size_t before = delivered & ~(std::size_t{1} << last);
            if ((shape[last] & ~before) == 0) orders[delivered] += orders[before];
        }
    }
    return orders.back();
}

namespace {

// The rooms of one shape. Letters count up like digits, so that most rooms keep the events of the
// one before and only the last ones are made anew.
class ShapeRooms {
public:
    ShapeRooms(const Shape& shape, SmallRoom& room)
        : shape_(shape), ancestors_(ancestors_of(shape)), room_(room), after_(shape.size()) {}

    std::size_t size() const { return shape_.size(); }

    /// Makes the events from `first` on.
    void make(const std::vector<Letter>& letters, std::size_t first) {
        for (std::size_t index = first; index < size(); ++index) {
            SmallEvent& event = events_[index];
            event.letter = letters[index];
            event.before = room_.resolve(events_, states_after(shape_[index]));
            after_[index] = event.before;
            const bool is_allowed = room_.is_allowed(events_, index);
            accepted_ = static_cast<Mask>(is_allowed ? accepted_ | 1U << index
                                                     : accepted_ & ~(1U << index));
            if (is_allowed) room_.apply(event, index, after_[index]);
        }
    }

    bool is_accepted(std::size_t index) const { return has(accepted_, index); }
    const SmallRoom::Events& events() const { return events_; }
    const Slots& after(std::size_t index) const { return after_[index]; }

    /// Of the events that were delivered, those that were accepted and on which nothing accepted
    /// follows.
    Mask extremities(Mask delivered) const {
        Mask newest = static_cast<Mask>(accepted_ & delivered);
        for (std::size_t index = 0; index < size(); ++index) {
            if (has(accepted_ & delivered, index)) {
                newest = static_cast<Mask>(newest & ~ancestors_[index]);
            }
        }
        return newest;
    }

    Slots current_state() {
        const Mask all = static_cast<Mask>((1U << size()) - 1);
        return room_.resolve(events_, states_after(extremities(all)));
    }

private:
    std::vector<Slots> states_after(Mask parents) const {
        std::vector<Slots> states;
        for (std::size_t index = 0; index < size(); ++index) {
            if (has(parents, index)) states.push_back(after_[index]);
        }
        if (states.empty()) states.emplace_back();
        return states;
    }

    const Shape& shape_;
    const std::vector<Mask> ancestors_;
    SmallRoom& room_;
    SmallRoom::Events events_ = {};
    std::vector<Slots> after_;
    Mask accepted_ = 0;
};

// A server that receives the events of a room one by one.
class Receiver {
public:
    Receiver(const ShapeRooms& rooms, const Shape& shape, SmallRoom& room)
        : rooms_(rooms), shape_(shape), room_(room) {}

    /// Does it see in `order` what every server sees?
    bool agrees(const std::vector<std::size_t>& order, const Slots& current) {
        std::vector<std::size_t> delivered;
        for (const std::size_t index : order) {
            const Slots before = resolve(in_order(delivered, shape_[index]));
            if (before != rooms_.events()[index].before) return false;
            delivered.push_back(index);
        }
        Mask all = 0;
        for (const std::size_t index : delivered)
            all = static_cast<Mask>(all | 1U << index);
        return resolve(in_order(delivered, rooms_.extremities(all))) == current;
    }

private:
    // The states after some events, in the order in which these were delivered.
    std::vector<Slots> in_order(const std::vector<std::size_t>& delivered, Mask wanted) const {
        std::vector<Slots> states;
        for (const std::size_t index : delivered) {
            if (has(wanted, index)) states.push_back(rooms_.after(index));
        }
        if (states.empty()) states.emplace_back();
        return states;
    }

    Slots resolve(const std::vector<Slots>& states) {
        return states.size() == 1 ? states.front() : room_.resolve_once(rooms_.events(), states);
    }

    const ShapeRooms& rooms_;
    const Shape& shape_;
    SmallRoom& room_;
};

bool is_delivery_order(const std::vector<std::size_t>& order, const Shape& shape) {
    Mask delivered = 0;
    for (const std::size_t index : order) {
        if ((shape[index] & ~delivered) != 0) return false;
        delivered = static_cast<Mask>(delivered | 1U << index);
    }
    return true;
}

// Nothing if all servers agree, in whatever order they receive the room.
std::optional<std::string> play_deliveries(const ShapeRooms& rooms,
                                           const Shape& shape,
                                           const Slots& current,
                                           SmallRoom& room) {
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < shape.size(); ++index)
        order.push_back(index);
    do {
        if (!is_delivery_order(order, shape)) continue;
        if (!Receiver(rooms, shape, room).agrees(order, current)) {
            return "a server sees another state when the events are delivered in another order";
        }
    } while (std::ranges::next_permutation(order).found);
    return std::nullopt;
}

// The last place whose letter changed; nothing after the last room.
std::optional<std::size_t> count_up(std::vector<Letter>& letters) {
    for (std::size_t place = letters.size(); place-- > 0;) {
        if (++letters[place] < kLetters) return place;
        letters[place] = 0;
    }
    return std::nullopt;
}

// Two letters divide the rooms; a room of one event has only the first.
std::uint64_t part_of(const std::vector<Letter>& letters) {
    return letters.front() + kLetters * (letters.size() > 1 ? letters[1] : std::uint64_t{0});
}

void enumerate_shape(const Shape& shape,
                     const DagOptions& options,
                     SmallRoom& room,
                     DagResult& result) {
    const std::uint64_t orders = count_delivery_orders(shape);
    ShapeRooms rooms(shape, room);
    std::vector<Letter> letters(shape.size(), 0);
    std::size_t unmade = 0;  ///< From here on the events are not those of the letters.
    for (std::optional<std::size_t> changed = 0; changed; changed = count_up(letters)) {
        unmade = std::min(unmade, *changed);
        if (!options.shard.has(part_of(letters))) continue;
        rooms.make(letters, unmade);
        unmade = shape.size();
        ++result.counts.rooms;
        result.counts.delivery_orders += orders;
        ++(rooms.is_accepted(shape.size() - 1) ? result.counts.accepted : result.counts.rejected);
        const Slots current = rooms.current_state();
        if (options.plays_deliveries) {
            result.difference = play_deliveries(rooms, shape, current, room);
        }
        if (room.difference()) result.difference = room.difference();
        if (result.difference) return;
    }
}

}  // namespace

DagResult enumerate_dags(const DagOptions& options) {
    DagResult result;
    const std::vector<Shape> shapes = list_shapes(options.event_count);
    result.counts.shapes = shapes.size();
    std::size_t done = 0;
    for (const PowerPattern pattern : kPowerPatterns) {
        SmallRoom room(*options.rules, pattern);
        for (const Shape& shape : shapes) {
            enumerate_shape(shape, options, room, result);
            if (result.difference) return result;
            if (options.on_progress) {
                options.on_progress(++done, shapes.size() * kPowerPatterns.size());
            }
        }
        result.counts.questions += room.questions();
        result.counts.resolutions += room.resolutions();
    }
    return result;
}

std::ostream& operator<<(std::ostream& out, const DagCounts& counts) {
    return out << counts.shapes << " shapes, " << counts.rooms << " rooms, "
               << counts.delivery_orders << " delivery orders; last events: " << counts.accepted
               << " accepted, " << counts.rejected << " rejected; " << counts.questions
               << " different questions, " << counts.resolutions << " resolutions";
}

}  // namespace matrix::comparison
