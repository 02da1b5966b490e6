// Self-contained HTML: one file without scripts, styles or images from elsewhere.
#pragma once

#include <string>
#include <string_view>

namespace matrix::pages {

/// Text as the content of an element or a quoted attribute.
///
/// Control characters and invalid UTF-8 become U+FFFD, so that what a stranger sent cannot spoil
/// the page.
std::string escape_html(std::string_view text);

/// ` name="value"`, to stand within a tag.
std::string attribute(std::string_view name, std::string_view value);
/// An element of one class that holds text.
std::string text_element(std::string_view name, std::string_view css_class, std::string_view text);

/// A whole page in the house's look, light or dark as the reader has it. `title` is text, the
/// others are HTML, CSS and JavaScript of ours.
std::string page(std::string_view title,
                 std::string_view body,
                 std::string_view style = "",
                 std::string_view script = "");

}  // namespace matrix::pages
