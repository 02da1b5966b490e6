// Where the events of a graph stand on a page: parents above children, in rows.
#pragma once

#include <cstddef>
#include <vector>

namespace matrix::pages {

/// Row 0 is on top; columns are even or odd half steps, so that a row can be centred.
struct GridPlace {
    std::size_t row = 0;
    std::size_t half_column = 0;
};

inline constexpr std::size_t kColumnsMax = 6;  ///< A wider layer takes several rows.

/// The places of nodes whose parents are given by index. On a cycle, nodes stand in the last rows.
///
/// No recursion; costs about nodes plus edges, and a sort of each layer.
std::vector<GridPlace> place_graph(const std::vector<std::vector<std::size_t>>& parents);

}  // namespace matrix::pages
