/* Collecting exchanges, and writing them as a case. */
#include "sim/cli/record_internal.h"

#include "engine/base/codec.h"
#include "engine/http/headers.h"

struct record {
    struct arena a;
    struct record_step *first, **tail;
    struct record_step *open[RECORD_NESTED_MAX]; /* watches, the innermost last */
    size_t open_n;
    bool full;
};

struct record *record_new(void)
{
    struct record *r = MEM_NEW(struct record);
    r->tail = &r->first;
    return r;
}

void record_free(struct record *r)
{
    if (!r)
        return;
    arena_free(&r->a);
    mem_free(r);
}

/* ---- collecting ---- */

/* Who it was, as the replayer names identities. */
static void set_identity(struct record *r, struct record_step *s, const struct kubeapi_exchange *x)
{
    struct str scheme, token, bearer = http_headers_get(x->headers, "Authorization");
    const struct kubeapi_user *user = x->as.name.n > 0 ? &x->as : &x->user;
    if (bearer.n > 0 && x->as.name.n == 0 && str_cut(bearer, ' ', &scheme, &token) &&
        str_eq_nocase(scheme, STR("Bearer"))) {
        s->as = arena_printf(&r->a, "token:" STR_FMT, STR_ARG(str_trim(token)));
        return;
    }
    s->as = STR("admin");
    if (user->name.n == 0 || str_eq_c(user->name, "system:anonymous"))
        s->as = STR("anonymous");
    else if (!str_eq_c(user->name, "kubernetes-admin"))
        s->as = arena_printf(&r->a, "user:" STR_FMT, STR_ARG(user->name));
    if (!str_starts(s->as, STR("user:")))
        return;
    struct str *groups = ARENA_NEW_ARRAY(&r->a, struct str, user->groups_n + 1);
    for (size_t i = 0; i < user->groups_n; i++)
        if (!str_eq_c(user->groups[i], "system:authenticated"))
            groups[s->groups_n++] = arena_str(&r->a, user->groups[i]);
    s->groups = groups;
}

static void copy_headers(struct record *r, const struct http_headers *from,
                         const char *const *names, size_t n, struct record_header **out,
                         size_t *out_n)
{
    size_t max = 0;
    for (size_t i = 0; i < n; i++)
        max += http_headers_count(from, names[i]);
    *out = ARENA_NEW_ARRAY(&r->a, struct record_header, max + 1);
    struct str name, value;
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; http_headers_at(from, i, &name, &value); i++)
            if (str_eq_nocase(name, str_c(names[k])))
                (*out)[(*out_n)++] =
                    (struct record_header){str_c(names[k]), arena_str(&r->a, value)};
}

static enum record_form form_of(const char *type)
{
    struct str t = str_c(type);
    if (t.n == 0)
        return RECORD_NONE;
    if (str_eq_c(t, "application/vnd.kubernetes.protobuf"))
        return RECORD_PROTOBUF;
    if (str_find(t, STR("protobuf")) >= 0)
        return RECORD_OPAQUE;
    if (str_find(t, STR("yaml")) >= 0)
        return RECORD_YAML;
    return str_find(t, STR("json")) >= 0 ? RECORD_JSON : RECORD_TEXT;
}

static void fill_request(struct record *r, struct record_step *s, const struct kubeapi_exchange *x)
{
    static const char *const kept[] = {"User-Agent", "Accept", "Content-Type", "If-None-Match",
                                       "Authorization"};
    s->id = x->id;
    s->method = arena_str(&r->a, x->method);
    s->target = arena_str(&r->a, x->target);
    s->body = arena_str(&r->a, x->body);
    set_identity(r, s, x);
    bool token = str_starts(s->as, STR("token:")); /* says it already */
    copy_headers(r, x->headers, kept, ARRAY_LEN(kept) - token, &s->headers, &s->headers_n);
}

static void fill_answer(struct record *r, struct record_step *s, const struct kubeapi_exchange *x)
{
    static const char *const kept[] = {"warning", "retry-after", "location", "www-authenticate",
                                       "allow"};
    s->status = x->status;
    s->form = form_of(x->answer_type);
    s->answer = arena_str(&r->a, x->answer);
    s->list = x->is_resource && x->name.n == 0 && !x->is_watch && !str_eq_c(x->method, "POST");
    s->open = x->cut; /* of a watch: the client ended it */
    copy_headers(r, x->answer_headers, kept, ARRAY_LEN(kept), &s->answer_headers,
                 &s->answer_headers_n);
    if (x->answer_type)
        s->answer_headers[s->answer_headers_n++] =
            (struct record_header){STR("content-type"), arena_str(&r->a, str_c(x->answer_type))};
}

static struct record_step *append(struct record *r, bool watch)
{
    struct record_step *s = ARENA_NEW(&r->a, struct record_step);
    struct record_step *in = r->open_n ? r->open[r->open_n - 1] : NULL;
    struct record_step ***tail = in ? &in->tail : &r->tail;
    s->watch = watch;
    s->tail = &s->first;
    **tail = s;
    *tail = &s->next;
    return s;
}

static void end_watch(struct record *r, const struct kubeapi_exchange *x)
{
    size_t i = r->open_n;
    while (i > 0 && r->open[i - 1]->id != x->id)
        i--;
    struct record_step *s = i > 0 ? r->open[i - 1] : append(r, true);
    if (i == 0)
        fill_request(r, s, x);
    fill_answer(r, s, x);
    s->id = 0;
    while (r->open_n > 0 && r->open[r->open_n - 1]->id == 0)
        r->open_n--;
}

void record_add(struct record *r, const struct kubeapi_exchange *x)
{
    r->full = r->full || r->a.used > RECORD_BYTES_MAX;
    if (x->started) {
        if (r->full || r->open_n == RECORD_NESTED_MAX)
            return;
        struct record_step *s = append(r, true);
        fill_request(r, s, x);
        r->open[r->open_n++] = s;
    } else if (x->is_watch) {
        end_watch(r, x);
    } else if (!r->full && x->status > 0) {
        struct record_step *s = append(r, false);
        fill_request(r, s, x);
        fill_answer(r, s, x);
    }
}

/* ---- writing ---- */

static bool is_json_type(const struct record_step *s)
{
    for (size_t i = 0; i < s->headers_n; i++)
        if (str_eq_c(s->headers[i].name, "Content-Type"))
            return str_find(s->headers[i].value, STR("json")) >= 0;
    return true;
}

static void parse_events(struct arena *a, struct record_step *s)
{
    struct str rest = s->answer, line;
    size_t max = 1;
    for (size_t i = 0; i < rest.n; i++)
        max += rest.p[i] == '\n';
    s->events = ARENA_NEW_ARRAY(a, cJSON *, max);
    while (rest.n > 0) {
        cJSON *event = NULL;
        (void)str_cut(rest, '\n', &line, &rest);
        if (line.n > 0)
            err_ignore(json_parse(a, line, &event));
        /* plain bookmarks come when they come */
        if (event && !(str_eq_c(json_string_at(event, "type"), "BOOKMARK") &&
                       !json_path(event, "object.metadata.annotations")))
            s->events[s->events_n++] = event;
    }
}

static void parse(struct arena *a, struct record_step *s)
{
    if (s->body.n > 0 && is_json_type(s))
        err_ignore(json_parse(a, s->body, &s->body_tree));
    if (s->watch && s->status == 200 && s->form == RECORD_JSON)
        parse_events(a, s);
    else if (s->form == RECORD_JSON || s->form == RECORD_YAML)
        err_ignore(json_parse(a, s->answer, &s->tree));
}

/* In the order in which a replay sees them: what is inside a watch comes before its own answer. */
static void gather(struct arena *a, struct placeholders *p, struct record_step *s)
{
    for (; s; s = s->next) {
        parse(a, s);
        placeholders_request(p, s);
        gather(a, p, s->first);
        placeholders_answer(p, s);
    }
}

static void write_headers(struct placeholders *p, const struct record_header *h, size_t n,
                          struct buf *out)
{
    bool any = false;
    buf_add_char(out, '{');
    for (size_t i = 0; i < n; i++) {
        bool array = str_eq_c(h[i].name, "warning");
        if (i > 0 && str_eq(h[i].name, h[i - 1].name))
            continue;
        buf_add_c(out, any ? "," : "");
        any = true;
        json_write_string(out, h[i].name);
        buf_add_c(out, array ? ":[" : ":");
        placeholders_write_text(p, h[i].value, out);
        for (size_t k = i + 1; array && k < n && str_eq(h[k].name, h[i].name); k++) {
            buf_add_char(out, ',');
            placeholders_write_text(p, h[k].value, out);
        }
        buf_add_c(out, array ? "]" : "");
    }
    buf_add_char(out, '}');
}

static void write_body(struct placeholders *p, const struct record_step *s, struct buf *out)
{
    buf_add_c(out, ",\"body\":");
    if (s->body.n == 0) {
        buf_add_c(out, "null");
    } else if (s->body_tree) {
        placeholders_write_request(p, s->body_tree, out);
    } else if (memchr(s->body.p, 0, s->body.n)) {
        struct buf text = {0};
        base64_encode(&text, s->body);
        json_write_string(out, buf_str(&text));
        buf_add_c(out, ",\"bodyEncoding\":\"base64\"");
        buf_free(&text);
    } else {
        placeholders_write_text(p, s->body, out);
    }
}

static void write_events(struct placeholders *p, const struct record_step *s, struct buf *out)
{
    buf_add_c(out, "{\"$watch\":[");
    for (size_t i = 0; i < s->events_n; i++) {
        bool bookmark = str_eq_c(json_string_at(s->events[i], "type"), "BOOKMARK");
        buf_add_c(out, i ? "," : "");
        buf_addf(out, "{\"type\":");
        json_write_string(out, json_string_at(s->events[i], "type"));
        buf_add_c(out, ",\"object\":");
        placeholders_write_answer(p, s, json_get(s->events[i], "object"), bookmark, out);
        buf_add_char(out, '}');
    }
    buf_addf(out, "],\"$closed\":%s}", s->open ? "false" : "true");
}

static void write_expect(struct placeholders *p, const struct record_step *s, struct buf *out)
{
    buf_addf(out, ",\"expect\":{\"status\":%d,\"headers\":", s->status);
    write_headers(p, s->answer_headers, s->answer_headers_n, out);
    buf_add_c(out, ",\"body\":");
    if (s->watch && s->status == 200 && s->form == RECORD_JSON) {
        write_events(p, s, out);
    } else if (s->form == RECORD_PROTOBUF) {
        buf_add_c(out, "{\"$protobuf\":true}");
    } else if (s->tree) {
        buf_add_c(out, s->form == RECORD_YAML ? "{\"$yaml\":" : "");
        placeholders_write_answer(p, s, s->tree, s->list, out);
        buf_add_c(out, s->form == RECORD_YAML ? "}" : "");
    } else if (s->answer.n > 0 && s->form != RECORD_OPAQUE) {
        placeholders_write_text(p, s->answer, out);
    } else {
        buf_add_c(out, "null");
    }
    buf_add_char(out, '}');
}

static void write_steps(struct placeholders *p, const struct record_step *s, struct buf *out)
{
    buf_add_char(out, '[');
    for (bool first = true; s; s = s->next, first = false) {
        buf_add_c(out, first ? "\n{\"as\":" : ",\n{\"as\":");
        placeholders_write_text(p, s->as, out);
        for (size_t i = 0; i < s->groups_n; i++) {
            buf_add_c(out, i ? "," : ",\"groups\":[");
            json_write_string(out, s->groups[i]);
        }
        buf_add_c(out, s->groups_n ? "],\"method\":" : ",\"method\":");
        json_write_string(out, s->method);
        buf_add_c(out, ",\"path\":");
        placeholders_write_text(p, s->target, out);
        buf_add_c(out, ",\"headers\":");
        write_headers(p, s->headers, s->headers_n, out);
        write_body(p, s, out);
        if (s->watch) {
            buf_add_c(out, ",\"watch\":{\"seconds\":2,\"then\":");
            write_steps(p, s->first, out);
            buf_add_char(out, '}');
        }
        buf_add_c(out, s->form == RECORD_OPAQUE ? ",\"noBody\":true" : "");
        write_expect(p, s, out);
        buf_add_char(out, '}');
    }
    buf_add_char(out, ']');
}

void record_write(struct record *r, struct str name, struct buf *out)
{
    struct placeholders p = {.a = &r->a};
    gather(&r->a, &p, r->first);
    placeholders_settle(&p);
    buf_add_c(out, "{\"name\":");
    json_write_string(out, name);
    buf_add_c(out, ",\"group\":\"recorded\",\"about\":\"exchanges with paddock-sim apiserver");
    buf_add_c(out, r->full ? "; the recording was full before its end\"" : "\"");
    buf_add_c(out, ",\"steps\":");
    write_steps(&p, r->first, out);
    buf_add_c(out, "}\n");
    placeholders_free(&p);
}
