/* keys: key pairs derived from given bytes, PEM, signatures.
 *
 * A private key is a function of 32 bytes of entropy, so that a simulated world gets the same keys in each run and the
 * real one takes them from its random source. Ed25519 signatures are deterministic; those of P-256 use a nonce of
 * OpenSSL's own random source and so belong to the real world only.
 * Ownership: a key is freed with pki_key_free; functions borrow it. */
#ifndef PADDOCK_ENGINE_PKI_KEYS_H
#define PADDOCK_ENGINE_PKI_KEYS_H

#include "engine/pki/pki.h"

enum pki_key_kind { PKI_ED25519, PKI_P256, PKI_RSA };

struct pki_key; /* public, or public and private */

#define PKI_RSA_BITS_MIN 2048
#define PKI_RSA_BITS_MAX 8192

/* PKI_ED25519: the entropy is the seed of RFC 8032. PKI_P256: the scalar is SHA-512 of it, reduced. Not PKI_RSA. */
struct pki_key *pki_key_derive(enum pki_key_kind kind,
                               const unsigned char entropy[PKI_ENTROPY_BYTES]);
/* A new RSA key of PKI_RSA_BITS_MIN bits from OpenSSL's own random source: for the real world only. Takes a tenth of a
 * second. */
struct pki_key *pki_key_generate_rsa(void);
/* PKCS#8, SEC 1 or PKCS#1 private keys; the first block counts. */
struct err *pki_key_from_pem(struct str pem, struct pki_key **out) must_check;
/* SubjectPublicKeyInfo, or the public key of a certificate. */
struct err *pki_key_public_from_pem(struct str pem, struct pki_key **out) must_check;
void pki_key_free(struct pki_key *key); /* NULL is fine */

enum pki_key_kind pki_key_kind(const struct pki_key *key);
bool pki_key_is_private(const struct pki_key *key);
void pki_key_to_pem(const struct pki_key *key, struct buf *out); /* PKCS#8; private keys only */
void pki_key_public_to_pem(const struct pki_key *key, struct buf *out);
void pki_key_id(const struct pki_key *key,
                struct buf *out); /* hex SHA-256 of the public key's DER */

/* Modulus and exponent of an RSA key, big-endian without leading zeros: what a JWK holds. */
void pki_key_rsa_public(const struct pki_key *key, struct buf *modulus, struct buf *exponent);

/* Ed25519; ECDSA with SHA-256 as r‖s of 64 bytes (as in JWT); RSASSA-PKCS1-v1_5 with SHA-256. */
void pki_sign(const struct pki_key *key, struct str message, struct buf *signature);
bool pki_verify(const struct pki_key *key, struct str message, struct str signature);

#endif
