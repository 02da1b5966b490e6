#include "simulator/trace.h"

#include "refserver/protocol/json.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

// Blanks the base64 text between `begin` and the next quote, if it is one of `length` characters.
void blank_until_quote(std::string& text, std::size_t begin, std::size_t length) {
    if (text.find('"', begin) != begin + length) return;
    text.replace(begin, length, length, '.');
}

void blank_after(std::string& text, std::string_view marker, std::size_t length) {
    for (std::size_t at = text.find(marker); at != std::string::npos; at = text.find(marker, at)) {
        at += marker.size();
        blank_until_quote(text, at, length);
    }
}

constexpr std::size_t kSignatureCharacters = 86;
constexpr std::size_t kPublicKeyCharacters = 43;

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        text += kDigits[static_cast<unsigned char>(c) >> 4];
        text += kDigits[static_cast<unsigned char>(c) & 15];
    }
    return text;
}

}  // namespace

std::string without_signatures(std::string_view text) {
    std::string blanked(text);
    constexpr std::string_view kKey = "\"ed25519:";
    for (std::size_t at = blanked.find(kKey); at != std::string::npos;
         at = blanked.find(kKey, at + 1)) {
        const std::size_t end = blanked.find('"', at + kKey.size());
        if (end == std::string::npos) break;
        if (blanked.compare(end, 3, "\":\"") == 0) {
            blank_until_quote(blanked, end + 3, kSignatureCharacters);
        }
    }
    blank_after(blanked, "\"key\":\"", kPublicKeyCharacters);
    blank_after(blanked, "sig=\"", kSignatureCharacters);
    return blanked;
}

bool Trace::write_to(const std::string& path) {
    lines_.open(path);
    return lines_.is_open();
}

void Trace::add(char kind, std::int64_t a, std::int64_t b, std::string_view bytes) {
    buffer_ += kind;
    buffer_.append(reinterpret_cast<const char*>(&a), sizeof a);
    buffer_.append(reinterpret_cast<const char*>(&b), sizeof b);
    const std::uint64_t size = bytes.size();
    buffer_.append(reinterpret_cast<const char*>(&size), sizeof size);
    buffer_ += bytes;
    if (buffer_.size() >= kBufferBytes) flush();
}

void Trace::flush() {
    buffer_ += view(running_);
    running_ = sha256(buffer_);
    buffer_.clear();
}

void Trace::dispatch(std::int64_t time_us, int server) {
    ++*dispatches_;
    time_us_ = time_us;
    add('d', time_us, server, {});
    if (lines_.is_open()) {
        lines_ << R"({"kind":"dispatch","server":)" << server << R"(,"time_us":)" << time_us
               << "}\n";
    }
}

void Trace::draw(std::string_view stream, std::uint64_t value) {
    ++draws_;
    add('r', static_cast<std::int64_t>(value), 0, stream);
    if (lines_.is_open()) {
        lines_ << R"({"kind":"draw","stream":)" << json::write(json::Value(stream))
               << R"(,"time_us":)" << time_us_ << R"(,"value":")" << value << "\"}\n";
    }
}

void Trace::message(int from, int to, std::string_view what, std::string_view body) {
    ++messages_;
    add('m', from, to, what);
    add('b', 0, 0, without_signatures(body));
    if (lines_.is_open()) {
        lines_ << R"({"body":)" << json::write(json::Value(body)) << R"(,"from":)" << from
               << R"(,"kind":"message","time_us":)" << time_us_ << R"(,"to":)" << to
               << R"(,"what":)" << json::write(json::Value(what)) << "}\n";
    }
}

void Trace::note(std::string_view kind, std::string_view detail) {
    add('n', 0, 0, kind);
    add('t', 0, 0, detail);
    if (lines_.is_open()) {
        lines_ << R"({"detail":)" << json::write(json::Value(detail)) << R"(,"kind":)"
               << json::write(json::Value(kind)) << R"(,"time_us":)" << time_us_ << "}\n";
    }
}

std::string Trace::hash() {
    flush();
    return hexadecimal(view(running_).substr(0, 16));
}

}  // namespace matrix::simulator
