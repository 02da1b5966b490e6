#include "refserver/storage/schema.h"

#include <array>

namespace matrix::storage {

namespace {

// Booleans are 0 or 1, times are milliseconds since the Unix epoch, `position` is the server's one
// stream (0: not visible to syncs; negative: backfilled), JSON is canonical text, hashes are raw.
constexpr std::string_view kFoundation = R"(
-- How often the database was opened: what stream positions begin with. See Database::generation.
CREATE TABLE generation (number INTEGER NOT NULL);
INSERT INTO generation VALUES (0);

-- Ed25519 keys of this server; those with an expiry only vouch for old events.
CREATE TABLE signing_keys (
    key_id TEXT NOT NULL PRIMARY KEY,
    seed BLOB NOT NULL,
    expired_ts INTEGER
) WITHOUT ROWID;

-- Events and their graph.

CREATE TABLE rooms (
    room INTEGER PRIMARY KEY,
    room_id TEXT NOT NULL UNIQUE,
    version TEXT NOT NULL,
    current_state BLOB                          -- A root in state_nodes; NULL: not entered yet.
);

CREATE TABLE events (
    event INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    room INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    position INTEGER NOT NULL,
    status INTEGER NOT NULL,                    -- storage::EventStatus
    is_rejected_outlier INTEGER NOT NULL DEFAULT 0,
    state_before BLOB,                          -- A root in state_nodes; NULL: an outlier's.
    state_after BLOB,
    rule TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    redacted_by TEXT,
    text TEXT NOT NULL
);
CREATE INDEX events_by_position ON events (room, position) WHERE position <> 0;
CREATE INDEX events_by_depth ON events (room, depth, position) WHERE position <> 0;

-- Which events name an event as previous one that was not accepted when they came: also one that
-- is not here.
CREATE TABLE event_edges (
    previous_id TEXT NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (previous_id, event)
) WITHOUT ROWID;

-- A redaction that came before what it redacts.
CREATE TABLE early_redactions (
    redacts TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (redacts, event_id)
) WITHOUT ROWID;

CREATE TABLE extremities (
    room INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (room, event_id)
) WITHOUT ROWID;

-- Nodes of State's tree, shared by all states of all rooms.
CREATE TABLE state_nodes (
    hash BLOB NOT NULL PRIMARY KEY,
    bytes BLOB NOT NULL
) WITHOUT ROWID;

-- The current state of a room from a position on.
CREATE TABLE state_changes (
    room INTEGER NOT NULL,
    position INTEGER NOT NULL,
    root BLOB,
    PRIMARY KEY (room, position)
) WITHOUT ROWID;

-- Who is what in the current state of each room.
CREATE TABLE memberships (
    room INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    membership TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (room, user_id)
) WITHOUT ROWID;
CREATE INDEX memberships_by_user ON memberships (user_id);
CREATE INDEX memberships_by_kind ON memberships (room, membership);

-- Every change of a membership of our own users, outliers (invites to rooms of which this server
-- knows nothing else) included.
CREATE TABLE membership_changes (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    membership TEXT NOT NULL,
    event_id TEXT NOT NULL,
    is_forgotten INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, room_id, position)
) WITHOUT ROWID;
CREATE INDEX membership_changes_by_position ON membership_changes (user_id, position);

-- The newest outlier of each user and room, and what it shows of the room.
CREATE TABLE outlier_memberships (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    room_version TEXT NOT NULL,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    stripped_state TEXT NOT NULL,
    PRIMARY KEY (user_id, room_id)
) WITHOUT ROWID;

CREATE TABLE room_aliases (
    alias TEXT NOT NULL PRIMARY KEY,
    room_id TEXT NOT NULL,
    creator TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX room_aliases_by_room ON room_aliases (room_id);

CREATE TABLE published_rooms (room_id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID;

-- Accounts.

CREATE TABLE accounts (
    user_id TEXT NOT NULL PRIMARY KEY,
    password_hash TEXT,                         -- NULL: nobody can log in.
    is_admin INTEGER NOT NULL DEFAULT 0,
    is_guest INTEGER NOT NULL DEFAULT 0,
    is_deactivated INTEGER NOT NULL DEFAULT 0,
    created_ts INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    display_name TEXT,
    last_seen_ts INTEGER,
    last_seen_ip TEXT,
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

-- Tokens are kept as SHA-256, so that a stolen database logs nobody in.
CREATE TABLE access_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    created_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX access_tokens_by_device ON access_tokens (user_id, device_id);

CREATE TABLE profile_fields (
    user_id TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (user_id, field)
) WITHOUT ROWID;

-- Of the whole account where room_id is empty.
CREATE TABLE account_data (
    user_id TEXT NOT NULL,
    room_id TEXT NOT NULL,
    type TEXT NOT NULL,
    content TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, room_id, type)
) WITHOUT ROWID;
CREATE INDEX account_data_by_position ON account_data (user_id, position);

CREATE TABLE filters (
    user_id TEXT NOT NULL,
    filter_id INTEGER NOT NULL,
    filter TEXT NOT NULL,
    PRIMARY KEY (user_id, filter_id)
) WITHOUT ROWID;

-- What a request with a transaction id answered, per endpoint, for when it is repeated.
CREATE TABLE client_transactions (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    target TEXT NOT NULL,
    transaction_id TEXT NOT NULL,
    response TEXT NOT NULL,
    created_ts INTEGER NOT NULL,
    PRIMARY KEY (user_id, device_id, target, transaction_id)
) WITHOUT ROWID;
CREATE INDEX client_transactions_by_age ON client_transactions (created_ts);
-- The events among them, which their own device sees with the transaction id.
CREATE TABLE event_transactions (
    event_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    transaction_id TEXT NOT NULL
) WITHOUT ROWID;

-- Other servers.

CREATE TABLE server_keys (
    server TEXT NOT NULL,
    key_id TEXT NOT NULL,
    public_key BLOB NOT NULL,
    valid_until_ts INTEGER NOT NULL,
    is_old INTEGER NOT NULL,
    document TEXT NOT NULL,                     -- The one that brought it.
    fetched_ts INTEGER NOT NULL,
    PRIMARY KEY (server, key_id)
) WITHOUT ROWID;

-- What waits to be sent, in the order of numbers, which are never given twice.
CREATE TABLE outbox (
    destination TEXT NOT NULL,
    number INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (destination, number)
) WITHOUT ROWID;

CREATE TABLE destinations (
    server TEXT NOT NULL PRIMARY KEY,
    next_number INTEGER NOT NULL DEFAULT 1,     -- Of the next event in its outbox.
    in_flight_number INTEGER,                   -- The last one of the transaction on its way.
    failing_since_ts INTEGER,
    retry_at_ts INTEGER,
    retry_delay_ms INTEGER
) WITHOUT ROWID;

-- What a peer's newest transactions answered, for when they are repeated.
CREATE TABLE received_transactions (
    origin TEXT NOT NULL,
    number INTEGER NOT NULL,                    -- In the order of arrival.
    transaction_id TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (origin, number)
) WITHOUT ROWID;
)";

constexpr std::string_view kServicesForPeers = R"(
-- When each event that is shown says that it was sent.
CREATE TABLE event_times (
    room INTEGER NOT NULL,
    origin_server_ts INTEGER NOT NULL,
    event INTEGER NOT NULL,
    PRIMARY KEY (room, origin_server_ts, event)
) WITHOUT ROWID;

CREATE TABLE openid_tokens (
    token_hash BLOB NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    expires_ts INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX openid_tokens_by_expiry ON openid_tokens (expires_ts);

-- Keys of our users' devices.

CREATE TABLE device_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    keys TEXT NOT NULL,
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

-- When each user's list of devices, or cross-signing keys, last changed.
CREATE TABLE device_lists (
    user_id TEXT NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE one_time_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    upload INTEGER NOT NULL,                    -- Of the device, counted.
    key TEXT NOT NULL,
    PRIMARY KEY (user_id, device_id, algorithm, key_id)
) WITHOUT ROWID;
CREATE INDEX one_time_keys_by_age ON one_time_keys
    (user_id, device_id, algorithm, upload, key_id);

CREATE TABLE fallback_keys (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key TEXT NOT NULL,
    is_used INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, device_id, algorithm)
) WITHOUT ROWID;

CREATE TABLE cross_signing_keys (
    user_id TEXT NOT NULL,
    usage INTEGER NOT NULL,                     -- storage::CrossSigningUsage
    key TEXT NOT NULL,
    PRIMARY KEY (user_id, usage)
) WITHOUT ROWID;

-- Files of our users.

CREATE TABLE media (
    media_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    created_ts INTEGER NOT NULL,
    file_name TEXT,
    hash BLOB,                                  -- NULL: nothing has been uploaded yet.
    bytes INTEGER,
    content_type TEXT
) WITHOUT ROWID;

CREATE TABLE media_thumbnails (
    media_id TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    method INTEGER NOT NULL,                    -- storage::ThumbnailMethod
    is_animated INTEGER NOT NULL,
    hash BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    PRIMARY KEY (media_id, width, height, method, is_animated)
) WITHOUT ROWID;

-- The bytes of files, by the hash of the whole.
CREATE TABLE media_slices (
    hash BLOB NOT NULL,
    slice INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (hash, slice)
);
)";

constexpr std::string_view kSentEvents = R"(
-- The events that clients sent, which their own device sees with the transaction id. By number: a
-- new row is the last one.
CREATE TABLE sent_events (
    event INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    transaction_id TEXT NOT NULL
);
INSERT INTO sent_events SELECT event, user_id, device_id, transaction_id
    FROM event_transactions JOIN events USING (event_id);
DROP TABLE event_transactions;
)";

constexpr std::string_view kJoinedServers = R"(
-- How many users of each server are joined, beside the memberships.
CREATE TABLE joined_servers (
    room INTEGER NOT NULL,
    server TEXT NOT NULL,
    users INTEGER NOT NULL,
    PRIMARY KEY (room, server)
) WITHOUT ROWID;
INSERT INTO joined_servers
    SELECT room, substr(user_id, instr(user_id, ':') + 1) AS server, count(*)
    FROM memberships WHERE membership = 'join' GROUP BY room, server;
)";

constexpr std::string_view kEdus = R"(
-- Ephemeral data units that are sent until they arrive, numbered together with the outbox's events.
CREATE TABLE outbox_edus (
    destination TEXT NOT NULL,
    number INTEGER NOT NULL,
    replaces_key TEXT NOT NULL,                 -- Empty: takes no other's place.
    text TEXT NOT NULL,
    PRIMARY KEY (destination, number)
) WITHOUT ROWID;
CREATE INDEX outbox_edus_by_key ON outbox_edus (destination, replaces_key)
    WHERE replaces_key <> '';

-- Rooms of whose events a destination missed some: it gets the newest, and asks for the others.
CREATE TABLE outbox_gaps (
    destination TEXT NOT NULL,
    room_id TEXT NOT NULL,
    last_event_id TEXT NOT NULL,                -- That was to be sent to it.
    PRIMARY KEY (destination, room_id)
) WITHOUT ROWID;

ALTER TABLE destinations RENAME COLUMN retry_delay_ms TO failures;
UPDATE destinations SET failures = 1 WHERE failures > 1;

-- Up to where users have read.
CREATE TABLE receipts (
    room_id TEXT NOT NULL,
    type TEXT NOT NULL,
    user_id TEXT NOT NULL,
    thread TEXT NOT NULL,                       -- Empty: unthreaded.
    event_id TEXT NOT NULL,
    ts INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (room_id, type, user_id, thread)
) WITHOUT ROWID;
CREATE INDEX receipts_by_position ON receipts (room_id, position);

CREATE TABLE presence (
    user_id TEXT NOT NULL PRIMARY KEY,
    state INTEGER NOT NULL,                     -- storage::PresenceState
    status_message TEXT,
    last_active_ts INTEGER,
    is_currently_active INTEGER NOT NULL,
    position INTEGER NOT NULL,
    heard_ts INTEGER                            -- From another server; NULL: a user of ours.
) WITHOUT ROWID;
CREATE INDEX presence_by_position ON presence (position);
CREATE INDEX presence_awake ON presence (heard_ts) WHERE state <> 0;
)";

constexpr std::string_view kUnfinishedMemberships = R"(
-- Memberships that another server has a part in, between their beginning and their end. See
-- storage/unfinished_memberships.h.
CREATE TABLE unfinished_handshakes (
    event_id TEXT NOT NULL PRIMARY KEY,
    resident TEXT NOT NULL,
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    room_version TEXT NOT NULL,
    pdu TEXT NOT NULL,
    known_at INTEGER NOT NULL                   -- A position; 0: none.
) WITHOUT ROWID;

CREATE TABLE unfinished_invites (
    room_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (room_id, user_id)
) WITHOUT ROWID;
)";

constexpr std::string_view kDevices = R"(
-- `position` is of the newest change, `stream_id` of the newest one of devices, which other servers
-- are told of by that number.
ALTER TABLE device_lists ADD COLUMN stream_id INTEGER NOT NULL DEFAULT 0;
UPDATE device_lists SET stream_id = position;
CREATE INDEX device_lists_by_position ON device_lists (position);

-- Who has vouched for a key, beside the device or master key that it was uploaded with.
CREATE TABLE key_signatures (
    user_id TEXT NOT NULL,                      -- Whose key is signed.
    key_id TEXT NOT NULL,                       -- A device id, or a public key.
    signer TEXT NOT NULL,
    signer_key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, key_id, signer, signer_key_id)
) WITHOUT ROWID;
CREATE INDEX key_signatures_by_signer ON key_signatures (signer, position);

-- What is known of users of other servers.
CREATE TABLE remote_device_lists (
    user_id TEXT NOT NULL PRIMARY KEY,
    stream_id INTEGER NOT NULL,                 -- -1: not known.
    is_stale INTEGER NOT NULL,
    master_key TEXT,
    self_signing_key TEXT
) WITHOUT ROWID;
CREATE TABLE remote_devices (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    keys TEXT NOT NULL,
    display_name TEXT,
    PRIMARY KEY (user_id, device_id)
) WITHOUT ROWID;

-- Messages that wait for a device.
CREATE TABLE device_messages (
    user_id TEXT NOT NULL,
    device_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    text TEXT NOT NULL,                         -- As a sync tells it.
    PRIMARY KEY (user_id, device_id, position)
) WITHOUT ROWID;
-- Those that other servers sent, so that none is delivered twice.
CREATE TABLE received_device_messages (
    origin TEXT NOT NULL,
    message_id TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (origin, message_id)
) WITHOUT ROWID;
CREATE INDEX received_device_messages_by_age ON received_device_messages (origin, position);
)";

// What inspection lists: the condition is that of `Survey::list_refused`.
constexpr std::string_view kRefusedEvents = R"(
CREATE INDEX refused_events ON events (room, event)
    WHERE status IN (1, 2) OR is_rejected_outlier = 1;
)";

constexpr std::array kMigrations{
    Migration{.number = 1, .name = "foundation", .sql = kFoundation},
    Migration{.number = 2, .name = "services for peers", .sql = kServicesForPeers},
    Migration{.number = 3, .name = "sent events", .sql = kSentEvents},
    Migration{.number = 4, .name = "joined servers", .sql = kJoinedServers},
    Migration{.number = 5, .name = "edus", .sql = kEdus},
    Migration{.number = 6, .name = "unfinished memberships", .sql = kUnfinishedMemberships},
    Migration{.number = 7, .name = "devices", .sql = kDevices},
    Migration{.number = 8, .name = "refused events", .sql = kRefusedEvents},
};

}  // namespace

std::span<const Migration> all_migrations() {
    return kMigrations;
}

}  // namespace matrix::storage
