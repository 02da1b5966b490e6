// Nonces: texts that are given out and may come back once, soon.
#pragma once

#include <map>
#include <string>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/random.h"

namespace matrix::engine {

class Nonces {
public:
    Nonces(runtime::Clock& clock, runtime::RandomSource& random) : clock_(clock), random_(random) {}
    Nonces(const Nonces&) = delete;
    Nonces& operator=(const Nonces&) = delete;

    std::string make();
    /// True the first time, within a minute.
    bool take(const std::string& nonce);

private:
    void drop_expired();
    runtime::Clock& clock_;
    runtime::RandomSource& random_;
    std::map<std::string, runtime::Timestamp> made_at_;
};

}  // namespace matrix::engine
