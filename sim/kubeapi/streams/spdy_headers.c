/* Header blocks: name and value pairs behind one zlib stream a direction. */
#include "sim/kubeapi/streams/spdy_frames.h"

#include <string.h>
#include <zlib.h>

/* The dictionary (draft §2.6.10.1): these words, each behind its length in four bytes, then the text. */
static const char *const words[] = {"options",
                                    "head",
                                    "post",
                                    "put",
                                    "delete",
                                    "trace",
                                    "accept",
                                    "accept-charset",
                                    "accept-encoding",
                                    "accept-language",
                                    "accept-ranges",
                                    "age",
                                    "allow",
                                    "authorization",
                                    "cache-control",
                                    "connection",
                                    "content-base",
                                    "content-encoding",
                                    "content-language",
                                    "content-length",
                                    "content-location",
                                    "content-md5",
                                    "content-range",
                                    "content-type",
                                    "date",
                                    "etag",
                                    "expect",
                                    "expires",
                                    "from",
                                    "host",
                                    "if-match",
                                    "if-modified-since",
                                    "if-none-match",
                                    "if-range",
                                    "if-unmodified-since",
                                    "last-modified",
                                    "location",
                                    "max-forwards",
                                    "pragma",
                                    "proxy-authenticate",
                                    "proxy-authorization",
                                    "range",
                                    "referer",
                                    "retry-after",
                                    "server",
                                    "te",
                                    "trailer",
                                    "transfer-encoding",
                                    "upgrade",
                                    "user-agent",
                                    "vary",
                                    "via",
                                    "warning",
                                    "www-authenticate",
                                    "method",
                                    "get",
                                    "status",
                                    "200 OK",
                                    "version",
                                    "HTTP/1.1",
                                    "url",
                                    "public",
                                    "set-cookie",
                                    "keep-alive",
                                    "origin"};
static const char text[] =
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 "
    "Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,"
    "deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static void dictionary(struct buf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        spdy_put_u32(out, (uint32_t)strlen(words[i]));
        buf_add_c(out, words[i]);
    }
    buf_add_c(out, text);
}

/* ---- reading ---- */

struct spdy_inflater {
    z_stream z;
    struct buf plain;
    struct spdy_pair pairs[SPDY_PAIRS_MAX];
};

struct spdy_inflater *spdy_inflater_new(void)
{
    struct spdy_inflater *z = MEM_NEW(struct spdy_inflater);
    int ok = inflateInit(&z->z);
    BUG_ON(ok != Z_OK, "zlib begins");
    z->plain.max = SPDY_HEADERS_MAX;
    return z;
}

void spdy_inflater_free(struct spdy_inflater *z)
{
    if (!z)
        return;
    inflateEnd(&z->z);
    buf_free(&z->plain);
    mem_free(z);
}

static int set_dictionary(z_stream *z)
{
    struct buf d = {0};
    dictionary(&d);
    int result = inflateSetDictionary(z, (const Bytef *)d.p, (uInt)d.n);
    buf_free(&d);
    return result;
}

static bool unpack(struct spdy_inflater *z, struct str block)
{
    unsigned char piece[4096];
    buf_clear(&z->plain);
    z->z.next_in = (Bytef *)(uintptr_t)block.p;
    z->z.avail_in = (uInt)block.n;
    do {
        z->z.next_out = piece;
        z->z.avail_out = sizeof(piece);
        int result = inflate(&z->z, Z_SYNC_FLUSH);
        if (result == Z_NEED_DICT)
            result = set_dictionary(&z->z);
        else if (result == Z_BUF_ERROR && z->z.avail_in == 0)
            break; /* nothing more to be had */
        if (result != Z_OK)
            return false;
        buf_add(&z->plain, (struct str){(char *)piece, sizeof(piece) - z->z.avail_out});
    } while ((z->z.avail_in > 0 || z->z.avail_out == 0) && buf_ok(&z->plain));
    return buf_ok(&z->plain);
}

/* Behind its length in four bytes. */
static bool take_text(struct str *rest, struct str *out)
{
    if (rest->n < 4)
        return false;
    uint32_t n = spdy_get_u32(*rest, 0);
    *rest = str_sub(*rest, 4, rest->n);
    if (n > rest->n)
        return false;
    *out = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return true;
}

bool spdy_headers_read(struct spdy_inflater *z, struct str block, const struct spdy_pair **pairs,
                       size_t *n)
{
    *pairs = z->pairs;
    *n = 0;
    if (!unpack(z, block) || z->plain.n < 4)
        return false;
    struct str rest = buf_str(&z->plain);
    uint32_t count = spdy_get_u32(rest, 0);
    rest = str_sub(rest, 4, rest.n);
    if (count > SPDY_PAIRS_MAX)
        return false;
    for (; *n < count; ++*n)
        if (!take_text(&rest, &z->pairs[*n].name) || !take_text(&rest, &z->pairs[*n].value))
            return false;
    return rest.n == 0;
}

/* ---- writing ---- */

struct spdy_deflater {
    z_stream z;
};

struct spdy_deflater *spdy_deflater_new(void)
{
    struct spdy_deflater *z = MEM_NEW(struct spdy_deflater);
    struct buf d = {0};
    int ok = deflateInit(&z->z, Z_BEST_SPEED);
    dictionary(&d);
    if (ok == Z_OK)
        ok = deflateSetDictionary(&z->z, (const Bytef *)d.p, (uInt)d.n);
    BUG_ON(ok != Z_OK, "zlib begins");
    buf_free(&d);
    return z;
}

void spdy_deflater_free(struct spdy_deflater *z)
{
    if (!z)
        return;
    deflateEnd(&z->z);
    mem_free(z);
}

void spdy_headers_write(struct spdy_deflater *z, const struct spdy_pair *pairs, size_t n,
                        struct buf *out)
{
    struct buf plain = {0};
    unsigned char piece[1024];
    spdy_put_u32(&plain, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        spdy_put_u32(&plain, (uint32_t)pairs[i].name.n);
        buf_add(&plain, pairs[i].name);
        spdy_put_u32(&plain, (uint32_t)pairs[i].value.n);
        buf_add(&plain, pairs[i].value);
    }
    z->z.next_in = (Bytef *)plain.p;
    z->z.avail_in = (uInt)plain.n;
    do {
        z->z.next_out = piece;
        z->z.avail_out = sizeof(piece);
        int result = deflate(&z->z, Z_SYNC_FLUSH);
        BUG_ON(result != Z_OK && result != Z_BUF_ERROR, "zlib goes on");
        buf_add(out, (struct str){(char *)piece, sizeof(piece) - z->z.avail_out});
    } while (z->z.avail_out == 0);
    buf_free(&plain);
}
