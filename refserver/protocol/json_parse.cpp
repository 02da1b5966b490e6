// The JSON parser: one pass, strings scanned eight bytes at a time, values built where they stay.

#include <algorithm>
#include <charconv>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/json_text.h"
#include "refserver/protocol/utf8.h"

namespace matrix::json {

/// Parses one document. Every function that returns false has set the error.
class Parser {
public:
    Parser(std::string_view bytes, Numbers numbers, std::size_t depth_max)
        : begin_(bytes.data()),
          at_(bytes.data()),
          end_(bytes.data() + bytes.size()),
          numbers_(numbers),
          depth_left_(depth_max) {}

    std::expected<Value, ParseError> run() {
        Value value;
        if (!parse_value(value)) return std::unexpected(std::move(error_));
        skip_white_space();
        if (at_ != end_) {
            fail("the end of the document");
            return std::unexpected(std::move(error_));
        }
        return value;
    }

private:
    bool fail(const char* expected) { return fail_at(at_, expected); }
    bool fail_at(const char* where, const char* expected) {
        error_ = {static_cast<std::size_t>(where - begin_), expected};
        return false;
    }

    void skip_white_space() {
        while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r'))
            ++at_;
    }
    bool accept(char c) {
        if (at_ == end_ || *at_ != c) return false;
        ++at_;
        return true;
    }
    bool accept_literal(std::string_view literal) {
        if (!std::string_view(at_, end_).starts_with(literal)) return fail("a JSON value");
        at_ += literal.size();
        return true;
    }

    bool parse_value(Value& out) {
        skip_white_space();
        if (at_ == end_) return fail("a JSON value");
        switch (*at_) {
            case '{':
                return parse_object(out.value_.emplace<Object>());
            case '[':
                return parse_array(out.value_.emplace<Array>());
            case '"':
                return parse_string(out.value_.emplace<std::string>());
            case 't':
                out.value_ = true;
                return accept_literal("true");
            case 'f':
                out.value_ = false;
                return accept_literal("false");
            case 'n':
                return accept_literal("null");
            default:
                return parse_number(out);
        }
    }

    bool parse_object(Object& object) {
        if (depth_left_ == 0) return fail("a document that is nested less deeply");
        --depth_left_;
        ++at_;
        std::vector<Member>& members = object.members_;
        skip_white_space();
        if (!accept('}')) {
            members.reserve(8);
            do {
                skip_white_space();
                Member& member = members.emplace_back();
                if (at_ == end_ || *at_ != '"') return fail("a key");
                if (!parse_string(member.key)) return false;
                skip_white_space();
                if (!accept(':')) return fail("\":\"");
                if (!parse_value(member.value)) return false;
                skip_white_space();
            } while (accept(','));
            if (!accept('}')) return fail("\",\" or \"}\"");
            if (!sort_members(members)) return fail("keys that are unique");
        }
        ++depth_left_;
        return true;
    }

    // False if two keys are the same.
    static bool sort_members(std::vector<Member>& members) {
        const auto is_not_less = [](const Member& a, const Member& b) { return a.key >= b.key; };
        if (std::ranges::adjacent_find(members, is_not_less) == members.end()) return true;
        std::ranges::sort(members, {}, &Member::key);
        return std::ranges::adjacent_find(members, {}, &Member::key) == members.end();
    }

    bool parse_array(Array& array) {
        if (depth_left_ == 0) return fail("a document that is nested less deeply");
        --depth_left_;
        ++at_;
        skip_white_space();
        if (!accept(']')) {
            do {
                if (!parse_value(array.emplace_back())) return false;
                skip_white_space();
            } while (accept(','));
            if (!accept(']')) return fail("\",\" or \"]\"");
        }
        ++depth_left_;
        return true;
    }

    // Appends runs without escapes in one piece each.
    bool parse_string(std::string& out) {
        const char* run = ++at_;
        for (;;) {
            at_ = scan_plain<ScanStop::AtNonAscii>(at_, end_);
            if (at_ == end_) return fail("the end of the string");
            if (*at_ == '"') break;
            if (*at_ == '\\') {
                out.append(run, static_cast<std::size_t>(at_ - run));
                if (!parse_escape(out)) return false;
                run = at_;
            } else if (static_cast<unsigned char>(*at_) < 0x20) {
                return fail("an escaped control character");
            } else {
                const std::size_t length = utf8_length({at_, end_});
                if (length == 0) return fail("valid UTF-8");
                at_ += length;
            }
        }
        out.append(run, static_cast<std::size_t>(at_ - run));
        ++at_;
        return true;
    }

    bool parse_escape(std::string& out) {
        const char* start = at_++;
        if (at_ == end_) return fail("the end of the string");
        switch (*at_++) {
            case '"':
                out += '"';
                return true;
            case '\\':
                out += '\\';
                return true;
            case '/':
                out += '/';
                return true;
            case 'b':
                out += '\b';
                return true;
            case 'f':
                out += '\f';
                return true;
            case 'n':
                out += '\n';
                return true;
            case 'r':
                out += '\r';
                return true;
            case 't':
                out += '\t';
                return true;
            case 'u':
                return parse_unicode_escape(out, start);
            default:
                return fail_at(start, "an escape sequence");
        }
    }

    bool parse_unicode_escape(std::string& out, const char* start) {
        std::uint32_t code = 0;
        if (!parse_hex4(code)) return fail_at(start, "four hexadecimal digits");
        if (code >= 0xDC00 && code <= 0xDFFF) return fail_at(start, "no lone surrogate");
        if (code >= 0xD800 && code <= 0xDBFF) {
            std::uint32_t low = 0;
            if (!accept('\\') || !accept('u')) return fail_at(start, "no lone surrogate");
            if (!parse_hex4(low)) return fail_at(start, "four hexadecimal digits");
            if (low < 0xDC00 || low > 0xDFFF) return fail_at(start, "no lone surrogate");
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        append_utf8(out, code);
        return true;
    }

    bool parse_hex4(std::uint32_t& code) {
        if (end_ - at_ < 4) return false;
        const auto [rest, error] = std::from_chars(at_, at_ + 4, code, 16);
        if (error != std::errc() || rest != at_ + 4) return false;
        at_ = rest;
        return true;
    }

    static void append_utf8(std::string& out, std::uint32_t code) {
        const auto append = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
        if (code < 0x80) {
            append(code);
        } else if (code < 0x800) {
            append(0xC0 | code >> 6);
            append(0x80 | (code & 0x3F));
        } else if (code < 0x10000) {
            append(0xE0 | code >> 12);
            append(0x80 | (code >> 6 & 0x3F));
            append(0x80 | (code & 0x3F));
        } else {
            append(0xF0 | code >> 18);
            append(0x80 | (code >> 12 & 0x3F));
            append(0x80 | (code >> 6 & 0x3F));
            append(0x80 | (code & 0x3F));
        }
    }

    bool skip_digits() {
        const char* start = at_;
        while (at_ != end_ && *at_ >= '0' && *at_ <= '9')
            ++at_;
        return at_ != start;
    }

    bool parse_number(Value& out) {
        const char* start = at_;
        accept('-');
        const char* digits = at_;
        if (!skip_digits()) return fail_at(start, "a JSON value");
        if (*digits == '0' && at_ - digits > 1) return fail_at(start, "no leading zeros");

        bool is_integer = true;
        if (accept('.')) {
            is_integer = false;
            if (!skip_digits()) return fail("a digit");
        }
        if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
            is_integer = false;
            ++at_;
            if (!accept('+')) accept('-');
            if (!skip_digits()) return fail("a digit");
        }
        std::int64_t integer = 0;
        if (is_integer) {
            is_integer = std::from_chars(start, at_, integer).ec == std::errc() &&
                         integer >= kIntegerMin && integer <= kIntegerMax &&
                         !(integer == 0 && *start == '-');
        }
        if (is_integer) {
            out.value_ = integer;
            return true;
        }
        if (numbers_ == Numbers::Canonical) {
            return fail_at(start, "an integer of canonical JSON: from -(2^53)+1 to 2^53-1, no -0");
        }
        out.value_ = OtherNumber{std::string(start, at_)};
        return true;
    }

    const char* begin_;
    const char* at_;
    const char* end_;
    Numbers numbers_;
    std::size_t depth_left_;
    ParseError error_;
};

std::expected<Value, ParseError> parse(std::string_view bytes,
                                       Numbers numbers,
                                       ParseLimits limits) {
    MATRIX_ASSERT(limits.depth_max <= kDepthMax);
    if (bytes.size() > limits.bytes_max) {
        return std::unexpected(ParseError{limits.bytes_max, "a shorter document"});
    }
    return Parser(bytes, numbers, limits.depth_max).run();
}

}  // namespace matrix::json
