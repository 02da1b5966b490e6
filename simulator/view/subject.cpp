#include "simulator/view/subject.h"

#include <algorithm>
#include <charconv>

namespace matrix::simulator {
namespace {

constexpr std::string_view kStops = " ,;:()[]\"'";

template <class Item>
void add_once(std::vector<Item>& items, const Item& item) {
    if (std::ranges::find(items, item) == items.end()) items.push_back(item);
}

std::optional<int> number_of(std::string_view word) {
    int number = 0;
    const auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || rest != word.data() + word.size()) return std::nullopt;
    return number;
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (!text.empty()) {
        const std::size_t begin = text.find_first_not_of(kStops);
        if (begin == std::string_view::npos) break;
        // Colons and the like belong to ids.
        const bool is_id = text[begin] == '$' || text[begin] == '!' || text[begin] == '@';
        const std::size_t end = text.find_first_of(is_id ? " ,;()[]\"'" : kStops, begin);
        words.push_back(text.substr(begin, end - begin));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end);
    }
    return words;
}

std::string_view trimmed(std::string_view word) {
    while (word.ends_with(':') || word.ends_with('.'))
        word.remove_suffix(1);
    return word;
}

// "(m.room.topic, )".
std::optional<StateKey> find_key(std::string_view text) {
    const std::size_t open = text.find("(m.");
    if (open == std::string_view::npos) return std::nullopt;
    const std::size_t comma = text.find(", ", open);
    const std::size_t close = text.find(')', open);
    if (comma == std::string_view::npos || close == std::string_view::npos || comma > close)
        return std::nullopt;
    return StateKey{std::string(text.substr(open + 1, comma - open - 1)),
                    std::string(text.substr(comma + 2, close - comma - 2))};
}

}  // namespace

Subject find_subject(const Recording& recording, const RecordedFinding& finding) {
    Subject subject;
    subject.key = find_key(finding.what);
    bool is_after_server = false;  // "server 1", "servers 1 and 2"
    for (const std::string_view raw : words_of(finding.what)) {
        const std::string_view word = trimmed(raw);
        const auto number = number_of(word);
        if (is_after_server && number && *number >= 0 &&
            static_cast<Index>(*number) < recording.hosts.size()) {
            add_once(subject.servers, *number);
            continue;
        }
        if (word != "and") is_after_server = word == "server" || word == "servers";
        const auto host = std::ranges::find(recording.hosts, word);
        if (host != recording.hosts.end())
            add_once(subject.servers, static_cast<int>(host - recording.hosts.begin()));
        if (word.starts_with('$')) {
            if (const auto event = recording.find_event(EventId(word)))
                add_once(subject.events, *event);
        }
        const auto room =
            std::ranges::find(recording.scenario_rooms, RoomId(word), &ScenarioRoom::id);
        if (room != recording.scenario_rooms.end() && !subject.room) subject.room = room->id;
    }
    if (!subject.room && !subject.events.empty())
        subject.room = recording.events[subject.events.front()].event->room_id;
    return subject;
}

}  // namespace matrix::simulator
