#include "simulator/trace.h"

#include <array>

#include "refserver/protocol/json.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

// Blanks the base64 text between `begin` and the next quote, if it is one of `length` characters.
void blank_until_quote(std::string& text, std::size_t begin, std::size_t length) {
    if (text.find('"', begin) != begin + length) return;
    text.replace(begin, length, length, '.');
}

void blank_after(std::string& text, std::size_t from, std::string_view marker, std::size_t length) {
    for (std::size_t at = text.find(marker, from); at != std::string::npos;
         at = text.find(marker, at)) {
        at += marker.size();
        blank_until_quote(text, at, length);
    }
}

constexpr std::size_t kSignatureCharacters = 86;
constexpr std::size_t kPublicKeyCharacters = 43;

std::string hexadecimal(const QuickHash& hash) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const std::uint64_t word : {hash.high, hash.low}) {
        for (int shift = 60; shift >= 0; shift -= 4)
            text += kDigits[word >> shift & 15];
    }
    return text;
}

// In `blanked`, from a byte on.
void blank_signatures(std::string& blanked, std::size_t from) {
    constexpr std::string_view kKey = "\"ed25519:";
    for (std::size_t at = blanked.find(kKey, from); at != std::string::npos;
         at = blanked.find(kKey, at + 1)) {
        const std::size_t end = blanked.find('"', at + kKey.size());
        if (end == std::string::npos) break;
        if (blanked.compare(end, 3, "\":\"") == 0) {
            blank_until_quote(blanked, end + 3, kSignatureCharacters);
            blank_until_quote(blanked, end + 3, kPublicKeyCharacters);  // Of a device.
        }
    }
    blank_after(blanked, from, "\"key\":\"", kPublicKeyCharacters);
    blank_after(blanked, from, "sig=\"", kSignatureCharacters);
}

}  // namespace

std::string without_signatures(std::string_view text) {
    std::string blanked(text);
    blank_signatures(blanked, 0);
    return blanked;
}

void Trace::add_header(char kind, std::int64_t a, std::int64_t b, std::uint64_t size) {
    const std::array numbers{static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b), size};
    buffer_ += kind;
    buffer_.append(reinterpret_cast<const char*>(numbers.data()), sizeof numbers);
}

void Trace::add(char kind, std::int64_t a, std::int64_t b, std::string_view bytes) {
    add_header(kind, a, b, bytes.size());
    buffer_ += bytes;
    flush_if_full();
}

void Trace::flush_if_full() {
    if (buffer_.size() >= kBufferBytes) flush();
}

void Trace::flush() {
    running_ = quick_hash(buffer_, running_);
    buffer_.clear();
}

void Trace::dispatch(std::int64_t time_us, int server) {
    ++*dispatches_;
    time_us_ = time_us;
    server_ = server;
    add('d', time_us, server, {});
    if (recorder_ != nullptr) recorder_->dispatch(time_us, server);
    if (lines_ != nullptr) {
        *lines_ << R"({"kind":"dispatch","server":)" << server << R"(,"time_us":)" << time_us
                << "}\n";
    }
}

void Trace::draw(std::string_view stream, std::uint64_t value) {
    ++draws_;
    add('r', static_cast<std::int64_t>(value), 0, stream);
    if (lines_ != nullptr) {
        *lines_ << R"({"kind":"draw","server":)" << server_ << R"(,"stream":)"
                << json::write(json::Value(stream)) << R"(,"time_us":)" << time_us_
                << R"(,"value":")" << value << "\"}\n";
    }
}

std::uint64_t Trace::message(int from, int to, std::string_view what, std::string_view body) {
    ++messages_;
    add('m', from, to, what);
    add_header('b', 0, 0, body.size());
    const std::size_t start = buffer_.size();
    buffer_ += body;
    blank_signatures(buffer_, start);
    flush_if_full();
    if (lines_ != nullptr) {
        *lines_ << R"({"body":)" << json::write(json::Value(body)) << R"(,"from":)" << from
                << R"(,"kind":"message","server":)" << server_ << R"(,"time_us":)" << time_us_
                << R"(,"to":)" << to << R"(,"what":)" << json::write(json::Value(what)) << "}\n";
    }
    if (recorder_ != nullptr) recorder_->message(messages_, from, to, what, body);
    return messages_;
}

void Trace::note(std::string_view kind, std::string_view detail) {
    add('n', 0, 0, kind);
    add('t', 0, 0, detail);
    if (recorder_ != nullptr) recorder_->note(kind, detail);
    if (lines_ != nullptr) {
        *lines_ << R"({"detail":)" << json::write(json::Value(detail)) << R"(,"kind":)"
                << json::write(json::Value(kind)) << R"(,"server":)" << server_ << R"(,"time_us":)"
                << time_us_ << "}\n";
    }
}

std::string Trace::hash() {
    flush();
    return hexadecimal(running_);
}

}  // namespace matrix::simulator
