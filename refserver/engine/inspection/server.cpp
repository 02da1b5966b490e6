// GET /_refserver/server and metrics: what the server does; POST snapshot: a copy of all it has.

#include "refserver/base/result_macros.h"
#include "refserver/engine/inspection_server.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/storage/snapshot.h"

namespace matrix::engine {
namespace {

std::int64_t as_integer(std::uint64_t count) {
    return static_cast<std::int64_t>(count);
}

}  // namespace

Task<Result<Reply>> InspectionServer::get_server(Request) {
    const Counters counted = services_.count();
    json::Object counters;
    for (const NamedCounter& counter : kNamedCounters)
        counters.set(counter.name, as_integer(counted.*counter.count));
    const storage::Turns& turns = services_.turns;
    Reply reply;
    reply.body = json::Object{
        {"server_name", services_.server_name.text()},
        {"now_ts", services_.clock.now().value},
        {"open_requests", as_integer(services_.count_open_requests())},
        {"queued", as_integer(services_.outbox.queued())},
        {"rooms", as_integer(services_.rooms.list().size())},
        {"newest_position", turns.newest().value},
        {"durable_position", turns.durable_position().value},
        {"counters", std::move(counters)},
    };
    co_return reply;
}

// The text format of Prometheus.
Task<Result<Reply>> InspectionServer::get_metrics(Request) {
    std::string text;
    const auto add = [&](std::string name, const char* type, std::uint64_t value) {
        name = "refserver_" + name;
        text += "# TYPE " + name + ' ' + type + '\n' + name + ' ' + std::to_string(value) + '\n';
    };
    const Counters counted = services_.count();
    for (const NamedCounter& counter : kNamedCounters)
        add(std::string(counter.name) + "_total", "counter", counted.*counter.count);
    add("open_requests", "gauge", services_.count_open_requests());
    add("queued", "gauge", services_.outbox.queued());
    Reply reply;
    reply.content_type = "text/plain; version=0.0.4";
    reply.written_body = std::move(text);
    co_return reply;
}

namespace {

constexpr int kSnapshotAttemptsMax = 100;

std::unexpected<Error> refuse_snapshot(storage::SnapshotError error) {
    const auto answer = [&](int status, std::string_view errcode) {
        return std::unexpected(
            Error{status, std::string(errcode), "file: " + std::move(error.what), {}});
    };
    switch (error.kind) {
        using enum storage::SnapshotError::Kind;
        case Exists:
            return answer(409, "M_INVALID_PARAM");
        case BadPath:
            return answer(400, "M_INVALID_PARAM");
        case DiskFull:
            return answer(507, "M_UNKNOWN");
        case Unreadable:
            return answer(500, "M_UNKNOWN");
    }
    unreachable();
}

}  // namespace

// All that was acknowledged is committed, and so in the copy; a turn that is under way is not.
Task<Result<Reply>> InspectionServer::post_snapshot(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const std::string file, require_string(body, "file"));
    if (!file.starts_with('/') || file.contains('\0')) {
        co_return invalid_param("file: expected an absolute path, which begins with \"/\"");
    }
    storage::Database& database = services_.turns.database();
    storage::SnapshotResult written;
    if (auto copier = storage::make_copier(database, file)) {
        written = co_await services_.workers.run<storage::SnapshotResult>(runtime::Lane::Queries,
                                                                          std::move(copier));
    } else {
        for (int attempt = 0; database.is_in_transaction(); ++attempt) {
            const bool is_given_up = attempt == kSnapshotAttemptsMax;
            if (is_given_up || !co_await services_.turns.durable()) {
                co_return internal_error("the storage failed");
            }
        }
        written = storage::copy_database(database, file);
    }
    if (!written) co_return refuse_snapshot(std::move(written).error());
    Reply reply;
    reply.body = json::Object{
        {"file", file}, {"bytes", written->bytes}, {"server_name", services_.server_name.text()}};
    co_return reply;
}

}  // namespace matrix::engine
