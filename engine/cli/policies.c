/* paddock policies: the table of engine/world/policy.c. */
#include "engine/base/json.h"
#include "engine/cli/cli.h"
#include "engine/cli/commands.h"

const struct cmdline_option policies_options[POLICIES_OPTION_COUNT] = {
    [POLICIES_FORMAT] = {"--format", OPTION_TEXT, "FORMAT", "pretty (default) or json"},
    [POLICIES_PROFILE] = {"--profile", OPTION_TEXT, "NAME",
                          "only compat, or only hardened: NAME=VALUE, a line each"},
};

#define COLUMNS 3

static void column(struct buf *out, struct str text, size_t width)
{
    buf_add(out, text);
    for (size_t i = text.n; i < width + 2; i++)
        buf_add_char(out, ' ');
}

static void cells(const struct policies profiles[2], enum policy which, struct buf of[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++)
        buf_clear(&of[i]);
    buf_add_c(&of[0], policy_table[which].name);
    policies_print(&profiles[0], which, &of[1]);
    policies_print(&profiles[1], which, &of[2]);
}

static void print_table(const struct policies profiles[2], struct buf *out)
{
    static const char *const heads[COLUMNS] = {"POLICY", "COMPAT", "HARDENED"};
    struct buf cell[COLUMNS] = {0};
    size_t width[COLUMNS] = {0};
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        cells(profiles, (enum policy)i, cell);
        for (size_t j = 0; j < COLUMNS; j++)
            if (cell[j].n > width[j])
                width[j] = cell[j].n;
    }
    for (size_t j = 0; j < COLUMNS; j++)
        column(out, str_c(heads[j]), width[j]);
    buf_add_c(out, "WHAT IT DECIDES\n");
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        cells(profiles, (enum policy)i, cell);
        for (size_t j = 0; j < COLUMNS; j++)
            column(out, buf_str(&cell[j]), width[j]);
        buf_addf(out, "%s (%s)\n", policy_table[i].doc, policy_table[i].values);
    }
    for (size_t j = 0; j < COLUMNS; j++)
        buf_free(&cell[j]);
}

static cJSON *row_json(struct arena *a, const struct policies profiles[2], enum policy which)
{
    const struct policy_row *row = &policy_table[which];
    struct buf cell[COLUMNS] = {0};
    cJSON *o = json_object(a);
    cells(profiles, which, cell);
    json_set_str(a, o, "name", str_c(row->name));
    json_set_str(a, o, "type", row->type == POLICY_ENUM ? STR("enum") : STR("duration"));
    if (row->type == POLICY_ENUM) {
        cJSON *values = json_array(a);
        struct str value, rest = str_c(row->values);
        for (bool more = true; more;) {
            more = str_cut(rest, '|', &value, &rest);
            json_append(values, json_str(a, value));
        }
        json_add(a, o, STR("values"), values);
    }
    json_set_str(a, o, "compat", buf_str(&cell[1]));
    json_set_str(a, o, "hardened", buf_str(&cell[2]));
    json_set_str(a, o, "since", str_c(row->since));
    json_set_str(a, o, "doc", str_c(row->doc));
    for (size_t j = 0; j < COLUMNS; j++)
        buf_free(&cell[j]);
    return o;
}

static void print_json(struct arena *a, const struct policies profiles[2], struct buf *out)
{
    cJSON *o = json_object(a), *rows = json_array(a);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        json_append(rows, row_json(a, profiles, (enum policy)i));
    json_add(a, o, STR("policies"), rows);
    json_write_ordered(out, o);
    buf_add_char(out, '\n');
}

static void print_profile(const struct policies *p, struct buf *out)
{
    for (size_t i = 0; i < POLICY_COUNT; i++) {
        buf_addf(out, "%s=", policy_table[i].name);
        policies_print(p, (enum policy)i, out);
        buf_add_char(out, '\n');
    }
}

int command_policies(struct shell *sh)
{
    struct str format = cmdline_text(&sh->options, POLICIES_FORMAT);
    struct str profile = cmdline_text(&sh->options, POLICIES_PROFILE);
    struct policies profiles[2] = {policies_compat(), policies_hardened()}, one;
    struct buf out = {0};
    struct err *err = NULL;
    if (profile.n)
        err = policies_of_profile(profile, &one);
    if (err)
        return shell_usage_error(err);
    if (str_eq_c(format, "json"))
        print_json(&sh->arena, profiles, &out);
    else if (format.n && !str_eq_c(format, "pretty"))
        return shell_usage_error(err_new(
            ERR_INVALID, "--format: \"" STR_FMT "\" is not one of pretty, json", STR_ARG(format)));
    else if (profile.n)
        print_profile(&one, &out);
    else
        print_table(profiles, &out);
    shell_print(stdout, &out);
    return EXIT_HELD;
}
