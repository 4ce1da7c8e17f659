/* Cells that many kinds have: names, ages, plain values, counts, containers, labels and selectors. */
#include "sim/kubeapi/core/request.h"
#include "sim/kubeapi/print/cell.h"

#include "engine/base/timefmt.h"
#include <stdlib.h>

#define SELECTOR_PARTS_MAX 256u

/* ---- pieces ---- */

void cell_row(struct cell *c, const struct kube_object *o)
{
    struct str key, value;
    c->o = o;
    c->metadata = c->spec = c->status = str_empty;
    for (struct scan s = cell_members(o->json); scan_member(&s, &key, &value);) {
        if (str_eq_c(key, "metadata"))
            c->metadata = value;
        else if (str_eq_c(key, "spec"))
            c->spec = value;
        else if (str_eq_c(key, "status"))
            c->status = value;
    }
}

/* Most paths begin with one of three members. */
struct str cell_raw(const struct cell *c, const char *path)
{
    struct str p = str_c(path);
    if (str_starts(p, STR("status.")))
        return scan_path(c->status, path + 7);
    if (str_starts(p, STR("spec.")))
        return scan_path(c->spec, path + 5);
    if (str_starts(p, STR("metadata.")))
        return scan_path(c->metadata, path + 9);
    return kube_object_raw(c->o, path);
}

struct str cell_text_of(struct str raw)
{
    struct str inner;
    bool escaped;
    return scan_string(raw, &inner, &escaped) ? inner : str_empty;
}

struct str cell_text(const struct cell *c, const char *path)
{
    return cell_text_of(cell_raw(c, path));
}

int64_t cell_int(struct str raw)
{
    int64_t v = 0;
    return str_to_i64(raw, &v) ? v : 0;
}

struct str cell_scalar(struct str raw)
{
    return raw.n > 0 && raw.p[0] == '"' ? cell_text_of(raw) : raw;
}

void cell_put(struct cell *c, struct str text)
{
    buf_add_char(c->out, '"');
    buf_add(c->out, text);
    buf_add_char(c->out, '"');
}

void cell_put_c(struct cell *c, const char *text)
{
    cell_put(c, str_c(text));
}

struct scan cell_list(struct str raw)
{
    struct scan s = scan_of(raw);
    if (raw.n == 0 || raw.p[0] != '[' || !scan_enter(&s, '['))
        return (struct scan){raw.p, raw.p};
    return s;
}

struct scan cell_members(struct str raw)
{
    struct scan s = scan_of(raw);
    if (raw.n == 0 || raw.p[0] != '{' || !scan_enter(&s, '{'))
        return (struct scan){raw.p, raw.p};
    return s;
}

static void put_or(struct cell *c, const char *otherwise)
{
    struct str text = cell_text(c, c->arg);
    cell_put(c, text.n > 0 ? text : str_c(otherwise));
}

/* ---- time ---- */

static void two_units(struct buf *out, int64_t large, const char *large_unit, int64_t small,
                      const char *small_unit)
{
    buf_addf(out, "%lld%s", (long long)large, large_unit);
    if (small > 0)
        buf_addf(out, "%lld%s", (long long)small, small_unit);
}

void cell_duration(int64_t ns, struct buf *out)
{
    int64_t seconds = ns / NS_PER_S, minutes = seconds / 60, hours = minutes / 60;
    if (seconds < -1)
        buf_add_c(out, "<invalid>");
    else if (seconds < 0)
        buf_add_c(out, "0s");
    else if (seconds < 120)
        two_units(out, seconds, "s", 0, "");
    else if (minutes < 10)
        two_units(out, minutes, "m", seconds % 60, "s");
    else if (minutes < 180)
        two_units(out, minutes, "m", 0, "");
    else if (hours < 8)
        two_units(out, hours, "h", minutes % 60, "m");
    else if (hours < 48)
        two_units(out, hours, "h", 0, "");
    else if (hours < 24 * 8)
        two_units(out, hours / 24, "d", hours % 24, "h");
    else if (hours < 24 * 365 * 2)
        two_units(out, hours / 24, "d", 0, "");
    else if (hours < 24 * 365 * 8)
        two_units(out, hours / 24 / 365, "y", hours / 24 % 365, "d");
    else
        two_units(out, hours / 24 / 365, "y", 0, "");
}

void cell_since_text(int64_t now, struct str rfc3339, struct buf *out)
{
    int64_t then;
    if (rfc3339.n == 0 || !rfc3339_parse(rfc3339, &then))
        buf_add_c(out, "<unknown>");
    else
        cell_duration(now - then, out);
}

static void put_since(struct cell *c, struct str rfc3339)
{
    buf_add_char(c->out, '"');
    cell_since_text(c->now, rfc3339, c->out);
    buf_add_char(c->out, '"');
}

void cell_age(struct cell *c)
{
    put_since(c, cell_text(c, "metadata.creationTimestamp"));
}

void cell_created(struct cell *c)
{
    struct str raw = cell_raw(c, "metadata.creationTimestamp");
    buf_add(c->out, raw.n > 0 ? raw : STR("null"));
}

void cell_since_or_none(struct cell *c)
{
    struct str text = cell_text(c, c->arg);
    if (text.n == 0)
        cell_put_c(c, "<none>");
    else
        put_since(c, text);
}

/* ---- plain values ---- */

void cell_name(struct cell *c)
{
    json_write_string(c->out, c->o->name);
}

void cell_string(struct cell *c)
{
    put_or(c, "");
}

void cell_string_or_none(struct cell *c)
{
    put_or(c, "<none>");
}

void cell_string_or_unknown(struct cell *c)
{
    put_or(c, "<unknown>");
}

void cell_string_or_unset(struct cell *c)
{
    put_or(c, "<unset>");
}

void cell_string_or_delete(struct cell *c)
{
    put_or(c, "Delete");
}

void cell_string_or_immediate(struct cell *c)
{
    put_or(c, "Immediate");
}

void cell_scalar_or_na(struct cell *c)
{
    struct str raw = cell_raw(c, c->arg);
    cell_put(c, raw.n > 0 ? cell_scalar(raw) : STR("N/A"));
}

void cell_scalar_or_none(struct cell *c)
{
    struct str raw = cell_raw(c, c->arg);
    if (raw.n > 0)
        buf_add(c->out, raw);
    else
        cell_put_c(c, "<none>");
}

void cell_integer(struct cell *c)
{
    buf_add_i64(c->out, cell_int(cell_raw(c, c->arg)));
}

void cell_boolean(struct cell *c)
{
    buf_add_c(c->out, str_eq_c(cell_raw(c, c->arg), "true") ? "true" : "false");
}

void cell_bool_or_true(struct cell *c)
{
    buf_add_c(c->out, str_eq_c(cell_raw(c, c->arg), "false") ? "false" : "true");
}

void cell_printed_bool(struct cell *c)
{
    struct str raw = cell_raw(c, c->arg);
    cell_put_c(c, raw.n == 0 ? "<unset>" : str_eq_c(raw, "true") ? "True" : "False");
}

void cell_phase_or_terminating(struct cell *c)
{
    if (c->o->deleting)
        cell_put_c(c, "Terminating");
    else
        cell_string(c);
}

/* "3/5" of two paths. */
void cell_ready_of(struct cell *c)
{
    struct str left, right;
    char path[64];
    (void)str_cut(str_c(c->arg), ' ', &left, &right);
    BUG_ON(left.n >= sizeof path, "paths of columns are short");
    memcpy(path, left.p, left.n);
    path[left.n] = '\0';
    buf_addf(c->out, "\"%lld/%lld\"", (long long)cell_int(cell_raw(c, path)),
             (long long)cell_int(cell_raw(c, right.p)));
}

/* ---- counts and lists ---- */

void cell_count_elements(struct cell *c)
{
    struct str item;
    uint64_t n = 0;
    for (struct scan s = cell_list(cell_raw(c, c->arg)); scan_element(&s, &item);)
        n++;
    buf_add_u64(c->out, n);
}

/* Of several objects at the top, by blank-separated names. */
void cell_count_members(struct cell *c)
{
    struct str rest = str_c(c->arg), name, key, value;
    uint64_t n = 0;
    while (rest.n > 0) {
        (void)str_cut(rest, ' ', &name, &rest);
        for (struct scan s = cell_members(scan_get(c->o->json, name));
             scan_member(&s, &key, &value);)
            n++;
    }
    buf_add_u64(c->out, n);
}

static size_t join(struct cell *c, struct str list)
{
    struct str item;
    size_t n = 0;
    for (struct scan s = cell_list(list); scan_element(&s, &item); n++) {
        if (n > 0)
            buf_add_char(c->out, ',');
        buf_add(c->out, cell_scalar(item));
    }
    return n;
}

void cell_joined(struct cell *c)
{
    buf_add_char(c->out, '"');
    (void)join(c, cell_raw(c, c->arg));
    buf_add_char(c->out, '"');
}

void cell_joined_or_none(struct cell *c)
{
    buf_add_char(c->out, '"');
    if (join(c, cell_raw(c, c->arg)) == 0)
        buf_add_c(c->out, "<none>");
    buf_add_char(c->out, '"');
}

/* A member of each container of a pod spec. */
static void container_members(struct cell *c, const char *member)
{
    struct str item;
    bool first = true;
    buf_add_char(c->out, '"');
    struct str list = scan_get(cell_raw(c, c->arg), STR("containers"));
    for (struct scan s = cell_list(list); scan_element(&s, &item); first = false) {
        if (!first)
            buf_add_char(c->out, ',');
        buf_add(c->out, cell_text_of(scan_get(item, str_c(member))));
    }
    buf_add_char(c->out, '"');
}

void cell_containers(struct cell *c)
{
    container_members(c, "name");
}

void cell_images(struct cell *c)
{
    container_members(c, "image");
}

/* ---- labels and selectors ---- */

/* Canonical keys are in order already, as the reference prints them. */
void cell_labels(struct cell *c)
{
    struct str key, value;
    bool first = true;
    buf_add_char(c->out, '"');
    for (struct scan s = cell_members(cell_raw(c, c->arg)); scan_member(&s, &key, &value);) {
        buf_addf(c->out, "%s" STR_FMT "=" STR_FMT, first ? "" : ",", STR_ARG(key),
                 STR_ARG(cell_text_of(value)));
        first = false;
    }
    if (first)
        buf_add_c(c->out, "<none>");
    buf_add_char(c->out, '"');
}

struct requirement {
    struct str key, value; /* value: of matchLabels */
    struct str expression; /* raw; empty: of matchLabels */
};

static int requirement_cmp(const void *a, const void *b)
{
    return str_cmp(((const struct requirement *)a)->key, ((const struct requirement *)b)->key);
}

static void write_values(struct str list, struct buf *out)
{
    struct str values[SELECTOR_PARTS_MAX], item;
    size_t n = 0;
    for (struct scan s = cell_list(list); n < ARRAY_LEN(values) && scan_element(&s, &item);)
        values[n++] = cell_text_of(item);
    if (n > 1)
        qsort(values, n, sizeof values[0], str_order);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s" STR_FMT, i > 0 ? "," : "", STR_ARG(values[i]));
}

static void write_requirement(const struct requirement *r, struct buf *out)
{
    struct str op = cell_text_of(scan_get(r->expression, STR("operator")));
    if (r->expression.n == 0) {
        buf_addf(out, STR_FMT "=" STR_FMT, STR_ARG(r->key), STR_ARG(r->value));
        return;
    }
    buf_addf(out, "%s" STR_FMT, str_eq_c(op, "DoesNotExist") ? "!" : "", STR_ARG(r->key));
    if (!str_eq_c(op, "In") && !str_eq_c(op, "NotIn"))
        return;
    buf_add_c(out, str_eq_c(op, "In") ? " in (" : " notin (");
    write_values(scan_get(r->expression, STR("values")), out);
    buf_add_char(out, ')');
}

static void cell_selector_write(struct str selector, struct buf *out)
{
    struct requirement all[SELECTOR_PARTS_MAX];
    struct str key, value, item;
    size_t n = 0;
    for (struct scan s = cell_members(scan_get(selector, STR("matchLabels")));
         n < ARRAY_LEN(all) && scan_member(&s, &key, &value);)
        all[n++] = (struct requirement){key, cell_text_of(value), str_empty};
    for (struct scan s = cell_list(scan_get(selector, STR("matchExpressions")));
         n < ARRAY_LEN(all) && scan_element(&s, &item);)
        all[n++] = (struct requirement){cell_text_of(scan_get(item, STR("key"))), str_empty, item};
    qsort(all, n, sizeof all[0], requirement_cmp);
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_add_char(out, ',');
        write_requirement(&all[i], out);
    }
}

void cell_selector(struct cell *c)
{
    size_t before;
    buf_add_char(c->out, '"');
    before = c->out->n;
    cell_selector_write(cell_raw(c, c->arg), c->out);
    if (c->out->n == before)
        buf_add_c(c->out, "<none>");
    buf_add_char(c->out, '"');
}
