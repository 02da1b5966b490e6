// What SQL alone can judge: rows that refer to other rows, and numbers that are given once.

#include <array>
#include <string>

#include "refserver/storage/audit.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {
namespace {

/// What a rule's only parameter is.
enum class Parameter { None, ServerName, PositionBound };

/// A rule over rows. The statement gives room id, event id and what was found, for each row that
/// breaks it.
struct RowRule {
    std::string_view name;
    std::string_view expected;
    std::string_view sql;
    Parameter parameter = Parameter::None;
};

constexpr std::array kRowRules{
    RowRule{"room_missing",
            "the room of each event is in the table rooms",
            "SELECT '', event_id, 'room number ' || room FROM events"
            " WHERE room NOT IN (SELECT room FROM rooms)"},
    RowRule{"edge_extra",
            "each edge leads from a placed event to one of its prev_events",
            "SELECT COALESCE(room_id, ''), COALESCE(event_id, ''), 'an edge to ' || previous_id"
            " FROM event_edges LEFT JOIN events USING (event) LEFT JOIN rooms USING (room)"
            " WHERE (status IS NULL OR status = 3 OR (json_valid(text)"
            " AND NOT EXISTS (SELECT 1 FROM json_each(text, '$.prev_events') AS previous"
            " WHERE CASE previous.type WHEN 'array' THEN json_extract(previous.value, '$[0]')"
            " ELSE previous.value END = previous_id)))"},
    RowRule{"event_time_extra",
            "each row of event_times is of a shown event, and its time",
            "SELECT COALESCE(room_id, ''), COALESCE(event_id, ''),"
            " 'time ' || event_times.origin_server_ts"
            " FROM event_times LEFT JOIN events USING (event)"
            " LEFT JOIN rooms ON rooms.room = event_times.room"
            " WHERE (position IS NULL OR position = 0"
            " OR events.room <> event_times.room OR (json_valid(text) AND"
            " json_extract(text, '$.origin_server_ts') <> event_times.origin_server_ts))"},
    RowRule{"extremity_dangling",
            "each extremity is an event of its room",
            "SELECT COALESCE(room_id, ''), extremities.event_id, 'no such event'"
            " FROM extremities LEFT JOIN rooms USING (room) LEFT JOIN events"
            " ON events.event_id = extremities.event_id AND events.room = extremities.room"
            " WHERE event IS NULL"},
    RowRule{"position_repeated",
            "no two events have one position",
            "SELECT '', MIN(event_id), COUNT(*) || ' events at ' || position FROM events"
            " WHERE position <> 0 GROUP BY position HAVING COUNT(*) > 1"},
    RowRule{"position_beyond",
            "positions are within what this generation gives out",
            "SELECT room_id, event_id, 'position ' || position FROM ("
            "SELECT '' AS room_id, event_id, position FROM events"
            " UNION ALL SELECT '', 'state_changes', MAX(position) FROM state_changes"
            " UNION ALL SELECT room_id, event_id, position FROM membership_changes"
            " UNION ALL SELECT room_id, user_id, position FROM outlier_memberships"
            " UNION ALL SELECT room_id, user_id, position FROM account_data"
            " UNION ALL SELECT '', user_id, position FROM device_lists"
            " UNION ALL SELECT room_id, event_id, position FROM receipts"
            " UNION ALL SELECT '', user_id, position FROM presence"
            " UNION ALL SELECT '', user_id, position FROM key_signatures"
            " UNION ALL SELECT '', user_id, position FROM device_messages)"
            " WHERE abs(position) > ?1",
            Parameter::PositionBound},
    RowRule{"outbox_dangling",
            "what waits to be sent is a known event",
            "SELECT '', outbox.event_id, 'no such event, for ' || destination FROM outbox"
            " LEFT JOIN events ON events.event_id = outbox.event_id"
            " WHERE outbox.event_id <> '' AND event IS NULL"},
    RowRule{"outbox_number",
            "numbers of a queue are below the next one of its destination",
            "SELECT '', event_id, 'number ' || number || ' for ' || destination FROM ("
            "SELECT event_id, number, destination FROM outbox"
            " UNION ALL SELECT '', number, destination FROM outbox_edus)"
            " LEFT JOIN destinations ON server = destination"
            " WHERE (next_number IS NULL OR number >= next_number)"},
    RowRule{"outbox_edu_unreadable",
            "an EDU that waits to be sent is JSON",
            "SELECT '', '', 'number ' || number || ' for ' || destination FROM outbox_edus"
            " WHERE NOT json_valid(text)"},
    RowRule{"outbox_gap_dangling",
            "a room that a server missed events of is known, and so is the last of them",
            "SELECT outbox_gaps.room_id, last_event_id, 'unknown, for ' || destination"
            " FROM outbox_gaps LEFT JOIN rooms ON rooms.room_id = outbox_gaps.room_id"
            " LEFT JOIN events ON events.event_id = last_event_id AND events.room = rooms.room"
            " WHERE event IS NULL"},
    RowRule{"joined_servers",
            // Of a room that is not entered yet, they come with the last step.
            "how many users of each server are joined, as memberships have it",
            "SELECT COALESCE(room_id, ''), '', server || ': ' || users FROM ("
            "SELECT room, server, users FROM joined_servers EXCEPT"
            " SELECT room, substr(user_id, instr(user_id, ':') + 1), COUNT(*) FROM memberships"
            " WHERE membership = 'join' GROUP BY 1, 2) LEFT JOIN rooms USING (room)"
            " WHERE room_id IS NULL OR current_state IS NOT NULL"
            " UNION ALL SELECT COALESCE(room_id, ''), '', server || ': not counted' FROM ("
            "SELECT room, substr(user_id, instr(user_id, ':') + 1) AS server, COUNT(*)"
            " FROM memberships WHERE membership = 'join' GROUP BY 1, 2 EXCEPT"
            " SELECT room, server, users FROM joined_servers) LEFT JOIN rooms USING (room)"
            " WHERE room_id IS NULL OR current_state IS NOT NULL"},
    RowRule{"transaction_unreadable",
            "the response to a transaction is JSON",
            "SELECT '', '', origin || ' ' || transaction_id FROM received_transactions"
            " WHERE NOT json_valid(response)"},
    RowRule{"transaction_repeated",
            "a transaction of a server is there once",
            "SELECT '', '', origin || ' ' || transaction_id FROM received_transactions"
            " GROUP BY origin, transaction_id HAVING COUNT(*) > 1"},
    RowRule{"sent_event_dangling",
            "what a client's transaction made is a known event",
            "SELECT '', '', 'no event ' || sent_events.event || ', of ' || user_id"
            " FROM sent_events LEFT JOIN events USING (event)"
            " WHERE event_id IS NULL"},
    RowRule{"account_missing",
            "what belongs to a user of ours belongs to an account",
            "SELECT '', '', name || ' of ' || user_id FROM ("
            "SELECT 'a device' AS name, user_id FROM devices"
            " UNION SELECT 'a profile', user_id FROM profile_fields"
            " UNION SELECT 'account data', user_id FROM account_data"
            " UNION SELECT 'a filter', user_id FROM filters"
            " UNION SELECT 'cross-signing keys', user_id FROM cross_signing_keys"
            " UNION SELECT 'an OpenID token', user_id FROM openid_tokens"
            " UNION SELECT 'media', user_id FROM media"
            " UNION SELECT 'presence', user_id FROM presence WHERE heard_ts IS NULL)"
            " WHERE user_id NOT IN (SELECT user_id FROM accounts)"},
    RowRule{"device_missing",
            "what belongs to a device belongs to one of its user's",
            "SELECT '', '', name || ' of ' || user_id || ' ' || device_id FROM ("
            "SELECT 'an access token' AS name, user_id, device_id FROM access_tokens"
            " UNION SELECT 'keys', user_id, device_id FROM device_keys"
            " UNION SELECT 'one-time keys', user_id, device_id FROM one_time_keys"
            " UNION SELECT 'a fallback key', user_id, device_id FROM fallback_keys"
            " UNION SELECT 'messages', user_id, device_id FROM device_messages)"
            " LEFT JOIN devices USING (user_id, device_id) WHERE devices.user_id IS NULL"},
    RowRule{"device_data_unreadable",
            "keys of devices and messages to them are JSON",
            "SELECT '', '', name || ' of ' || user_id || ' ' || device_id FROM ("
            "SELECT 'keys' AS name, user_id, device_id, keys AS text FROM device_keys"
            " UNION ALL SELECT 'remote keys', user_id, device_id, keys FROM remote_devices"
            " UNION ALL SELECT 'a message', user_id, device_id, text FROM device_messages)"
            " WHERE NOT json_valid(text)"},
    RowRule{"remote_device_dangling",
            "a device of another server's user is in a list that is known",
            "SELECT '', '', user_id || ' ' || device_id"
            " FROM remote_devices LEFT JOIN remote_device_lists AS lists USING (user_id)"
            " WHERE stream_id IS NULL"},
    RowRule{"account_data_unreadable",
            "account data and filters are JSON",
            "SELECT room_id, '', type || ' of ' || user_id FROM ("
            "SELECT room_id, type, user_id, content FROM account_data"
            " UNION ALL SELECT '', 'filter ' || filter_id, user_id, filter FROM filters)"
            " WHERE NOT json_valid(content)"},
    RowRule{"presence_state",
            "presence is one of three states",
            "SELECT '', '', state || ' of ' || user_id FROM presence"
            " WHERE state NOT BETWEEN 0 AND 2"},
    RowRule{"receipt_dangling",
            // The event may come later than the receipt.
            "a receipt is of a room that is known",
            "SELECT receipts.room_id, receipts.event_id, type || ' of ' || user_id"
            " FROM receipts LEFT JOIN rooms USING (room_id) WHERE room IS NULL"},
    RowRule{"directory_dangling",
            "an alias, and a published room, is of a room that is known",
            "SELECT entries.room_id, '', name FROM ("
            "SELECT room_id, alias AS name FROM room_aliases"
            " UNION ALL SELECT room_id, 'published' FROM published_rooms) AS entries"
            " LEFT JOIN rooms USING (room_id) WHERE room IS NULL"},
    RowRule{"handshake_unreadable",
            "a membership that another server has a part in is an event",
            "SELECT room_id, event_id, 'of ' || user_id FROM unfinished_handshakes"
            " WHERE NOT json_valid(pdu)"},
    RowRule{"early_redaction_dangling",
            "a redaction that waits for its target is a known event",
            "SELECT '', early_redactions.event_id, 'no such event, redacts ' || redacts"
            " FROM early_redactions LEFT JOIN events USING (event_id)"
            " WHERE event IS NULL"},
    RowRule{"membership_change_dangling",
            "the newest change of a membership is a known event",
            "SELECT changes.room_id, changes.event_id, 'no such event, of ' || changes.user_id"
            " FROM (SELECT user_id, room_id, event_id, MAX(position) AS position"
            " FROM membership_changes GROUP BY user_id, room_id) AS changes"
            " LEFT JOIN outlier_memberships AS outliers USING (user_id, room_id)"
            " LEFT JOIN events ON events.event_id = changes.event_id"
            " WHERE changes.event_id <> '' AND event IS NULL"
            " AND outliers.position IS NOT changes.position"},
    RowRule{"membership_change_mismatch",
            "the newest change of our user's membership is that of the current state",
            "SELECT changes.room_id, changes.event_id, 'the current state has '"
            " || COALESCE(memberships.event_id, 'none') || ' of ' || changes.user_id"
            " FROM (SELECT user_id, room_id, event_id, MAX(position) AS position"
            " FROM membership_changes GROUP BY user_id, room_id) AS changes"
            " LEFT JOIN outlier_memberships AS outliers USING (user_id, room_id)"
            " LEFT JOIN rooms ON rooms.room_id = changes.room_id LEFT JOIN memberships"
            " ON memberships.room = rooms.room AND memberships.user_id = changes.user_id"
            " WHERE outliers.position IS NOT changes.position"
            " AND COALESCE(memberships.event_id, '') <> changes.event_id"},
    RowRule{"membership_change_missing",
            "each membership of our users has a change",
            "SELECT room_id, event_id, 'none of ' || user_id"
            " FROM memberships JOIN rooms USING (room)"
            " WHERE substr(user_id, instr(user_id, ':') + 1) = ?1 AND current_state IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM membership_changes AS changes"
            " WHERE changes.user_id = memberships.user_id AND changes.room_id = rooms.room_id)",
            Parameter::ServerName},
};

}  // namespace

void Audit::check_rows(std::string_view server_name, const std::function<void(Finding)>& visit) {
    const std::int64_t bound = database_.generation() * Turns::kPositionsPerGeneration;
    for (const RowRule& rule : kRowRules) {
        const auto report = [&](const Row& row) {
            visit({.name = rule.name,
                   .expected = rule.expected,
                   .room_id = row.text(0),
                   .event_id = row.text(1),
                   .found = row.text(2)});
            return true;
        };
        switch (rule.parameter) {
            case Parameter::None:
                database_.query(rule.sql, {}, report);
                break;
            case Parameter::ServerName:
                database_.query(rule.sql, {server_name}, report);
                break;
            case Parameter::PositionBound:
                database_.query(rule.sql, {bound}, report);
                break;
        }
    }
}

}  // namespace matrix::storage
