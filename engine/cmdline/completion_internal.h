/* What the writers of the shells share. Private to engine/cmdline. */
#ifndef PADDOCK_ENGINE_CMDLINE_COMPLETION_INTERNAL_H
#define PADDOCK_ENGINE_CMDLINE_COMPLETION_INTERNAL_H

#include "engine/cmdline/completion.h"

enum completion_kind { COMPLETE_NOTHING, COMPLETE_FILES, COMPLETE_WORDS };

/* Calls visit for the command and all below it; place: "/tunnel/serve", of the root "". */
typedef void (*completion_visit)(struct buf *out, const char *place,
                                 const struct cmdline_command *c);
void completion_walk(const struct cmdline_command *root, struct buf *out, completion_visit visit);

enum completion_kind completion_of_option(const struct cmdline_option *o);
/* COMPLETE_WORDS: they are put behind *words, with a blank before each. */
enum completion_kind completion_of_arguments(const struct cmdline_command *c, struct buf *words);
/* In single quotes; of lines only the first. */
void completion_quote(struct buf *out, const char *text);

void completion_bash(const struct cmdline_command *root, struct buf *out);
void completion_zsh(const struct cmdline_command *root, struct buf *out);
void completion_fish(const struct cmdline_command *root, struct buf *out);

#define COMPLETION_COLORS "auto always never"

#endif
