/* codec: hex, base64 (RFC 4648), percent-encoding (RFC 3986), Go's signed varints (zig-zag, base 128, little endian).
 * Decoders are strict: false on any byte that does not belong; they append nothing then. */
#ifndef PADDOCK_ENGINE_BASE_CODEC_H
#define PADDOCK_ENGINE_BASE_CODEC_H

#include "engine/base/str.h"

void hex_encode(struct buf *out, struct str bytes); /* lower case */
bool hex_decode(struct buf *out, struct str text);
void base64_encode(struct buf *out, struct str bytes);    /* standard alphabet, padded */
bool base64_decode(struct buf *out, struct str text);     /* standard, padding required */
void base64url_encode(struct buf *out, struct str bytes); /* URL alphabet, no padding */
bool base64url_decode(struct buf *out, struct str text);
bool percent_decode(struct buf *out, struct str text, bool plus_is_space);
void percent_encode(struct buf *out, struct str bytes); /* all but unreserved characters */

#define VARINT_BYTES_MAX 10u
size_t varint_encode(char out[VARINT_BYTES_MAX], int64_t v); /* bytes written */
/* Bytes read; 0: truncated or longer than VARINT_BYTES_MAX or beyond 64 bits. */
size_t varint_decode(struct str in, int64_t *v);

#endif
