// Canonical JSON.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#canonical-json

#include <algorithm>
#include <charconv>

#include "refserver/base/assert.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/json_text.h"

namespace matrix::json {
namespace {

constexpr std::size_t kUsualBytes = 1000;  // Of an event.

void write_integer_to(std::string& out, std::int64_t integer) {
    char digits[24];
    const auto end = std::to_chars(std::begin(digits), std::end(digits), integer).ptr;
    out.append(digits, static_cast<std::size_t>(end - digits));
}

// UNSPECIFIED: the appendix writes `-0` as `0` and `1e10` as `10000000000`, and says nothing of
// other numbers. Those stay as they were received, because that is what their sender has hashed
// (Python writes 1.0 and 1e+16, Go and JavaScript 1e+21).
void write_other_number_to(std::string& out, const std::string& text) {
    const char* end = text.data() + text.size();
    std::int64_t integer = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, integer);
    if (error == std::errc() && rest == end && integer == 0) return write_integer_to(out, 0);

    const bool has_exponent = rest != end && (*rest == 'e' || *rest == 'E');
    if (error == std::errc() && has_exponent && rest + 1 != end) {
        const char* digits = rest[1] == '+' ? rest + 2 : rest + 1;
        unsigned exponent = 0;
        const auto parsed = std::from_chars(digits, end, exponent);
        // An exponent that no number holds leaves a zero a zero.
        const bool is_read = parsed.ec == std::errc() || integer == 0;
        bool is_canonical = is_read && parsed.ptr == end;
        if (integer == 0) exponent = 0;
        for (; is_canonical && exponent > 0; --exponent) {
            is_canonical = !__builtin_mul_overflow(integer, 10, &integer);
        }
        is_canonical = is_canonical && integer >= kIntegerMin && integer <= kIntegerMax;
        if (is_canonical) return write_integer_to(out, integer);
    }
    out += text;
}

void write_nested(std::string& out, const Value& value, std::size_t depth);

void write_members(std::string& out,
                   const Object& object,
                   std::span<const std::string_view> skipped,
                   std::size_t depth) {
    MATRIX_ASSERT(depth < kDepthMax);
    ObjectWriter writer(out);
    for (const Member& member : object) {
        if (std::ranges::find(skipped, member.key) != skipped.end()) continue;
        write_nested(writer.add_key(member.key), member.value, depth + 1);
    }
    writer.close();
}

void write_elements(std::string& out, const Array& array, std::size_t depth) {
    MATRIX_ASSERT(depth < kDepthMax);
    out += '[';
    bool is_first = true;
    for (const Value& element : array) {
        if (!is_first) out += ',';
        is_first = false;
        write_nested(out, element, depth + 1);
    }
    out += ']';
}

void write_nested(std::string& out, const Value& value, std::size_t depth) {
    if (const std::string* string = value.if_string()) return write_string_to(out, *string);
    if (const Object* object = value.if_object()) return write_members(out, *object, {}, depth);
    if (const std::int64_t* integer = value.if_integer()) return write_integer_to(out, *integer);
    if (const Array* array = value.if_array()) return write_elements(out, *array, depth);
    if (const OtherNumber* number = value.if_other_number()) {
        return write_other_number_to(out, number->text);
    }
    if (const bool* boolean = value.if_boolean()) {
        out += *boolean ? "true" : "false";
        return;
    }
    out += "null";
}

void write_escape_to(std::string& out, char c) {
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\b':
            out += "\\b";
            return;
        case '\f':
            out += "\\f";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            out += c < 0x10 ? "\\u000" : "\\u001";
            out += "0123456789abcdef"[c & 0xF];
    }
}

}  // namespace

void write_string_to(std::string& out, std::string_view text) {
    const char* at = text.data();
    const char* end = at + text.size();
    out += '"';
    for (;;) {
        const char* stop = scan_plain<ScanStop::AtEscapesOnly>(at, end);
        out.append(at, static_cast<std::size_t>(stop - at));
        if (stop == end) break;
        write_escape_to(out, *stop);
        at = stop + 1;
    }
    out += '"';
}

std::string write(const Value& value) {
    std::string out;
    out.reserve(kUsualBytes);
    write_to(out, value);
    return out;
}

std::string write(const Object& object) {
    return write_without(object, {});
}

void write_to(std::string& out, const Value& value) {
    write_nested(out, value, 0);
}
void write_to(std::string& out, const Object& object) {
    write_members(out, object, {}, 0);
}

std::string write_without(const Object& object, std::span<const std::string_view> keys) {
    std::string out;
    out.reserve(kUsualBytes);
    write_members(out, object, keys, 0);
    return out;
}

void ObjectWriter::add(const Member& member) {
    write_to(add_key(member.key), member.value);
}

std::string& ObjectWriter::add_key(std::string_view key) {
    out_ += separator_;
    separator_ = ',';
    write_string_to(out_, key);
    out_ += ':';
    return out_;
}

void ObjectWriter::close() {
    if (separator_ == '{') out_ += '{';
    out_ += '}';
}

}  // namespace matrix::json
