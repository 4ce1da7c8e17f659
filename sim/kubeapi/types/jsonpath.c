#include "sim/kubeapi/types/jsonpath.h"

#include "sim/kubeapi/types/decimal.h"

enum step_kind { STEP_NAMES, STEP_SLICE, STEP_ALL, STEP_DEEP, STEP_FILTER };
enum filter_op { OP_THERE, OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

struct step {
    enum step_kind kind;
    struct str *names; /* STEP_NAMES, and STEP_DEEP (one) */
    size_t names_n;
    int64_t from, to;           /* STEP_SLICE */
    bool has_from, has_to, one; /* one: an index */
    enum filter_op op;
    struct jsonpath *left; /* of '@' */
    const cJSON *right;    /* a scalar */
};

struct jsonpath {
    struct step *steps;
    size_t n;
};

struct parser {
    struct arena *a, *scratch; /* of the result; of the parsers */
    struct str text;
    size_t at;
    unsigned depth;
    struct step steps[JSONPATH_STEPS_MAX];
    size_t n;
};

static struct err *bad(const struct parser *p, const char *what)
{
    return err_new(ERR_INVALID, "%s at %zu in \"" STR_FMT "\"", what, p->at, STR_ARG(p->text));
}

static char peek(const struct parser *p)
{
    return p->at < p->text.n ? p->text.p[p->at] : '\0';
}

static void skip_blanks(struct parser *p)
{
    while (peek(p) == ' ')
        p->at++;
}

static struct err *add_step(struct parser *p, struct step step)
{
    if (p->n == JSONPATH_STEPS_MAX)
        return bad(p, "too many steps");
    p->steps[p->n++] = step;
    return NULL;
}

/* ---- reading ---- */

/* A plain name: up to '.', '[', or a blank or operator inside a filter; a backslash takes the next as it is. */
static struct str read_name(struct parser *p)
{
    struct buf b = {.max = JSONPATH_BYTES_MAX};
    while (p->at < p->text.n && !char_in(p->text.p[p->at], ".[") &&
           !(p->depth > 0 && char_in(p->text.p[p->at], " =!<>)]"))) {
        if (p->text.p[p->at] == '\\' && p->at + 1 < p->text.n)
            p->at++;
        buf_add_char(&b, p->text.p[p->at++]);
    }
    struct str s = arena_str(p->a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct err *read_quoted(struct parser *p, struct str *out)
{
    struct buf b = {.max = JSONPATH_BYTES_MAX};
    char quote = p->text.p[p->at++];
    while (p->at < p->text.n && p->text.p[p->at] != quote) {
        if (p->text.p[p->at] == '\\' && p->at + 1 < p->text.n)
            p->at++;
        buf_add_char(&b, p->text.p[p->at++]);
    }
    *out = arena_str(p->a, buf_str(&b));
    buf_free(&b);
    if (p->at >= p->text.n)
        return bad(p, "unterminated string");
    p->at++;
    return NULL;
}

static bool read_int(struct parser *p, int64_t *out)
{
    size_t from = p->at;
    if (peek(p) == '-')
        p->at++;
    while (peek(p) >= '0' && peek(p) <= '9')
        p->at++;
    return str_to_i64(str_sub(p->text, from, p->at - from), out);
}

/* Behind '[': an index or a slice. */
static struct err *read_slice(struct parser *p)
{
    struct step step = {.kind = STEP_SLICE};
    step.has_from = peek(p) != ':';
    if (step.has_from && !read_int(p, &step.from))
        return bad(p, "not an index");
    step.one = peek(p) != ':';
    if (!step.one) {
        p->at++;
        step.has_to = peek(p) != ']';
        if (step.has_to && !read_int(p, &step.to))
            return bad(p, "not an index");
    }
    return add_step(p, step);
}

static struct err *read_names(struct parser *p)
{
    struct step step = {.kind = STEP_NAMES};
    step.names = ARENA_NEW_ARRAY(p->a, struct str, JSONPATH_STEPS_MAX);
    for (bool more = true; more;) {
        skip_blanks(p);
        if (step.names_n == JSONPATH_STEPS_MAX || (peek(p) != '\'' && peek(p) != '"'))
            return bad(p, "a quoted name is expected");
        struct err *err = read_quoted(p, &step.names[step.names_n++]);
        if (err)
            return err;
        skip_blanks(p);
        more = peek(p) == ',';
        p->at += more;
    }
    return add_step(p, step);
}

static struct err *read_path(struct parser *p);

static enum filter_op read_op(struct parser *p)
{
    static const struct {
        const char *text;
        enum filter_op op;
    } ops[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<=", OP_LE},
               {">=", OP_GE}, {"<", OP_LT},  {">", OP_GT}};
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (str_starts(str_sub(p->text, p->at, 2), str_c(ops[i].text))) {
            p->at += strlen(ops[i].text);
            return ops[i].op;
        }
    return OP_THERE;
}

static struct err *read_scalar(struct parser *p, const cJSON **out)
{
    struct str text;
    skip_blanks(p);
    if (peek(p) == '"' || peek(p) == '\'') {
        struct err *err = read_quoted(p, &text);
        if (!err)
            *out = json_str(p->a, text);
        return err;
    }
    size_t from = p->at;
    while (p->at < p->text.n && !char_in(p->text.p[p->at], " )]"))
        p->at++;
    cJSON *v = NULL;
    struct err *err = json_parse(p->a, str_sub(p->text, from, p->at - from), &v);
    if (err) {
        err_free(err);
        return bad(p, "not a value");
    }
    *out = v;
    return NULL;
}

static struct jsonpath *path_of(const struct parser *p)
{
    struct jsonpath *made = ARENA_NEW(p->a, struct jsonpath);
    made->steps = ARENA_NEW_ARRAY(p->a, struct step, p->n + 1);
    memcpy(made->steps, p->steps, p->n * sizeof(p->steps[0]));
    made->n = p->n;
    return made;
}

/* Behind "[?(": "@.path op value)". */
static struct err *read_filter(struct parser *p)
{
    struct step step = {.kind = STEP_FILTER};
    struct parser *inner = ARENA_NEW(p->scratch, struct parser);
    skip_blanks(p);
    if (peek(p) != '@')
        return bad(p, "a filter begins with @");
    *inner = (struct parser){
        .a = p->a, .scratch = p->scratch, .text = p->text, .at = p->at + 1, .depth = p->depth + 1};
    if (inner->depth > 4)
        return bad(p, "filters too deep");
    struct err *err = read_path(inner);
    if (err)
        return err;
    p->at = inner->at;
    step.left = path_of(inner);
    skip_blanks(p);
    step.op = read_op(p);
    if (step.op != OP_THERE)
        err = read_scalar(p, &step.right);
    skip_blanks(p);
    if (!err && peek(p) != ')')
        err = bad(p, "unterminated filter");
    if (err)
        return err;
    p->at++;
    return add_step(p, step);
}

static struct err *read_bracket(struct parser *p)
{
    struct err *err;
    p->at++;
    skip_blanks(p);
    if (peek(p) == '*') {
        p->at++;
        err = add_step(p, (struct step){.kind = STEP_ALL});
    } else if (str_starts(str_sub(p->text, p->at, 2), STR("?("))) {
        p->at += 2;
        err = read_filter(p);
    } else if (peek(p) == '\'' || peek(p) == '"') {
        err = read_names(p);
    } else {
        err = read_slice(p);
    }
    skip_blanks(p);
    if (!err && peek(p) != ']')
        return bad(p, "unterminated array");
    p->at++;
    return err;
}

static struct err *read_dot(struct parser *p)
{
    struct step step = {.kind = STEP_NAMES};
    p->at++;
    if (peek(p) == '.') {
        p->at++;
        step.kind = STEP_DEEP;
    }
    if (peek(p) == '*') {
        p->at++;
        return add_step(p, (struct step){.kind = STEP_ALL});
    }
    if (peek(p) == '[' || (peek(p) == '\0' && p->n == 0))
        return NULL; /* ".[0]", and "." alone: the value itself */
    step.names = ARENA_NEW(p->a, struct str);
    step.names[0] = read_name(p);
    step.names_n = 1;
    if (step.names[0].n == 0)
        return bad(p, "a name is expected");
    return add_step(p, step);
}

static struct err *read_path(struct parser *p)
{
    struct err *err = NULL;
    while (!err && p->at < p->text.n && (peek(p) == '.' || peek(p) == '['))
        err = peek(p) == '.' ? read_dot(p) : read_bracket(p);
    return err;
}

struct err *jsonpath_compile(struct arena *a, struct str text, struct jsonpath **out)
{
    struct arena scratch = {0};
    struct parser *p = ARENA_NEW(&scratch, struct parser);
    if (text.n > JSONPATH_BYTES_MAX) {
        arena_free(&scratch);
        return err_new(ERR_INVALID, "a JSONPath has at most %u bytes", JSONPATH_BYTES_MAX);
    }
    if (text.n > 1 && text.p[0] == '{' && text.p[text.n - 1] == '}')
        text = str_sub(text, 1, text.n - 2);
    *p = (struct parser){.a = a, .scratch = &scratch, .text = text};
    if (peek(p) == '$')
        p->at++;
    struct err *err = read_path(p);
    if (!err && p->at < p->text.n)
        err = bad(p, "unexpected character");
    if (!err)
        *out = path_of(p);
    arena_free(&scratch);
    return err;
}

/* ---- looking up ---- */

struct results {
    const cJSON *list[JSONPATH_RESULTS_MAX];
    size_t n;
};

static void found(struct results *r, const cJSON *v)
{
    if (v && r->n < JSONPATH_RESULTS_MAX)
        r->list[r->n++] = v;
}

static bool is_container(const cJSON *v)
{
    return v->type == cJSON_Object || v->type == cJSON_Array;
}

static void find_deep(const cJSON *v, struct str name, struct results *out, unsigned depth)
{
    if (depth > JSON_DEPTH_MAX || out->n == JSONPATH_RESULTS_MAX)
        return;
    if (v->type == cJSON_Object)
        found(out, json_get_str(v, name));
    for (const cJSON *c = is_container(v) ? v->child : NULL; c; c = c->next)
        find_deep(c, name, out, depth + 1);
}

static void find_slice(const struct step *s, const cJSON *v, struct results *out)
{
    int64_t n = 0, i = 0;
    for (const cJSON *c = v->child; c; c = c->next)
        n++;
    int64_t from = s->has_from ? s->from : 0, to = s->has_to ? s->to : n;
    from = from < 0 ? from + n : from;
    to = s->one ? from + 1 : to < 0 ? to + n : to;
    for (const cJSON *c = v->child; c; c = c->next, i++)
        if (i >= from && i < to)
            found(out, c);
}

static int cmp_values(const cJSON *a, const cJSON *b)
{
    struct decimal x, y;
    if (json_is_number(a) && json_is_number(b) && decimal_parse(str_c(a->valuestring), &x) &&
        decimal_parse(str_c(b->valuestring), &y))
        return decimal_cmp(&x, &y);
    if (json_is_string(a) && json_is_string(b))
        return str_cmp(json_string(a), json_string(b));
    return json_equal(a, b) ? 0 : 2; /* 2: neither more nor less */
}

static bool holds(const struct step *s, const cJSON *v)
{
    const cJSON *left = jsonpath_first(s->left, v);
    if (s->op == OP_THERE || !left)
        return left != NULL && s->op == OP_THERE;
    int c = cmp_values(left, s->right);
    switch (s->op) {
    case OP_EQ:
        return c == 0;
    case OP_NE:
        return c != 0;
    case OP_LT:
        return c < 0;
    case OP_LE:
        return c <= 0;
    case OP_GT:
        return c > 0 && c != 2;
    default:
        return c >= 0 && c != 2;
    }
}

static void take_step(const struct step *s, const cJSON *v, struct results *out)
{
    switch (s->kind) {
    case STEP_NAMES:
        for (size_t i = 0; v->type == cJSON_Object && i < s->names_n; i++)
            found(out, json_get_str(v, s->names[i]));
        return;
    case STEP_DEEP:
        find_deep(v, s->names[0], out, 0);
        return;
    case STEP_SLICE:
        if (v->type == cJSON_Array)
            find_slice(s, v, out);
        return;
    case STEP_ALL:
    case STEP_FILTER:
        for (const cJSON *c = is_container(v) ? v->child : NULL; c; c = c->next)
            if (s->kind == STEP_ALL || holds(s, c))
                found(out, c);
        return;
    }
}

size_t jsonpath_find(const struct jsonpath *p, const cJSON *v, const cJSON **out, size_t max)
{
    struct results a = {.n = 0}, b = {.n = 0}, *now = &a, *next = &b;
    found(now, v);
    for (size_t i = 0; i < p->n && now->n > 0; i++) {
        next->n = 0;
        for (size_t k = 0; k < now->n; k++)
            take_step(&p->steps[i], now->list[k], next);
        struct results *swap = now;
        now = next;
        next = swap;
    }
    size_t n = now->n < max ? now->n : max;
    for (size_t i = 0; i < n; i++)
        out[i] = now->list[i];
    return n;
}

const cJSON *jsonpath_first(const struct jsonpath *p, const cJSON *v)
{
    const cJSON *first = NULL;
    if (!jsonpath_is_simple(p))
        return jsonpath_find(p, v, &first, 1) > 0 ? first : NULL;
    for (size_t i = 0; v && i < p->n; i++)
        v = v->type == cJSON_Object ? json_get_str(v, p->steps[i].names[0]) : NULL;
    return v;
}

bool jsonpath_is_simple(const struct jsonpath *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->steps[i].kind != STEP_NAMES || p->steps[i].names_n != 1)
            return false;
    return true;
}

size_t jsonpath_length(const struct jsonpath *p)
{
    return p->n;
}

struct str jsonpath_name(const struct jsonpath *p, size_t i)
{
    BUG_ON(i >= p->n || p->steps[i].kind != STEP_NAMES, "a simple path's step");
    return p->steps[i].names[0];
}
