/* Values as the reference implementation prints its own structures in messages: members by their Go names and in their
 * declared order, nothing left out. The order is that of the protobuf numbers unless a row says another. */
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/types/types.h"

#define DIFF_LINES_MAX 4096u
#define DIFF_CONTEXT   3u

/* ---- text ---- */

static const struct {
    const char *type, *fields;
} orders[] = {
    {"io.k8s.api.policy.v1.PodDisruptionBudgetSpec",
     "minAvailable selector maxUnavailable unhealthyPodEvictionPolicy"},
    {"io.k8s.api.core.v1.PersistentVolumeClaimSpec",
     "accessModes selector resources volumeName storageClassName volumeMode dataSource "
     "dataSourceRef "
     "volumeAttributesClassName"},
    {"io.k8s.api.core.v1.PodSpec", "volumes initContainers containers ephemeralContainers "
                                   "restartPolicy terminationGracePeriodSeconds "
                                   "activeDeadlineSeconds dnsPolicy nodeSelector "
                                   "serviceAccountName automountServiceAccountToken nodeName "
                                   "securityContext imagePullSecrets hostname subdomain "
                                   "setHostnameAsFQDN affinity schedulerName tolerations "
                                   "hostAliases priorityClassName priority preemptionPolicy "
                                   "dnsConfig readinessGates runtimeClassName overhead "
                                   "enableServiceLinks topologySpreadConstraints os "
                                   "schedulingGates resourceClaims resources hostnameOverride"},
    {"io.k8s.api.core.v1.Container",
     "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy "
     "restartPolicyRules "
     "volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle "
     "terminationMessagePath "
     "terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty"},
    {"io.k8s.api.core.v1.EphemeralContainer",
     "name image command args workingDir ports envFrom env resources resizePolicy restartPolicy "
     "restartPolicyRules "
     "volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle "
     "terminationMessagePath "
     "terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty "
     "targetContainerName"},
    {"io.k8s.api.core.v1.ResourceRequirements", "limits requests claims"},
    {"io.k8s.api.core.v1.VolumeResourceRequirements", "limits requests"},
    {"io.k8s.api.core.v1.Toleration", "key operator value effect tolerationSeconds"},
};

struct printing {
    struct buf *out;
    bool indent;
};

static void line(struct printing *p, unsigned depth)
{
    if (!p->indent)
        return;
    buf_add_char(p->out, '\n');
    for (unsigned i = 0; i < depth; i++)
        buf_add_char(p->out, ' ');
}

static void go_name(struct buf *out, struct str name)
{
    static const struct {
        const char *name, *go;
    } odd[] = {{"tty", "TTY"}, {"os", "OS"},         {"hostIP", "HostIP"},
               {"ip", "IP"},   {"fsType", "FSType"}, {"uid", "UID"}};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++)
        if (str_eq_c(name, odd[i].name)) {
            buf_add_c(out, odd[i].go);
            return;
        }
    bool acronym = str_starts(name, STR("dns"));
    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];
        bool upper = (i == 0 || (acronym && i < 3)) && c >= 'a' && c <= 'z';
        buf_add_char(out, upper ? (char)(c - 'a' + 'A') : c);
    }
}

static void print(struct printing *p, const struct type *t, const struct type_field *f,
                  const cJSON *v, unsigned depth);

static void print_member(struct printing *p, const struct type *t, struct str name,
                         const cJSON *object, bool *any, unsigned depth)
{
    const struct type_field *f = type_field_find(t, name);
    if (!f)
        return;
    if (*any)
        buf_add_char(p->out, ',');
    *any = true;
    line(p, depth + 1);
    buf_add_char(p->out, '"');
    go_name(p->out, name);
    buf_add_c(p->out, p->indent ? "\": " : "\":");
    print(p, f->type, f, json_get_str(object, name), depth + 1);
}

static void print_object(struct printing *p, const struct type *t, const cJSON *v, unsigned depth)
{
    struct str order = str_empty, one;
    bool any = false;
    for (size_t i = 0; i < ARRAY_LEN(orders); i++)
        if (str_eq_c(t->name, orders[i].type))
            order = str_c(orders[i].fields);
    buf_add_char(p->out, '{');
    for (bool more = order.n > 0; more;) {
        more = str_cut(order, ' ', &one, &order);
        print_member(p, t, one, v, &any, depth);
    }
    uint32_t last = 0;
    for (bool more = !any; more;) { /* by number */
        const struct type_field *next = NULL;
        for (size_t i = 0; i < t->fields_n; i++)
            if (t->fields[i].number > last && (!next || t->fields[i].number < next->number))
                next = &t->fields[i];
        more = next != NULL;
        if (next) {
            last = next->number;
            print_member(p, t, next->name, v, &any, depth);
        }
    }
    if (any)
        line(p, depth);
    buf_add_char(p->out, '}');
}

/* Structures of the common machinery print as their JSON. */
static void print_json(struct printing *p, const cJSON *v, unsigned depth)
{
    bool list = v->type == cJSON_Array;
    if (v->type != cJSON_Object && !list) {
        json_write(p->out, v);
        return;
    }
    buf_add_char(p->out, list ? '[' : '{');
    for (const cJSON *c = v->child; c; c = c->next) {
        line(p, depth + 1);
        if (!list) {
            json_write_string(p->out, str_c(c->string));
            buf_add_c(p->out, p->indent ? ": " : ":");
        }
        print_json(p, c, depth + 1);
        if (c->next)
            buf_add_char(p->out, ',');
    }
    if (v->child)
        line(p, depth);
    buf_add_char(p->out, list ? ']' : '}');
}

static void print_list(struct printing *p, const struct type *t, const cJSON *v, unsigned depth)
{
    buf_add_char(p->out, '[');
    for (const cJSON *c = v->child; c; c = c->next) {
        line(p, depth + 1);
        print(p, t->items, NULL, c, depth + 1);
        if (c->next)
            buf_add_char(p->out, ',');
    }
    if (v->child)
        line(p, depth);
    buf_add_char(p->out, ']');
}

static void print_absent(struct printing *p, const struct type *t, const struct type_field *f,
                         unsigned depth)
{
    static const cJSON nothing = {.type = cJSON_Object};
    bool pointer = f && (f->flags & FIELD_POINTER);
    if (pointer || t->kind == TYPE_LIST || t->kind == TYPE_MAP || t->kind == TYPE_TIME ||
        t->kind == TYPE_ANY)
        buf_add_c(p->out, "null");
    else if (t->kind == TYPE_OBJECT)
        print_object(p, t, &nothing, depth);
    else if (t->kind == TYPE_BOOL)
        buf_add_c(p->out, "false");
    else if (t->kind == TYPE_INT32 || t->kind == TYPE_INT64)
        buf_add_char(p->out, '0');
    else
        buf_add_c(p->out, "\"\"");
}

static void print(struct printing *p, const struct type *t, const struct type_field *f,
                  const cJSON *v, unsigned depth)
{
    if (!v || v->type == cJSON_NULL)
        print_absent(p, t, f, depth);
    else if (t->kind == TYPE_OBJECT && str_find(t->name, STR("apimachinery")) < 0 &&
             v->type == cJSON_Object)
        print_object(p, t, v, depth);
    else if (t->kind == TYPE_LIST && v->type == cJSON_Array)
        print_list(p, t, v, depth);
    else
        print_json(p, v, depth);
}

static struct str text_of(struct check *c, const char *type, const cJSON *v, bool indent)
{
    struct buf b = {0};
    struct printing p = {&b, indent};
    const struct type *t = type_named(str_c(type));
    if (t && v)
        print(&p, t, NULL, v, 0);
    else
        buf_add_c(&b, "null");
    struct str s = arena_str(&c->r->a, buf_str(&b));
    buf_free(&b);
    return s;
}

struct str internal_text(struct check *c, const char *type, const cJSON *v)
{
    return text_of(c, type, v, false);
}

/* ---- differences ---- */

struct lines {
    struct str *at;
    size_t n;
};

static struct lines split(struct arena *a, struct str text)
{
    struct lines l = {ARENA_NEW_ARRAY(a, struct str, DIFF_LINES_MAX), 0};
    for (bool more = true; more && l.n < DIFF_LINES_MAX;)
        more = str_cut(text, '\n', &l.at[l.n++], &text);
    return l;
}

struct hunk { /* lines [a, a_end) of the old text become [b, b_end) of the new one */
    size_t a, a_end, b, b_end;
};

/* One hunk from the first difference to the last: what two such texts have between them is short. */
static struct hunk find_hunk(const struct lines *a, const struct lines *b)
{
    size_t head = 0, tail = 0;
    while (head < a->n && head < b->n && str_eq(a->at[head], b->at[head]))
        head++;
    while (tail < a->n - head && tail < b->n - head &&
           str_eq(a->at[a->n - 1 - tail], b->at[b->n - 1 - tail]))
        tail++;
    return (struct hunk){head, a->n - tail, head, b->n - tail};
}

/* A block that is added may as well begin earlier, at the line that equals its last one: that is where readers expect it. */
static void slide(struct hunk *h, const struct lines *a, const struct lines *b)
{
    while (h->a == h->a_end && h->b > 0 && h->a > 0 &&
           str_eq(b->at[h->b - 1], b->at[h->b_end - 1])) {
        h->a--, h->a_end--, h->b--, h->b_end--;
    }
}

struct str internal_diff(struct check *c, const char *type, const cJSON *old, const cJSON *new)
{
    struct lines a = split(&c->r->a, text_of(c, type, old, true));
    struct lines b = split(&c->r->a, text_of(c, type, new, true));
    struct hunk h = find_hunk(&a, &b);
    struct buf out = {0};
    slide(&h, &a, &b);
    size_t from = h.a > DIFF_CONTEXT ? h.a - DIFF_CONTEXT : 0;
    size_t to = h.a_end + DIFF_CONTEXT < a.n ? h.a_end + DIFF_CONTEXT : a.n;
    buf_addf(&out, "\n@@ -%zu,%zu +%zu,%zu @@\n", from + 1, to - from, from + 1,
             to - from + (h.b_end - h.b) - (h.a_end - h.a));
    for (size_t i = from; i < h.a; i++)
        buf_addf(&out, " " STR_FMT "\n", STR_ARG(a.at[i]));
    for (size_t i = h.a; i < h.a_end; i++)
        buf_addf(&out, "-" STR_FMT "\n", STR_ARG(a.at[i]));
    for (size_t i = h.b; i < h.b_end; i++)
        buf_addf(&out, "+" STR_FMT "\n", STR_ARG(b.at[i]));
    for (size_t i = h.a_end; i < to; i++)
        buf_addf(&out, " " STR_FMT "\n", STR_ARG(a.at[i]));
    struct str s = arena_str(&c->r->a, buf_str(&out));
    buf_free(&out);
    return s;
}
