#include "engine/base/suggest.h"

/* Edits between two words, neighbours swapped counting as one; a three-row table. */
static size_t edits(struct str a, struct str b)
{
    size_t rows[3][SUGGEST_CHARS_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b.n; j++)
        last[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = last[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *spare = before;
        before = last;
        last = now;
        now = spare;
    }
    return last[b.n];
}

struct str suggest_word(struct str word, const struct str *candidates, size_t n)
{
    struct str best = str_empty;
    if (word.n == 0 || word.n > SUGGEST_CHARS_MAX)
        return best;
    size_t limit = word.n < 3 ? 1 : word.n < 6 ? 2 : word.n / 3 + 1;
    size_t least = limit + 1;
    for (size_t i = 0; i < n; i++) {
        if (candidates[i].n == 0 || candidates[i].n > SUGGEST_CHARS_MAX)
            continue;
        size_t distance = edits(word, candidates[i]);
        if (distance < least && distance < candidates[i].n && distance < word.n) {
            least = distance;
            best = candidates[i];
        }
    }
    return best;
}
