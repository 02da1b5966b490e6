// SystemRandom: unpredictable bits from the operating system.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "refserver/runtime/random.h"

namespace matrix::platform {

/// Fit for keys and tokens. Streams are buffered; each belongs to one thread at a time.
class SystemRandom final : public runtime::RandomSource {
public:
    SystemRandom();
    SystemRandom(const SystemRandom&) = delete;
    SystemRandom& operator=(const SystemRandom&) = delete;

    runtime::Random& stream(std::string_view name) override;

private:
    std::map<std::string, std::unique_ptr<runtime::Random>, std::less<>> streams_;
};

}  // namespace matrix::platform
