/* What was decided lately. A right that was there stays until something is taken away; one that was missing may come with
 * any change. */
#include "sim/kubeapi/auth/rbac_internal.h"

#include <string.h>

/* With its length, so that no two questions are written alike. */
void rbac_question_add(struct rbac_question *to, struct str s)
{
    if (to->n + sizeof(s.n) + s.n <= RBAC_MEMO_BYTES_MAX) {
        memcpy(to->bytes + to->n, &s.n, sizeof(s.n));
        if (s.n > 0)
            memcpy(to->bytes + to->n + sizeof(s.n), s.p, s.n);
    }
    to->n += sizeof(s.n) + s.n;
}

void rbac_question_user(struct rbac_question *to, const struct api_user *user)
{
    rbac_question_add(to, user->name);
    for (size_t i = 0; i < user->groups_n; i++)
        rbac_question_add(to, user->groups[i]);
}

static void slot_clear(struct rbac_memo *m)
{
    str_free(&m->question);
    *m = (struct rbac_memo){.question = str_empty};
}

struct rbac_memo *rbac_memo_slot(struct rbac *x, struct rbac_memo *memos,
                                 const struct rbac_question *q)
{
    struct str text = {q->bytes, q->n};
    if (q->n > RBAC_MEMO_BYTES_MAX)
        return NULL;
    uint64_t hash = str_hash(text);
    struct rbac_memo *m = &memos[hash % RBAC_MEMOS];
    bool stands = m->lost == x->lost && (m->allows || m->gained == x->gained);
    if (!stands || m->hash != hash || !str_eq(m->question, text))
        slot_clear(m);
    m->hash = hash;
    return m;
}

void rbac_memo_put(struct rbac *x, struct rbac_memo *slot, const struct rbac_question *q,
                   bool allows)
{
    slot->question = str_dup((struct str){q->bytes, q->n});
    slot->gained = x->gained;
    slot->lost = x->lost;
    slot->allows = allows;
}

void rbac_memos_clear(struct rbac *x)
{
    for (size_t i = 0; i < RBAC_MEMOS; i++) {
        slot_clear(&x->memos[i]);
        slot_clear(&x->covered[i]);
    }
}
