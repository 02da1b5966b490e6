#include "simulator/scenario/scenario.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::simulator {
namespace {

constexpr std::string_view kServerEnd = ".test";
constexpr std::string_view kUserStart = "@user";

// The number between `start` and `end`, if `text` is just that and the number is below `count`.
std::optional<int> number_within(std::string_view text,
                                 std::string_view start,
                                 std::string_view end,
                                 int count) {
    if (text.size() <= start.size() + end.size()) return std::nullopt;
    if (!text.starts_with(start) || !text.ends_with(end)) return std::nullopt;
    text.remove_prefix(start.size());
    text.remove_suffix(end.size());
    if (text.front() == '0' && text.size() > 1) return std::nullopt;
    int number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    if (number < 0 || number >= count) return std::nullopt;
    return number;
}

}  // namespace

const std::string& Step::text(std::string_view name) const {
    const json::Value* value = arguments.find(name);
    MATRIX_ASSERT(value != nullptr && value->if_string() != nullptr);
    return *value->if_string();
}

std::int64_t Step::integer(std::string_view name) const {
    const json::Value* value = arguments.find(name);
    MATRIX_ASSERT(value != nullptr && value->if_integer() != nullptr);
    return *value->if_integer();
}

std::vector<std::string> Step::list(std::string_view name) const {
    std::vector<std::string> items;
    const json::Value* value = arguments.find(name);
    if (value == nullptr) return items;
    const json::Array* array = value->if_array();
    MATRIX_ASSERT(array != nullptr);
    for (const json::Value& item : *array)
        items.push_back(*item.if_string());
    return items;
}

void sort_timeline(Scenario& scenario) {
    // Not std::stable_sort: libstdc++ 12 implements it with what C++20 deprecates.
    std::vector<std::pair<std::int64_t, std::size_t>> order;
    for (std::size_t index = 0; index < scenario.timeline.size(); ++index)
        order.emplace_back(scenario.timeline[index].at_ms, index);
    std::ranges::sort(order);
    std::vector<Step> sorted;
    sorted.reserve(order.size());
    for (const auto& [at_ms, index] : order)
        sorted.push_back(std::move(scenario.timeline[index]));
    scenario.timeline = std::move(sorted);
}

std::string name_of_server(int number) {
    return "s" + std::to_string(number) + std::string(kServerEnd);
}

std::string name_of_user(int server, int user) {
    return std::string(kUserStart) + std::to_string(user) + ":" + name_of_server(server);
}

std::string name_of_byzantine_host(int number) {
    return "b" + std::to_string(number) + std::string(kServerEnd);
}

std::optional<int> find_server(const Scenario& scenario, std::string_view name) {
    return number_within(name, "s", kServerEnd, scenario.servers);
}

std::optional<int> find_byzantine_host(const Scenario& scenario, std::string_view name) {
    return number_within(name, "b", kServerEnd, scenario.byzantine_hosts);
}

std::optional<UserPlace> find_user(const Scenario& scenario, std::string_view id) {
    const std::size_t colon = id.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto user = number_within(id.substr(0, colon), kUserStart, "", scenario.users_per_server);
    const auto server = find_server(scenario, id.substr(colon + 1));
    if (!user || !server) return std::nullopt;
    return UserPlace{*server, *user};
}

const RoomPlan* find_room(const Scenario& scenario, std::string_view name) {
    const auto place = std::ranges::find(scenario.rooms, name, &RoomPlan::name);
    return place == scenario.rooms.end() ? nullptr : &*place;
}

}  // namespace matrix::simulator
