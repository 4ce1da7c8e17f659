/* Which texts of a recording a server makes anew each time, and their placeholders. */
#include "sim/cli/record_internal.h"

#include <stdlib.h>

#define UUID_BYTES 36
#define NAMES_MAX  4096u /* generated names that are looked for */

static const char *const prefixes[PLACE_COUNT] = {
    [PLACE_UID] = "uid",           [PLACE_RV] = "rv",     [PLACE_LISTRV] = "listrv",
    [PLACE_CONTINUE] = "continue", [PLACE_IP] = "ip",     [PLACE_NODEPORT] = "nodeport",
    [PLACE_TOKEN] = "token",       [PLACE_NAME] = "name",
};

void placeholders_free(struct placeholders *p)
{
    for (size_t i = 0; i < PLACE_COUNT; i++)
        map_free(&p->values[i]);
    map_free(&p->literal);
    map_free(&p->times);
}

/* ---- recognising ---- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_digits(struct str s)
{
    uint64_t n;
    return str_to_u64(s, &n);
}

/* How many bytes of a UUID, an instant or a token stand at the start; 0: none. */
static size_t uuid_at(struct str s)
{
    if (s.n < UUID_BYTES)
        return 0;
    for (size_t i = 0; i < UUID_BYTES; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return 0;
    }
    return UUID_BYTES;
}

static size_t time_at(struct str s)
{
    static const char form[] = "0000-00-00T00:00:00";
    size_t n = sizeof form - 1;
    if (s.n <= n)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (form[i] == '0' ? s.p[i] < '0' || s.p[i] > '9' : s.p[i] != form[i])
            return 0;
    if (s.p[n] == '.')
        for (n++; n < s.n && s.p[n] >= '0' && s.p[n] <= '9';)
            n++;
    return n < s.n && s.p[n] == 'Z' ? n + 1 : 0;
}

static bool is_token_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
}

static size_t jwt_at(struct str s)
{
    size_t n = 0;
    int dots = 0;
    if (!str_starts(s, STR("eyJ")))
        return 0;
    for (; n < s.n && (is_token_char(s.p[n]) || (s.p[n] == '.' && dots < 2)); n++)
        dots += s.p[n] == '.';
    return dots == 2 ? n : 0;
}

static bool is_age(struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        size_t from = i;
        while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
            i++;
        if (i == from || i == s.n || str_find_char(STR("ydhms"), s.p[i]) < 0)
            return false;
        i++;
    }
    return s.n > 0;
}

/* ---- what a server made ---- */

static void put(struct placeholders *p, enum placeholder kind, struct str value)
{
    if (map_has(&p->values[kind], value) || map_has(&p->literal, value))
        return;
    uint64_t *number = ARENA_NEW(p->a, uint64_t);
    *number = ++p->numbers[kind];
    map_put(&p->values[kind], value, number);
}

static void put_literal(struct placeholders *p, struct str value)
{
    map_put(&p->literal, value, p);
}

static void scan(struct placeholders *p, struct str s, bool answer)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str rest = str_sub(s, i, s.n);
        size_t uuid = uuid_at(rest), time = uuid ? 0 : time_at(rest), jwt = jwt_at(rest);
        struct str found = str_sub(rest, 0, uuid + time + jwt);
        if (found.n == 0)
            continue;
        i += found.n - 1;
        if (time && answer && !map_has(&p->literal, found))
            map_put(&p->times, found, p);
        else if (uuid && answer)
            put(p, PLACE_UID, found);
        else if (jwt && answer)
            put(p, PLACE_TOKEN, found);
        else if (!answer && !map_has(&p->values[PLACE_UID], found) && !map_has(&p->times, found))
            put_literal(p, found);
    }
}

static void gather(struct placeholders *p, const cJSON *v, const cJSON *list_metadata, bool answer);

static void gather_members(struct placeholders *p, const cJSON *v, const cJSON *list_metadata,
                           bool answer)
{
    struct str prefix = json_string(json_get(v, "generateName"));
    struct str name = json_string(json_get(v, "name"));
    if (answer && prefix.n > 0 && str_starts(name, prefix) && name.n == prefix.n + 5 &&
        map_count(&p->values[PLACE_NAME]) < NAMES_MAX)
        put(p, PLACE_NAME, name);
    for (const cJSON *m = v->child; m; m = m->next) {
        struct str key = str_c(m->string), text = json_string(m);
        bool port = str_eq_c(key, "nodePort") || str_eq_c(key, "healthCheckNodePort");
        if (str_eq_c(key, "resourceVersion") && is_digits(text)) {
            if (answer && v != list_metadata)
                put(p, PLACE_RV, text);
        } else if (str_eq_c(key, "clusterIP") && text.n > 0 && !str_eq_c(text, "None")) {
            if (answer)
                put(p, PLACE_IP, text);
            else if (!map_has(&p->values[PLACE_IP], text))
                put_literal(p, text);
        } else if (port && json_is_number(m)) {
            struct str number = str_c(m->valuestring);
            if (answer)
                put(p, PLACE_NODEPORT, number);
            else if (!map_has(&p->values[PLACE_NODEPORT], number))
                put_literal(p, number);
        } else if (str_eq_c(key, "continue") && text.n > 0 && v == list_metadata) {
            put(p, PLACE_CONTINUE, text);
        } else {
            gather(p, m, list_metadata, answer);
        }
    }
}

static void gather(struct placeholders *p, const cJSON *v, const cJSON *list_metadata, bool answer)
{
    if (json_is_string(v))
        scan(p, json_string(v), answer);
    else if (cJSON_IsObject(v))
        gather_members(p, v, list_metadata, answer);
    else if (cJSON_IsArray(v))
        for (const cJSON *e = v->child; e; e = e->next)
            gather(p, e, list_metadata, answer);
}

void placeholders_request(struct placeholders *p, const struct record_step *s)
{
    scan(p, s->target, false);
    if (s->body_tree)
        gather(p, s->body_tree, NULL, false);
}

void placeholders_answer(struct placeholders *p, const struct record_step *s)
{
    if (s->tree)
        gather(p, s->tree, s->list ? json_get(s->tree, "metadata") : NULL, true);
    for (size_t i = 0; i < s->events_n; i++) {
        const cJSON *object = json_get(s->events[i], "object");
        bool bookmark = str_eq_c(json_string_at(s->events[i], "type"), "BOOKMARK");
        gather(p, object, bookmark ? json_get(object, "metadata") : NULL, true);
    }
}

struct numbered {
    uint64_t value;
    uint64_t *number;
};

static int by_value(const void *a, const void *b)
{
    const struct numbered *x = a, *y = b;
    return x->value < y->value ? -1 : x->value > y->value;
}

void placeholders_settle(struct placeholders *p)
{
    size_t n = map_count(&p->values[PLACE_RV]), at = 0;
    struct numbered *all = MEM_NEW_ARRAY(struct numbered, n + 1);
    struct str key;
    void *number;
    for (size_t i = 0; map_next(&p->values[PLACE_RV], &i, &key, &number); at++) {
        (void)str_to_u64(key, &all[at].value);
        all[at].number = number;
    }
    qsort(all, n, sizeof *all, by_value);
    for (size_t i = 0; i < n; i++)
        *all[i].number = i + 1;
    mem_free(all);
}

/* ---- writing ---- */

static bool add(struct placeholders *p, enum placeholder kind, struct str value, struct buf *out)
{
    const uint64_t *number = map_get(&p->values[kind], value);
    if (number)
        buf_addf(out, "$%s:%llu", prefixes[kind], (unsigned long long)*number);
    return number != NULL;
}

static size_t name_at(const struct placeholders *p, struct str s)
{
    struct str name;
    for (size_t i = 0; map_next(&p->values[PLACE_NAME], &i, &name, NULL);)
        if (str_starts(s, name))
            return name.n;
    return 0;
}

/* "resourceVersion=12", "continue=..." of a query: how many bytes were replaced. */
static size_t add_parameter(struct placeholders *p, struct str s, struct buf *out)
{
    static const struct str names[] = {STR_INIT("resourceVersion="), STR_INIT("continue=")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (!str_starts(s, names[i]))
            continue;
        size_t end = names[i].n;
        while (end < s.n && s.p[end] != '&')
            end++;
        struct str value = str_sub(s, names[i].n, end - names[i].n);
        buf_add(out, names[i]);
        bool done = i == 1 ? add(p, PLACE_CONTINUE, value, out)
                           : add(p, PLACE_LISTRV, value, out) || add(p, PLACE_RV, value, out);
        if (!done)
            buf_add(out, value);
        return end;
    }
    return 0;
}

static void replace(struct placeholders *p, struct str s, bool answer, struct buf *out)
{
    if (add(p, PLACE_IP, s, out))
        return;
    for (size_t i = 0; i < s.n;) {
        struct str rest = str_sub(s, i, s.n);
        size_t uuid = uuid_at(rest), time = time_at(rest), jwt = jwt_at(rest);
        size_t name = name_at(p, rest), query = answer ? 0 : add_parameter(p, rest, out);
        if (query)
            i += query;
        else if (uuid && add(p, PLACE_UID, str_sub(rest, 0, uuid), out))
            i += uuid;
        else if (jwt && add(p, PLACE_TOKEN, str_sub(rest, 0, jwt), out))
            i += jwt;
        else if (name && add(p, PLACE_NAME, str_sub(rest, 0, name), out))
            i += name;
        else if (time && answer && map_has(&p->times, str_sub(rest, 0, time))) {
            buf_add_c(out, memchr(rest.p, '.', time) ? "$microtime" : "$time");
            i += time;
        } else
            buf_add_char(out, s.p[i++]);
    }
}

static void write_text(struct placeholders *p, struct str s, bool answer, struct buf *out)
{
    struct buf text = {0};
    replace(p, s, answer, &text);
    json_write_string(out, buf_str(&text));
    buf_free(&text);
}

struct writing {
    struct placeholders *p;
    const cJSON *list_metadata; /* its resourceVersion is a list's */
    bool reuse;                 /* it repeats that of an earlier page */
    bool answer;
    bool version; /* the answer of /version: builds differ, the API's version does not */
    struct buf *out;
};

static void write_list_revision(const struct writing *w, struct str text)
{
    struct placeholders *p = w->p;
    uint64_t *number = map_get(&p->values[PLACE_LISTRV], text);
    if (!number || !w->reuse) {
        number = ARENA_NEW(p->a, uint64_t);
        *number = ++p->numbers[PLACE_LISTRV];
        map_put(&p->values[PLACE_LISTRV], text, number);
    }
    buf_addf(w->out, "\"$listrv:%llu\"", (unsigned long long)*number);
}

static void write_value(const struct writing *w, const cJSON *v, struct str key, bool cell);

static void write_member(const struct writing *w, const cJSON *in, const cJSON *m)
{
    struct str key = str_c(m->string), text = json_string(m);
    struct buf place = {0};
    bool done = false;
    write_text(w->p, key, w->answer, w->out);
    buf_add_char(w->out, ':');
    if (str_eq_c(key, "resourceVersion") && is_digits(text)) {
        if (in == w->list_metadata && !str_eq_c(text, "0")) {
            write_list_revision(w, text);
            return;
        }
        done = add(w->p, PLACE_RV, text, &place) || add(w->p, PLACE_LISTRV, text, &place);
    } else if (str_ends(key, STR("odePort")) && json_is_number(m)) {
        done = add(w->p, PLACE_NODEPORT, str_c(m->valuestring), &place);
    } else if (str_eq_c(key, "continue") && text.n > 0) {
        done = add(w->p, PLACE_CONTINUE, text, &place);
    } else if (w->version && str_find(key, STR("inor")) < 0 && str_find(key, STR("ajor")) < 0) {
        buf_add_c(&place, "$str");
        done = true;
    } else if (str_eq_c(key, "serverAddress") && w->answer) {
        buf_add_c(&place, "$hostport");
        done = true;
    }
    if (done)
        json_write_string(w->out, buf_str(&place));
    else
        write_value(w, m, key, false);
    buf_free(&place);
}

static void write_value(const struct writing *w, const cJSON *v, struct str key, bool cell)
{
    bool first = true;
    if (json_is_string(v)) {
        if (cell && w->answer && is_age(json_string(v)))
            buf_add_c(w->out, "\"$age\"");
        else
            write_text(w->p, json_string(v), w->answer, w->out);
        return;
    }
    if (!cJSON_IsObject(v) && !cJSON_IsArray(v)) {
        json_write(w->out, v);
        return;
    }
    buf_add_char(w->out, cJSON_IsObject(v) ? '{' : '[');
    for (const cJSON *e = v->child; e; e = e->next, first = false) {
        buf_add_c(w->out, first ? "" : ",");
        if (cJSON_IsObject(v))
            write_member(w, v, e);
        else
            write_value(w, e, key, str_eq_c(key, "cells"));
    }
    buf_add_char(w->out, cJSON_IsObject(v) ? '}' : ']');
}

void placeholders_write_request(struct placeholders *p, const cJSON *body, struct buf *out)
{
    struct writing w = {.p = p, .out = out};
    write_value(&w, body, str_empty, false);
}

void placeholders_write_answer(struct placeholders *p, const struct record_step *s,
                               const cJSON *answer, bool list, struct buf *out)
{
    struct writing w = {.p = p,
                        .list_metadata = list ? json_get(answer, "metadata") : NULL,
                        .reuse = str_find(s->target, STR("continue=")) >= 0,
                        .answer = true,
                        .version = str_starts(s->target, STR("/version")),
                        .out = out};
    write_value(&w, answer, str_empty, false);
}

void placeholders_write_text(struct placeholders *p, struct str text, struct buf *out)
{
    write_text(p, text, false, out);
}
