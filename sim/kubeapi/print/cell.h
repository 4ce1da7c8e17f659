/* cell: what the files of print/ share: columns, and the functions that write the cell of an object.
 *
 * A cell function appends one JSON value. Strings are put together from the pieces between the quotes of raw canonical
 * JSON, escapes and all, so nothing is decoded and encoded again. */
#ifndef PADDOCK_SIM_KUBEAPI_PRINT_CELL_H
#define PADDOCK_SIM_KUBEAPI_PRINT_CELL_H

#include "engine/kube/object.h"
#include "engine/kube/scan.h"
#include "sim/kubeapi/print/texts.h"

struct cell {
    const struct kube_object *o;
    struct str metadata, spec, status; /* of the object, found once a row */
    int64_t now;                       /* of the world's clock, unix ns */
    const char *arg;                   /* of the column: a path, or what the function says */
    struct buf *out;
};
typedef void (*cell_fn)(struct cell *c);

struct print_column {
    const char *name, *type, *format;
    cell_fn cell;
    const char *arg;
    int priority; /* 1: with -o wide */
    const char *description;
};
struct print_kind {
    const char *table;
    const struct print_column *columns;
    size_t n;
};
extern const struct print_kind print_kinds_core[], print_kinds_groups[];
extern const size_t print_kinds_core_n, print_kinds_groups_n;
/* Events of both groups. */
#define PRINT_EVENTS_COLUMNS 10u
extern const struct print_column print_events_columns[PRINT_EVENTS_COLUMNS];
/* Of a kind that has no columns of its own. */
extern const struct print_kind print_kind_default;

/* ---- pieces ---- */
void cell_row(struct cell *c, const struct kube_object *o);  /* begins the cells of an object */
struct str cell_raw(const struct cell *c, const char *path); /* empty: absent */
struct str cell_text_of(struct str raw); /* between the quotes; empty: no string */
struct str cell_text(const struct cell *c, const char *path);
int64_t cell_int(struct str raw); /* 0: absent */
/* The text of a scalar: between the quotes, or the literal. */
struct str cell_scalar(struct str raw);
void cell_put(struct cell *c, struct str text); /* quotes around text that is escaped already */
void cell_put_c(struct cell *c, const char *text);
/* Elements of a list, or nothing: for (struct scan s = cell_list(raw); scan_element(&s, &item);) */
struct scan cell_list(struct str raw);
struct scan cell_members(struct str raw);
/* "5s", "3m10s", "2d3h" */
void cell_duration(int64_t ns, struct buf *out);
void cell_since_text(int64_t now, struct str rfc3339, struct buf *out); /* "<unknown>" when empty */

#define CELL_FUNCTIONS(X)                                                                          \
    X(access_modes)                                                                                \
    X(age)                                                                                         \
    X(apiservice_available)                                                                        \
    X(apiservice_service)                                                                          \
    X(binding_role)                                                                                \
    X(binding_subjects)                                                                            \
    X(bool_or_true)                                                                                \
    X(boolean)                                                                                     \
    X(claim_capacity)                                                                              \
    X(claim_modes)                                                                                 \
    X(claim_state)                                                                                 \
    X(class_name)                                                                                  \
    X(component_error)                                                                             \
    X(component_message)                                                                           \
    X(component_status)                                                                            \
    X(containers)                                                                                  \
    X(controller)                                                                                  \
    X(count_elements)                                                                              \
    X(count_members)                                                                               \
    X(created)                                                                                     \
    X(csr_condition)                                                                               \
    X(csr_duration)                                                                                \
    X(endpoints)                                                                                   \
    X(event_count)                                                                                 \
    X(event_first)                                                                                 \
    X(event_last)                                                                                  \
    X(event_message)                                                                               \
    X(event_object)                                                                                \
    X(event_source)                                                                                \
    X(event_subobject)                                                                             \
    X(flow_missing)                                                                                \
    X(hpa_min)                                                                                     \
    X(hpa_reference)                                                                               \
    X(hpa_targets)                                                                                 \
    X(images)                                                                                      \
    X(ingress_address)                                                                             \
    X(ingress_hosts)                                                                               \
    X(ingress_ports)                                                                               \
    X(ingressclass_parameters)                                                                     \
    X(integer)                                                                                     \
    X(ip_parent)                                                                                   \
    X(job_completions)                                                                             \
    X(job_duration)                                                                                \
    X(job_status)                                                                                  \
    X(joined)                                                                                      \
    X(joined_or_none)                                                                              \
    X(labels)                                                                                      \
    X(level_shares)                                                                                \
    X(name)                                                                                        \
    X(node_address)                                                                                \
    X(node_roles)                                                                                  \
    X(node_status)                                                                                 \
    X(param_kind)                                                                                  \
    X(param_ref)                                                                                   \
    X(phase_or_terminating)                                                                        \
    X(pod_gates)                                                                                   \
    X(pod_ip)                                                                                      \
    X(pod_ready)                                                                                   \
    X(pod_restarts)                                                                                \
    X(pod_status)                                                                                  \
    X(printed_bool)                                                                                \
    X(quota)                                                                                       \
    X(ready_of)                                                                                    \
    X(scalar_or_na)                                                                                \
    X(scalar_or_none)                                                                              \
    X(selector)                                                                                    \
    X(service_external)                                                                            \
    X(service_ip)                                                                                  \
    X(service_ports)                                                                               \
    X(since_or_none)                                                                               \
    X(slice_endpoints)                                                                             \
    X(slice_ports)                                                                                 \
    X(storage_class)                                                                               \
    X(string)                                                                                      \
    X(string_or_delete)                                                                            \
    X(string_or_immediate)                                                                         \
    X(string_or_none)                                                                              \
    X(string_or_unknown)                                                                           \
    X(string_or_unset)                                                                             \
    X(token_requests)                                                                              \
    X(volume_claim)
#define CELL_DECLARE(name) void cell_##name(struct cell *c);
CELL_FUNCTIONS(CELL_DECLARE)
#undef CELL_DECLARE

#endif
