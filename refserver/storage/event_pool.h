// Events that the stores of one process share: one object for the same bytes of a room version.
//
// For the simulator, whose servers all hold the same events. A redacted or differently signed copy
// has other bytes, and is another object. What is here stays until the end of the pool.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "refserver/base/index_map.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/sha256.h"

namespace matrix::storage {

class EventPool {
public:
    /// The event that came first with these bytes: this one, or another.
    EventPtr share(const EventPtr& event) {
        const Sha256 bytes = sha256(event->text);
        const std::string key = std::string(event->rules->version) + ' ' + std::string(view(bytes));
        return events_.emplace(key, event).first;
    }
    std::size_t size() const { return events_.size(); }

private:
    IndexMap<EventPtr> events_;
};

}  // namespace matrix::storage
