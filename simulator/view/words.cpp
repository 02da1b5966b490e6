#include "simulator/view/words.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <sstream>

namespace matrix::simulator {
namespace {

/// Ids consist of these, `$` or `!` in front aside; a full stop may end a sentence instead.
bool is_of_id(char c) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    return is_letter || is_digit || std::string_view("-_+/=:.").contains(c);
}

std::optional<std::string> find_name(const Recording& recording, std::string_view id) {
    if (id.starts_with('$')) {
        if (const auto event = recording.find_event(EventId(id)))
            return recording.events[*event].name;
        return std::nullopt;
    }
    const auto room = std::ranges::find(recording.scenario_rooms, RoomId(id), &ScenarioRoom::id);
    if (room == recording.scenario_rooms.end()) return std::nullopt;
    return room->name;
}

int digit_of(char c) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    const char upper = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
    const std::size_t place = kDigits.find(upper);
    return place == std::string_view::npos ? -1 : static_cast<int>(place);
}

std::string percent_decode(std::string_view text) {
    std::string decoded;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const int high = at + 2 < text.size() ? digit_of(text[at + 1]) : -1;
        const int low = at + 2 < text.size() ? digit_of(text[at + 2]) : -1;
        const int byte = high * 16 + low;
        const bool is_escape = text[at] == '%' && high >= 0 && low >= 0;
        if (is_escape && byte >= 0x20 && byte < 0x7f) {
            decoded += static_cast<char>(byte);
            at += 2;
        } else {
            decoded += text[at];
        }
    }
    return decoded;
}

constexpr std::array<std::string_view, 4> kPrefixes = {
    "/_matrix/federation/v1/", "/_matrix/federation/v2/", "/_matrix/client/v3/", "/_matrix/"};

}  // namespace

std::string in_seconds(std::int64_t us) {
    std::array<char, 32> text{};
    std::snprintf(text.data(),
                  text.size(),
                  "%lld.%06lld",
                  static_cast<long long>(us / 1'000'000),
                  static_cast<long long>(us % 1'000'000));
    return text.data();
}

std::string with_names(const Recording& recording, std::string_view text) {
    std::string written;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        std::size_t end = at + 1;
        if (c == '$' || c == '!') {
            while (end < text.size() && is_of_id(text[end]))
                ++end;
        }
        // What follows an id in a sentence may look like a part of it.
        std::optional<std::string> name;
        for (std::size_t tried = end; !name && tried > at + 1; --tried) {
            name = find_name(recording, text.substr(at, tried - at));
            if (name) end = tried;
            if (!name && is_of_id(text[tried - 1]) && text[tried - 1] != '.' &&
                text[tried - 1] != ':' && text[tried - 1] != '/')
                break;
        }
        written += name ? *name : std::string(text.substr(at, end - at));
        at = end;
    }
    return written;
}

std::string describe_request(const Recording& recording, std::string_view what) {
    const std::size_t blank = what.find(' ');
    if (blank == std::string_view::npos) return std::string(what);
    std::string_view target = what.substr(blank + 1);
    for (const std::string_view prefix : kPrefixes) {
        if (!target.starts_with(prefix)) continue;
        target.remove_prefix(prefix.size());
        break;
    }
    std::string text(what.substr(0, blank + 1));
    // Segment by segment, since ids may contain slashes.
    while (true) {
        const std::size_t slash = target.find_first_of("/?&=");
        text += with_names(recording, percent_decode(target.substr(0, slash)));
        if (slash == std::string_view::npos) return text;
        text += target[slash];
        target.remove_prefix(slash + 1);
    }
}

std::string describe_key(const StateKey& key) {
    return key.type + " \"" + key.state_key + "\"";
}

std::string describe_key(const Event& event) {
    return event.state_key ? describe_key(StateKey{event.type, *event.state_key}) : event.type;
}

std::string describe_event(const Recording& recording, Index event) {
    const RecordedEvent& entry = recording.events[event];
    return entry.name + " " + describe_key(*entry.event) + " by " + entry.event->sender.text();
}

std::string describe_verdict(const RecordedStoring& storing) {
    if (!storing.redacted_by.empty()) return "redacted";
    if (storing.is_rejected_outlier && storing.status == storage::EventStatus::Outlier)
        return "outlier-rejected";
    std::ostringstream text;
    text << storing.status;
    return text.str();
}

std::string list_names(const Recording& recording, const std::vector<Index>& events, Index most) {
    std::string text;
    for (Index place = 0; place < std::min(events.size(), most); ++place)
        text += (text.empty() ? "" : " ") + recording.events[events[place]].name;
    if (events.size() > most) text += " and " + std::to_string(events.size() - most) + " more";
    return text;
}

std::string describe_differences(const Recording& recording,
                                 const State& before,
                                 const State& after,
                                 Index most) {
    std::string text;
    Index count = 0;
    for (const StateDifference& difference : diff(before, after)) {
        if (count++ >= most) continue;
        if (!text.empty()) text += ", ";
        text += describe_key(difference.key) + " = ";
        text += difference.after ? recording.event_name(*difference.after) : "nothing";
        if (difference.before) text += " (was " + recording.event_name(*difference.before) + ")";
    }
    if (count > most) text += " and " + std::to_string(count - most) + " more";
    return text;
}

}  // namespace matrix::simulator
