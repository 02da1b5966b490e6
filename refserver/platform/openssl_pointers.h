// Owning pointers for OpenSSL's objects, shared by the files that make and read certificates.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace matrix::platform {

template <auto free_object>
struct OpensslFree {
    template <class Object>
    void operator()(Object* object) const {
        free_object(object);
    }
};

using BioPointer = std::unique_ptr<BIO, OpensslFree<BIO_free_all>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, OpensslFree<X509_free>>;
using ExtensionPointer = std::unique_ptr<X509_EXTENSION, OpensslFree<X509_EXTENSION_free>>;
using GeneralNamesPointer = std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>>;

/// Null when the text holds no such thing.
CertificatePointer parse_certificate(std::string_view pem);
KeyPointer parse_key(std::string_view pem);

}  // namespace matrix::platform
