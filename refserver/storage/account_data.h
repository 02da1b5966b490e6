// Account data: what clients keep for their user, of the whole account or of one room.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class AccountDataStore {
public:
    explicit AccountDataStore(Turns& turns) : turns_(turns) {}

    /// `content` is a JSON object. An empty room: of the whole account.
    void put(const UserId& user,
             const RoomId& room,
             std::string_view type,
             std::string_view content,
             StreamPosition position);
    struct Entry {
        std::string type;
        std::string content;
    };
    /// What changed in (after, up_to], in the order of types.
    std::vector<Entry> list(const UserId& user,
                            const RoomId& room,
                            StreamPosition after,
                            StreamPosition up_to) const;

private:
    Turns& turns_;
};

}  // namespace matrix::storage
