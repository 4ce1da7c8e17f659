/* Scalars: they must fit, and have one form. */
#include "sim/kubeapi/types/decode_internal.h"

#include "sim/kubeapi/types/gotime.h"
#include "sim/kubeapi/types/quantity.h"

static void set_text(struct walk *w, cJSON *v, int type, struct str text)
{
    v->type = type;
    v->valuestring = arena_c(w->a, text);
    v->child = NULL;
}

/* An integer as text; false: not one, or beyond the bits. */
static bool fits(const char *text, bool wide)
{
    int64_t n;
    return str_to_i64(str_c(text), &n) && (wide || (n >= INT32_MIN && n <= INT32_MAX));
}

static bool decode_integer(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    if (v->type != cJSON_Raw || !fits(v->valuestring, t->kind != TYPE_INT32))
        type_decode_mismatch(w, p, t, v, NULL);
    else if (v->valuestring[0] == '-' && v->valuestring[1] == '0')
        set_text(w, v, cJSON_Raw, STR("0"));
    return true;
}

static bool decode_quantity(struct walk *w, cJSON *v)
{
    struct quantity q;
    struct buf b = {.max = 128};
    bool has_text = v->type == cJSON_String || v->type == cJSON_Raw;
    const char *problem = quantity_parse(has_text ? str_c(v->valuestring) : STR("{"), &q);
    if (problem)
        return type_decode_fail(w, str_c(problem));
    quantity_write(&q, &b);
    if (v->type != cJSON_String || !str_eq_c(buf_str(&b), v->valuestring))
        set_text(w, v, cJSON_String, buf_str(&b));
    buf_free(&b);
    return true;
}

/* Values that read themselves end the walk at once when they cannot. */
static bool fail_mismatch(struct walk *w, const struct place *p, const struct type *t,
                          const cJSON *v, const char *wanted)
{
    w->saved = str_empty;
    type_decode_mismatch(w, p, t, v, wanted);
    return type_decode_fail(w, w->saved);
}

static bool decode_time(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    bool micro = t->kind == TYPE_MICRO_TIME;
    struct gotime time;
    struct buf b = {.max = 4096};
    if (v->type != cJSON_String) {
        static const struct type string = {.kind = TYPE_STRING};
        return fail_mismatch(w, p, &string, v, v->type == cJSON_Raw ? NULL : "string");
    }
    if (!gotime_parse(str_c(v->valuestring), micro, &time, &b)) {
        struct str text = arena_str(w->a, buf_str(&b));
        buf_free(&b);
        return type_decode_fail(w, text);
    }
    buf_clear(&b);
    gotime_write(time, micro, &b);
    if (gotime_is_zero(time))
        v->type = cJSON_NULL;
    else if (!str_eq_c(buf_str(&b), v->valuestring))
        set_text(w, v, cJSON_String, buf_str(&b));
    buf_free(&b);
    return true;
}

static bool decode_int_or_string(struct walk *w, const struct place *p, cJSON *v)
{
    static const struct type number = {.kind = TYPE_INT32};
    if (v->type == cJSON_String)
        return true;
    if (v->type != cJSON_Raw || !fits(v->valuestring, false))
        return fail_mismatch(w, p, &number, v, v->type == cJSON_Raw ? "int32" : NULL);
    return decode_integer(w, p, &number, v);
}

/* The bits of the last digit that stand for nothing are zero in what encoders write. */
static void clear_spare_bits(char *text, size_t n, size_t digits, const char *alphabet)
{
    size_t spare = (4 - digits % 4) % 4; /* 1: two bits, 2: four */
    if (spare == 0)
        return;
    ptrdiff_t value = str_find_char(str_c(alphabet), text[n - spare - 1]);
    text[n - spare - 1] = alphabet[(size_t)value & (spare == 1 ? 0x3cu : 0x30u)];
}

static void drop_line_ends(struct walk *w, cJSON *v)
{
    struct str s = str_c(v->valuestring);
    if (str_find_char(s, '\n') < 0 && str_find_char(s, '\r') < 0)
        return;
    char *text = arena_c(w->a, s);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] != '\n' && s.p[i] != '\r')
            text[n++] = s.p[i];
    text[n] = '\0';
    v->valuestring = text;
}

static bool decode_bytes(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (v->type != cJSON_String) {
        type_decode_mismatch(w, p, t, v, NULL);
        return true;
    }
    drop_line_ends(w, v);
    struct str s = str_c(v->valuestring), known = str_c(alphabet);
    size_t i = 0;
    while (i < s.n && str_find_char(known, s.p[i]) >= 0)
        i++;
    size_t digits = i;
    while (i < s.n && s.p[i] == '=' && digits % 4 >= 2 && i / 4 == digits / 4)
        i++;
    if (i == s.n && s.n % 4 == 0) {
        clear_spare_bits(v->valuestring, s.n, digits, alphabet);
        return true;
    }
    if (i == s.n) /* cut off within a group */
        i -= s.n % 4;
    if (w->saved.n == 0)
        w->saved = arena_printf(w->a, "illegal base64 data at input byte %zu", i);
    return true;
}

/* A decimal number in the form that encoders give a float64: digits up to 10^21, else an exponent. */
static struct str canonical_number(struct walk *w, const char *text)
{
    struct str digits_of = str_c(text);
    char digits[32];
    size_t n = 0;
    int64_t point = 0, exponent = 0;
    bool negative = text[0] == '-', behind = false;
    for (size_t i = negative; i < digits_of.n; i++) {
        char c = text[i];
        if (c == 'e' || c == 'E') {
            struct str e = str_sub(digits_of, i + 1, digits_of.n);
            if (e.n > 0 && e.p[0] == '+')
                e = str_sub(e, 1, e.n);
            (void)str_to_i64(e, &exponent);
            break;
        }
        if (c == '.') {
            behind = true;
            continue;
        }
        if ((c != '0' || n > 0) && n < 17)
            digits[n++] = c;
        if (!behind && n > 0)
            point++;
        if (behind && n == 0)
            point--;
    }
    while (n > 0 && digits[n - 1] == '0')
        n--;
    point += exponent;
    if (n == 0)
        return STR("0");
    struct str shown = {digits, n};
    const char *sign = negative ? "-" : "";
    if (point > 21 || point < -5)
        return n == 1 ? arena_printf(w->a, "%s%ce%+d", sign, digits[0], (int)point - 1)
                      : arena_printf(w->a, "%s%c.%.*se%+d", sign, digits[0], (int)n - 1, digits + 1,
                                     (int)point - 1);
    if (point <= 0)
        return arena_printf(w->a, "%s0.%.*s" STR_FMT, sign, (int)-point, "00000", STR_ARG(shown));
    if ((size_t)point >= n)
        return arena_printf(w->a, "%s" STR_FMT "%.*s", sign, STR_ARG(shown),
                            (int)(point - (int64_t)n), "000000000000000000000");
    return arena_printf(w->a, "%s%.*s.%.*s", sign, (int)point, digits, (int)(n - (size_t)point),
                        digits + point);
}

static bool decode_number(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    if (v->type != cJSON_Raw)
        type_decode_mismatch(w, p, t, v, NULL);
    else
        set_text(w, v, cJSON_Raw, canonical_number(w, v->valuestring));
    return true;
}

bool type_decode_scalar(struct walk *w, const struct place *p, const struct type *t, cJSON *v)
{
    switch (t->kind) {
    case TYPE_STRING:
    case TYPE_DURATION:
        if (v->type != cJSON_String)
            type_decode_mismatch(w, p, t, v, NULL);
        return true;
    case TYPE_BOOL:
        if (v->type != cJSON_True && v->type != cJSON_False)
            type_decode_mismatch(w, p, t, v, NULL);
        return true;
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_INTEGER:
        return decode_integer(w, p, t, v);
    case TYPE_NUMBER:
        return decode_number(w, p, t, v);
    case TYPE_QUANTITY:
        return decode_quantity(w, v);
    case TYPE_TIME:
    case TYPE_MICRO_TIME:
        return decode_time(w, p, t, v);
    case TYPE_INT_OR_STRING:
        return decode_int_or_string(w, p, v);
    case TYPE_BYTES:
        return decode_bytes(w, p, t, v);
    default:
        return true; /* any JSON: TYPE_RAW, TYPE_FIELDS_V1 */
    }
}
