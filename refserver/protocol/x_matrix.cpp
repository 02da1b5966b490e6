// The X-Matrix scheme: credentials as in RFC 9110, section 11.4.

#include "refserver/protocol/x_matrix.h"

#include <algorithm>
#include <map>

#include "refserver/base/result_macros.h"
#include "refserver/protocol/base64.h"

namespace matrix {
namespace {

std::unexpected<XMatrixError> refuse_header(std::string what) {
    return std::unexpected(XMatrixError{std::move(what)});
}

bool is_letter_or_digit(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
// RFC 9110, section 5.6.2.
bool is_token_char(char c) {
    return is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").contains(c);
}
// Older servers write values with a colon without quotes.
bool is_unquoted_value_char(char c) {
    return is_token_char(c) || c == ':';
}

std::string to_lower_ascii(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return lower;
}

class HeaderReader {
public:
    explicit HeaderReader(std::string_view text) : rest_(text) {}

    bool is_at_end() const { return rest_.empty(); }
    bool accept(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void skip_white_space() {
        while (accept(' ') || accept('\t'))
            continue;
    }
    template <class IsWanted>
    std::string_view take_while(IsWanted is_wanted) {
        const auto end = std::ranges::find_if_not(rest_, is_wanted);
        const std::string_view taken(rest_.begin(), end);
        rest_.remove_prefix(taken.size());
        return taken;
    }

    std::expected<std::string, XMatrixError> take_value() {
        if (!accept('"')) {
            const std::string_view value = take_while(is_unquoted_value_char);
            if (value.empty()) return refuse_header("a token or a quoted string after \"=\"");
            return std::string(value);
        }
        std::string value;
        while (!accept('"')) {
            accept('\\');
            if (is_at_end()) return refuse_header("the end of a quoted string");
            value += rest_.front();
            rest_.remove_prefix(1);
        }
        return value;
    }

private:
    std::string_view rest_;
};

using Parameters = std::map<std::string, std::string, std::less<>>;

std::expected<Parameters, XMatrixError> read_parameters(HeaderReader& reader) {
    Parameters parameters;
    for (;;) {
        reader.skip_white_space();
        if (reader.accept(',')) continue;  // RFC 9110, 5.6.1.2: empty elements are ignored.
        if (reader.is_at_end()) return parameters;

        std::string name = to_lower_ascii(reader.take_while(is_token_char));
        if (name.empty()) return refuse_header("the name of a parameter");
        reader.skip_white_space();
        if (!reader.accept('=')) return refuse_header("\"=\" after a parameter's name");
        reader.skip_white_space();
        ASSIGN_OR_RETURN(std::string value, reader.take_value());
        if (!parameters.emplace(name, std::move(value)).second) {
            return refuse_header("one \"" + name + "\" only");
        }
        reader.skip_white_space();
        if (!reader.is_at_end() && !reader.accept(',')) {
            return refuse_header("\",\" between parameters");
        }
    }
}

std::expected<std::string, XMatrixError> take_required(Parameters& parameters,
                                                       std::string_view name) {
    const auto entry = parameters.find(name);
    if (entry == parameters.end()) return refuse_header("a parameter \"" + std::string(name) + '"');
    return std::move(entry->second);
}

std::string quote(std::string_view text) {
    std::string quoted = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace

std::expected<XMatrix, XMatrixError> parse_x_matrix(std::string_view header) {
    HeaderReader reader(header);
    const std::string scheme = to_lower_ascii(reader.take_while(is_token_char));
    if (scheme != "x-matrix" || !reader.accept(' ')) return refuse_header("\"X-Matrix \"");
    ASSIGN_OR_RETURN(Parameters parameters, read_parameters(reader));

    ASSIGN_OR_RETURN(const std::string origin, take_required(parameters, "origin"));
    ASSIGN_OR_RETURN(std::string key, take_required(parameters, "key"));
    ASSIGN_OR_RETURN(const std::string signature_text, take_required(parameters, "sig"));

    auto origin_name = parse_server_name(origin);
    if (!origin_name) return refuse_header("a server name as origin");
    auto signature = decode_base64(signature_text);
    if (!signature) return refuse_header("a signature in base64");

    XMatrix result = {
        *std::move(origin_name), std::nullopt, KeyId(std::move(key)), *std::move(signature)};
    if (const auto destination = parameters.find("destination"); destination != parameters.end()) {
        auto name = parse_server_name(destination->second);
        if (!name) return refuse_header("a server name as destination");
        result.destination = *std::move(name);
    }
    return result;
}

std::string write_x_matrix(const XMatrix& authorization) {
    std::string header = "X-Matrix origin=" + quote(authorization.origin.view());
    if (authorization.destination) {
        header += ",destination=" + quote(authorization.destination->view());
    }
    header += ",key=" + quote(authorization.key_id.view());
    header += ",sig=" + quote(encode_base64(authorization.signature));
    return header;
}

// Written member by member, in the order of canonical JSON: the content may be large.
std::string write_request_to_sign(std::string_view method,
                                  std::string_view target,
                                  const ServerName& origin,
                                  const ServerName& destination,
                                  const json::Value* content) {
    std::string text = "{";
    if (content) {
        text += "\"content\":";
        json::write_to(text, *content);
        text += ',';
    }
    const auto add = [&text](std::string_view member, std::string_view value) {
        text += member;
        json::write_string_to(text, value);
    };
    add("\"destination\":", destination.view());
    add(",\"method\":", method);
    add(",\"origin\":", origin.view());
    add(",\"uri\":", target);
    return text += '}';
}

std::string authorize_request(std::string_view method,
                              std::string_view target,
                              const ServerName& origin,
                              const ServerName& destination,
                              const json::Value* content,
                              const Signer& signer) {
    const std::string request = write_request_to_sign(method, target, origin, destination, content);
    return write_x_matrix({origin, destination, signer.key_id(), signer.sign(request)});
}

}  // namespace matrix
