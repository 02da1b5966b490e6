#include "refserver/platform/system_random.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <sodium.h>

#include "refserver/base/assert.h"

namespace matrix::platform {
namespace {

// One system call for many draws. What has been drawn is wiped: a later look at the memory does not
// show a token that was given out before.
class BufferedStream final : public runtime::Random {
public:
    std::uint64_t bits() override {
        if (used_ == buffer_.size()) {
            randombytes_buf(buffer_.data(), sizeof(buffer_));
            used_ = 0;
        }
        return std::exchange(buffer_[used_++], 0);
    }

private:
    std::array<std::uint64_t, 64> buffer_{};
    std::size_t used_ = buffer_.size();
};

}  // namespace

SystemRandom::SystemRandom() {
    MATRIX_ASSERT(sodium_init() >= 0);
}

runtime::Random& SystemRandom::stream(std::string_view name) {
    const auto entry = streams_.find(name);
    if (entry != streams_.end()) return *entry->second;
    return *streams_.emplace(name, std::make_unique<BufferedStream>()).first->second;
}

}  // namespace matrix::platform
