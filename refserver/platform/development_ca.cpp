#include "refserver/platform/development_ca.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/platform/file_descriptor.h"
#include "refserver/platform/openssl_pointers.h"
#include "refserver/platform/socket_address.h"

namespace matrix::platform {

struct DevelopmentCa::Keys {
    KeyPointer key;
    CertificatePointer certificate;
};

namespace {

constexpr long kDaySeconds = 24 * 60 * 60;
constexpr long kAuthorityDays = 10 * 365;
constexpr long kServerDays = 365;

KeyPointer make_key() {
    KeyPointer key(EVP_EC_gen("P-256"));
    MATRIX_ASSERT(key != nullptr);
    return key;
}

std::string text_of(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string to_pem(X509* certificate) {
    const BioPointer bio(BIO_new(BIO_s_mem()));
    MATRIX_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
    return text_of(bio.get());
}

std::string to_pem(EVP_PKEY* key) {
    const BioPointer bio(BIO_new(BIO_s_mem()));
    MATRIX_ASSERT(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
                  1);
    return text_of(bio.get());
}

// A certificate with all but its extensions and its signature; serial number and name are random
// enough that no two authorities are mistaken for each other.
CertificatePointer make_unsigned(EVP_PKEY* key, const std::string& name, long days) {
    CertificatePointer certificate(X509_new());
    MATRIX_ASSERT(X509_set_version(certificate.get(), X509_VERSION_3) == 1);
    std::uint64_t serial = 0;
    MATRIX_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) == 1);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDaySeconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * kDaySeconds);
    X509_set_pubkey(certificate.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()),
                               "CN",
                               MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(name.c_str()),
                               -1,
                               -1,
                               0);
    return certificate;
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const ExtensionPointer extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
    MATRIX_ASSERT(extension != nullptr);
    X509_add_ext(certificate, extension.get(), -1);
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    MATRIX_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
}

void add_names(X509* certificate, std::span<const std::string> names) {
    const GeneralNamesPointer general_names(GENERAL_NAMES_new());
    for (const std::string& name : names) {
        const int kind = is_ip_literal(name) ? GEN_IPADD : GEN_DNS;
        GENERAL_NAME* general_name =
            a2i_GENERAL_NAME(nullptr, nullptr, nullptr, kind, name.c_str(), 0);
        MATRIX_ASSERT(general_name != nullptr);
        sk_GENERAL_NAME_push(general_names.get(), general_name);
    }
    MATRIX_ASSERT(X509_add1_ext_i2d(certificate, NID_subject_alt_name, general_names.get(), 0, 0) ==
                  1);
}

}  // namespace

DevelopmentCa::DevelopmentCa(std::unique_ptr<Keys> keys, std::string certificate_pem)
    : keys_(std::move(keys)), certificate_pem_(std::move(certificate_pem)) {}

DevelopmentCa::DevelopmentCa(DevelopmentCa&&) noexcept = default;
DevelopmentCa& DevelopmentCa::operator=(DevelopmentCa&&) noexcept = default;
DevelopmentCa::~DevelopmentCa() = default;

DevelopmentCa DevelopmentCa::make() {
    std::array<unsigned char, 4> tag{};
    MATRIX_ASSERT(RAND_bytes(tag.data(), tag.size()) == 1);
    std::string name = "Touchstone development CA ";
    for (const unsigned char byte : tag)
        name += std::to_string(byte);

    auto keys = std::make_unique<Keys>();
    keys->key = make_key();
    keys->certificate = make_unsigned(keys->key.get(), name, kAuthorityDays);
    X509* authority = keys->certificate.get();
    add_extension(authority, authority, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    add_extension(authority, authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(authority, authority, NID_subject_key_identifier, "hash");
    sign(authority, authority, keys->key.get());
    std::string pem = to_pem(authority);
    return {std::move(keys), std::move(pem)};
}

ServerCertificate DevelopmentCa::issue(std::span<const std::string> names) const {
    MATRIX_ASSERT(!names.empty());
    const KeyPointer key = make_key();
    // The names are in the extension; a common name has room for 64 bytes only.
    const CertificatePointer certificate =
        make_unsigned(key.get(), "Touchstone development server", kServerDays);
    X509* authority = keys_->certificate.get();
    add_extension(certificate.get(), authority, NID_basic_constraints, "critical,CA:FALSE");
    add_extension(certificate.get(), authority, NID_key_usage, "critical,digitalSignature");
    add_extension(certificate.get(), authority, NID_ext_key_usage, "serverAuth,clientAuth");
    add_extension(certificate.get(), authority, NID_subject_key_identifier, "hash");
    add_names(certificate.get(), names);
    sign(certificate.get(), authority, keys_->key.get());
    return {to_pem(certificate.get()) + certificate_pem_, to_pem(key.get())};
}

namespace {

// Complete or not there at all, whoever reads meanwhile.
std::expected<void, std::string> write_file(const std::string& path, std::string_view text) {
    const std::string temporary = path + ".new";
    {
        const FileDescriptor file(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
        const auto size = static_cast<ssize_t>(text.size());
        if (!file.is_open() || ::write(file.number(), text.data(), text.size()) != size) {
            return std::unexpected("cannot write " + temporary + ": " + std::strerror(errno));
        }
    }
    if (::rename(temporary.c_str(), path.c_str()) != 0) {
        return std::unexpected("cannot write " + path + ": " + std::strerror(errno));
    }
    return {};
}

}  // namespace

std::expected<DevelopmentCa, std::string> DevelopmentCa::open(const std::string& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return std::unexpected("cannot create " + folder + ": " + error.message());
    const std::string lock_path = folder + "/lock";
    const FileDescriptor lock(::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock.is_open() || ::flock(lock.number(), LOCK_EX) != 0) {
        return std::unexpected("cannot lock " + lock_path + ": " + std::strerror(errno));
    }

    const std::string certificate_path = folder + "/ca.pem";
    const std::string key_path = folder + "/ca-key.pem";
    const bool has_certificate = std::filesystem::exists(certificate_path, error);
    if (!has_certificate) {
        DevelopmentCa authority = make();
        RETURN_IF_ERROR(write_file(key_path, to_pem(authority.keys_->key.get())));
        RETURN_IF_ERROR(write_file(certificate_path, authority.certificate_pem_));
        return authority;
    }
    ASSIGN_OR_RETURN(ServerCertificate pems, read_certificate(certificate_path, key_path));
    auto keys = std::make_unique<Keys>();
    keys->certificate = parse_certificate(pems.chain_pem);
    keys->key = parse_key(pems.key_pem);
    return DevelopmentCa(std::move(keys), std::move(pems.chain_pem));
}

}  // namespace matrix::platform
