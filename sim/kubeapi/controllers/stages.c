/* Life-cycle stages: reading their form, and matching pods. */
#include "sim/kubeapi/controllers/stages.h"

#include "engine/kube/scan.h"
#include "kubecontrol/assets.h"

#define FOREVER (INT64_C(10) * 365 * 24 * 3600 * NS_PER_S)

struct stages {
    struct arena a;
    struct stage *at; /* room for as many as the text has lines that begin one */
    size_t n, cap;
};

/* ---- reading ---- */

static struct str next_word(struct str *line)
{
    size_t n = 0;
    *line = str_trim(*line);
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t')
        n++;
    struct str word = str_sub(*line, 0, n);
    *line = str_sub(*line, n, line->n);
    return word;
}

static bool is_known(struct str key, bool of)
{
    static const char *const plain[] = {"deleting", "state",   "phase",   "ready",
                                        "owner",    "restart", "command", "namespace",
                                        "node",     "reason",  "image"};
    for (size_t i = 0; !of && i < ARRAY_LEN(plain); i++)
        if (str_eq_c(key, plain[i]))
            return true;
    return of && (str_eq_c(key, "label") || str_eq_c(key, "annotation"));
}

static const char *read_term(struct stage *s, struct str word)
{
    struct stage_term *t = &s->terms[s->terms_n];
    struct str key;
    if (s->terms_n == STAGE_TERMS_MAX)
        return "too many conditions";
    if (!str_cut(word, '=', &key, &t->value))
        return "a condition is KEY=VALUE or KEY!=VALUE";
    t->not = str_ends(key, STR("!"));
    if (t->not )
        key.n--;
    bool of = str_cut(key, ':', &t->key, &t->of);
    if (!of)
        t->of = str_empty;
    s->terms_n++;
    return is_known(t->key, of) ? NULL : "no such key";
}

static const char *read_delay(struct stage *s, struct str line)
{
    struct str word = next_word(&line);
    if (!duration_parse(word, &s->delay) || s->delay < 0)
        return "delay needs a duration such as 100ms";
    word = next_word(&line);
    if (str_eq_c(word, "jitter")) {
        if (!duration_parse(next_word(&line), &s->jitter) || s->jitter < 0)
            return "jitter needs a duration such as 100ms";
        word = next_word(&line);
    }
    if (word.n == 0)
        return NULL;
    struct str from = next_word(&line);
    s->delay_argument = str_eq_c(word, "or") && str_eq_c(from, "argument");
    if (s->delay_argument)
        return NULL;
    if (!str_eq_c(word, "or") || !str_starts(from, STR("annotation:")))
        return "a delay is DURATION [jitter DURATION] [or annotation:KEY | or argument]";
    s->delay_annotation = str_sub(from, 11, from.n);
    return NULL;
}

static const char *read_action(struct stage *s, struct str line)
{
    static const struct {
        const char *name;
        bool argument;
    } actions[] = {[STAGE_RUN] = {"run", false},     [STAGE_EXIT] = {"exit", true},
                   [STAGE_WAIT] = {"wait", true},    [STAGE_UNREADY] = {"unready", false},
                   [STAGE_READY] = {"ready", false}, [STAGE_DELETE] = {"delete", false}};
    struct str word = next_word(&line);
    s->argument = next_word(&line);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (!str_eq_c(word, actions[i].name))
            continue;
        s->action = (enum stage_action)i;
        return actions[i].argument == (s->argument.n > 0) ? NULL : "the argument is wrong";
    }
    return "no such action";
}

static const char *read_line(struct stages *s, struct str line)
{
    struct str word = next_word(&line);
    struct stage *last = s->n ? &s->at[s->n - 1] : NULL;
    if (str_eq_c(word, "stage")) {
        if (s->n == s->cap)
            return "too many stages";
        s->at[s->n++] = (struct stage){.name = next_word(&line),
                                       .weight = 1,
                                       .delay_annotation = str_empty,
                                       .argument = str_empty};
        return s->at[s->n - 1].name.n ? NULL : "a stage needs a name";
    }
    if (!last)
        return "the first line is \"stage NAME\"";
    if (str_eq_c(word, "when")) {
        const char *problem = NULL;
        for (struct str w; !problem && (w = next_word(&line)).n > 0;)
            problem = read_term(last, w);
        return problem;
    }
    if (str_eq_c(word, "delay"))
        return read_delay(last, line);
    if (str_eq_c(word, "do"))
        return read_action(last, line);
    if (str_eq_c(word, "weight"))
        return str_to_u64(str_trim(line), &last->weight) && last->weight < 1000000
                   ? NULL
                   : "weight needs a number";
    return "a line begins with stage, when, delay, weight or do";
}

static size_t count_stages(struct str text)
{
    size_t n = 0;
    struct str line;
    for (bool more = true; more && n < STAGES_MAX;) {
        more = str_cut(text, '\n', &line, &text);
        n += str_starts(str_trim(line), STR("stage"));
    }
    return n;
}

struct err *stages_parse(struct str text, struct stages **out)
{
    struct stages *s = MEM_NEW(struct stages);
    struct str line, rest = arena_str(&s->a, text), comment;
    s->cap = count_stages(text);
    s->at = ARENA_NEW_ARRAY(&s->a, struct stage, s->cap + 1);
    uint32_t number = 0;
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        number++;
        (void)str_cut(line, '#', &line, &comment);
        if (str_trim(line).n == 0)
            continue;
        const char *problem = read_line(s, line);
        if (problem) {
            struct err *err = err_new(ERR_INVALID, "line %u: %s: " STR_FMT, number, problem,
                                      STR_ARG(str_trim(line)));
            stages_free(s);
            return err;
        }
    }
    *out = s;
    return NULL;
}

struct stages *stages_default(void)
{
    struct stages *s = NULL;
    struct err *err =
        stages_parse((struct str){(const char *)asset_pods_stages, asset_pods_stages_size}, &s);
    BUG_ON(err, "our own stages are fine");
    return s;
}

void stages_free(struct stages *s)
{
    if (!s)
        return;
    struct arena a = s->a;
    arena_free(&a);
    mem_free(s);
}

/* ---- matching ---- */

const char *stage_state(const struct kube_object *pod)
{
    struct scan s = scan_of(kube_object_raw(pod, "status.containerStatuses"));
    struct str phase = kube_object_string(pod, "status.phase"), it, state;
    if (str_eq_c(phase, "Succeeded") || str_eq_c(phase, "Failed"))
        return "done";
    if (s.p == s.end || !scan_enter(&s, '['))
        return "none";
    while (scan_element(&s, &it)) {
        state = scan_get(it, STR("state"));
        if (str_find(state, STR("\"reason\":\"CrashLoopBackOff\"")) >= 0)
            return "backoff";
        if (str_starts(state, STR("{\"waiting\"")))
            return "waiting";
    }
    return "running";
}

static struct str annotation(const struct kube_object *o, struct str key)
{
    struct str inner = str_empty;
    bool escaped;
    struct str list = kube_object_raw(o, "metadata.annotations");
    return list.n && scan_string(scan_get(list, key), &inner, &escaped) ? inner : str_empty;
}

/* A word of "command" of the first container, else of its "args". */
static struct str word_of(const struct kube_object *pod, size_t index)
{
    struct scan s = scan_of(kube_object_raw(pod, "spec.containers"));
    struct str first, word, inner = str_empty;
    bool escaped;
    if (s.p == s.end || !scan_enter(&s, '[') || !scan_element(&s, &first))
        return str_empty;
    struct str list = scan_get(first, STR("command"));
    struct scan words = scan_of(list.n ? list : scan_get(first, STR("args")));
    if (words.p == words.end || !scan_enter(&words, '['))
        return str_empty;
    for (size_t i = 0; i <= index; i++)
        if (!scan_element(&words, &word))
            return str_empty;
    return scan_string(word, &inner, &escaped) ? inner : str_empty;
}

/* The first word without its folder. */
static struct str command_of(const struct kube_object *pod)
{
    struct str inner = word_of(pod, 0);
    for (ptrdiff_t i; (i = str_find_char(inner, '/')) >= 0;)
        inner = str_sub(inner, (size_t)i + 1, inner.n);
    return inner;
}

static bool is_ready(const struct kube_object *pod)
{
    return str_find(kube_object_raw(pod, "status.conditions"),
                    STR("\"status\":\"True\",\"type\":\"Ready\"")) >= 0;
}

/* What the first container that waits says. */
static struct str reason_of(const struct kube_object *pod)
{
    struct scan s = scan_of(kube_object_raw(pod, "status.containerStatuses"));
    struct str it, inner = str_empty;
    bool escaped;
    if (s.p == s.end || !scan_enter(&s, '['))
        return str_empty;
    while (scan_element(&s, &it)) {
        struct str waiting = scan_get(scan_get(it, STR("state")), STR("waiting"));
        if (waiting.n > 0 && scan_string(scan_get(waiting, STR("reason")), &inner, &escaped))
            return inner;
    }
    return str_empty;
}

/* '*' is any text. */
static bool looks_like(struct str text, struct str pattern)
{
    size_t t = 0, p = 0, star = pattern.n, from = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && pattern.p[p] == text.p[t]) {
            p++;
            t++;
        } else if (star < pattern.n) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

static bool any_looks_like(struct str text, struct str patterns)
{
    struct str one;
    for (bool more = true; more;) {
        more = str_cut(patterns, '|', &one, &patterns);
        if (looks_like(text, one))
            return true;
    }
    return false;
}

static bool has_image(const struct kube_object *pod, struct str patterns)
{
    static const char *const lists[] = {"spec.containers", "spec.initContainers"};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        struct scan s = scan_of(kube_object_raw(pod, lists[i]));
        struct str it, image;
        bool escaped;
        if (s.p == s.end || !scan_enter(&s, '['))
            continue;
        while (scan_element(&s, &it))
            if (scan_string(scan_get(it, STR("image")), &image, &escaped) &&
                any_looks_like(image, patterns))
                return true;
    }
    return false;
}

static struct str value_of(const struct stage_term *t, const struct kube_object *pod)
{
    const struct kube_owner *owner = kube_object_controller(pod);
    if (str_eq_c(t->key, "deleting"))
        return pod->deleting ? STR("yes") : STR("no");
    if (str_eq_c(t->key, "state"))
        return str_c(stage_state(pod));
    if (str_eq_c(t->key, "phase"))
        return kube_object_string(pod, "status.phase");
    if (str_eq_c(t->key, "ready"))
        return is_ready(pod) ? STR("yes") : STR("no");
    if (str_eq_c(t->key, "owner"))
        return owner ? owner->kind : str_empty;
    if (str_eq_c(t->key, "restart"))
        return kube_object_string(pod, "spec.restartPolicy");
    if (str_eq_c(t->key, "command"))
        return command_of(pod);
    if (str_eq_c(t->key, "reason"))
        return reason_of(pod);
    if (str_eq_c(t->key, "namespace"))
        return pod->ns;
    if (str_eq_c(t->key, "node"))
        return kube_object_string(pod, "spec.nodeName");
    if (str_eq_c(t->key, "label"))
        return kube_object_label(pod, t->of);
    return annotation(pod, t->of);
}

static bool term_holds(const struct stage_term *t, const struct kube_object *pod)
{
    if (str_eq_c(t->key, "image"))
        return has_image(pod, t->value);
    struct str value = value_of(t, pod);
    return str_eq_c(t->value, "-")   ? value.n == 0
           : str_eq_c(t->value, "+") ? value.n > 0
                                     : str_eq(value, t->value);
}

bool stage_matches(const struct stage *stage, const struct kube_object *pod)
{
    for (size_t i = 0; i < stage->terms_n; i++) {
        const struct stage_term *t = &stage->terms[i];
        if (term_holds(t, pod) == t->not )
            return false;
    }
    return true;
}

const struct stage *stages_draw(const struct stages *s, struct world *w,
                                const struct kube_object *pod)
{
    const struct stage *only = NULL;
    uint64_t sum = 0, at;
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].weight == 0 || !stage_matches(&s->at[i], pod))
            continue;
        only = sum ? NULL : &s->at[i];
        sum += s->at[i].weight;
    }
    if (only || sum == 0)
        return only;
    at = world_random_below(w, sum);
    for (size_t i = 0; i < s->n; i++) {
        if (s->at[i].weight == 0 || !stage_matches(&s->at[i], pod))
            continue;
        if (at < s->at[i].weight)
            return &s->at[i];
        at -= s->at[i].weight;
    }
    return NULL;
}

/* Seconds, or a duration; what is no number lasts for ever, as `sleep infinity` does. */
static world_time argument_delay(const struct kube_object *pod)
{
    struct str text = word_of(pod, 1);
    world_time own;
    int64_t seconds;
    if (str_to_i64(text, &seconds) && seconds >= 0 && seconds < FOREVER / NS_PER_S)
        return seconds * NS_PER_S;
    return duration_parse(text, &own) && own >= 0 ? own : FOREVER;
}

world_time stage_delay(const struct stage *stage, struct world *w, const struct kube_object *pod)
{
    world_time own;
    if (stage->delay_argument)
        return argument_delay(pod);
    if (stage->delay_annotation.n > 0 &&
        duration_parse(annotation(pod, stage->delay_annotation), &own) && own >= 0)
        return own;
    return stage->delay + (stage->jitter > 0 ? world_random_time(w, stage->jitter) : 0);
}

struct str stage_argument(const struct stage *stage, const struct kube_object *pod)
{
    if (str_starts(stage->argument, STR("annotation:")))
        return annotation(pod, str_sub(stage->argument, 11, stage->argument.n));
    return stage->argument;
}
