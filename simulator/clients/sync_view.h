// SyncView: what a client that follows /sync knows, and what it can tell is wrong with the answers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "refserver/protocol/json.h"

namespace matrix::simulator {

class SyncView {
public:
    /// Adds an answer; gives what no answer may do, for people: none if all is well.
    std::vector<std::string> fold(const json::Value& answer);

    /// Where the next sync goes on; nothing before the first answer.
    const std::optional<std::string>& since() const { return since_; }

    /// How this view, of many answers, differs from `fresh`, of one initial sync at the same
    /// moment. Counts what was compared in `compared`.
    std::vector<std::string> differences(const SyncView& fresh, std::uint64_t& compared) const;

private:
    using StateKeyText = std::pair<std::string, std::string>;
    struct RoomView {
        std::map<StateKeyText, std::string> state;  ///< Event ids.
        /// What the state section of an answer said of what its timeline said otherwise.
        std::map<StateKeyText, std::string> overruled;
        std::vector<std::string> timeline;  ///< Event ids since the last gap.
        std::set<std::string> seen;
        std::map<std::string, json::Value> account_data;
        std::map<std::string, std::string> receipts;  ///< By user, type and thread: the event.
        json::Object counts;                          ///< Of unread events.
        json::Object summary;
    };

    bool next_differs(const std::string& next) const;
    void fold_joined(const std::string& room, const json::Value& told);
    void fold_timeline(RoomView& view, const std::string& room, const json::Value& told);
    void fold_ephemeral(RoomView& view, const json::Value& told);
    void set_state(RoomView& view, const json::Value& event);
    static void compare_room(const std::string& room,
                             const RoomView& folded,
                             const RoomView& fresh,
                             std::vector<std::string>& found);
    static void compare_timelines(const std::string& room,
                                  const RoomView& folded,
                                  const RoomView& fresh,
                                  std::vector<std::string>& found);

    std::optional<std::string> since_;
    std::set<std::string> tokens_;
    std::map<std::string, RoomView> joined_;
    std::set<std::string> invited_;
    std::set<std::string> knocking_;
    std::map<std::string, json::Value> account_data_;
    std::vector<std::string> faults_;  ///< Of the answer that is being folded.
};

}  // namespace matrix::simulator
