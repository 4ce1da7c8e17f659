/* One JSON line for each audit event. */
#include "sim/cli/audit.h"

#include "engine/base/json.h"

#include <errno.h>
#include <stdio.h>

#define LINE_BYTES_MAX ((size_t)1 << 20)

struct audit {
    FILE *file;
    char *path;
    struct buf line;
    struct world_timer *flush;
    bool failed;
};

static void on_flush(void *owner)
{
    struct audit *a = owner;
    bool ok = fflush(a->file) == 0 && !ferror(a->file);
    if (!ok && !a->failed)
        fprintf(stderr, "paddock-sim: error: --audit: %s: %s\n", a->path, strerror(errno));
    a->failed = !ok;
    clearerr(a->file);
}

struct err *audit_new(struct world *w, const char *path, struct audit **out)
{
    FILE *file = fopen(path, "ae");
    if (!file)
        return err_new(ERR_IO, "--audit: %s: %s", path, strerror(errno));
    struct audit *a = MEM_NEW(struct audit);
    a->file = file;
    a->path = str_dup_c(str_c(path));
    a->line.max = LINE_BYTES_MAX;
    a->flush = world_timer_new(w, on_flush, a);
    *out = a;
    return NULL;
}

void audit_free(struct audit *a)
{
    if (!a)
        return;
    on_flush(a);
    world_timer_free(a->flush);
    (void)fclose(a->file);
    buf_free(&a->line);
    mem_free(a->path);
    mem_free(a);
}

static void member(struct buf *b, const char *key, struct str value)
{
    if (value.n == 0)
        return;
    if (b->n > 0 && b->p[b->n - 1] != '{')
        buf_add_char(b, ',');
    buf_addf(b, "\"%s\":", key);
    json_write_string(b, value);
}

static void time_member(struct buf *b, const char *key, world_time at)
{
    struct buf text = {.max = 64};
    rfc3339_format_micro(&text, at);
    member(b, key, buf_str(&text));
    buf_free(&text);
}

static void add_list(struct buf *b, const struct str *list, size_t n)
{
    buf_add_char(b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_add_c(b, i ? "," : "");
        json_write_string(b, list[i]);
    }
    buf_add_char(b, ']');
}

static void user_member(struct buf *b, const char *key, const struct kubeapi_user *u)
{
    if (u->name.n == 0)
        return;
    buf_addf(b, ",\"%s\":{", key);
    member(b, "username", u->name);
    member(b, "uid", u->uid);
    if (u->groups_n > 0) {
        buf_add_c(b, ",\"groups\":");
        add_list(b, u->groups, u->groups_n);
    }
    for (size_t i = 0; i < u->extra_n; i++) {
        buf_add_c(b, i ? "," : ",\"extra\":{");
        json_write_string(b, u->extra[i].key);
        buf_add_char(b, ':');
        add_list(b, u->extra[i].values, u->extra[i].n);
    }
    buf_add_c(b, u->extra_n ? "}}" : "}");
}

/* Of the answer: what a failure says, and the name that a creation was given. */
static void object_members(struct buf *b, const struct kubeapi_exchange *x, const cJSON *answer)
{
    struct str name = x->name, uid = str_empty;
    if (x->status == 201 && x->sub.n == 0) {
        name = json_string_at(answer, "metadata.name");
        uid = json_string_at(answer, "metadata.uid");
    }
    buf_add_c(b, ",\"objectRef\":{");
    member(b, "resource", x->resource);
    member(b, "namespace", x->ns);
    member(b, "name", name);
    member(b, "uid", uid);
    member(b, "apiGroup", x->group);
    member(b, "apiVersion", x->version);
    member(b, "subresource", x->sub);
    buf_add_char(b, '}');
}

static void status_members(struct buf *b, const struct kubeapi_exchange *x, const cJSON *answer)
{
    buf_add_c(b, ",\"responseStatus\":{\"metadata\":{}");
    if (x->status >= 400) {
        const cJSON *details = json_get(answer, "details");
        member(b, "status", json_string_at(answer, "status"));
        member(b, "message", json_string_at(answer, "message"));
        member(b, "reason", json_string_at(answer, "reason"));
        if (details) {
            buf_add_c(b, ",\"details\":");
            json_write(b, details);
        }
    }
    buf_addf(b, ",\"code\":%d}", x->status);
}

static const char *stage_of(const struct kubeapi_exchange *x)
{
    if (x->started)
        return "ResponseStarted";
    return x->cut && !x->is_watch ? "Panic" : "ResponseComplete";
}

static void write_event(struct buf *b, const struct kubeapi_exchange *x, const cJSON *answer)
{
    buf_add_c(b, "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"level\":\"Metadata\"");
    member(b, "auditID", x->audit_id);
    member(b, "stage", str_c(stage_of(x)));
    member(b, "requestURI", x->target);
    member(b, "verb", x->verb);
    user_member(b, "user", &x->user);
    user_member(b, "impersonatedUser", &x->as);
    buf_add_c(b, ",\"sourceIPs\":[");
    json_write_string(b, str_c(x->peer.host));
    buf_add_char(b, ']');
    member(b, "userAgent", http_headers_get(x->headers, "User-Agent"));
    if (x->is_resource)
        object_members(b, x, answer);
    if (x->status)
        status_members(b, x, answer);
    time_member(b, "requestReceivedTimestamp", x->received);
    time_member(b, "stageTimestamp", x->now);
    for (size_t i = 0; i < x->annotations_n; i++) {
        buf_add_c(b, i ? "," : ",\"annotations\":{");
        json_write_string(b, x->annotations[i].key);
        buf_add_char(b, ':');
        json_write_string(b, x->annotations[i].value);
    }
    buf_add_c(b, x->annotations_n ? "}}\n" : "}\n");
}

void audit_add(struct audit *a, const struct kubeapi_exchange *x)
{
    struct arena arena = {0};
    cJSON *answer = NULL;
    if (x->status >= 400 || x->status == 201)
        err_ignore(json_parse(&arena, x->answer, &answer));
    buf_clear(&a->line);
    write_event(&a->line, x, answer);
    if (buf_ok(&a->line))
        (void)fwrite(a->line.p, 1, a->line.n, a->file);
    if (!world_timer_active(a->flush))
        world_timer_start(a->flush, AUDIT_FLUSH);
    arena_free(&arena);
}
