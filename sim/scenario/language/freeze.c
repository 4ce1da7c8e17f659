/* Faults of a plan as the text of a file: what a seed has drawn becomes a timeline that everybody can read and cut. */
#include "engine/base/json.h"
#include "engine/base/timefmt.h"
#include "sim/scenario/language/plan.h"
#include "sim/scenario/language/scenario.h"

#define PPM          1000000
#define SHARE_DIGITS 6

static void key(struct buf *out, const char *name)
{
    char last = out->p[out->n - 1];
    buf_addf(out, "%s%s: ", last == '{' ? "" : ", ", name);
}

/* Millionths, exactly: 0.25 */
static void write_share(struct buf *out, int64_t ppm)
{
    if (ppm >= PPM) {
        buf_add_c(out, "1");
        return;
    }
    char digits[SHARE_DIGITS];
    size_t n = SHARE_DIGITS;
    for (size_t i = SHARE_DIGITS; i > 0; i--, ppm /= 10)
        digits[i - 1] = (char)('0' + ppm % 10);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    buf_add_c(out, "0.");
    buf_add(out, (struct str){digits, n});
}

static void write_word(struct buf *out, const char *values, int64_t index)
{
    struct str word = str_empty, rest = str_c(values);
    for (int64_t i = 0; i <= index; i++)
        (void)str_cut(rest, '|', &word, &rest);
    buf_add(out, word);
}

static void write_list(struct buf *out, const struct strs *list)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < list->n; i++) {
        if (i)
            buf_add_c(out, ", ");
        json_write_string(out, list->v[i]);
    }
    buf_add_char(out, ']');
}

static void write_value(struct buf *out, const struct field *f, const void *slot)
{
    switch (f->type) {
    case FIELD_DURATION:
        duration_format(out, *(const int64_t *)slot);
        break;
    case FIELD_SHARE:
        write_share(out, *(const int64_t *)slot);
        break;
    case FIELD_SIZE:
        buf_addf(out, "%lldB", (long long)*(const int64_t *)slot);
        break;
    case FIELD_EVENTS:
        buf_addf(out, "%lld events", (long long)*(const int64_t *)slot);
        break;
    case FIELD_ENUM:
        write_word(out, f->values, *(const int64_t *)slot);
        break;
    case FIELD_STRING:
        json_write_string(out, *(const struct str *)slot);
        break;
    case FIELD_STRINGS:
        write_list(out, slot);
        break;
    default:
        BUG_ON(f->type != FIELD_INT, "fields of faults are of these types");
        buf_add_i64(out, *(const int64_t *)slot);
    }
}

void fault_give(struct fault *fault, const char *field)
{
    const struct fault_row *row = fault_row_of(fault->kind);
    size_t i = 0;
    while (!str_eq_c(str_c(field), row->fields[i].name)) {
        i++;
        BUG_ON(i == row->fields_n, "a fault of this kind has the field");
    }
    fault->origin.given |= (uint64_t)1 << i;
}

void fault_print(const struct fault *fault, struct buf *out)
{
    const struct fault_row *row = fault_row_of(fault->kind);
    buf_add_char(out, '{');
    key(out, row->family);
    buf_add_c(out, row->kind);
    for (size_t i = 0; i < row->fields_n; i++) {
        if (!(fault->origin.given >> i & 1))
            continue;
        key(out, row->fields[i].name);
        write_value(out, &row->fields[i], (const char *)fault + row->fields[i].offset);
    }
    buf_add_char(out, '}');
}

static void write_moment(const struct moment *m, struct buf *out)
{
    if (m->step < 0) {
        key(out, "at");
        duration_format(out, m->at_ns);
        return;
    }
    key(out, "after");
    buf_add_c(out, "{step: ");
    json_write_string(out, m->step_name);
    if (m->delay_ns) {
        key(out, "delay");
        duration_format(out, m->delay_ns);
    }
    buf_add_char(out, '}');
}

void plan_fault_print(const struct plan_fault *f, struct buf *out)
{
    buf_add_char(out, '{');
    key(out, "name");
    json_write_string(out, f->name);
    write_moment(&f->when, out);
    if (f->for_ns) {
        key(out, "for");
        duration_format(out, f->for_ns);
    }
    key(out, "target");
    json_write_string(out, f->target.text);
    key(out, "fault");
    fault_print(&f->fault, out);
    if (f->optional) {
        key(out, "optional");
        buf_add_c(out, "true");
    }
    buf_add_char(out, '}');
}

void scenario_freeze_faults(const struct plan *plan, struct buf *out)
{
    buf_add_c(out, plan->faults_n ? "faults:\n" : "faults: []\n");
    for (size_t i = 0; i < plan->faults_n; i++) {
        buf_add_c(out, "  - ");
        plan_fault_print(&plan->faults[i], out);
        buf_add_char(out, '\n');
    }
}
