/* By which protocol a client and we understand each other. */
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/server.h"
#include "sim/kubeapi/streams/streams.h"

#include "engine/http/headers.h"

#define VERSIONS "X-Stream-Protocol-Version"

/* In the order of our preference; the client's comes first. */
static const char *const channels[] = {"v5.channel.k8s.io", "v4.channel.k8s.io"};
static const char *const tunnelled[] = {"SPDY/3.1+portforward.k8s.io"};
static const char *const spdy_remote[] = {"v4.channel.k8s.io"};
static const char *const spdy_forward[] = {"portforward.k8s.io"};

struct choice {
    const char *const *known;
    size_t n;
};

/* The first of the client's that we know; the whole list goes to *said. */
static const char *choose(const struct http_headers *h, const char *header,
                          const struct choice *from, struct buf *said)
{
    struct str name, value, part;
    const char *chosen = NULL;
    for (size_t i = 0; http_headers_at(h, i, &name, &value); i++) {
        if (!str_eq_nocase(name, str_c(header)))
            continue;
        while (value.n > 0) {
            (void)str_cut(value, ',', &part, &value);
            part = str_trim(part);
            buf_addf(said, "%s" STR_FMT, said->n > 0 ? " " : "", STR_ARG(part));
            for (size_t k = 0; k < from->n && !chosen; k++)
                if (str_eq_c(part, from->known[k]))
                    chosen = from->known[k];
        }
    }
    return chosen;
}

static bool refuse(struct api_request *r, const struct choice *from, struct str said)
{
    struct buf text = {.max = 4096};
    if (said.n == 0)
        buf_add_c(&text, "unable to upgrade: " VERSIONS " is required");
    else
        buf_addf(&text,
                 "unable to upgrade: unable to negotiate protocol: client supports [" STR_FMT
                 "], server accepts [",
                 STR_ARG(said));
    for (size_t i = 0; i < from->n && said.n > 0; i++)
        buf_addf(&text, "%s%s", i > 0 ? " " : "", from->known[i]);
    buf_add_c(&text, said.n > 0 ? "]\n" : "\n");
    api_reply_text(r, said.n == 0 ? 400 : 403, arena_c(&r->a, buf_str(&text)));
    buf_free(&text);
    return false;
}

bool podstreams_negotiate(struct api_request *r, struct stream_ask *ask)
{
    const struct http_headers *h = r->headers;
    bool forward = ask->kind == STREAM_FORWARD;
    bool asks = h && r->x && http_headers_has_token(h, "Connection", "Upgrade");
    bool web = asks && http_headers_has_token(h, "Upgrade", "websocket");
    if (!web && !(asks && http_headers_has_token(h, "Upgrade", "SPDY/3.1")))
        return api_fail_bad(r, "Upgrade request required");
    struct choice from = web && forward ? (struct choice){tunnelled, ARRAY_LEN(tunnelled)}
                         : web          ? (struct choice){channels, ARRAY_LEN(channels)}
                         : forward      ? (struct choice){spdy_forward, ARRAY_LEN(spdy_forward)}
                                        : (struct choice){spdy_remote, ARRAY_LEN(spdy_remote)};
    struct buf said = {.max = 2048};
    ask->protocol = choose(h, web ? "Sec-WebSocket-Protocol" : VERSIONS, &from, &said);
    ask->carrier = !web ? STREAM_SPDY : forward ? STREAM_SPDY_IN_WEBSOCKET : STREAM_CHANNELS;
    bool ok = ask->protocol || refuse(r, &from, buf_str(&said));
    buf_free(&said);
    return ok;
}
