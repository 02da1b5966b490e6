#include "refserver/pages/html.h"

#include <cstddef>

namespace matrix::pages {
namespace {

constexpr std::string_view kStyle = R"(
:root {
  color-scheme: light dark;
  --ground: #fbfaf7; --panel: #ffffff; --text: #1d1f21; --quiet: #63686d; --line: #dcd9d1;
  --code: #f2f0ea; --accent: #8a6410;
  --good: #1d7a3e; --bad: #b3261e; --warn: #8f5f00; --skip: #3d6580;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #16181a; --panel: #1f2225; --text: #e6e4df; --quiet: #9aa0a6; --line: #383c40;
    --code: #282c30; --accent: #d9b45b;
    --good: #6fcf8d; --bad: #ff8a80; --warn: #e8b84a; --skip: #8dbbd9;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 20px 80px; }
h1 { font-size: 24px; margin: 0 0 4px; }
a { color: var(--accent); }
code, pre { font: 12.5px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
pre { background: var(--code); padding: 8px 10px; border-radius: 4px; margin: 6px 0;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
)";

// The length of the UTF-8 sequence at `at`, 0 where there is none.
std::size_t utf8_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) -> unsigned {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0u) == 0x80u; };
    const unsigned lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (lead == 0xe0 && byte(1) < 0xa0) return 0;
        if (lead == 0xed && byte(1) > 0x9f) return 0;
        return continues(1) && continues(2) ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (lead == 0xf0 && byte(1) < 0x90) return 0;
        if (lead == 0xf4 && byte(1) > 0x8f) return 0;
        return continues(1) && continues(2) && continues(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string escape_html(std::string_view text) {
    std::string escaped;
    escaped.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text, at);
        const char c = text[at];
        const bool is_control = static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t';
        if (length == 0 || is_control || c == 0x7f) {
            escaped += "\xef\xbf\xbd";
        } else if (c == '&') {
            escaped += "&amp;";
        } else if (c == '<') {
            escaped += "&lt;";
        } else if (c == '>') {
            escaped += "&gt;";
        } else if (c == '"') {
            escaped += "&quot;";
        } else if (c == '\'') {
            escaped += "&#39;";
        } else {
            escaped += text.substr(at, length);
        }
        at += length == 0 ? 1 : length;
    }
    return escaped;
}

std::string attribute(std::string_view name, std::string_view value) {
    return " " + std::string(name) + "=\"" + escape_html(value) + "\"";
}

std::string text_element(std::string_view name, std::string_view css_class, std::string_view text) {
    return "<" + std::string(name) + attribute("class", css_class) + ">" + escape_html(text) +
           "</" + std::string(name) + ">";
}

std::string page(std::string_view title,
                 std::string_view body,
                 std::string_view style,
                 std::string_view script) {
    std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    html += "<title>" + escape_html(title) + "</title>\n<style>";
    html += kStyle;
    html += style;
    html += "</style>\n</head>\n<body>\n<main>\n";
    html += body;
    html += "</main>\n";
    if (!script.empty()) {
        html += "<script>";
        html += script;
        html += "</script>\n";
    }
    html += "</body>\n</html>\n";
    return html;
}

}  // namespace matrix::pages
