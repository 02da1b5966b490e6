#include "simulator/simulated_network.h"

#include "refserver/base/assert.h"

namespace matrix::simulator {

using runtime::HttpRequest;
using runtime::HttpResponse;
using runtime::NetworkError;
using runtime::NetworkErrorKind;
using runtime::OutgoingRequest;
using runtime::Pending;

namespace {

constexpr int kNowhere = -1;  // An address at which nobody is.

}  // namespace

/// One request on its way, its answer, and its end: whichever of answer, timeout and cancellation
/// comes first empties `done`.
struct SimulatedNetwork::Exchange {
    int from = 0;
    int to = 0;
    std::uint64_t request = 0;  ///< The number of the message.
    std::move_only_function<void(runtime::Network::Result)> done;
    Pending timeout;
    Pending step;  ///< The next thing to happen to it.
};

class SimulatedNetwork::View : public runtime::Network {
public:
    View(SimulatedNetwork& network, int host) : network_(network), host_(host) {}

    Pending send(OutgoingRequest request, std::move_only_function<void(Result)> done) override {
        auto exchange = std::make_shared<Exchange>();
        exchange->from = host_;
        exchange->done = std::move(done);
        network_.start(exchange, std::move(request));
        // The request itself goes on: a peer that has it does not take it back.
        return Pending([exchange] {
            exchange->done = nullptr;
            exchange->timeout.reset();
        });
    }

private:
    SimulatedNetwork& network_;
    int host_;
};

int SimulatedNetwork::add_host(std::string name, Deliver deliver, RunTurn run_turn) {
    const int number = static_cast<int>(hosts_.size());
    numbers_.emplace(name, number);
    addressed_.emplace(address_of(number), number);
    if (Recorder* recorder = trace_.recorder()) recorder->host(number, name);
    hosts_.push_back({std::move(name), std::move(deliver), std::move(run_turn)});
    return number;
}

std::string SimulatedNetwork::address_of(int host) {
    return "10.0." + std::to_string(host / 256) + "." + std::to_string(host % 256);
}

std::optional<std::string> SimulatedNetwork::find_address(std::string_view name) const {
    const auto number = numbers_.find(name);
    if (number == numbers_.end()) return std::nullopt;
    return address_of(number->second);
}

Pending SimulatedNetwork::call_later(int host, std::move_only_function<void()> job) {
    return time_.schedule(
        draw_latency_us(link(host, host)), host, [this, host, job = std::move(job)]() mutable {
            hosts_[host].run_turn(std::move(job));
        });
}

std::unique_ptr<runtime::Network> SimulatedNetwork::view_of(int host) {
    return std::make_unique<View>(*this, host);
}

void SimulatedNetwork::split(const std::vector<int>& group_of_host) {
    MATRIX_ASSERT(group_of_host.size() <= hosts_.size());
    std::string shape;
    for (std::size_t host = 0; host < group_of_host.size(); ++host) {
        hosts_[host].group = group_of_host[host];
        shape += static_cast<char>('0' + group_of_host[host]);
    }
    is_split_ = true;
    trace_.note("split", shape);
}

void SimulatedNetwork::heal() {
    for (Host& host : hosts_)
        host.group = 0;
    is_split_ = false;
    trace_.note("heal", "");
}

SimulatedNetwork::Link& SimulatedNetwork::link(int from, int to) {
    const auto known = links_.find({from, to});
    if (known != links_.end()) return known->second;
    const auto name_of = [this](int host) {
        return host < 0 ? std::string("nowhere") : hosts_[host].name;
    };
    runtime::Random& random = random_.stream(name_of(from) + " to " + name_of(to));
    return links_.emplace(std::pair(from, to), Link{default_link_, random}).first->second;
}

bool SimulatedNetwork::is_lost(Link& link) {
    // The simplest decision is that a message arrives.
    const std::uint64_t one_in = link.options.loss_one_in;
    return one_in != 0 && link.random.below(one_in) == one_in - 1;
}

std::int64_t SimulatedNetwork::draw_latency_us(Link& link) {
    // Mostly short, sometimes long: the product of two uniform draws.
    const LinkOptions& options = link.options;
    const auto range =
        static_cast<std::uint64_t>(options.latency_us_max - options.latency_us_min + 1);
    const std::uint64_t first = link.random.below(range);
    const std::uint64_t second = link.random.below(1000);
    return options.latency_us_min + static_cast<std::int64_t>(first * second / 1000);
}

void SimulatedNetwork::note_lost(int from, int to, const std::string& what) {
    ++lost_;
    if (Recorder* recorder = trace_.recorder()) recorder->lost(from, to, what);
}

void SimulatedNetwork::start(std::shared_ptr<Exchange> exchange, OutgoingRequest request) {
    const int from = exchange->from;
    exchange->timeout = time_.schedule(request.timeout.value * 1000, from, [this, exchange] {
        finish(exchange, std::unexpected(NetworkError{NetworkErrorKind::Timeout, "no answer"}));
    });
    const auto known = addressed_.find(request.destination.connect_to());
    if (known == addressed_.end()) {
        exchange->step =
            time_.schedule(draw_latency_us(link(from, kNowhere)), from, [this, exchange] {
                finish(exchange,
                       std::unexpected(NetworkError{NetworkErrorKind::Unreachable,
                                                    "nobody is at this address"}));
            });
        return;
    }
    exchange->to = known->second;
    Link& there = link(from, exchange->to);
    const std::int64_t latency_us = draw_latency_us(there);
    if (!is_connected(from, exchange->to) || is_lost(there)) {
        // Swallowed: the sender learns of it by its timeout.
        note_lost(from, exchange->to, request.message.method + " " + request.message.target);
        return;
    }
    HttpRequest message = std::move(request.message);
    message.peer_address = hosts_[from].name;
    message.headers.add("Host", request.destination.host_header);
    const std::string* authorization = message.headers.find("Authorization");
    exchange->request =
        trace_.message(from,
                       exchange->to,
                       message.method + " " + message.target + " " +
                           without_signatures(authorization == nullptr ? "" : *authorization),
                       message.body);
    exchange->step = time_.schedule(
        latency_us, exchange->to, [this, exchange, message = std::move(message)]() mutable {
            arrive(exchange, std::move(message));
        });
}

void SimulatedNetwork::arrive(std::shared_ptr<Exchange> exchange, HttpRequest message) {
    if (!is_connected(exchange->from, exchange->to)) {
        note_lost(exchange->from, exchange->to, message.method + " " + message.target);
        return;
    }
    ++delivered_;
    if (Recorder* recorder = trace_.recorder()) recorder->arrived(exchange->request);
    hosts_[exchange->to].run_turn([this, exchange, message = std::move(message)]() mutable {
        hosts_[exchange->to].deliver(std::move(message), [this, exchange](HttpResponse response) {
            answer(exchange, std::move(response));
        });
    });
}

void SimulatedNetwork::answer(std::shared_ptr<Exchange> exchange, HttpResponse response) {
    Link& back = link(exchange->to, exchange->from);
    const std::int64_t latency_us = draw_latency_us(back);
    const std::string status = std::to_string(response.status);
    if (!is_connected(exchange->from, exchange->to) || is_lost(back)) {
        note_lost(exchange->to, exchange->from, status);
        return;
    }
    const std::uint64_t number =
        trace_.message(exchange->to, exchange->from, status, response.body);
    if (Recorder* recorder = trace_.recorder()) recorder->answers(number, exchange->request);
    exchange->step = time_.schedule(
        latency_us,
        exchange->from,
        [this, exchange, number, response = std::move(response)]() mutable {
            if (!is_connected(exchange->from, exchange->to)) {
                note_lost(exchange->to, exchange->from, std::to_string(response.status));
                return;
            }
            if (Recorder* recorder = trace_.recorder()) recorder->arrived(number);
            finish(exchange, std::move(response));
        });
}

void SimulatedNetwork::finish(const std::shared_ptr<Exchange>& exchange,
                              runtime::Network::Result result) {
    exchange->timeout.reset();
    if (auto done = std::exchange(exchange->done, nullptr)) {
        hosts_[exchange->from].run_turn(
            [done = std::move(done), result = std::move(result)]() mutable {
                done(std::move(result));
            });
    }
}

}  // namespace matrix::simulator
