#include "tests/unit/support/kubeapi_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

void fixture_open(struct fixture *f, const struct kubeapi_options *options)
{
    struct kubeapi_options bare = {.bare = true, .name = STR("test"), .ca_pem = STR("CA")};
    *f = (struct fixture){.world = fake_new(1)};
    f->api = kubeapi_new(fake_of(f->world), options ? options : &bare);
}

static void forget(struct fixture *f)
{
    kubeapi_answer_free(&f->last);
    f->last = (struct kubeapi_answer){0};
    f->body = NULL;
}

void fixture_close(struct fixture *f)
{
    forget(f);
    kubeapi_free(f->api);
    fake_free(f->world);
    arena_free(&f->a);
}

int ask(struct fixture *f, const char *method, const char *target, const char *body)
{
    static const struct str masters = STR_INIT("system:masters");
    bool patch = strcmp(method, "PATCH") == 0;
    struct kubeapi_request r = {
        .method = method,
        .target = str_c(target),
        .body = str_c(body),
        .content_type = str_c(f->content_type ? f->content_type
                              : patch         ? "application/merge-patch+json"
                                              : "application/json"),
        .accept = f->accept ? str_c(f->accept) : str_empty,
        .as = f->as ? str_c(f->as) : STR("system:admin"),
        .as_groups = &masters,
        .as_groups_n = f->as ? 0 : 1,
    };
    forget(f);
    kubeapi_call(f->api, &r, &f->last);
    err_ignore(json_parse(&f->a, buf_str(&f->last.body), &f->body));
    return f->last.status;
}

void settle(struct fixture *f)
{
    fake_run_for(f->world, NS_PER_S);
}

const char *said(struct fixture *f, const char *path)
{
    const cJSON *v = f->body ? json_path(f->body, path) : NULL;
    if (v && v->type == cJSON_Raw)
        return v->valuestring;
    if (v && (v->type == cJSON_True || v->type == cJSON_False))
        return v->type == cJSON_True ? "true" : "false";
    return arena_c(&f->a, json_string(v));
}

const char *items(struct fixture *f)
{
    struct buf b = {0};
    const cJSON *list = f->body ? json_get(f->body, "items") : NULL;
    for (const cJSON *c = list ? list->child : NULL; c; c = c->next)
        buf_addf(&b, "%s" STR_FMT, b.n > 0 ? " " : "", STR_ARG(json_string_at(c, "metadata.name")));
    const char *names = arena_c(&f->a, buf_str(&b));
    buf_free(&b);
    return names;
}

void must(struct fixture *f, int status, const char *method, const char *target, const char *body)
{
    int got = ask(f, method, target, body);
    if (got != status)
        fail_msg("%s %s: %d instead of %d: " STR_FMT, method, target, got, status,
                 STR_ARG(buf_str(&f->last.body)));
}
