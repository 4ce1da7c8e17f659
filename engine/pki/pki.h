/* pki: hashes, PEM and CA checksums; keys.h, x509.h, jwt.h and password.h hold the rest of the layer.
 *
 * Nothing here reads a clock, a file or a random source: times are given as unix seconds, entropy as bytes. (One
 * exception, named in keys.h: the nonce of an ECDSA signature.) Bytes from a peer are bounded before they are parsed.
 * Errors: ERR_INVALID for what is malformed, ERR_TOO_LARGE beyond a bound, ERR_TLS for a chain that is not trusted. */
#ifndef PADDOCK_ENGINE_PKI_PKI_H
#define PADDOCK_ENGINE_PKI_PKI_H

#include "engine/base/arena.h"
#include "engine/base/err.h"

#define PKI_SHA256_BYTES  32u
#define PKI_ENTROPY_BYTES 32u
#define PKI_PEM_BYTES_MAX ((size_t)1 << 20)
#define PKI_DER_BYTES_MAX ((size_t)64 << 10) /* one block */

void pki_sha256(struct str bytes, unsigned char out[PKI_SHA256_BYTES]);
void pki_sha256_hex(struct str bytes, struct buf *out);
void pki_hmac_sha256_hex(struct str key, struct str bytes, struct buf *out); /* RFC 2104 */
bool pki_equal(struct str a, struct str b); /* time depends on the lengths only */

/* SHA-256 of a stream. */
struct pki_hash;
struct pki_hash *pki_hash_new(void);
void pki_hash_add(struct pki_hash *h, struct str bytes);
void pki_hash_end(struct pki_hash *take_h, unsigned char out[PKI_SHA256_BYTES]); /* frees it too */

/* The next block of a PEM text (RFC 7468): text between blocks is skipped, CRLF and blanks in the base64 are accepted,
 * headers (encrypted keys) are refused. *rest moves behind the block; *label is borrowed from it; no block: empty. */
struct err *pki_pem_next(struct str *rest, struct str *label, struct buf *der) must_check;
void pki_pem_add(struct buf *out, const char *label, struct str der);

/* CATTLE_CA_CHECKSUM of a CA text: hex SHA-256 of the text itself, with a newline added when it does not end in one;
 * empty for an empty text. So line ends, order and further blanks change it: fixtures/incidents.yaml#K20. */
void pki_ca_checksum(struct str pem, struct buf *out);
/* The hardened pin: hex SHA-256 over the sorted set of the certificates' public key hashes. Order, repetition, line
 * ends, renewal with the same key and text around the blocks do not change it. ERR_INVALID when there is none. */
struct err *pki_ca_pin(struct str pem, struct buf *out) must_check;
/* The pins of the certificates one by one, sorted, joined by commas: while a CA is replaced each side knows one of them
 * at least. ERR_INVALID when there is none. */
struct err *pki_ca_pins(struct str pem, struct buf *out) must_check;

#endif
