// Byzantine peers: federation servers that are members of the rooms and send the target what it
// must not take, and between that good events, which it must.
//
// A bad event comes before a good one of the same server: when the target shows the good one, it
// has had its chance with the bad one.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "simulator/live/arena.h"
#include "simulator/simulated_random.h"

namespace matrix::live {

enum class Behaviour {
    BadSignature,
    BadHash,
    Stranger,  ///< The sender never joined: the rules refuse him.
    UnknownAuthEvents,
    ForeignAuthEvents,  ///< Of another room.
    Oversized,
    Backdated,     ///< By somebody banned since, and as if it had been sent before.
    Equivocation,  ///< Another event to each side, at the same place.
    Withheld,      ///< The event before it is nowhere to be had.
    WrongState,    ///< Its server lies about the state before it.
    AclEvasion,    ///< Its server has been shut out by m.room.server_acl.
};
std::string_view name_of(Behaviour behaviour);

/// What the target may do with a planted event.
enum class Expectation {
    Hidden,         ///< Never shown, never state, never built upon.
    ContentHidden,  ///< Shown at most in its redacted form.
    Shown,          ///< It is good.
};

struct Planted {
    Behaviour behaviour = Behaviour::BadSignature;
    Expectation expectation = Expectation::Hidden;
    LiveRoom room;
    EventId event;
    std::string content_marker;  ///< Of what is hidden when the content is.
};

class Byzantine {
public:
    /// The peers join every room; a reason why not is in the report then, and false is returned.
    explicit Byzantine(Arena& arena);
    ~Byzantine();
    Byzantine(const Byzantine&) = delete;
    Byzantine& operator=(const Byzantine&) = delete;

    bool join_all();
    /// One behaviour in one room, both drawn from the seed; each behaviour comes once before any
    /// comes again.
    void misbehave();
    /// Everything that was tried, with its expectation.
    const std::vector<Planted>& planted() const { return planted_; }

private:
    using Pdu = conformance::Pdu;
    struct Seat {
        conformance::PeerRoom* room = nullptr;
        EventId last;  ///< Its own last good event: the next one follows it.
    };

    void perform(Behaviour behaviour, const LiveRoom& room);
    void prove_attention(Behaviour behaviour, const LiveRoom& room);
    Pdu draft(const LiveRoom& room,
              std::string_view localpart,
              const std::string& body,
              std::vector<EventId> after = {});
    void plant(Behaviour behaviour,
               Expectation expectation,
               const LiveRoom& room,
               const Pdu& event,
               const std::string& content_marker = "");
    void send_to_ours(const std::vector<Pdu>& events);
    void go_back_in_time(const LiveRoom& room);
    void equivocate(const LiveRoom& room);
    void withhold(const LiveRoom& room);
    void lie_about_state(const LiveRoom& room);
    void use_foreign_auth_events(const LiveRoom& room);
    void evade_acl(const LiveRoom& room);
    std::vector<Behaviour> list_behaviours() const;

    Arena& arena_;
    simulator::SimulatedRandomSource random_source_;
    runtime::Random& random_;
    conformance::PeerIdentity denied_identity_;  ///< Of a peer whose name is an IP address.
    std::unique_ptr<Peer> peer_;
    std::unique_ptr<Peer> denied_;
    std::vector<std::unique_ptr<conformance::HttpClient>> to_ours_;
    std::map<RoomId, Seat> seats_;
    std::map<RoomId, Seat> denied_seats_;
    std::map<RoomId, bool> has_banned_;
    std::vector<Behaviour> left_;  ///< Until each has had its turn.
    std::vector<Planted> planted_;
    std::uint64_t number_ = 0;
};

}  // namespace matrix::live
