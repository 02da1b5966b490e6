// Makes a world that two versions treat differently as small as it can.

#include <algorithm>
#include <utility>

#include "simulator/lab/compare.h"
#include "tests/generators/command.h"

namespace matrix::lab {

bool shows(const Case& found, const WorldPlan& plan, const RoomRules& a, const RoomRules& b) {
    const auto place = static_cast<std::size_t>(found.key_class);
    const RoomRules& loser = found.is_lost_by_a ? a : b;
    const RoomRules& keeper = found.is_lost_by_a ? b : a;
    return run_world(plan, loser).figures.resets[place] > 0 &&
           run_world(plan, keeper).figures.resets[place] == 0;
}

namespace {

class Shrinker {
public:
    Shrinker(const Case& found, const RoomRules& a, const RoomRules& b)
        : found_(found), a_(a), b_(b), plan_(found.plan) {}

    WorldPlan run() {
        while (plan_.wrong_answers > 0 && try_fewer_answers()) {
        }
        bool is_smaller = true;
        while (is_smaller && runs_ < kShrinkRunsMax) {
            is_smaller = false;
            for (std::size_t size = kLargestCut; size > 0; size /= 2)
                is_smaller |= cut_commands(size);
        }
        lower_choices();
        return std::move(plan_);
    }

private:
    static constexpr std::size_t kLargestCut = 32;  // Commands.

    bool accept(WorldPlan smaller) {
        if (runs_ >= kShrinkRunsMax) return false;
        ++runs_;
        if (!shows(found_, smaller, a_, b_)) return false;
        plan_ = std::move(smaller);
        return true;
    }

    bool try_fewer_answers() {
        WorldPlan smaller = plan_;
        --smaller.wrong_answers;
        return accept(std::move(smaller));
    }

    // From the end, where a cut changes least.
    bool cut_commands(std::size_t size) {
        using generators::kChoicesBeforeCommands;
        const std::size_t length = size * generators::kChoicesPerCommand;
        bool has_cut = false;
        std::size_t end = plan_.choices.size();
        while (end >= kChoicesBeforeCommands + length) {
            WorldPlan smaller = plan_;
            const auto last = smaller.choices.begin() + static_cast<std::ptrdiff_t>(end);
            smaller.choices.erase(last - static_cast<std::ptrdiff_t>(length), last);
            has_cut |= accept(std::move(smaller));
            end = std::min(plan_.choices.size(), end - length);
        }
        return has_cut;
    }

    void lower_choices() {
        for (std::size_t place = plan_.choices.size(); place > 0; --place) {
            if (plan_.choices[place - 1] == 0) continue;
            WorldPlan smaller = plan_;
            smaller.choices[place - 1] = 0;
            accept(std::move(smaller));
        }
    }

    const Case& found_;
    const RoomRules& a_;
    const RoomRules& b_;
    WorldPlan plan_;
    std::size_t runs_ = 0;
};

}  // namespace

WorldPlan shrink(const Case& found, const RoomRules& a, const RoomRules& b) {
    return Shrinker(found, a, b).run();
}

}  // namespace matrix::lab
