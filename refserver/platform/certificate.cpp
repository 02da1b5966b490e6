#include "refserver/platform/certificate.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "refserver/base/result_macros.h"
#include "refserver/platform/openssl_pointers.h"

namespace matrix::platform {
namespace {

BioPointer reader_of(std::string_view text) {
    return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::expected<std::string, std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::unexpected("cannot read " + path + ": " + std::strerror(errno));
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (file.bad() || text.empty()) return std::unexpected(path + " is empty or no file");
    return text;
}

}  // namespace

CertificatePointer parse_certificate(std::string_view pem) {
    CertificatePointer certificate(
        PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
    ERR_clear_error();
    return certificate;
}

KeyPointer parse_key(std::string_view pem) {
    // An encrypted key would make OpenSSL ask on the terminal.
    const auto refuse_password = [](char*, int, int, void*) { return -1; };
    KeyPointer key(
        PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, refuse_password, nullptr));
    ERR_clear_error();
    return key;
}

std::expected<ServerCertificate, std::string> read_certificate(const std::string& chain_path,
                                                               const std::string& key_path) {
    ServerCertificate result;
    ASSIGN_OR_RETURN(result.chain_pem, read_file(chain_path));
    ASSIGN_OR_RETURN(result.key_pem, read_file(key_path));
    const CertificatePointer certificate = parse_certificate(result.chain_pem);
    if (!certificate) return std::unexpected(chain_path + " holds no PEM certificate");
    const KeyPointer key = parse_key(result.key_pem);
    if (!key) return std::unexpected(key_path + " holds no PEM private key without a password");
    if (X509_check_private_key(certificate.get(), key.get()) != 1) {
        ERR_clear_error();
        return std::unexpected("the key in " + key_path +
                               " does not belong to the certificate in " + chain_path);
    }
    return result;
}

std::expected<std::string, std::string> read_authorities(const std::string& path) {
    ASSIGN_OR_RETURN(std::string pem, read_file(path));
    if (!parse_certificate(pem)) return std::unexpected(path + " holds no PEM certificate");
    if (!pem.ends_with('\n')) pem += '\n';
    return pem;
}

}  // namespace matrix::platform
