/* Pods of a Job, and the indexes of those that are counted one by one. */
#include "sim/kubeapi/controllers/job.h"

int64_t job_index_of(const struct kube_object *pod)
{
    int64_t n;
    return str_to_i64(ctl_annotation(pod, JOB_INDEX), &n) && n >= 0 ? n : -1;
}

/* "0-2,4" */
int64_t job_each_index(const struct job *j, struct str text,
                       void (*found)(struct job_index *index, int64_t *sum), int64_t *sum)
{
    struct str part, from, to;
    int64_t a, b, n = 0;
    for (bool more = text.n > 0; more;) {
        more = str_cut(text, ',', &part, &text);
        if (!str_cut(part, '-', &from, &to))
            to = from;
        if (!str_to_i64(from, &a) || !str_to_i64(to, &b))
            continue;
        for (; a >= 0 && a <= b && a < j->indexes; a++, n++)
            found(&j->index[a], sum);
    }
    return n;
}

static void mark_done(struct job_index *index, int64_t *sum)
{
    (void)sum;
    index->done = true;
}

static void mark_failed(struct job_index *index, int64_t *sum)
{
    (void)sum;
    index->failed = true;
}

void job_read_indexes(struct job *j)
{
    j->indexes = j->completions < JOB_INDEXES_MAX ? j->completions : JOB_INDEXES_MAX;
    j->index = ARENA_NEW_ARRAY(&j->c->a, struct job_index, (size_t)j->indexes + 1);
    for (int64_t i = 0; i < j->indexes; i++)
        j->index[i].last_failure = -1;
    (void)job_each_index(j, json_string_at(j->tree, "status.completedIndexes"), mark_done, NULL);
    (void)job_each_index(j, json_string_at(j->tree, "status.failedIndexes"), mark_failed, NULL);
}

static bool is_done(const struct job_index *index)
{
    return index->done;
}

static bool has_failed(const struct job_index *index)
{
    return index->failed && !index->done;
}

static void write_list(struct job *j, const char *key, bool (*is)(const struct job_index *index))
{
    struct buf b = {0};
    for (int64_t i = 0; i < j->indexes; i++) {
        int64_t first = i;
        if (!is(&j->index[i]))
            continue;
        while (i + 1 < j->indexes && is(&j->index[i + 1]))
            i++;
        buf_addf(&b, "%s%lld", b.n ? "," : "", (long long)first);
        if (i > first)
            buf_addf(&b, "%c%lld", i == first + 1 ? ',' : '-', (long long)i);
    }
    if (b.n || (j->per_index >= 0 && is == has_failed))
        json_set_str(&j->c->a, j->status, key, buf_str(&b));
    buf_free(&b);
}

void job_write_indexes(struct job *j)
{
    write_list(j, "completedIndexes", is_done);
    if (j->per_index >= 0)
        write_list(j, "failedIndexes", has_failed);
}

static void add_labels(struct job *j, cJSON *labels)
{
    static const char *const names[] = {"job-name", "batch.kubernetes.io/job-name"};
    static const char *const uids[] = {"controller-uid", "batch.kubernetes.io/controller-uid"};
    for (size_t i = 0; i < 2; i++) {
        json_set_str(&j->c->a, labels, names[i], j->o->name);
        json_set_str(&j->c->a, labels, uids[i], j->o->uid);
    }
}

static void tell_index(struct job *j, cJSON *spec)
{
    cJSON *list = json_get(spec, "containers");
    struct arena *a = &j->c->a;
    for (cJSON *it = list ? list->child : NULL; it; it = it->next) {
        cJSON *env = json_get(it, "env"), *v = json_object(a);
        if (!env) {
            env = json_array(a);
            json_set(a, it, STR("env"), env);
        }
        json_set_str(a, v, "name", STR("JOB_COMPLETION_INDEX"));
        json_set_str(a, json_ensure(a, v, "valueFrom.fieldRef"), "fieldPath",
                     STR("metadata.labels['" JOB_INDEX "']"));
        json_set_str(a, json_ensure(a, v, "valueFrom.fieldRef"), "apiVersion", STR("v1"));
        json_append(env, v);
    }
}

static void tell_failures(struct job *j, cJSON *annotations, int64_t index)
{
    struct arena *a = &j->c->a;
    const struct job_index *x = &j->index[index];
    json_set_str(a, annotations, JOB_FAILURES, arena_printf(a, "%lld", (long long)x->failures));
    if (x->ignored > 0)
        json_set_str(a, annotations, JOB_IGNORED, arena_printf(a, "%lld", (long long)x->ignored));
}

cJSON *job_pod(struct job *j, int64_t index)
{
    struct arena *a = &j->c->a;
    cJSON *pod = pod_from_template(j->c, j->o, json_path(j->tree, "spec.template"), str_empty);
    cJSON *metadata = json_get(pod, "metadata"), *finalizers = json_get(metadata, "finalizers");
    cJSON *labels = json_ensure(a, metadata, "labels");
    if (!finalizers) {
        finalizers = json_array(a);
        json_set(a, metadata, STR("finalizers"), finalizers);
    }
    json_append(finalizers, json_str(a, STR(JOB_TRACKING)));
    add_labels(j, labels);
    if (index < 0)
        return pod;
    struct str n = arena_printf(a, "%lld", (long long)index);
    struct str name = arena_printf(a, STR_FMT "-" STR_FMT, STR_ARG(j->o->name), STR_ARG(n));
    json_set_str(a, labels, JOB_INDEX, n);
    cJSON *annotations = json_ensure(a, metadata, "annotations");
    json_set_str(a, annotations, JOB_INDEX, n);
    if (j->per_index >= 0)
        tell_failures(j, annotations, index);
    json_set_str(a, metadata, "generateName", arena_printf(a, STR_FMT "-", STR_ARG(name)));
    json_set_str(a, json_get(pod, "spec"), "hostname", name);
    tell_index(j, json_get(pod, "spec"));
    return pod;
}
