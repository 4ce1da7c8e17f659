/* webhook_call: questions to webhooks, and requests that wait for the answers.
 *
 *   plug-in asks ─► known: goes on
 *       └─► not yet: the call starts, the request is left as it is (suspended)
 *                        └─► all its calls have ended ─► the request is run again from its head, now knowing the answers
 *
 * Running again is what makes waiting simple: nothing of a write is half done, other writes may come between, and a question
 * about an object that is another by then is asked anew, as after a conflict. What the server draws for a new object (uid,
 * generated name) stays the same.
 * Ownership: calls and answers belong to the request and end with it (its connection dies, the server goes); a watch asks
 *            again and again, and frees them as it goes on.
 * Bounds:    WEBHOOK_CALLS_MAX questions a request, WEBHOOK_ANSWER_BYTES_MAX an answer, KUBEAPI_TIMEOUT for all of them.
 * In process requests (kubeapi_call) cannot wait: their questions fail by name. */
#ifndef PADDOCK_SIM_KUBEAPI_CORE_WEBHOOK_CALL_H
#define PADDOCK_SIM_KUBEAPI_CORE_WEBHOOK_CALL_H

#include "sim/kubeapi/core/request.h"

#define WEBHOOK_CALLS_MAX        8192u /* a deletion of a collection asks about each object */
#define WEBHOOK_CALLS_OPEN_MAX   32u
#define WEBHOOK_ANSWER_BYTES_MAX ((size_t)4 << 20)
#define WEBHOOK_TIMEOUT_S        10

struct webhook_question {
    uint64_t key;               /* what makes it this question: the same key has the same answer */
    const cJSON *client_config; /* {url | service, caBundle} */
    int64_t timeout_s;
    struct str body; /* JSON; borrowed for the call */
};
struct webhook_answer {
    struct str error; /* why it was not reached; empty: it answered */
    cJSON *body;
};

struct webhook_calls; /* of a request */
/* NULL: the request is suspended; its plug-in returns false. uid: drawn for this question, for its body. */
const struct webhook_answer *webhook_ask(struct api_request *r, const struct webhook_question *q);
/* A uid for the question of this key: the same one each time. */
struct str webhook_uid(struct api_request *r, uint64_t key);
void webhook_calls_free(struct api_request *r);
/* Objects of a collection that have been admitted: they are not asked about when the request is run again. */
bool webhook_admitted(const struct api_request *r, const struct kube_object *o);
void webhook_admit(struct api_request *r, const struct kube_object *o);
/* May further questions be asked before the open ones are answered? */
bool webhook_may_ask(const struct api_request *r);

/* What is drawn once for a new object, however often its request is run. */
struct str webhook_stamp_uid(struct api_request *r);
struct str webhook_stamp_name(struct api_request *r, struct str prefix);

#endif
