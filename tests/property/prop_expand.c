/* Goal: what `expand` writes is a scenario file that makes the same plan, for every case and profile, and for any seed.
 * Method: every scenario of the project and the good fixtures; each run is expanded, loaded again, and both plans are
 * written down, field by field, and compared. The file stands alone: it names no template, and expands to itself. */
#include "tests/unit/support/check.h"

#include "engine/base/timefmt.h"
#include "sim/scenario/language/scenario.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILES_MAX 256u

struct files {
    char *v[FILES_MAX];
    size_t n;
};

static struct err *read_file(void *ctx, struct str path, struct buf *out)
{
    char block[4096];
    size_t n;
    char *name = str_dup_c(path);
    FILE *f = fopen(name, "rb");
    mem_free(name);
    if (!f)
        return err_new(ERR_IO, STR_FMT ": no such file", STR_ARG(path));
    while ((n = fread(block, 1, sizeof(block), f)) > 0)
        buf_add(out, (struct str){block, n});
    (void)fclose(f);
    return NULL;
}

static const struct scenario_files reader = {.read = read_file};

/* ---- a plan, written down ---- */

static void dump_moment(const char *what, const struct moment *m, struct buf *out)
{
    if (m->given)
        buf_addf(out, " %s %lld/%d/%lld/%d", what, (long long)m->at_ns, (int)m->step,
                 (long long)m->delay_ns, m->quiet);
}

static void dump_action(const struct plan_action *a, struct buf *out)
{
    buf_addf(out, "   %s " STR_FMT " for %lld opt %d rec %d ttl %lld group %d count %lld kind %d",
             action_name(a->kind), STR_ARG(a->target.text), (long long)a->for_ns, a->optional,
             (int)a->record, (long long)a->ttl_ns, (int)a->group, (long long)a->count,
             (int)a->fault.kind);
    buf_addf(out, " object " STR_FMT "/" STR_FMT "/" STR_FMT "/" STR_FMT,
             STR_ARG(a->object_api_version), STR_ARG(a->object_kind), STR_ARG(a->object_namespace),
             STR_ARG(a->object_name));
    for (size_t i = 0; i < a->sites_n; i++)
        buf_addf(out, " site %d", (int)a->sites[i]);
    buf_add_char(out, '\n');
}

static void dump_steps(const struct plan *p, struct buf *out)
{
    for (size_t i = 0; i < p->steps_n; i++) {
        const struct plan_step *s = &p->steps[i];
        buf_addf(out, "step " STR_FMT " start %d within %lld every %lld rounds %zu",
                 STR_ARG(s->name), (int)s->start, (long long)s->within_ns, (long long)s->every_ns,
                 s->rounds);
        dump_moment("when", &s->when, out);
        if (s->until)
            expr_print(s->until, out);
        buf_add_char(out, '\n');
        for (size_t r = 0; r < s->rounds; r++)
            for (size_t a = 0; a < plan_actions_n(s, r); a++)
                dump_action(&s->actions[r][a], out);
    }
}

static void dump_topology(const struct plan *p, struct buf *out)
{
    const struct plan_topology *t = &p->topology;
    for (size_t i = 0; i < t->sites.n; i++)
        buf_addf(out, "site " STR_FMT " %lld %d %lld\n", STR_ARG(PLAN_SITE(p, i)->origin.name),
                 (long long)PLAN_SITE(p, i)->manager.replicas, PLAN_SITE(p, i)->manager.standby,
                 (long long)PLAN_SITE(p, i)->manager.copy_every_ns);
    for (size_t i = 0; i < t->groups.n; i++)
        buf_addf(out, "group " STR_FMT " %lld %lld %lld %lld %lld\n",
                 STR_ARG(PLAN_GROUP(p, i)->origin.name), (long long)PLAN_GROUP(p, i)->count,
                 (long long)PLAN_GROUP(p, i)->nodes, (long long)PLAN_GROUP(p, i)->agent.replicas,
                 (long long)PLAN_GROUP(p, i)->agent.backoff.first_ns,
                 (long long)PLAN_GROUP(p, i)->agent.backoff.max_ns);
    for (size_t i = 0; i < t->dns.records.n; i++)
        buf_addf(out, "record " STR_FMT " %lld %d\n", STR_ARG(PLAN_RECORD(p, i)->origin.name),
                 (long long)PLAN_RECORD(p, i)->ttl_ns, (int)PLAN_RECORD(p, i)->sites[0]);
    for (size_t i = 0; i < t->dns.resolvers.n; i++)
        buf_addf(out, "resolver " STR_FMT " %lld %lld\n", STR_ARG(PLAN_RESOLVER(p, i)->origin.name),
                 (long long)PLAN_RESOLVER(p, i)->share_ppm,
                 (long long)PLAN_RESOLVER(p, i)->hold_ns);
    for (size_t i = 0; i < t->links.n; i++)
        buf_addf(out, "link " STR_FMT " " STR_FMT " %lld %lld %lld\n",
                 STR_ARG(PLAN_LINK(p, i)->between.v[0]), STR_ARG(PLAN_LINK(p, i)->between.v[1]),
                 (long long)PLAN_LINK(p, i)->latency.p50_ns, (long long)PLAN_LINK(p, i)->loss_ppm,
                 (long long)PLAN_LINK(p, i)->bytes_per_s);
}

static void dump_clauses(const struct plan *p, struct buf *out)
{
    for (size_t i = 0; i < p->asserts_n; i++) {
        const struct plan_assert *a = &p->asserts[i];
        buf_addf(out, "assert " STR_FMT " %s time %lld lasting %lld ", STR_ARG(a->name),
                 assert_mode_name(a->mode), (long long)a->time_ns, (long long)a->lasting_ns);
        expr_print(a->that, out);
        dump_moment("from", &a->from, out);
        dump_moment("until", &a->until, out);
        dump_moment("at", &a->at, out);
        buf_add_char(out, '\n');
    }
    for (size_t i = 0; i < p->measures_n; i++) {
        const struct plan_measure *m = &p->measures[i];
        buf_addf(out, "measure " STR_FMT " %d %lld ", STR_ARG(m->name), (int)m->kind,
                 (long long)m->every_ns);
        expr_print(m->value, out);
        dump_moment("at", &m->at, out);
        buf_add_char(out, '\n');
    }
}

static void dump(const struct plan *p, struct buf *out)
{
    buf_addf(out, STR_FMT " " STR_FMT " seed %llu limit %lld start %lld\n", STR_ARG(p->scenario),
             STR_ARG(p->profile), (unsigned long long)p->seed, (long long)p->clock.limit_ns,
             (long long)p->clock.start_unix_ns);
    for (size_t i = 0; i < POLICY_COUNT; i++)
        buf_addf(out, "%lld ", (long long)p->policies.value[i]);
    dump_topology(p, out);
    dump_steps(p, out);
    for (size_t i = 0; i < p->faults_n; i++) {
        plan_fault_print(&p->faults[i], out);
        buf_add_char(out, '\n');
    }
    dump_clauses(p, out);
    dump_moment("quiet", &p->quiet, out);
}

/* ---- the law ---- */

static void load_and_dump(struct str file, struct str text, const struct scenario_files *files,
                          struct str filter, struct str profile, uint64_t seed, struct buf *out)
{
    struct arena a = {0};
    struct diags diags;
    const struct scenario_case **cases;
    size_t n;
    struct scenario *s = scenario_load_with(&a, file, text, files, &diags);
    struct buf said = {0};
    diags_print(&diags, &said);
    check_str(buf_str(&said), "");
    check_ok(scenario_cases(s, filter, &cases, &n));
    struct plan_request request = {.which = cases[0], .profile = profile, .seed = seed};
    struct plan *p = scenario_plan(&a, s, &request, &diags);
    diags_print(&diags, &said);
    check_str(buf_str(&said), "");
    dump(p, out);
    arena_free(&a);
}

static void check_run(struct str file, struct str text, struct str filter, struct str profile,
                      uint64_t seed)
{
    struct buf expanded = {0}, again = {0}, errors = {0}, want = {0}, got = {0};
    struct expand_request request = {.case_filter = filter,
                                     .profile = profile,
                                     .has_seed = true,
                                     .seed = seed,
                                     .files = &reader};
    struct expand_request alone = {.files = NULL};
    bool ok = scenario_expand(file, text, &request, &expanded, &errors);
    check_str(buf_str(&errors), "");
    assert_true(ok);
    load_and_dump(file, text, &reader, filter, profile, seed, &want);
    load_and_dump(file, buf_str(&expanded), NULL, str_empty, str_empty, seed, &got);
    if (!str_eq(buf_str(&want), buf_str(&got)))
        print_error("%.*s case %.*s\n--- plan\n%s\n--- of the expansion\n%s\n%s\n", STR_ARG(file),
                    STR_ARG(filter), buf_c(&want), buf_c(&got), buf_c(&expanded));
    assert_true(str_eq(buf_str(&want), buf_str(&got)));
    assert_true(scenario_expand(file, buf_str(&expanded), &alone, &again, &errors));
    struct str first = buf_str(&expanded), line;
    if (filter.n)
        str_cut(first, '\n', &line, &first); /* "# case ..." */
    check_str_eq(buf_str(&again), first);
    buf_free(&expanded);
    buf_free(&again);
    buf_free(&errors);
    buf_free(&want);
    buf_free(&got);
}

static void check_file(const char *path)
{
    static const struct str profiles[] = {STR_INIT("compat"), STR_INIT("hardened")};
    struct arena a = {0};
    struct diags diags;
    struct buf text = {0};
    check_ok(read_file(NULL, str_c(path), &text));
    struct scenario *s = scenario_load_with(&a, str_c(path), buf_str(&text), &reader, &diags);
    assert_non_null(s);
    for (size_t c = 0; c < s->cases_n; c++)
        for (size_t p = 0; p < ARRAY_LEN(profiles); p++)
            for (uint64_t seed = 1; seed <= 3; seed++)
                check_run(str_c(path), buf_str(&text), s->cases[c].id, profiles[p], seed);
    arena_free(&a);
    buf_free(&text);
}

static bool is_scenario(const char *path)
{
    struct buf text = {0};
    check_ok(read_file(NULL, str_c(path), &text));
    bool is = str_starts(buf_str(&text), STR("scenario:")) ||
              str_find(buf_str(&text), STR("\nscenario:")) >= 0;
    buf_free(&text);
    return is;
}

static void collect(const char *folder, struct files *out)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        struct buf path = {0};
        struct stat st;
        buf_addf(&path, "%s/%s", folder, e->d_name);
        if (e->d_name[0] == '.' || stat(buf_c(&path), &st) != 0) {
            buf_free(&path);
            continue;
        }
        if (S_ISDIR(st.st_mode))
            collect(buf_c(&path), out);
        else if (str_ends(buf_str(&path), STR(".yaml")) && is_scenario(buf_c(&path))) {
            assert_true(out->n < FILES_MAX);
            out->v[out->n++] = strdup(buf_c(&path));
        }
        buf_free(&path);
    }
    (void)closedir(dir);
}

static void expansions_make_the_same_plan(void **state)
{
    struct files files = {.n = 0};
    collect("scenarios", &files);
    collect("fixtures/scenarios/good", &files);
    assert_true(files.n >= 10);
    for (size_t i = 0; i < files.n; i++) {
        check_file(files.v[i]);
        free(files.v[i]);
    }
}

/* Texts that would mean something else without care. */
static void odd_texts(void **state)
{
    static const char text[] =
        "scenario: v1\nname: \"y\"\ndoc: \"5m: \\\"x\\\" # \\\\ \\u00e9\"\n"
        "params:\n"
        "  word: {type: string, default: \"it's\"}\n"
        "  spot: {type: string, default: \"site/a\"}\n"
        "  odd: {type: string, default: \"a b, c: d\"}\n"
        "  less: {type: int, default: -3}\n"
        "  part: {type: percent, default: 12.5%}\n"
        "  long: {type: duration, default: 90m}\n"
        "  yes_: {type: bool, default: true}\n"
        "matrix: {m: [{id: \"1\", f: {net: loss, share: 10%}, k: agent/e}, {id: b}]}\n"
        "topology: {sites: {a: {}}, clusters: {e: {count: 2}}}\n"
        "steps:\n"
        "  - {when: \"${yes_}\", at: 1m, do: {heal: all}}\n"
        "  - {when: \"${not yes_}\", at: 1m, do: {heal: all}}\n"
        "  - {at: 2m, repeat: {times: 3}, do: [{fault: \"${matrix.m.f}\", target: "
        "\"link/cluster/e[${i "
        "- i}]/site/a\"}, {apply: {to: api/a, object: {apiVersion: v1, kind: ConfigMap, metadata: "
        "{name: "
        "\"c-${i + 1}-${matrix.m}\", namespace: default}, data: {\"null\": \"${odd}\", a: "
        "\"0x10\"}}}}]}\n"
        "  - {at: 3m, repeat: {times: 2}, do: {process.kill: \"${matrix.m.k}\"}}\n"
        "  - {at: \"${long / 10}\", do: {heal: all}}\n"
        "assert:\n"
        "  - {name: \"${odd} ${word}\", never: \"exists(agent where peer == ${spot} and not "
        "(age(last_byte) "
        "< ${long}))\", from: \"step 1\"}\n"
        "  - {name: no, always: \"count(agent) - ${less} > ${part} * 2\", until: 10m}\n"
        "  - {name: txt, at: 5m, that: \"exists(cluster where name == ${word} or name == ${odd}) "
        "or "
        "${yes_}\"}\n";
    for (uint64_t seed = 1; seed <= 2; seed++) {
        check_run(STR("odd.yaml"), str_c(text), STR("m=1"), STR("compat"), seed);
        check_run(STR("odd.yaml"), str_c(text), STR("m=b"), STR("hardened"), UINT64_MAX / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(expansions_make_the_same_plan),
        cmocka_unit_test(odd_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
