// Sandbox: while a simulation runs, its thread can neither look at the wall clock, nor begin
// another thread, nor ask the system for random bytes: such a call ends the process and names
// itself.
//
// sandbox.cpp defines those functions of the C library itself (and std::random_device's), so that
// calls of any library are seen: of libstdc++, libsodium, OpenSSL, SQLite. Outside of a sandbox,
// and on all other threads, they do what they always did. Not seen: what glibc asks within itself,
// and system calls and processor instructions that are made without it.
#pragma once

namespace matrix::simulator {

/// From its making to its end the calling thread is in a simulation. One at a time.
class Sandbox {
public:
    Sandbox();
    ~Sandbox();
    Sandbox(const Sandbox&) = delete;
    Sandbox& operator=(const Sandbox&) = delete;

    /// Does this build see such calls? Not under the address sanitizer, which puts functions of its
    /// own there.
    static bool is_watching();
};

}  // namespace matrix::simulator
