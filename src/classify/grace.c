#include "grace.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool grace_wait(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0;
}

/* It touches nothing of ours, so that it may outlive what it waits for. */
static void *wait_for_lookups(void *unused)
{
    static char over;
    (void)unused;
    return grace_wait() ? &over : NULL;
}

void grace_begin(struct grace *grace)
{
    grace_forget(grace);
    grace->owed = true;
    grace->running = pthread_create(&grace->thread, NULL, wait_for_lookups, NULL) == 0;
}

bool grace_end(struct grace *grace)
{
    void *over = NULL;
    if (!grace->owed)
        return true;
    if (!grace->running || pthread_join(grace->thread, &over) != 0)
        over = wait_for_lookups(NULL);
    grace->running = false;
    grace->owed = over == NULL;
    return over != NULL;
}

void grace_forget(struct grace *grace)
{
    if (grace->running)
        pthread_detach(grace->thread);
    *grace = (struct grace){.owed = false};
}
