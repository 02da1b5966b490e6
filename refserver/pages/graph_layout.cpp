#include "refserver/pages/graph_layout.h"

#include <algorithm>
#include <utility>

namespace matrix::pages {
namespace {

// How many steps the longest way from a root is, by node. A node on a cycle is below all others.
std::vector<std::size_t> find_layers(const std::vector<std::vector<std::size_t>>& parents) {
    std::vector<std::vector<std::size_t>> children(parents.size());
    std::vector<std::size_t> missing(parents.size());
    std::vector<std::size_t> ready;
    for (std::size_t node = 0; node < parents.size(); ++node) {
        for (const std::size_t parent : parents[node])
            children[parent].push_back(node);
        missing[node] = parents[node].size();
        if (missing[node] == 0) ready.push_back(node);
    }
    std::vector<std::size_t> layers(parents.size(), parents.size());
    std::size_t deepest = 0;
    for (const std::size_t root : ready)
        layers[root] = 0;
    for (std::size_t next = 0; next < ready.size(); ++next) {
        const std::size_t node = ready[next];
        deepest = std::max(deepest, layers[node]);
        for (const std::size_t child : children[node]) {
            const bool is_new = layers[child] == parents.size();
            layers[child] = is_new ? layers[node] + 1 : std::max(layers[child], layers[node] + 1);
            if (--missing[child] == 0) ready.push_back(child);
        }
    }
    for (std::size_t node = 0; node < parents.size(); ++node) {
        if (missing[node] != 0) layers[node] = deepest + 1;
    }
    return layers;
}

// Twice the mean half column of a node's parents; the middle if it has none.
std::size_t wish_of(const std::vector<std::size_t>& parents, const std::vector<GridPlace>& places) {
    if (parents.empty()) return kColumnsMax - 1;
    std::size_t sum = 0;
    for (const std::size_t parent : parents)
        sum += places[parent].half_column;
    return sum / parents.size();
}

}  // namespace

std::vector<GridPlace> place_graph(const std::vector<std::vector<std::size_t>>& parents) {
    const std::vector<std::size_t> layers = find_layers(parents);
    std::vector<std::vector<std::size_t>> nodes_of(parents.size() + 2);
    for (std::size_t node = 0; node < parents.size(); ++node)
        nodes_of[layers[node]].push_back(node);

    std::vector<GridPlace> places(parents.size());
    std::size_t row = 0;
    for (const std::vector<std::size_t>& layer : nodes_of) {
        std::vector<std::pair<std::size_t, std::size_t>> wishes;
        for (const std::size_t node : layer)
            wishes.emplace_back(wish_of(parents[node], places), node);
        std::ranges::sort(wishes);
        for (std::size_t first = 0; first < wishes.size(); first += kColumnsMax) {
            const std::size_t count = std::min(kColumnsMax, wishes.size() - first);
            // A row that is alone stands where its parents are, as far as there is room.
            const std::size_t middle = wishes[first + count / 2].first;
            const std::size_t widest_start = 2 * (kColumnsMax - count);
            const std::size_t start =
                std::min(widest_start, middle >= count - 1 ? middle - (count - 1) : 0);
            for (std::size_t index = 0; index < count; ++index)
                places[wishes[first + index].second] = {row, start + 2 * index};
            ++row;
        }
    }
    return places;
}

}  // namespace matrix::pages
