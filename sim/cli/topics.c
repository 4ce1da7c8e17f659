/* paddock-sim help TOPIC: what the language's own tables say. */
#include "sim/cli/cli.h"

bool help_topic(const struct shell *sh, struct buf *out)
{
    return sh->options.topic.n && scenario_topic(sh->options.topic, out);
}
