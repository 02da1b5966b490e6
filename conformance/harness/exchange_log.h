// The HTTP exchanges of the test that is running, as the report shows them.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "conformance/records/record.h"

namespace matrix::conformance {

/// Thread-safe: clients and the peer's server threads write, the reporter takes.
class ExchangeLog {
public:
    /// Notes an exchange; secrets in it are masked, long bodies cut.
    void add(records::Exchange exchange);
    /// Everything since the last call.
    std::vector<records::Exchange> take();

private:
    std::mutex mutex_;
    std::vector<records::Exchange> exchanges_;
    std::size_t dropped_count_ = 0;
};

/// Replaces access tokens, passwords and such by "<masked>", in headers, targets and JSON bodies.
records::Exchange mask_secrets(records::Exchange exchange);

/// The same for text that quotes them, such as a failure's message.
std::string mask_secrets(std::string text);

}  // namespace matrix::conformance
