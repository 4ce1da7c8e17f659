/* Values: arithmetic that saturates, comparison, text. Ratios are millionths; in between everything is 128 bits wide. */
#include "engine/base/timefmt.h"
#include "sim/scenario/expr/expr_internal.h"
#include "sim/scenario/expr/quantity.h"

typedef __int128 wide;

const char *expr_type_name(enum expr_type type)
{
    static const char *const names[EXPR_TYPE_COUNT] = {
        [EXPR_BOOL] = "a condition",    [EXPR_INT] = "an integer", [EXPR_RATIO] = "a ratio",
        [EXPR_DURATION] = "a duration", [EXPR_TIME] = "a time",    [EXPR_STRING] = "a string",
    };
    BUG_ON((unsigned)type >= EXPR_TYPE_COUNT, "a type has a name");
    return names[type];
}

static void print_ratio(int64_t millionths, struct buf *out)
{
    uint64_t v = millionths < 0 ? 0 - (uint64_t)millionths : (uint64_t)millionths;
    uint64_t one = (uint64_t)EXPR_RATIO_ONE, rest = v % one;
    unsigned digits = 6;
    while (digits > 1 && rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    buf_addf(out, "%s%llu.%0*llu", millionths < 0 ? "-" : "", (unsigned long long)(v / one),
             (int)digits, (unsigned long long)rest);
}

void expr_value_print(const struct expr_value *v, struct buf *out)
{
    if (!v->known) {
        buf_add(out, STR("unknown"));
        return;
    }
    switch (v->type) {
    case EXPR_BOOL:
        buf_add_c(out, v->i ? "true" : "false");
        return;
    case EXPR_INT:
        if (expr_is_size(v))
            size_print(v->i, out);
        else
            buf_add_i64(out, v->i);
        return;
    case EXPR_RATIO:
        print_ratio(v->i, out);
        return;
    case EXPR_DURATION:
    case EXPR_TIME:
        duration_format(out, v->i);
        return;
    default:
        BUG_ON(v->type != EXPR_STRING, "a value has a type");
        buf_add(out, v->s);
    }
}

static int64_t clamp(wide v)
{
    if (v > INT64_MAX)
        return INT64_MAX;
    return v < -(wide)INT64_MAX ? -INT64_MAX : (int64_t)v;
}

/* In the unit of the family: millionths for integers and ratios, ns for times. */
static wide unit_of(const struct expr_value *v)
{
    return v->type == EXPR_INT ? (wide)v->i * EXPR_RATIO_ONE : v->i;
}

static wide multiply(enum expr_type type, const struct expr_value *a, const struct expr_value *b)
{
    wide product = (wide)a->i * b->i;
    int scale = (a->type == EXPR_RATIO) + (b->type == EXPR_RATIO) - (type == EXPR_RATIO);
    return scale > 0 ? product / EXPR_RATIO_ONE : product;
}

static wide divide(enum expr_type type, const struct expr_value *a, const struct expr_value *b)
{
    if (type == EXPR_RATIO) /* of one family: the units cancel */
        return unit_of(a) * EXPR_RATIO_ONE / unit_of(b);
    return b->type == EXPR_INT ? (wide)a->i / b->i : (wide)a->i * EXPR_RATIO_ONE / b->i;
}

/* A size stays one: beside a size, or times a number. */
static bool keeps_unit(enum expr_op op, const struct expr_value *a, const struct expr_value *b)
{
    if (!b)
        return expr_is_size(a);
    return op == OP_MUL ? expr_is_size(a) != expr_is_size(b) : expr_is_size(a) && expr_is_size(b);
}

struct expr_value expr_arith(enum expr_op op, enum expr_type type, const struct expr_value *a,
                             const struct expr_value *b)
{
    BUG_ON(!b && op != OP_NEG, "only the sign has one operand");
    struct expr_value out = {.type = type, .known = a->known && (!b || b->known)};
    if (!out.known)
        return out;
    if (type == EXPR_INT && keeps_unit(op, a, b))
        out.s = EXPR_BYTES;
    wide x = type == EXPR_RATIO ? unit_of(a) : a->i;
    wide y = !b ? 0 : type == EXPR_RATIO ? unit_of(b) : b->i;
    switch (op) {
    case OP_NEG:
        out.i = clamp(-(wide)a->i);
        break;
    case OP_ADD:
        out.i = clamp(x + y);
        break;
    case OP_SUB:
        out.i = clamp(x - y);
        break;
    case OP_MUL:
        out.i = clamp(multiply(type, a, b));
        break;
    case OP_DIV:
        out.known = b->i != 0;
        out.i = out.known ? clamp(divide(type, a, b)) : 0;
        break;
    case OP_MIN:
        out.i = clamp(x < y ? x : y);
        break;
    default:
        BUG_ON(op != OP_MAX, "only arithmetic comes here");
        out.i = clamp(x > y ? x : y);
    }
    return out;
}

int expr_order(const struct expr_value *a, const struct expr_value *b)
{
    if (a->type == EXPR_STRING)
        return str_cmp(a->s, b->s);
    bool mixed = a->type != b->type;
    wide x = mixed ? unit_of(a) : a->i, y = mixed ? unit_of(b) : b->i;
    return (x > y) - (x < y);
}

bool expr_compare(enum expr_op op, const struct expr_value *a, const struct expr_value *b)
{
    if (!a->known || !b->known)
        return false;
    int order = expr_order(a, b);
    switch (op) {
    case OP_EQ:
        return order == 0;
    case OP_NE:
        return order != 0;
    case OP_LT:
        return order < 0;
    case OP_LE:
        return order <= 0;
    case OP_GT:
        return order > 0;
    default:
        BUG_ON(op != OP_GE, "only comparisons come here");
        return order >= 0;
    }
}
