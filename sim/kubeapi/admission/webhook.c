/* Admission webhooks: who is asked, in which order, and what becomes of the answers.
 *
 *   mutating: one after another, each sees what those before it made; what changed the object lets others be asked again
 *   (reinvocationPolicy IfNeeded), once. validating: all at once, told in the order of their names. */
#include "sim/kubeapi/admission/hooks.h"

#include "sim/kubeapi/admission/review_answer.h"
#include "sim/kubeapi/core/reply.h"
#include "sim/kubeapi/core/webhook_call.h"
#include "sim/kubeapi/crd/crds.h"
#include "sim/kubeapi/objects/decode.h"
#include "sim/kubeapi/rules/names.h"
#include "sim/kubeapi/rules/rules.h"
#include "sim/kubeapi/types/json_patch.h"

#define MUTATING   "mutatingwebhookconfigurations.admissionregistration.k8s.io"
#define VALIDATING "validatingwebhookconfigurations.admissionregistration.k8s.io"
#define HOOKS_MAX  64u

enum outcome { PASSED, CHANGED, WAITS, REFUSED };

struct ask {
    struct hook_subject *subject;
    struct admission *a;
    struct api_request *r;
    const struct hook_config *config;
    const cJSON *hook;    /* an entry of webhooks */
    size_t index, number; /* of its configuration; of all */
    struct str name;
    unsigned round;
    bool mutating;
    bool ask_only; /* what the answers say comes later */
};

/* ---- refusing ---- */

static bool ignores_failures(const struct ask *x)
{
    return str_eq_c(json_string_at(x->hook, "failurePolicy"), "Ignore");
}

static void refuse_internal(const struct ask *x, struct str text)
{
    struct kube_cause cause = {.message = text, .reason = str_empty, .field = str_empty};
    struct kube_status s =
        kube_status_new(500, STR("InternalError"),
                        arena_printf(&x->r->a, "Internal error occurred: " STR_FMT, STR_ARG(text)));
    s.causes = &cause;
    s.causes_n = 1;
    s.has_details = true;
    api_reply_status(x->r, &s);
}

/* For the audit log: which of all webhooks it was, and in which round. */
static void note(const struct ask *x, const char *what, struct str value)
{
    if (x->r->observed)
        api_observe_annotate(x->r,
                             arena_printf(&x->r->a,
                                          "%s.webhook.admission.k8s.io/round_%u_index_%zu", what,
                                          x->round, x->number),
                             value);
}

static void note_mutation(const struct ask *x, bool changed)
{
    struct buf b = {.max = 4096};
    if (!x->r->observed || !x->mutating)
        return;
    buf_add_c(&b, "{\"configuration\":");
    json_write_string(&b, x->config->name);
    buf_add_c(&b, ",\"webhook\":");
    json_write_string(&b, x->name);
    buf_addf(&b, ",\"mutated\":%s}", changed ? "true" : "false");
    note(x, "mutation", buf_str(&b));
    buf_free(&b);
}

/* What the webhook itself wants to be noted. */
static void note_own(const struct ask *x, const cJSON *annotations)
{
    for (const cJSON *c = annotations ? annotations->child : NULL; c && x->r->observed;
         c = c->next) {
        struct str key = arena_printf(&x->r->a, STR_FMT "/%s", STR_ARG(x->name), c->string);
        if (json_is_string(c) && names_fit(NAME_QUALIFIED, key))
            api_observe_annotate(x->r, key, json_string(c));
    }
}

static enum outcome failed(const struct ask *x, struct str why)
{
    if (ignores_failures(x)) {
        note(x, x->mutating ? "failed-open.mutation" : "failed-open.validating", x->name);
        return PASSED;
    }
    refuse_internal(x, arena_printf(&x->r->a, "failed calling webhook \"" STR_FMT "\": " STR_FMT,
                                    STR_ARG(x->name), STR_ARG(why)));
    return REFUSED;
}

/* The webhook said no. */
static enum outcome denied(const struct ask *x, const cJSON *status)
{
    struct arena *a = &x->r->a;
    struct str message = json_string_at(status, "message"),
               reason = json_string_at(status, "reason");
    int64_t code = json_int_at(status, "code", 0);
    struct str text = message.n > 0 ? message : reason;
    struct kube_status s = kube_status_new(
        code >= 400 && code < 600 ? (int)code : 400, reason,
        arena_printf(a, "admission webhook \"" STR_FMT "\" denied the request%s" STR_FMT,
                     STR_ARG(x->name), text.n > 0 ? ": " : " without explanation", STR_ARG(text)));
    const cJSON *details = json_get(status, "details");
    if (details) {
        struct kube_status given = {0};
        if (kube_status_parse(a, status, &given)) {
            given.message = s.message;
            given.code = s.code;
            s = given;
        }
    }
    s.success = false;
    api_reply_status(x->r, &s);
    return REFUSED;
}

/* ---- the question ---- */

static uint64_t mix(uint64_t h, struct str s)
{
    return (h ^ str_hash(s)) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* What is drawn anew each time that a request is run does not make another question. */
static struct str without_times(struct arena *a, const cJSON *request)
{
    cJSON *copy = json_copy(a, request);
    struct buf b = {0};
    cJSON *metadata = json_path(copy, "object.metadata");
    (void)json_unset(copy, STR("uid"));
    if (metadata) {
        (void)json_unset(metadata, STR("managedFields"));
        (void)json_unset(metadata, STR("creationTimestamp"));
    }
    json_write(&b, copy);
    struct str s = arena_str(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static const struct webhook_answer *ask(const struct ask *x, const struct api_kind *as,
                                        cJSON **object, struct str *uid, const char *version)
{
    struct arena *a = &x->r->a;
    cJSON *request = hook_request(x->subject, as), *review = json_object(a);
    struct buf body = {0};
    *object = hook_object(x->subject, as, x->subject->object);
    json_set(a, request, STR("object"), *object);
    json_set(a, request, STR("oldObject"), hook_object(x->subject, as, x->subject->old));
    struct webhook_question q = {.client_config = json_get(x->hook, "clientConfig")};
    q.timeout_s = json_int_at(x->hook, "timeoutSeconds", WEBHOOK_TIMEOUT_S);
    q.key = mix(mix(mix(x->round * 2 + x->mutating, x->config->uid), x->name),
                without_times(a, request)) +
            x->index;
    *uid = webhook_uid(x->r, q.key);
    json_set_str(a, request, "uid", *uid);
    json_set_str(a, review, "kind", STR("AdmissionReview"));
    json_set_str(a, review, "apiVersion", arena_printf(a, "admission.k8s.io/%s", version));
    json_set(a, review, STR("request"), request);
    json_write(&body, review);
    q.body = arena_str(a, buf_str(&body));
    buf_free(&body);
    return webhook_ask(x->r, &q);
}

/* ---- the answer ---- */

static enum outcome broken(const struct ask *x, struct err *take)
{
    refuse_internal(x, str_c(take->message));
    err_free(take);
    return REFUSED;
}

/* Puts what a patch made of the shown object in the place of the object itself, which keeps what only the server gives. */
static enum outcome replace(const struct ask *x, const struct api_kind *as, cJSON *made)
{
    static const struct {
        const char *name;
        bool always;
    } kept[] = {{"uid", true},
                {"creationTimestamp", true},
                {"generation", true},
                {"name", false},
                {"namespace", false}};
    struct arena *a = &x->r->a;
    cJSON *tree = x->a->object, *metadata = json_get(tree, "metadata");
    struct str why = str_empty;
    enum crd_conversion out = hook_object_back(x->subject, as, &made, &why);
    if (out == CRD_BROKEN)
        return broken(x, err_new(ERR_INTERNAL, STR_FMT, STR_ARG(why)));
    if (out == CRD_WAITS)
        return WAITS;
    cJSON *fresh = json_get(made, "metadata");
    for (size_t i = 0; fresh && fresh->type == cJSON_Object && i < ARRAY_LEN(kept); i++) {
        const cJSON *was = json_get(metadata, kept[i].name);
        bool mine = kept[i].always && x->a->verb == ADMIT_CREATE;
        if (was && (mine || !json_get(fresh, kept[i].name)))
            json_set(a, fresh, str_c(kept[i].name), json_copy(a, was));
    }
    json_set_str(a, made, "apiVersion", json_string_at(tree, "apiVersion"));
    json_set_str(a, made, "kind", json_string_at(tree, "kind"));
    tree->child = made->child;
    return CHANGED;
}

static enum outcome apply(const struct ask *x, const struct api_kind *as,
                          const struct review_answer *said, cJSON *object)
{
    struct arena *a = &x->r->a;
    cJSON *patch = said->patch, *made;
    struct buf before = {0};
    if (!patch && said->patch_error.n > 0)
        return failed(x, arena_printf(a, "received undecodable patch in webhook response: " STR_FMT,
                                      STR_ARG(said->patch_error)));
    if (!patch || !patch->child)
        return PASSED;
    if (!x->a->object)
        return broken(x, err_new(ERR_INTERNAL,
                                 "admission webhook \"" STR_FMT
                                 "\" attempted to modify the object, which is not supported for "
                                 "this operation",
                                 STR_ARG(x->name)));
    json_write(&before, object);
    struct err *err = json_parse(a, arena_str(a, buf_str(&before)), &made);
    BUG_ON(err, "what was written is JSON");
    err = json_patch_apply(a, &made, patch);
    if (!err && made->type != cJSON_Object)
        err = err_new(ERR_INTERNAL, "the patched object is not an object");
    struct buf after = {0};
    if (!err)
        json_write(&after, made);
    bool same = !err && str_eq(buf_str(&before), buf_str(&after));
    buf_free(&before);
    buf_free(&after);
    if (err)
        return broken(x, err);
    if (same)
        return PASSED;
    const struct api_kind *k = hook_kind(x->subject, x->a->k);
    struct str why;
    enum outcome out = replace(x, as, made);
    if (out == CHANGED && !api_decode_changed(x->r, k, x->a->object, &why))
        return broken(x, err_new(ERR_INTERNAL, STR_FMT, STR_ARG(why)));
    if (out == CHANGED && !x->a->as && x->a->sub.n == 0) /* a container that it added needs them */
        api_rules_default(x->r, k, x->a->object, x->a->verb == ADMIT_CREATE);
    return out;
}

/* Who is asked again says the same again. */
static void warn_once(struct api_request *r, struct str text)
{
    struct str rest = buf_str(&r->warnings), line;
    if (text.n == 0)
        return;
    while (rest.n > 0) {
        (void)str_cut(rest, '\n', &line, &rest);
        if (str_eq(line, text))
            return;
    }
    api_warn(r, STR_FMT, STR_ARG(text));
}

static enum outcome digest(const struct ask *x, const struct api_kind *as,
                           const struct webhook_answer *answer, cJSON *object, struct str uid,
                           const char *version)
{
    if (answer->error.n > 0)
        return failed(
            x, arena_printf(&x->r->a, "failed to call webhook: " STR_FMT, STR_ARG(answer->error)));
    struct review_answer said;
    struct str wrong = review_answer_read(&x->r->a, answer->body, uid, version, x->mutating, &said);
    if (wrong.n > 0)
        return failed(x, wrong);
    for (const cJSON *w = said.warnings ? said.warnings->child : NULL; w; w = w->next)
        warn_once(x->r, json_string(w));
    note_own(x, said.annotations);
    if (!said.allowed)
        return denied(x, said.status);
    return x->mutating ? apply(x, as, &said, object) : PASSED;
}

/* ---- one webhook ---- */

/* NULL: it is not asked, *out says what that means; else the kind that it sees. */
static const struct api_kind *wanted(struct ask *x, enum outcome *out)
{
    struct hook_run run;
    struct str why;
    *out = PASSED;
    const struct api_kind *as = hook_matches(x->subject, json_get(x->hook, "rules"),
                                             json_string_at(x->hook, "matchPolicy"));
    if (!as || !hook_selected(x->subject, json_get(x->hook, "namespaceSelector"),
                              json_get(x->hook, "objectSelector")))
        return NULL;
    enum crd_conversion made = hook_prepare(x->subject, as, &why);
    if (made == CRD_BROKEN)
        refuse_internal(x, why);
    *out = made == CRD_BROKEN ? REFUSED : made == CRD_WAITS ? WAITS : PASSED;
    if (made != CRD_CONVERTED)
        return NULL;
    const struct hook_conditions *conditions = &x->config->conditions[x->index];
    if (conditions->n > 0) {
        hook_run_init(&run, x->subject, as);
        enum hook_verdict verdict = hook_conditions_hold(&run, conditions, &why);
        if (verdict == HOOK_BROKEN && !ignores_failures(x)) {
            (void)api_fail_forbidden(x->r, x->subject->name, STR_FMT, STR_ARG(why));
            *out = REFUSED;
        }
        if (verdict != HOOK_YES)
            return NULL;
    }
    struct str effects = json_string_at(x->hook, "sideEffects");
    if (x->r->dry_run && !str_eq_c(effects, "None") && !str_eq_c(effects, "NoneOnDryRun")) {
        (void)api_fail_bad(x->r, "admission webhook \"" STR_FMT "\" does not support dry run",
                           STR_ARG(x->name));
        *out = REFUSED;
        return NULL;
    }
    return as;
}

static enum outcome meet(struct ask *x, bool *called)
{
    enum outcome out;
    cJSON *object;
    struct str uid;
    hook_subject_refresh(x->subject);
    const struct api_kind *as = wanted(x, &out);
    const cJSON *versions = json_get(x->hook, "admissionReviewVersions");
    const char *version =
        json_list_has(versions, STR("v1")) || !json_list_has(versions, STR("v1beta1")) ? "v1"
                                                                                       : "v1beta1";
    *called = as != NULL;
    if (!as)
        return out;
    const struct webhook_answer *answer = ask(x, as, &object, &uid, version);
    if (!answer || x->ask_only)
        return answer ? PASSED : WAITS;
    out = digest(x, as, answer, object, uid, version);
    note_mutation(x, out == CHANGED);
    return out;
}

/* ---- all of them ---- */

static bool concerned(const struct admission *a, const char *table)
{
    return store_count(kubeapi_table(a->r->api, str_c(table))) > 0 &&
           !str_eq_c(a->k->group, "admissionregistration.k8s.io");
}

/* Which webhooks were asked and may be asked again, by their number over all configurations. */
struct again {
    bool invoked[HOOKS_MAX], due[HOOKS_MAX];
};

static void changed(struct again *again)
{
    for (size_t i = 0; i < HOOKS_MAX; i++) {
        again->due[i] = again->due[i] || again->invoked[i];
        again->invoked[i] = false;
    }
}

static enum outcome mutate_round(struct admission *a, unsigned round, struct again *again)
{
    struct hook_subject subject;
    struct store_cursor cursor = hooks_begin(a->r, MUTATING);
    enum outcome all = PASSED;
    size_t number = 0;
    hook_subject_init(&subject, a);
    subject.mutating = true;
    for (const struct hook_config *c; (c = hooks_next(a->r, MUTATING, &cursor));) {
        const cJSON *list = json_get(c->tree, "webhooks");
        size_t index = 0;
        for (const cJSON *h = list ? list->child : NULL; h && number < HOOKS_MAX;
             h = h->next, index++, number++) {
            struct ask x = {.subject = &subject,
                            .a = a,
                            .r = a->r,
                            .config = c,
                            .hook = h,
                            .index = index,
                            .number = number,
                            .name = json_string_at(h, "name"),
                            .round = round,
                            .mutating = true};
            bool called;
            if (round > 0 && !again->due[number])
                continue;
            enum outcome out = meet(&x, &called);
            if (out == WAITS || out == REFUSED)
                return out;
            if (out == CHANGED) {
                changed(again);
                all = CHANGED;
            }
            if (called)
                again->invoked[number] =
                    str_eq_c(json_string_at(h, "reinvocationPolicy"), "IfNeeded");
        }
    }
    return all;
}

/* Webhooks see what others added to a custom object; its schema has the last word. */
static void settle(struct admission *a)
{
    if (a->k->crd && !a->as && a->object)
        crds_prune(&a->r->a, a->k, a->object);
}

bool admit_webhooks_mutate(struct admission *a)
{
    struct again again = {0};
    if (!concerned(a, MUTATING))
        return true;
    enum outcome out = mutate_round(a, 0, &again);
    if (out != CHANGED)
        return out == PASSED;
    struct buf before = {0}, after = {0};
    json_write(&before, a->object);
    bool ok = a->again(a); /* the plug-ins of the server see what the webhooks made */
    json_write(&after, a->object);
    if (ok && !str_eq(buf_str(&before), buf_str(&after)))
        changed(&again);
    buf_free(&before);
    buf_free(&after);
    if (!ok)
        return false;
    out = mutate_round(a, 1, &again);
    if (out == PASSED || out == CHANGED)
        settle(a);
    return out == PASSED || out == CHANGED;
}

static enum outcome validate_round(struct admission *a, struct hook_subject *subject, bool ask_only)
{
    struct store_cursor cursor = hooks_begin(a->r, VALIDATING);
    enum outcome all = PASSED;
    bool called;
    size_t number = 0;
    for (const struct hook_config *c; (c = hooks_next(a->r, VALIDATING, &cursor));) {
        const cJSON *list = json_get(c->tree, "webhooks");
        size_t index = 0;
        for (const cJSON *h = list ? list->child : NULL; h; h = h->next, index++, number++) {
            struct ask x = {.subject = subject,
                            .a = a,
                            .r = a->r,
                            .config = c,
                            .hook = h,
                            .index = index,
                            .number = number,
                            .name = json_string_at(h, "name"),
                            .ask_only = ask_only};
            enum outcome out = meet(&x, &called);
            if (out == REFUSED)
                return out;
            all = out == WAITS ? out : all;
        }
    }
    return all;
}

bool admit_webhooks_validate(struct admission *a)
{
    struct hook_subject subject;
    if (!concerned(a, VALIDATING))
        return true;
    hook_subject_init(&subject, a);
    enum outcome out = validate_round(a, &subject, true);
    if (out == PASSED)
        out = validate_round(a, &subject, false);
    if (out == REFUSED)
        a->r->suspended = false; /* it is answered: the others' answers do not matter */
    return out == PASSED;
}
