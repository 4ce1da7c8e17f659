/* spdy_frames: cuts frames of SPDY/3.1 out of a byte stream, and writes them. Only what Kubernetes' clients send and
 * understand. Private to this folder.
 *
 *   head (8 bytes) ─► control: payload collected, at most SPDY_CONTROL_MAX ─► frame
 *                 └─► data: payload passed on in pieces as it comes ─► frame, with `last` on the last
 *
 * Bounds: SPDY_CONTROL_MAX a control frame, SPDY_HEADERS_MAX of headers when inflated, SPDY_PAIRS_MAX of them.
 * Source: draft-mbelshe-httpbis-spdy-00 §2.2, §2.6 (SPDY/3). */
#ifndef PADDOCK_SIM_KUBEAPI_STREAMS_SPDY_FRAMES_H
#define PADDOCK_SIM_KUBEAPI_STREAMS_SPDY_FRAMES_H

#include "engine/base/str.h"

#define SPDY_HEAD_BYTES  8u
#define SPDY_CONTROL_MAX ((size_t)64 << 10)
#define SPDY_HEADERS_MAX ((size_t)64 << 10)
#define SPDY_PAIRS_MAX   256u

enum spdy_type {
    SPDY_DATA = 0,
    SPDY_SYN_STREAM = 1,
    SPDY_SYN_REPLY = 2,
    SPDY_RST_STREAM = 3,
    SPDY_SETTINGS = 4,
    SPDY_PING = 6,
    SPDY_GOAWAY = 7,
    SPDY_HEADERS = 8,
    SPDY_WINDOW_UPDATE = 9
};
#define SPDY_FIN 1u

struct spdy_frame {
    enum spdy_type type;
    uint32_t
        stream; /* of data, SYN_STREAM, SYN_REPLY, RST_STREAM, HEADERS, WINDOW_UPDATE; the id of a PING */
    bool fin;         /* of data: only with its last piece */
    struct str bytes; /* of data: a piece; of SYN_*, HEADERS: the header block, compressed */
};
enum spdy_step { SPDY_MORE, SPDY_FRAME, SPDY_BAD };

struct spdy_reader {
    unsigned char head[SPDY_HEAD_BYTES];
    size_t head_n;
    uint32_t left; /* of the payload */
    struct buf control;
};

/* Takes from the front of *in. FRAME: *out is one, its bytes valid until the next call. */
enum spdy_step spdy_read(struct spdy_reader *r, struct str *in, struct spdy_frame *out);
void spdy_reader_free(struct spdy_reader *r);

void spdy_write_data(struct buf *out, uint32_t stream, bool fin, struct str bytes);
void spdy_write_control(struct buf *out, enum spdy_type type, struct str payload);
void spdy_put_u32(struct buf *out, uint32_t v);
uint32_t spdy_get_u32(struct str s, size_t at); /* within s */

/* ---- header blocks: one zlib stream a direction, with the dictionary of SPDY/3 ---- */
struct spdy_pair {
    struct str name, value; /* the names are lower case */
};
struct spdy_inflater;
struct spdy_inflater *spdy_inflater_new(void);
void spdy_inflater_free(struct spdy_inflater *z);
/* False: malformed, or beyond a bound: the connection cannot go on. Pairs are valid until the next call. */
bool spdy_headers_read(struct spdy_inflater *z, struct str block, const struct spdy_pair **pairs,
                       size_t *n);
struct spdy_deflater;
struct spdy_deflater *spdy_deflater_new(void);
void spdy_deflater_free(struct spdy_deflater *z);
void spdy_headers_write(struct spdy_deflater *z, const struct spdy_pair *pairs, size_t n,
                        struct buf *out);

#endif
