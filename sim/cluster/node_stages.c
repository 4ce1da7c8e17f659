/* The life of nodes: reading its form. */
#include "sim/cluster/node_stages.h"

#include "simcluster/assets.h"

#define SHARE_ALL 1000000u

static const char *const phase_names[] = {[NODE_PHASE_NEW] = "new",
                                          [NODE_PHASE_UNREADY] = "unready",
                                          [NODE_PHASE_READY] = "ready",
                                          [NODE_PHASE_LOST] = "lost"};

static const struct {
    const char *name;
    bool repeats, condition;
    size_t words_min, words_max; /* of the reason */
} actions[] = {[NODE_DO_READY] = {"ready", false, false, 0, 0},
               [NODE_DO_UNREADY] = {"unready", false, false, 1, 1},
               [NODE_DO_LOST] = {"lost", false, false, 0, 0},
               [NODE_DO_SET] = {"set", false, true, 0, 1},
               [NODE_DO_CLEAR] = {"clear", false, true, 0, 1},
               [NODE_DO_LEASE] = {"lease", true, false, 0, 0},
               [NODE_DO_STATUS] = {"status", true, false, 0, 0}};

const char *node_phase_name(enum node_phase phase)
{
    return phase_names[phase];
}

static struct str next_word(struct str *line)
{
    struct str word;
    *line = str_trim(*line);
    (void)str_cut(*line, ' ', &word, line);
    return word;
}

static const char *condition_of(struct node_life *life, struct str name, uint8_t *index)
{
    for (size_t i = 0; i < life->conditions_n; i++)
        if (str_eq(life->conditions[i], name)) {
            *index = (uint8_t)i;
            return NULL;
        }
    if (name.n == 0 || str_eq_c(name, "Ready"))
        return "a condition has a name, and is not Ready";
    if (life->conditions_n == NODE_CONDITIONS_MAX)
        return "too many conditions";
    *index = (uint8_t)life->conditions_n;
    life->conditions[life->conditions_n++] = name;
    return NULL;
}

static const char *read_state(struct node_stage *s, struct str value, bool negated)
{
    for (size_t i = 0; i < ARRAY_LEN(phase_names); i++)
        if (str_eq_c(value, phase_names[i])) {
            uint8_t bit = (uint8_t)(1u << i);
            s->phases = (uint8_t)(negated ? s->phases & ~bit : s->phases & bit);
            return NULL;
        }
    return "no such state";
}

static const char *read_term(struct node_life *life, struct node_stage *s, struct str word)
{
    struct str key, value;
    uint8_t index = 0;
    if (!str_cut(word, '=', &key, &value))
        return "a term is KEY=VALUE or KEY!=VALUE";
    bool negated = str_ends(key, STR("!"));
    key.n -= negated;
    if (str_eq_c(key, "state"))
        return read_state(s, value, negated);
    if (!str_eq_c(key, "condition"))
        return "no such key";
    const char *problem = condition_of(life, value, &index);
    uint8_t *bits = negated ? &s->clear : &s->set;
    *bits = (uint8_t)(*bits | 1u << index);
    return problem;
}

static const char *read_time(struct node_stage *s, struct str line, bool repeats)
{
    s->repeats = repeats;
    if (!duration_parse(next_word(&line), &s->delay) || s->delay < 0 || (repeats && s->delay == 0))
        return "delay and every need a duration such as 100ms";
    struct str word = next_word(&line);
    if (word.n == 0)
        return NULL;
    if (!str_eq_c(word, "jitter") || !duration_parse(next_word(&line), &s->jitter) || s->jitter < 0)
        return "jitter needs a duration such as 100ms";
    return NULL;
}

static const char *read_action(struct node_life *life, struct node_stage *s, struct str line)
{
    struct str word = next_word(&line);
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (!str_eq_c(word, actions[i].name))
            continue;
        s->action = (enum node_action)i;
        const char *problem =
            actions[i].condition ? condition_of(life, next_word(&line), &s->condition) : NULL;
        s->reason = next_word(&line);
        size_t words = s->reason.n > 0;
        if (!problem && (words < actions[i].words_min || words > actions[i].words_max))
            problem = "the reason is wrong";
        if (!problem && actions[i].repeats != s->repeats)
            problem = "lease and status go with every, the others with delay";
        return problem;
    }
    return "no such action";
}

static const char *read_line(struct node_life *life, struct str line)
{
    struct str word = next_word(&line);
    struct node_stage *last = life->n ? &life->at[life->n - 1] : NULL;
    uint64_t share;
    if (str_eq_c(word, "stage")) {
        if (life->n == NODE_STAGES_MAX)
            return "too many stages";
        life->at[life->n++] = (struct node_stage){.name = next_word(&line),
                                                  .phases = (1u << ARRAY_LEN(phase_names)) - 1,
                                                  .share_ppm = SHARE_ALL};
        return life->at[life->n - 1].name.n ? NULL : "a stage needs a name";
    }
    if (!last)
        return "the first line is \"stage NAME\"";
    if (str_eq_c(word, "when")) {
        const char *problem = NULL;
        for (struct str w; !problem && (w = next_word(&line)).n > 0;)
            problem = read_term(life, last, w);
        return problem;
    }
    if (str_eq_c(word, "delay") || str_eq_c(word, "every"))
        return read_time(last, line, str_eq_c(word, "every"));
    if (str_eq_c(word, "do"))
        return read_action(life, last, line);
    if (!str_eq_c(word, "share"))
        return "a line begins with stage, when, delay, every, share or do";
    if (!str_to_u64(str_trim(line), &share) || share > SHARE_ALL)
        return "share is in millionths";
    last->share_ppm = (uint32_t)share;
    return NULL;
}

/* All are read: which clocks are needed. */
static struct err *find_beats(struct node_life *life, bool usual)
{
    life->clocks = !usual;
    for (size_t i = 0; i < life->n; i++)
        if (node_stage_is_beat(&life->at[i]) && (life->beat == 0 || life->at[i].delay < life->beat))
            life->beat = life->at[i].delay;
    for (size_t i = 0; i < life->n; i++)
        if (node_stage_is_beat(&life->at[i]) && life->at[i].delay % life->beat != 0)
            return err_new(ERR_INVALID,
                           "stage " STR_FMT ": every is no multiple of the shortest one",
                           STR_ARG(life->at[i].name));
    return NULL;
}

static struct err *read_all(struct node_life *life, struct str rest)
{
    struct str line, comment;
    uint32_t number = 0;
    for (bool more = true; more;) {
        more = str_cut(rest, '\n', &line, &rest);
        number++;
        (void)str_cut(line, '#', &line, &comment);
        if (str_trim(line).n == 0)
            continue;
        const char *problem = read_line(life, line);
        if (problem)
            return err_new(ERR_INVALID, "line %u: %s: " STR_FMT, number, problem,
                           STR_ARG(str_trim(line)));
    }
    return NULL;
}

struct err *node_life_parse(struct str text, struct node_life **out)
{
    struct node_life *life = MEM_NEW(struct node_life);
    struct str usual = {(const char *)asset_nodes_stages, asset_nodes_stages_size};
    struct err *err = read_all(life, arena_str(&life->a, text.n ? text : usual));
    if (!err)
        err = find_beats(life, text.n == 0);
    if (err)
        node_life_free(life);
    else
        *out = life;
    return err;
}

void node_life_free(struct node_life *life)
{
    if (!life)
        return;
    struct arena a = life->a;
    arena_free(&a);
    mem_free(life);
}

bool node_stage_matches(const struct node_stage *s, enum node_phase phase, uint8_t conditions)
{
    return (s->phases >> phase & 1) && (s->set & ~conditions) == 0 && (s->clear & conditions) == 0;
}
