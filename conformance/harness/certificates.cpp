#include "conformance/harness/certificates.h"

#include <memory>

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

constexpr long kYearSeconds = 365L * 24 * 60 * 60;
constexpr long kDaySeconds = 24L * 60 * 60;

struct Deleter {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
    void operator()(BIGNUM* number) const { BN_free(number); }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter>;
using Certificate = std::unique_ptr<X509, Deleter>;
using Bio = std::unique_ptr<BIO, Deleter>;

Key make_key() {
    Key key(EVP_EC_gen("P-256"));
    MATRIX_ASSERT(key != nullptr);
    return key;
}

// A certificate for `key` with everything but issuer, extensions and signature.
Certificate make_unsigned(EVP_PKEY* key, const std::string& common_name) {
    Certificate certificate(X509_new());
    MATRIX_ASSERT(certificate != nullptr);
    X509_set_version(certificate.get(), X509_VERSION_3);
    const std::unique_ptr<BIGNUM, Deleter> serial(BN_new());
    BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get()));
    // From yesterday, because clocks differ.
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDaySeconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kYearSeconds);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()),
                               "CN",
                               MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()),
                               -1,
                               -1,
                               0);
    return certificate;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Deleter> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    MATRIX_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension.get(), -1);
}

std::string read_all(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return std::string(bytes, static_cast<std::size_t>(size));
}

TlsIdentity to_pem(X509* certificate, EVP_PKEY* key) {
    const Bio certificate_bio(BIO_new(BIO_s_mem()));
    const Bio key_bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_X509(certificate_bio.get(), certificate);
    PEM_write_bio_PrivateKey(key_bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
    return {read_all(certificate_bio.get()), read_all(key_bio.get())};
}

bool is_ip_address(const std::string& name) {
    unsigned char address[16];
    return inet_pton(AF_INET, name.c_str(), address) == 1 ||
           inet_pton(AF_INET6, name.c_str(), address) == 1;
}

}  // namespace

TlsIdentity make_authority(const std::string& common_name) {
    const Key key = make_key();
    const Certificate certificate = make_unsigned(key.get(), common_name);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
    add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    add_extension(
        certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    return to_pem(certificate.get(), key.get());
}

TlsIdentity make_certificate(const TlsIdentity& authority, const std::vector<std::string>& names) {
    MATRIX_ASSERT(!names.empty());
    const Bio certificate_bio(BIO_new_mem_buf(authority.certificate.data(),
                                              static_cast<int>(authority.certificate.size())));
    const Bio key_bio(BIO_new_mem_buf(authority.private_key.data(),
                                      static_cast<int>(authority.private_key.size())));
    const Certificate issuer(PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr));
    const Key issuer_key(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
    MATRIX_ASSERT(issuer != nullptr);
    MATRIX_ASSERT(issuer_key != nullptr);

    const Key key = make_key();
    const Certificate certificate = make_unsigned(key.get(), names.front().substr(0, 64));
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer.get()));
    std::string alternatives;
    for (const std::string& name : names) {
        if (!alternatives.empty()) alternatives += ',';
        alternatives += (is_ip_address(name) ? "IP:" : "DNS:") + name;
    }
    add_extension(certificate.get(), issuer.get(), NID_subject_alt_name, alternatives);
    add_extension(certificate.get(), issuer.get(), NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(certificate.get(), issuer.get(), NID_authority_key_identifier, "keyid");
    X509_sign(certificate.get(), issuer_key.get(), EVP_sha256());
    return to_pem(certificate.get(), key.get());
}

}  // namespace matrix::conformance
