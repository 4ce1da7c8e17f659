/* swarm: thousands of cluster agents in one process, each with its own token and the engine's own link (engine/agents/cluster):
 * how agents dial, wait, dial again is theirs, not the benchmark's. Checks and caches of agents are left out.
 *
 *   swarm_main in a process of its own: "all" when each has a tunnel; then, when tunnels were lost and each has one again:
 *   "back SECONDS OPENED_PEAK TRIED_PEAK TRIED": since the first was lost; tunnels opened, and attempts made, within the
 *   busiest second; attempts in all */
#ifndef PADDOCK_TESTS_BENCH_SWARM_H
#define PADDOCK_TESTS_BENCH_SWARM_H

#define SWARM_WORDS 4
/* words: the manager's URL, the file of its authorities, the JSON of the agents' parameters, the file of their tokens (a line
 * each). Until SIGTERM. */
int swarm_main(char *words[SWARM_WORDS]);

#endif
