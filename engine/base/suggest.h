/* suggest: which of the known words was meant by one that is not known. */
#ifndef PADDOCK_ENGINE_BASE_SUGGEST_H
#define PADDOCK_ENGINE_BASE_SUGGEST_H

#include "engine/base/str.h"

/* The nearest candidate by edits (neighbours swapped count as one), if it is near enough; str_empty: none is. Words of
 * more than SUGGEST_CHARS_MAX bytes have none. Ties: the first. */
#define SUGGEST_CHARS_MAX 64u
struct str suggest_word(struct str word, const struct str *candidates, size_t n);

#endif
