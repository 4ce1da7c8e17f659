/* Compiling, and what is asked of a program. */
#include "sim/kubeapi/cel/cel_internal.h"

struct err *cel_compile(struct arena *a, const struct cel_env *env, struct str text,
                        struct cel_program **out)
{
    struct cel_report *report = ARENA_NEW(a, struct cel_report);
    struct cel_program *p = ARENA_NEW(a, struct cel_program);
    report->a = a;
    report->text = arena_str(a, text);
    p->root = cel_parse(report);
    if (p->root)
        cel_check_tree(report, env, p);
    struct err *err = cel_report_end(report);
    if (!err)
        *out = p;
    return err;
}

bool cel_program_uses(const struct cel_program *p, size_t slot)
{
    return (p->uses >> slot & 1) != 0;
}

bool cel_program_gives(const struct cel_program *p, enum cel_kind kind)
{
    static const enum cel_tkind kinds[] = {
        [CEL_NULL] = T_NULL,     [CEL_BOOL] = T_BOOL,     [CEL_INT] = T_INT,    [CEL_UINT] = T_UINT,
        [CEL_DOUBLE] = T_DOUBLE, [CEL_STRING] = T_STRING, [CEL_BYTES] = T_BYTES};
    BUG_ON(kind >= ARRAY_LEN(kinds), "a scalar");
    return p->root->type->kind == T_DYN || p->root->type->kind == kinds[kind];
}

/* ---- text ---- */

static void print(const struct cel_node *x, struct buf *out);

static void print_string(struct str s, struct buf *out)
{
    buf_add_char(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\x%02x", c);
        else
            buf_add_char(out, (char)c);
    }
    buf_add_char(out, '"');
}

static void print_bytes(struct str s, struct buf *out)
{
    buf_add_c(out, "b\"");
    for (size_t i = 0; i < s.n; i++)
        buf_addf(out, "\\x%02x", (unsigned char)s.p[i]);
    buf_add_char(out, '"');
}

static void print_literal(const struct cel_node *x, struct buf *out)
{
    const struct cel_value *v = &x->literal;
    struct arena none = {0};
    size_t from = out->n;
    switch (v->kind) {
    case CEL_STRING:
        print_string(v->s, out);
        break;
    case CEL_BYTES:
        print_bytes(v->s, out);
        break;
    case CEL_TYPE:
        if (v->type->kind == T_DURATION || v->type->kind == T_TIMESTAMP)
            buf_add_c(out, cel_type_simple(v->type->kind)->name);
        else if (v->type->kind == T_LIST || v->type->kind == T_MAP || v->type->kind == T_NULL)
            buf_add_c(out, v->type->kind == T_LIST  ? "list"
                           : v->type->kind == T_MAP ? "map"
                                                    : "null_type");
        else
            cel_type_print(v->type, out);
        break;
    case CEL_DOUBLE: /* must read back as a double */
        cel_print_double(v->d, out);
        if (str_find_char(str_sub(buf_str(out), from, out->n), '.') < 0 &&
            str_find_char(str_sub(buf_str(out), from, out->n), 'e') < 0)
            buf_add_c(out, ".0");
        break;
    default:
        cel_value_print(v, &none, out);
    }
    arena_free(&none);
}

static void print_args(const struct cel_node *x, size_t from, struct buf *out)
{
    for (size_t i = from; i < x->n; i++) {
        buf_add_c(out, i > from ? ", " : "");
        buf_add_c(out, x->maybe && x->maybe[i] ? "?" : "");
        print(x->args[i], out);
    }
}

static void print_loop(const struct cel_node *x, struct buf *out)
{
    static const char *const names[] = {
        "all",           "exists",       "existsOne",         "map",    "filter",
        "transformList", "transformMap", "transformMapEntry", "optMap", "optFlatMap"};
    print(x->args[0], out);
    buf_addf(out, ".%s(" STR_FMT, names[x->loop], STR_ARG(x->name));
    if (x->name2.n > 0)
        buf_addf(out, ", " STR_FMT, STR_ARG(x->name2));
    buf_add_c(out, ", ");
    print_args(x, 1, out);
    buf_add_char(out, ')');
}

static void print_field(const struct cel_node *x, struct buf *out)
{
    bool plain = x->name.p[0] > '9' || x->name.p[0] < '0';
    for (size_t i = 0; i < x->name.n; i++)
        plain = plain && !char_in(x->name.p[i], ".-/ ");
    if (x->op == NODE_HAS)
        buf_add_c(out, "has(");
    print(x->args[0], out);
    buf_addf(out, ".%s%s" STR_FMT "%s", x->optional ? "?" : "", plain ? "" : "`", STR_ARG(x->name),
             plain ? "" : "`");
    if (x->op == NODE_HAS)
        buf_add_char(out, ')');
}

/* Operators: "_+_" is written between its operands. */
static bool print_operator(const struct cel_node *x, struct buf *out)
{
    const char *name = x->func->name;
    if (name[0] == '_' && (name[1] == '[' || name[1] == '?')) {
        bool index = name[1] == '[';
        buf_add_c(out, index ? "" : "(");
        print(x->args[0], out);
        buf_add_c(out, index ? (name[2] == '?' ? "[?" : "[") : " ? ");
        print(x->args[1], out);
        buf_add_c(out, index ? "]" : " : ");
        if (!index)
            print(x->args[2], out);
        buf_add_c(out, index ? "" : ")");
        return true;
    }
    if (strcmp(name, "!_") == 0 || strcmp(name, "-_") == 0) {
        buf_addf(out, "(%c(", name[0]);
        print(x->args[0], out);
        buf_add_c(out, "))");
        return true;
    }
    if (name[0] != '_' && name[0] != '@')
        return false;
    buf_add_char(out, '(');
    print(x->args[0], out);
    if (name[0] == '@')
        buf_add_c(out, " in ");
    else
        buf_addf(out, " %.*s ", (int)strlen(name) - 2, name + 1);
    print(x->args[1], out);
    buf_add_char(out, ')');
    return true;
}

static void print_call(const struct cel_node *x, struct buf *out)
{
    if (print_operator(x, out))
        return;
    if (x->member) {
        print(x->args[0], out);
        buf_add_char(out, '.');
    }
    buf_addf(out, STR_FMT "(", STR_ARG(x->name));
    print_args(x, x->member, out);
    buf_add_char(out, ')');
}

static void print_map(const struct cel_node *x, struct buf *out)
{
    buf_add_char(out, '{');
    for (size_t i = 0; i < x->n; i += 2) {
        buf_add_c(out, i > 0 ? ", " : "");
        buf_add_c(out, x->maybe && x->maybe[i] ? "?" : "");
        print(x->args[i], out);
        buf_add_c(out, ": ");
        print(x->args[i + 1], out);
    }
    buf_add_char(out, '}');
}

static void print(const struct cel_node *x, struct buf *out)
{
    switch (x->op) {
    case NODE_LITERAL: /* in parentheses, so that -1.5.x and 1.x cannot come out */
        buf_add_char(out, '(');
        print_literal(x, out);
        buf_add_char(out, ')');
        break;
    case NODE_VAR:
    case NODE_LOCAL:
    case NODE_NAME:
        buf_add(out, x->name);
        break;
    case NODE_SELECT:
    case NODE_HAS:
        print_field(x, out);
        break;
    case NODE_CALL:
        print_call(x, out);
        break;
    case NODE_LIST:
        buf_add_char(out, '[');
        print_args(x, 0, out);
        buf_add_char(out, ']');
        break;
    case NODE_MAP:
        print_map(x, out);
        break;
    case NODE_LOOP:
        print_loop(x, out);
        break;
    }
}

void cel_program_print(const struct cel_program *p, struct buf *out)
{
    print(p->root, out);
}
