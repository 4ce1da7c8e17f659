/* Pods of a Job, and the indexes of those that are counted one by one. */
#include "sim/kubeapi/controllers/job.h"

#define COMPLETIONS_MAX 100000

int64_t job_index_of(const struct kube_object *pod)
{
    int64_t n;
    return str_to_i64(ctl_annotation(pod, JOB_INDEX), &n) && n >= 0 ? n : -1;
}

/* "0-2,4" */
void job_read_indexes(struct job *j)
{
    struct str part, rest = json_string_at(j->tree, "status.completedIndexes"), from, to;
    j->done = arena_alloc(
        &j->c->a,
        (size_t)(j->completions < COMPLETIONS_MAX ? j->completions : COMPLETIONS_MAX) + 1);
    for (bool more = rest.n > 0; more;) {
        int64_t a, b;
        more = str_cut(rest, ',', &part, &rest);
        if (!str_cut(part, '-', &from, &to))
            to = from;
        if (str_to_i64(from, &a) && str_to_i64(to, &b))
            for (; a >= 0 && a <= b && a < j->completions && a < COMPLETIONS_MAX; a++)
                j->done[a] = 1;
    }
}

void job_write_indexes(struct job *j)
{
    struct buf b = {0};
    int64_t n = j->completions < COMPLETIONS_MAX ? j->completions : COMPLETIONS_MAX;
    for (int64_t i = 0; i < n; i++) {
        int64_t first = i;
        if (!j->done[i])
            continue;
        while (i + 1 < n && j->done[i + 1])
            i++;
        buf_addf(&b, "%s%lld", b.n ? "," : "", (long long)first);
        if (i > first)
            buf_addf(&b, "%c%lld", i == first + 1 ? ',' : '-', (long long)i);
    }
    if (b.n)
        json_set_str(&j->c->a, j->status, "completedIndexes", buf_str(&b));
    buf_free(&b);
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
    json_set_str(a, json_ensure(a, metadata, "annotations"), JOB_INDEX, n);
    json_set_str(a, metadata, "generateName", arena_printf(a, STR_FMT "-", STR_ARG(name)));
    json_set_str(a, json_get(pod, "spec"), "hostname", name);
    tell_index(j, json_get(pod, "spec"));
    return pod;
}
