#include "refserver/protocol/sha1.h"

#include <memory>

#include <openssl/evp.h>

#include "refserver/base/assert.h"

namespace matrix {

// As in sha256.cpp: fetched once, with one context for each thread.
Sha1 sha1(std::string_view bytes) {
    using Algorithm = std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)>;
    using Context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
    static const Algorithm algorithm(EVP_MD_fetch(nullptr, "SHA1", nullptr), EVP_MD_free);
    static thread_local const Context context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    MATRIX_ASSERT(algorithm && context);

    Sha1 digest;
    unsigned size = 0;
    MATRIX_ASSERT(EVP_DigestInit_ex2(context.get(), algorithm.get(), nullptr) == 1);
    MATRIX_ASSERT(EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1);
    MATRIX_ASSERT(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
    MATRIX_ASSERT(size == digest.size());
    return digest;
}

}  // namespace matrix
