#include "simulator/live/faulty_network.h"

#include <memory>
#include <utility>

namespace matrix::live {
namespace {

using runtime::NetworkError;
using runtime::NetworkErrorKind;

constexpr std::size_t kFailuresKept = 50;
constexpr std::size_t kBodyBytesKept = 300;

runtime::HttpResponse make_refusal(int status) {
    runtime::HttpResponse response;
    response.status = status;
    response.headers.add("Content-Type", "application/json");
    response.body =
        status == kTooManyRequests
            ? R"({"errcode":"M_LIMIT_EXCEEDED","error":"injected","retry_after_ms":200})"
            : R"({"errcode":"M_UNKNOWN","error":"injected"})";
    return response;
}

}  // namespace

void TargetAnswers::note(const std::string& request,
                         int status,
                         const std::string& body,
                         bool was_disturbed) {
    const std::lock_guard lock(mutex_);
    ++count_;
    if (status < kServerError || failures_.size() >= kFailuresKept) return;
    failures_.push_back({request, status, body.substr(0, kBodyBytesKept), was_disturbed});
}

std::uint64_t TargetAnswers::count() const {
    const std::lock_guard lock(mutex_);
    return count_;
}

std::vector<FailedAnswer> TargetAnswers::failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
}

// A request on its way; destroyed when it is answered or its caller does not want it any more.
struct FaultyNetwork::Flight {
    runtime::OutgoingRequest request;
    std::move_only_function<void(Result)> done;
    RequestFate fate;
    bool is_to_target = false;
    bool was_disturbed = false;
    std::string what;
    runtime::Pending step;  // The delay, then the real request.
};

FaultyNetwork::FaultyNetwork(std::string end, Services services)
    : end_(std::move(end)), services_(std::move(services)) {}

std::string FaultyNetwork::end_of(const runtime::Destination& destination) const {
    if (destination.host_header == services_.target_host_header) return kTargetEnd;
    if (destination.host != services_.routes.host) return {};
    const auto ours = services_.routes.ours.find(destination.port);
    return ours == services_.routes.ours.end() ? std::string() : ours->second.end;
}

// Among our servers there is no relay; to the target there is one for each of its addresses.
void FaultyNetwork::lead(runtime::Destination& destination, const std::string& end) {
    if (end.empty()) return;
    if (end != kTargetEnd) {
        destination.port = services_.routes.ours.at(destination.port).port;
        destination.address = "127.0.0.1";
        return;
    }
    const platform::SocketAddress address{destination.connect_to(), destination.port};
    const std::string key = platform::to_string(address);
    auto known = relay_ports_.find(key);
    if (known == relay_ports_.end()) {
        const auto port = services_.relay.open({"127.0.0.1", 0}, address, {end_, end});
        if (!port) return;  // No port is left: this connection has no faults of its own.
        known = relay_ports_.emplace(key, *port).first;
    }
    destination.address = "127.0.0.1";
    destination.port = known->second;
}

runtime::Pending FaultyNetwork::send(runtime::OutgoingRequest request,
                                     std::move_only_function<void(Result)> done) {
    const std::string end = end_of(request.destination);
    auto flight = std::make_shared<Flight>();
    flight->is_to_target = end == kTargetEnd;
    flight->was_disturbed = !services_.faults.is_healed();
    flight->what = request.message.method + " " + request.message.target + " by server " + end_;
    if (!end.empty()) flight->fate = services_.faults.draw_request({end_, end});
    lead(request.destination, end);
    flight->request = std::move(request);
    flight->done = std::move(done);
    // Also without a delay: the answer never comes before this returns.
    flight->step =
        services_.clock.call_after(flight->fate.delay, [this, flight] { depart(flight); });
    return runtime::Pending([flight] {
        flight->step.reset();
        flight->done = nullptr;
    });
}

void FaultyNetwork::depart(std::shared_ptr<Flight> flight) {
    if (!flight->done) return;
    const auto answer = [&](Result result) {
        std::exchange(flight->done, nullptr)(std::move(result));
    };
    if (flight->fate.passage == Passage::LostBefore) {
        answer(std::unexpected(
            NetworkError{NetworkErrorKind::Unreachable, "injected: no connection"}));
    } else if (flight->fate.passage == Passage::Refused) {
        answer(make_refusal(flight->fate.status));
    } else {
        flight->step = services_.network.send(
            std::move(flight->request),
            [this, flight](Result result) { arrive(*flight, std::move(result)); });
    }
}

void FaultyNetwork::arrive(Flight& flight, Result result) {
    flight.was_disturbed = flight.was_disturbed || !services_.faults.is_healed();
    if (flight.is_to_target && result) {
        services_.answers.note(flight.what, result->status, result->body, flight.was_disturbed);
    }
    if (!flight.done) return;
    if (flight.fate.passage == Passage::LostAfter) {
        result =
            std::unexpected(NetworkError{NetworkErrorKind::Interrupted, "injected: answer lost"});
    }
    std::exchange(flight.done, nullptr)(std::move(result));
}

}  // namespace matrix::live
