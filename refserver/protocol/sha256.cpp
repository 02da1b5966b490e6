#include "refserver/protocol/sha256.h"

#include "refserver/protocol/digest.h"

namespace matrix {

Sha256 sha256(std::string_view bytes) {
    static const DigestAlgorithm algorithm = fetch_digest("SHA256");
    return digest<Sha256>(algorithm, bytes);
}

}  // namespace matrix
