// The directory of published rooms, page by page.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/http_api.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/storage/published_rooms.h"

namespace matrix::engine {

/// What a reader of the directory asks for.
struct DirectoryWish {
    std::optional<std::int64_t> limit;  ///< Absent or 0: as many as a page may have.
    std::string since;                  ///< `next_batch` or `prev_batch` of a page; empty: none.
    std::string search_term;            ///< Empty: everything.
    /// Rooms of one of these types, of which an empty one is that of ordinary rooms.
    std::optional<std::vector<std::string>> room_types;
    /// Rooms of another network, by way of an application service.
    bool is_of_other_network = false;

    /// The form in which it is asked of another server.
    json::Object to_body() const;
};

/// Of the parameters of a GET. 400 names the one that is wrong.
Result<DirectoryWish> parse_directory_query(const Request& request);
/// Of the body of a POST.
Result<DirectoryWish> parse_directory_body(const json::Object& body);

/// A page: `chunk`, the tokens of the pages around it, and how many rooms there are. The largest
/// rooms come first. Costs a look at every published room.
Result<json::Object> read_directory(Rooms& rooms,
                                    const storage::PublishedRoomStore& published,
                                    const DirectoryWish& wish,
                                    const ServerName& us);

}  // namespace matrix::engine
