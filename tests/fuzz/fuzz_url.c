/* URLs from settings, environments and scenario files: no crash, and what is accepted holds together: its parts lie in the
 * text, host and target can be written into a header as they are, and the parts put together are accepted again. */
#include "engine/http/url.h"

#include <stdlib.h>

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool within(struct str part, struct str text)
{
    return part.p >= text.p && part.p + part.n <= text.p + text.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct str text = {(const char *)bytes, n};
    struct url u, again;
    struct err *err = url_parse(text, &u);
    if (err) {
        err_free(err);
        return 0;
    }
    must(u.host.n > 0 && u.port > 0 && within(u.host, text) && within(u.authority, text));
    must(u.target.n > 0 && u.target.p[0] == '/');
    for (size_t i = 0; i < n; i++)
        must(text.p[i] > ' ' && text.p[i] <= '~');
    struct buf whole = {0};
    buf_add_c(&whole, u.tls ? "https://" : "http://");
    buf_add(&whole, u.authority);
    buf_add(&whole, u.target);
    err = url_parse(buf_str(&whole), &again);
    must(!err && str_eq(u.host, again.host) && u.port == again.port &&
         str_eq(u.target, again.target));
    buf_free(&whole);
    return 0;
}
