#include "sim/scenario/run/respell.h"

static void add_crlf(struct buf *out, struct str pem)
{
    for (size_t i = 0; i < pem.n; i++) {
        if (pem.p[i] == '\n')
            buf_add_char(out, '\r');
        buf_add_char(out, pem.p[i]);
    }
}

/* The certificates from the last to the first. */
static void add_reordered(struct buf *out, struct str pem)
{
    static const struct str begin = STR_INIT("-----BEGIN ");
    while (pem.n) {
        size_t last = 0;
        for (ptrdiff_t at; (at = str_find(str_sub(pem, last + 1, pem.n), begin)) >= 0;)
            last += (size_t)at + 1;
        buf_add(out, str_sub(pem, last, pem.n));
        pem = str_sub(pem, 0, last);
    }
}

void ca_respell(struct str pem, struct str other, enum ca_spelling as, struct buf *out)
{
    switch (as) {
    case CA_CRLF:
        add_crlf(out, pem);
        return;
    case CA_SPACED:
        buf_addf(out, STR_FMT "\n", STR_ARG(pem));
        return;
    case CA_UNENDED:
        buf_add(out, str_trim(pem));
        return;
    case CA_BUNDLED:
        buf_add(out, pem);
        buf_add(out, other);
        return;
    case CA_REORDERED:
        add_reordered(out, pem);
        return;
    case CA_OTHER:;
    }
    buf_add(out, other);
}
