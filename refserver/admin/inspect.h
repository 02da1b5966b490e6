// The command `refserver inspect`: what a running server knows, for people and for programs.
#pragma once

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/admin/options.h"
#include "refserver/protocol/json.h"

namespace matrix::admin {

/// One thing to look at.
struct InspectView {
    std::string_view name;
    std::string_view about;
    std::span<const std::string_view> arguments;  ///< Their names: "ROOM".
    /// Below /_refserver/; `{}` stands for the next argument.
    std::string_view path;
    /// What of the answer is a list, of which each element is a line; empty: none.
    std::string_view list = {};
    /// The members that the line has, with spaces between.
    std::string_view columns = {};
};

/// Null: there is none of this name.
const InspectView* find_view(std::string_view name);
/// A line for each, for the help.
std::string list_views();

/// What the program exits with: 0 done, 1 the server does not answer or refuses, 2 the file cannot
/// be written.
int run_inspect(const InspectCommand& command);

// For the files that implement it.

/// Path and query of a view; arguments are escaped.
std::string target_of(const InspectView& view, const std::vector<std::string>& arguments);
/// The answer; if it is a list, that of all its pages, up to `limit` elements.
std::expected<json::Object, std::string> ask_for_view(const InspectCommand& command,
                                                      const InspectView& view,
                                                      const std::vector<std::string>& arguments);
/// inspect_text.cpp: an answer for people.
std::string text_of(const InspectView& view, const json::Object& answer);
/// inspect_graph.cpp: what the program exits with.
int write_graph(const InspectCommand& command);

}  // namespace matrix::admin
