/* record_internal: what the files of the recorder share: the steps, and the placeholders. */
#ifndef PADDOCK_SIM_CLI_RECORD_INTERNAL_H
#define PADDOCK_SIM_CLI_RECORD_INTERNAL_H

#include "engine/base/json.h"
#include "engine/base/map.h"
#include "sim/cli/transcript.h"

enum record_form {
    RECORD_NONE,
    RECORD_JSON,
    RECORD_YAML,
    RECORD_PROTOBUF, /* an object: only that it is one is compared */
    RECORD_OPAQUE,   /* not compared */
    RECORD_TEXT
};

struct record_header {
    struct str name, value;
};

struct record_step {
    struct record_step *next;
    struct record_step *first, **tail; /* of a watch: the steps inside */
    uint64_t id;
    bool watch, open;
    struct str as, method, target, body;
    const struct str *groups;
    size_t groups_n;
    bool body_is_text; /* base64 when it is no UTF-8 */
    struct record_header *headers, *answer_headers;
    size_t headers_n, answer_headers_n;
    int status;
    enum record_form form;
    struct str answer;
    bool list;               /* the answer's metadata.resourceVersion is a list's */
    cJSON *tree, *body_tree; /* while it is written */
    cJSON **events;
    size_t events_n;
};

/* ---- placeholders (placeholders.c) ---- */
enum placeholder {
    PLACE_UID,
    PLACE_RV,
    PLACE_LISTRV,
    PLACE_CONTINUE,
    PLACE_IP,
    PLACE_NODEPORT,
    PLACE_TOKEN,
    PLACE_NAME,
    PLACE_COUNT
};
struct placeholders {
    struct arena *a;
    struct map values[PLACE_COUNT]; /* text → its number, as a pointer */
    uint64_t numbers[PLACE_COUNT];
    struct map literal; /* texts that a client sent before any server did */
    struct map times;   /* instants that a server sent first */
};
/* In the order of the steps: what a request says is literal unless an answer said it before. */
void placeholders_request(struct placeholders *p, const struct record_step *s);
void placeholders_answer(struct placeholders *p, const struct record_step *s);
void placeholders_settle(struct placeholders *p); /* revisions are numbered by size */
void placeholders_free(struct placeholders *p);
/* JSON with placeholders. */
void placeholders_write_request(struct placeholders *p, const cJSON *body, struct buf *out);
void placeholders_write_answer(struct placeholders *p, const struct record_step *s,
                               const cJSON *answer, bool list, struct buf *out);
/* A path, a header or another text of a request, as a JSON string. */
void placeholders_write_text(struct placeholders *p, struct str text, struct buf *out);

#endif
