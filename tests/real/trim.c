/* trim: gives back to the kernel what the C library keeps, whenever SIGRTMIN+5 comes. Preloaded by soak.mjs, which asks whether
 * memory returns to its base: what malloc holds for later is not the program's.
 * A thread of its own waits for the signal: nothing happens inside a handler. */
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>

static void *wait_and_trim(void *unused)
{
    sigset_t set;
    int number;
    (void)unused;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 5);
    for (;;)
        if (sigwait(&set, &number) == 0)
            malloc_trim(0);
    return NULL;
}

/* Before main: threads inherit that the signal is blocked. */
__attribute__((constructor)) static void begin(void)
{
    sigset_t set;
    pthread_t thread;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 5);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, wait_and_trim, NULL) == 0)
        pthread_detach(thread);
}
