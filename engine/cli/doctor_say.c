/* What the doctor says: a line each step. */
#include "engine/base/json.h"
#include "engine/cli/cli.h"
#include "engine/cli/doctor.h"

/* what_to_do NULL: the step went well. */
void doctor_say(struct doctor *d, const char *step, struct str text, const char *what_to_do)
{
    static const char green[] = "\033[32m", red[] = "\033[31m", plain[] = "\033[0m";
    const char *word = what_to_do ? "FAIL" : "ok";
    struct buf out = {0};
    d->failed |= what_to_do != NULL;
    cJSON *line = json_object(&d->sh->arena);
    json_set_str(&d->sh->arena, line, "step", str_c(step));
    json_set_bool(&d->sh->arena, line, "ok", !what_to_do);
    json_set_str(&d->sh->arena, line, "text", text);
    if (what_to_do)
        json_set_str(&d->sh->arena, line, "todo", str_c(what_to_do));
    json_append(d->lines, line);
    if (d->json)
        return;
    buf_addf(&out, "%s%-4s%s  %-9s  " STR_FMT "\n", d->sh->color ? (what_to_do ? red : green) : "",
             word, d->sh->color ? plain : "", step, STR_ARG(text));
    if (what_to_do)
        buf_addf(&out, "                 %s\n", what_to_do);
    shell_print(stdout, &out);
}

void doctor_say_error(struct doctor *d, const char *step, const struct err *err, const char *todo)
{
    struct buf text = {0};
    err_print(err, &text);
    doctor_say(d, step, buf_str(&text), todo);
    buf_free(&text);
}

void doctor_add_took(const struct doctor *d, struct buf *text)
{
    world_time us = (world_now(d->w) - d->since) / NS_PER_US;
    buf_addf(text, "%lld.%lld ms", (long long)(us / 1000), (long long)(us / 100 % 10));
}

void doctor_print_json(struct doctor *d)
{
    struct buf out = {0};
    cJSON *o = json_object(&d->sh->arena);
    json_set_bool(&d->sh->arena, o, "ok", !d->failed);
    json_add(&d->sh->arena, o, STR("steps"), d->lines);
    json_write_ordered(&out, o);
    buf_add_char(&out, '\n');
    shell_print(stdout, &out);
}
