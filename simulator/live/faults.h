// Faults of the links between our servers and the target: what may happen, and what does.
//
// Every decision is drawn from the seed, one stream for each link: the nth request over a link
// meets the same fate in every run with the same faults in force. Which request is the nth is a
// matter of real time, and no seed decides that.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "refserver/runtime/clock.h"
#include "simulator/simulated_random.h"

namespace matrix::live {

/// What the target is called as an end of links. Our servers are "0", "1" and so on.
inline constexpr const char* kTargetEnd = "target";

inline constexpr int kTooManyRequests = 429;
inline constexpr int kServerError = 500;  ///< The least status of a server that failed.

/// From whoever asks to whoever answers.
struct Link {
    std::string from;
    std::string to;
    friend auto operator<=>(const Link&, const Link&) = default;
};
std::string to_string(const Link& link);

/// What may happen on a link, in force until it is replaced. Percentages are of what is drawn for.
struct LinkFault {
    bool is_cut = false;      ///< Nothing passes: connections are reset, new ones as well.
    int delay_ms_max = 0;     ///< Of a request before it goes on.
    int refused_percent = 0;  ///< Of requests: 429 or a 5xx status stands for the answer.
    int lost_percent = 0;   ///< Of requests: half are lost before they arrive, half their answers.
    int reset_percent = 0;  ///< Of connections: reset after some bytes.
    int slow_percent = 0;   ///< Of connections: bytes trickle.
};
using LinkFaults = std::map<Link, LinkFault>;

enum class Passage { Passes, Refused, LostBefore, LostAfter };
struct RequestFate {
    Passage passage = Passage::Passes;
    runtime::Duration delay{0};
    int status = 0;       ///< Of what is refused.
    bool is_cut = false;  ///< Then it is lost before, whatever was drawn.
};
struct ConnectionFate {
    std::optional<std::uint64_t> reset_after_bytes;
    std::optional<std::uint64_t> bytes_per_second;
};

/// How often each kind of fault struck.
struct FaultCounts {
    std::uint64_t delayed = 0;
    std::uint64_t refused = 0;
    std::uint64_t lost = 0;
    std::uint64_t cut = 0;
    std::uint64_t connections_reset = 0;
    std::uint64_t connections_slow = 0;
    std::uint64_t total() const {
        return delayed + refused + lost + cut + connections_reset + connections_slow;
    }
};

/// Thread-safe.
class Faults {
public:
    explicit Faults(std::uint64_t seed) : random_(seed) {}
    Faults(const Faults&) = delete;
    Faults& operator=(const Faults&) = delete;

    /// Links that are not among them work.
    void put_in_force(LinkFaults faults);
    void heal() { put_in_force({}); }

    RequestFate draw_request(const Link& link);
    ConnectionFate draw_connection(const Link& link);
    bool is_cut(const Link& link) const;
    bool is_healed() const;
    FaultCounts counts() const;

private:
    LinkFault find(const Link& link) const;

    mutable std::mutex mutex_;
    simulator::SimulatedRandomSource random_;
    LinkFaults faults_;
    FaultCounts counts_;
};

}  // namespace matrix::live
