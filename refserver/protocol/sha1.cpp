#include "refserver/protocol/sha1.h"

#include "refserver/protocol/digest.h"

namespace matrix {

Sha1 sha1(std::string_view bytes) {
    static const DigestAlgorithm algorithm = fetch_digest("SHA1");
    return digest<Sha1>(algorithm, bytes);
}

}  // namespace matrix
