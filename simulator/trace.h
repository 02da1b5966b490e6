// Trace: everything that happened in a run, as a 128-bit hash and, on request, as JSON lines.
//
// Two runs with the same hash dispatched the same jobs at the same times, drew the same numbers,
// sent the same bytes and ended in the same state. Signature values are blanked, so that the
// simulated and the real cryptography give the same hash.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "simulator/quick_hash.h"
#include "simulator/recording/recorder.h"

namespace matrix::simulator {

class Trace {
public:
    /// Writes each record to `lines` besides, as a JSON line; null: nowhere. A recorder, if there
    /// is one, is told of each that it can use.
    explicit Trace(std::ostream* lines = nullptr, Recorder* recorder = nullptr)
        : lines_(lines), recorder_(recorder) {}
    Trace(const Trace&) = delete;
    Trace& operator=(const Trace&) = delete;

    void dispatch(std::int64_t time_us, int server);
    void draw(std::string_view stream, std::uint64_t value);
    /// An HTTP message on its way; `what` says which, for example "PUT /_matrix/..." or "200".
    /// Gives its number.
    std::uint64_t message(int from, int to, std::string_view what, std::string_view body);
    /// Something worth reading: a fault, an operation, a verdict.
    void note(std::string_view kind, std::string_view detail);

    /// Who writes down what is in no hash; null: nobody.
    Recorder* recorder() { return recorder_; }

    /// Of all records so far, as 32 hexadecimal digits.
    std::string hash();

    /// Counts dispatches there from now on: in memory that outlives this process, for example.
    void count_dispatches_at(std::uint64_t& counter) { dispatches_ = &counter; }
    std::uint64_t dispatches() const { return *dispatches_; }
    std::uint64_t draws() const { return draws_; }
    std::uint64_t messages() const { return messages_; }

private:
    void add(char kind, std::int64_t a, std::int64_t b, std::string_view bytes);
    void add_header(char kind, std::int64_t a, std::int64_t b, std::uint64_t size);
    void flush_if_full();
    void flush();

    QuickHash running_;
    std::string buffer_;
    std::ostream* lines_;
    Recorder* recorder_;
    std::int64_t time_us_ = 0;
    int server_ = -1;  // Whose turn it is; the world's before the first.
    std::uint64_t own_dispatches_ = 0;
    std::uint64_t* dispatches_ = &own_dispatches_;
    std::uint64_t draws_ = 0;
    std::uint64_t messages_ = 0;
};

/// `text` with the values of signatures and public keys replaced by as many dots.
std::string without_signatures(std::string_view text);

}  // namespace matrix::simulator
