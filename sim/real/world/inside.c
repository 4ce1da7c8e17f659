#include "sim/real/world/inside.h"

#include "engine/base/base.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

int inside_enter(int netns)
{
    if (netns < 0)
        return -1;
    int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    BUG_ON(home < 0, "a thread has a network namespace");
    int failed = setns(netns, CLONE_NEWNET);
    BUG_ON(failed, "a namespace that is held open can be entered");
    return home;
}

void inside_leave(int home)
{
    if (home < 0)
        return;
    int failed = setns(home, CLONE_NEWNET);
    BUG_ON(failed, "the way back is open");
    close(home);
}
