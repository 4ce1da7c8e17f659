/* Shared by inject.c (faults) and inject_actions.c. */
#ifndef PADDOCK_SIM_SCENARIO_INJECT_INTERNAL_H
#define PADDOCK_SIM_SCENARIO_INJECT_INTERNAL_H

#include "sim/scenario/inject.h"
#include "sim/scenario/picks.h"

struct inject {
    struct estate *estate;
    struct view *view;
    struct injected **items;
    size_t n, cap;
};

#endif
