// What goes wrong between hosts, as values: the network asks them about each message.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "refserver/runtime/network.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// Troubles are drawn one by one in the stream of the link; the decision 0 is that all goes well.
/// Those that come later in the list go before those that come earlier, where both say something.
struct LinkTrouble {
    enum class Kind {
        Cut,        ///< Nothing arrives; the sender learns of it by its timeout.
        Loss,       ///< The same of one message in `one_in`.
        Reset,      ///< The connection breaks at one message in `one_in`, before or after it came.
        Duplicate,  ///< One request in `one_in` arrives twice.
        Reorder,    ///< One message in `one_in` takes up to `amount` microseconds more.
        Latency,    ///< `latency` holds in place of the link's own.
        Clog,       ///< Messages wait until this is over, and then come all at once.
        SlowBody,   ///< Bodies arrive with `amount` bytes a second.
        Proxy,      ///< In place of one request in `one_in` somebody on the way answers `answer`.
        Refuse,     ///< One connection in `one_in` is not made: `error`.
    };
    Kind kind = Kind::Cut;
    /// Does it concern messages from the first host to the second?
    std::function<bool(int from, int to)> concerns;
    std::uint64_t one_in = 1;
    std::int64_t amount = 0;
    LinkOptions latency = {};
    /// Of Cut, Proxy and Refuse: only requests whose target begins so; their answers come through.
    std::string target = {};
    runtime::HttpResponse answer = {};
    runtime::NetworkErrorKind error = runtime::NetworkErrorKind::Unreachable;
};

/// A cut between hosts that have no group in common. Who is in none is in the first.
LinkTrouble make_partition(const std::vector<std::vector<int>>& groups);

/// Of messages that were in trouble.
struct TroubleCounts {
    std::uint64_t lost = 0;
    std::uint64_t reset = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t delayed = 0;
    std::uint64_t slowed = 0;
    std::uint64_t held = 0;
    std::uint64_t answered_on_the_way = 0;
    std::uint64_t refused = 0;
    std::uint64_t broken_by_crashes = 0;
};

}  // namespace matrix::simulator
