// What a real server must still say after it was killed: all that it had acknowledged.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tests/crash/live_load.h"

namespace matrix::crash {

/// Asks a server for what a ledger says, each thing once.
class LiveChecks {
public:
    explicit LiveChecks(LiveLoad& load) : load_(load) {}

    /// What was acknowledged since the last call; the load goes on meanwhile.
    void check_new();
    /// When the load has stopped: everything, and that the peer has got it in order.
    void check_all();

    std::uint64_t checked() const { return checked_; }
    /// In sentences; at most `kFindingsMax`.
    const std::vector<std::string>& findings() const { return findings_; }

private:
    /// How much of each list was checked.
    struct Marks {
        std::size_t sends = 0;
        std::size_t events = 0;
        std::size_t rooms = 0;
        std::size_t accounts = 0;
        std::size_t peer_rooms = 0;
        std::size_t transactions = 0;
        std::size_t seen_by_peer = 0;
    };
    void check(const LiveLedger& ledger);
    void check_sends(const LiveLedger& ledger);
    void check_events(const LiveLedger& ledger);
    void check_rooms(const LiveLedger& ledger);
    void check_accounts(const LiveLedger& ledger);
    void check_transactions(const LiveLedger& ledger);
    void check_joined_rooms(const LiveLedger& ledger);
    void check_guests();
    void check_whole(const std::string& room);
    void check_timeline(const LiveLedger& ledger);
    void expect(bool is_so, const std::string& finding);
    void expect_event(const std::string& user, const std::string& room, const std::string& event);

    LiveLoad& load_;
    Marks marks_;
    std::set<std::string> whole_rooms_;
    std::uint64_t checked_ = 0;
    std::vector<std::string> findings_;
};

}  // namespace matrix::crash
