// GET /_refserver/statistics: what this server has done, and what it cost. Read by benchmarks.
//
// No endpoint of the specification. Durations are microseconds, sizes are bytes.

#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

json::Value as_number(std::uint64_t count) {
    return static_cast<std::int64_t>(count);
}

}  // namespace

Task<Result<Reply>> ClientServer::get_statistics(Request) {
    const Counters& counters = services_.counters;
    const runtime::LoopStatistics loop = services_.executor.statistics();
    const runtime::SyncStatistics disk = services_.durability.statistics();
    json::Object events{{"sent", as_number(counters.events_sent)},
                        {"received", as_number(counters.events_received)},
                        {"rejected", as_number(counters.events_rejected)},
                        {"soft_failed", as_number(counters.events_soft_failed)}};
    json::Object turns{{"count", as_number(loop.turns)},
                       {"longest_us", loop.longest_turn_us},
                       {"longest_cpu_us", loop.longest_turn_cpu_us}};
    json::Object syncs{{"count", as_number(disk.syncs)},
                       {"total_us", disk.total_us},
                       {"longest_us", disk.longest_us}};
    json::Object database{{"bytes", services_.turns.database().bytes()},
                          {"commits", as_number(services_.turns.commits())}};
    co_return Reply{.body = json::Object{{"requests", as_number(counters.requests)},
                                         {"events", std::move(events)},
                                         {"turns", std::move(turns)},
                                         {"syncs", std::move(syncs)},
                                         {"database", std::move(database)}}};
}

}  // namespace matrix::engine
