#include "refserver/commands/input.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <ostream>
#include <sstream>

namespace matrix::commands {

std::ostream& operator<<(std::ostream& out, const Place& place) {
    out << place.file;
    if (place.line != 0) out << ':' << place.line;
    if (!place.path.empty()) out << ": " << place.path;
    return out;
}

std::string to_string(const Place& place) {
    std::ostringstream out;
    out << place;
    return out.str();
}

std::ostream& operator<<(std::ostream& out, const InputError& error) {
    out << error.place;
    if (!error.field.empty()) out << ": " << error.field;
    return out << ": expected " << error.expected;
}

std::string display_name(const std::string& name) {
    return name == "-" ? "<stdin>" : name;
}

namespace {

struct CloseFile {
    void operator()(std::FILE* file) const {
        if (file != stdin) std::fclose(file);
    }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

std::unexpected<InputError> refuse_file(const std::string& name) {
    return std::unexpected(
        InputError{{.file = display_name(name)},
                   "",
                   std::string("a file that can be read (") + std::strerror(errno) + ")",
                   ExitCode::Usage});
}

}  // namespace

std::expected<std::string, InputError> read_input(const std::string& name) {
    const FilePtr file(name == "-" ? stdin : std::fopen(name.c_str(), "rb"));
    if (!file) return refuse_file(name);
    std::string text;
    char buffer[65536];
    for (;;) {
        const std::size_t count = std::fread(buffer, 1, sizeof buffer, file.get());
        text.append(buffer, count);
        if (count < sizeof buffer) break;
    }
    if (std::ferror(file.get())) return refuse_file(name);
    return text;
}

std::expected<json::Value, InputError> parse_document(std::string_view text,
                                                      const std::string& file) {
    auto document =
        json::parse(text, json::Numbers::Any, {.bytes_max = text.size(), .depth_max = 256});
    if (document) return *std::move(document);
    const std::string_view before = text.substr(0, std::min(document.error().offset, text.size()));
    const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1;
    const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0.
    return std::unexpected(InputError{{.file = file, .line = line},
                                      "",
                                      "JSON: " + document.error().what + ", at byte " +
                                          std::to_string(before.size() - line_start + 1) +
                                          " of the line"});
}

}  // namespace matrix::commands
