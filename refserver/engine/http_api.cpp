#include "refserver/engine/http_api.h"

#include <charconv>

#include "refserver/base/result_macros.h"

namespace matrix::engine {

const std::string* Request::find_query(std::string_view name) const {
    const auto parameter = query.lower_bound(name);
    return parameter == query.end() || parameter->first != name ? nullptr : &parameter->second;
}

Result<std::int64_t> Request::integer_query(std::string_view name,
                                            std::int64_t otherwise,
                                            std::int64_t least) const {
    const std::string* text = find_query(name);
    if (!text) return otherwise;
    std::int64_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stop, failure] = std::from_chars(text->data(), end, number);
    if (failure != std::errc{} || stop != end || number < least) {
        return invalid_param(std::string(name) + ": expected an integer of at least " +
                             std::to_string(least));
    }
    return number;
}

Result<bool> Request::boolean_query(std::string_view name, bool otherwise) const {
    const std::string* text = find_query(name);
    if (!text) return otherwise;
    if (*text == "true") return true;
    if (*text == "false") return false;
    return invalid_param(std::string(name) + ": expected \"true\" or \"false\"");
}

namespace {

Result<void> check_object_body(const Request& request) {
    if (request.raw_body.empty()) {
        return not_json("expected a JSON object as the body, not nothing");
    }
    if (request.body.is_object()) return {};
    return bad_json("expected a JSON object as the body, not " +
                    std::string(request.body.type_name()));
}

}  // namespace

Result<json::Object> Request::object_body() const {
    RETURN_IF_ERROR(check_object_body(*this));
    return *body.if_object();
}

Result<json::Object> Request::take_object_body() {
    RETURN_IF_ERROR(check_object_body(*this));
    return std::move(*body.if_object());
}

Result<json::Object> Request::object_body_or_empty() const {
    // UNSPECIFIED: no body is read as `{}` where every member is optional, because clients in use
    // send none to /join, /leave, /forget and /logout.
    if (raw_body.empty()) return json::Object{};
    return object_body();
}

namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The length of the well-formed UTF-8 sequence at the start of `text`; 0 if there is none.
std::size_t utf8_sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto is_continuation = [&](std::size_t i, unsigned least, unsigned most) {
        return i < text.size() && byte(i) >= least && byte(i) <= most;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    // Table 3-7 of the Unicode standard: only the second byte's range depends on the first.
    const unsigned least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (!is_continuation(1, least, most)) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (!is_continuation(i, 0x80, 0xBF)) return 0;
    }
    return length;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

enum class Plus { IsPlus, IsSpace };

std::optional<std::string> percent_decode(std::string_view raw, Plus plus) {
    std::string text;
    text.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] == '+' && plus == Plus::IsSpace) {
            text += ' ';
        } else if (raw[i] != '%') {
            text += raw[i];
        } else {
            if (i + 2 >= raw.size()) return std::nullopt;
            const int high = hex_digit(raw[i + 1]);
            const int low = hex_digit(raw[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            text += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    if (!is_utf8(text)) return std::nullopt;
    return text;
}

}  // namespace

std::optional<std::string> decode_path_segment(std::string_view raw) {
    return percent_decode(raw, Plus::IsPlus);
}

std::optional<Query> decode_query(std::string_view raw) {
    Query query;
    while (!raw.empty()) {
        const std::string_view parameter = raw.substr(0, raw.find('&'));
        raw.remove_prefix(std::min(raw.size(), parameter.size() + 1));
        if (parameter.empty()) continue;
        const std::size_t equals = parameter.find('=');
        auto name = percent_decode(parameter.substr(0, equals), Plus::IsSpace);
        auto value = equals == std::string_view::npos
                         ? std::optional<std::string>("")
                         : percent_decode(parameter.substr(equals + 1), Plus::IsSpace);
        if (!name || !value) return std::nullopt;
        query.emplace(std::move(*name), std::move(*value));
    }
    return query;
}

std::string percent_encode(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string encoded;
    for (const char c : text) {
        const bool is_unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                                   (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                   c == '~';
        if (is_unreserved) {
            encoded += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            encoded += '%';
            encoded += kHex[byte >> 4];
            encoded += kHex[byte & 15];
        }
    }
    return encoded;
}

Result<json::Value> parse_body(std::string_view raw) {
    if (raw.empty()) return json::Value();
    // UNSPECIFIED: what the strict parser refuses although RFC 8259 would let it pass (duplicate
    // keys, a depth above 100) is M_NOT_JSON, because no two readers agree on what it says.
    auto body = json::parse(raw, json::Numbers::Any);
    if (!body) {
        return not_json("the body is not JSON: " + body.error().what + " at byte " +
                        std::to_string(body.error().offset));
    }
    return *std::move(body);
}

namespace {

std::unexpected<Error> wrong_type(std::string_view field,
                                  std::string_view wanted,
                                  const json::Value& value) {
    return bad_json(std::string(field) + ": expected " + std::string(wanted) + ", not " +
                    std::string(value.type_name()));
}

// UNSPECIFIED: `null` counts as absent in optional members, because clients in use send it so.
const json::Value* find_present(const json::Object& object, std::string_view field) {
    const json::Value* value = object.find(field);
    return value && !value->is_null() ? value : nullptr;
}

}  // namespace

Result<std::string> require_string(const json::Object& object, std::string_view field) {
    const json::Value* value = object.find(field);
    if (!value) return missing_param(std::string(field) + ": a string is required");
    if (const std::string* text = value->if_string()) return *text;
    return wrong_type(field, "a string", *value);
}

Result<json::Object> require_object(const json::Object& object, std::string_view field) {
    const json::Value* value = object.find(field);
    if (!value) return missing_param(std::string(field) + ": an object is required");
    if (const json::Object* member = value->if_object()) return *member;
    return wrong_type(field, "an object", *value);
}

Result<std::optional<std::string>> optional_string(const json::Object& object,
                                                   std::string_view field) {
    const json::Value* value = find_present(object, field);
    if (!value) return std::nullopt;
    if (const std::string* text = value->if_string()) return *text;
    return wrong_type(field, "a string", *value);
}

Result<std::optional<std::int64_t>> optional_integer(const json::Object& object,
                                                     std::string_view field) {
    const json::Value* value = find_present(object, field);
    if (!value) return std::nullopt;
    if (const std::int64_t* integer = value->if_integer()) return *integer;
    return wrong_type(field, "an integer", *value);
}

Result<std::optional<bool>> optional_boolean(const json::Object& object, std::string_view field) {
    const json::Value* value = find_present(object, field);
    if (!value) return std::nullopt;
    if (const bool* boolean = value->if_boolean()) return std::optional<bool>(*boolean);
    return wrong_type(field, "a boolean", *value);
}

Result<std::optional<json::Array>> optional_array(const json::Object& object,
                                                  std::string_view field) {
    const json::Value* value = find_present(object, field);
    if (!value) return std::nullopt;
    if (const json::Array* array = value->if_array()) return *array;
    return wrong_type(field, "an array", *value);
}

Result<std::optional<json::Object>> optional_object(const json::Object& object,
                                                    std::string_view field) {
    const json::Value* value = find_present(object, field);
    if (!value) return std::nullopt;
    if (const json::Object* member = value->if_object()) return *member;
    return wrong_type(field, "an object", *value);
}

Result<UserId> require_user_id(std::string_view text, std::string_view what) {
    auto id = parse_user_id(text);
    if (!id) return invalid_param(std::string(what) + ": " + id.error().what);
    return *std::move(id);
}

Result<RoomId> require_room_id(std::string_view text, std::string_view what) {
    auto id = parse_room_id(text);
    if (!id) return invalid_param(std::string(what) + ": " + id.error().what);
    return *std::move(id);
}

Result<EventId> require_event_id(std::string_view text, std::string_view what) {
    auto id = parse_event_id(text);
    if (!id) return invalid_param(std::string(what) + ": " + id.error().what);
    return *std::move(id);
}

}  // namespace matrix::engine
