#include "conformance/records/lines.h"

#include <istream>
#include <utility>

#include <nlohmann/json.hpp>

namespace matrix::records {
namespace {

using LineJson = nlohmann::json;

constexpr std::string_view kSchemaFamily = "touchstone.record/";

std::expected<std::string, std::string> read_text(const LineJson& json, const char* key) {
    const auto member = json.find(key);
    if (member == json.end() || !member->is_string() || member->get<std::string>().empty())
        return std::unexpected(std::string(key) + ": expected a text that is not empty");
    return member->get<std::string>();
}

}  // namespace

std::expected<RecordKey, std::string> parse_key(std::string_view line) {
    const LineJson json = LineJson::parse(line, nullptr, false);
    if (!json.is_object()) return std::unexpected("expected a JSON object");
    RecordKey key;
    for (const auto& [name, member] : {std::pair("schema", &RecordKey::schema),
                                       std::pair("run", &RecordKey::run),
                                       std::pair("kind", &RecordKey::kind),
                                       std::pair("id", &RecordKey::id)}) {
        auto text = read_text(json, name);
        if (!text) return std::unexpected(text.error());
        key.*member = std::move(*text);
    }
    if (!key.schema.starts_with(kSchemaFamily)) {
        return std::unexpected("schema: expected " + std::string(kSchemaFamily) + "..., found " +
                               key.schema);
    }
    const auto attempt = json.find("attempt");
    if (attempt == json.end() || !attempt->is_number_integer() || attempt->get<std::int64_t>() < 1)
        return std::unexpected("attempt: expected an integer from 1 on");
    key.attempt = attempt->get<std::int64_t>();
    return key;
}

void add_line(RecordLines& lines, RecordKey key, std::string line) {
    const auto [place, is_new] = lines.try_emplace(std::move(key), line);
    if (!is_new && place->second < line) place->second = std::move(line);
}

std::expected<std::vector<std::string>, std::string> read_lines(RecordLines& lines,
                                                                std::istream& in,
                                                                std::string_view name) {
    RecordLines read;
    auto warnings =
        for_each_line(in, name, [&](const std::string& line) -> std::expected<void, std::string> {
            auto key = parse_key(line);
            if (!key) return std::unexpected(std::move(key).error());
            add_line(read, *std::move(key), line);
            return {};
        });
    if (!warnings) return warnings;
    for (auto& [key, text] : read)
        add_line(lines, key, std::move(text));
    return warnings;
}

std::expected<std::vector<std::string>, std::string> for_each_line(
    std::istream& in,
    std::string_view name,
    const std::function<std::expected<void, std::string>(const std::string& line)>& take) {
    std::vector<std::string> warnings;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const bool is_cut_off = in.eof();  // No line break behind it.
        if (line.empty()) continue;
        const auto taken = take(line);
        if (taken) continue;
        const std::string where = std::string(name) + ":" + std::to_string(number) + ": ";
        if (!is_cut_off) return std::unexpected(where + taken.error());
        warnings.push_back(where + "left out, the line was not finished");
    }
    return warnings;
}

}  // namespace matrix::records
