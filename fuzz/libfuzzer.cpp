// A fuzz target under libFuzzer. Which one, the program's name says: `canonical_json_fuzz`.

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "fuzz/target.h"

namespace {

const matrix::fuzz::Target* chosen_target = nullptr;  // libFuzzer offers no other place.

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** argv) {
    std::string_view name = (*argv)[0];
    name = name.substr(name.rfind('/') + 1);
    name = name.substr(0, name.rfind("_fuzz"));
    chosen_target = matrix::fuzz::find_target(name);
    if (!chosen_target) {
        std::fprintf(
            stderr, "no fuzz target \"%.*s\"\n", static_cast<int>(name.size()), name.data());
        std::exit(2);
    }
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    if (const auto finding = chosen_target->run(bytes)) {
        std::fprintf(stderr, "broken law: %s\n", finding->law.c_str());
        std::abort();
    }
    return 0;
}
