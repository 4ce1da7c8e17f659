/* inside: the calling thread in another network namespace for a moment: sockets that it opens there stay there. */
#ifndef PADDOCK_SIM_REAL_WORLD_INSIDE_H
#define PADDOCK_SIM_REAL_WORLD_INSIDE_H

/* netns: a descriptor; -1: it stays where it is. What it returns is for inside_leave. */
int inside_enter(int netns);
void inside_leave(int home);

#endif
