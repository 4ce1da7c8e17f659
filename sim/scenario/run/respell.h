/* respell: a manager's CA as the setting cacerts may have it: the same text written differently, or another one. */
#ifndef PADDOCK_SIM_SCENARIO_RUN_RESPELL_H
#define PADDOCK_SIM_SCENARIO_RUN_RESPELL_H

#include "sim/scenario/language/plan.h"

/* other: the certificate of an authority that has issued nothing. Appends. */
void ca_respell(struct str pem, struct str other, enum ca_spelling as, struct buf *out);

#endif
