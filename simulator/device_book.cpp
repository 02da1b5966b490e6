#include "simulator/device_book.h"

#include <algorithm>
#include <ranges>

namespace matrix::simulator {

KnownDevice* DeviceBook::find_newest(const std::string& user) {
    auto newest_first = devices[user] | std::views::reverse;
    const auto place = std::ranges::find(newest_first, false, &KnownDevice::is_deleted);
    return place == newest_first.end() ? nullptr : &*place;
}

KnownDevice* DeviceBook::find_oldest(const std::string& user) {
    std::vector<KnownDevice>& known = devices[user];
    const auto place = std::ranges::find(known, false, &KnownDevice::is_deleted);
    return place == known.end() ? nullptr : &*place;
}

}  // namespace matrix::simulator
