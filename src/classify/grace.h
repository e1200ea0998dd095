/*
 * Waiting in the background for lookups that are over: those in the kernel run under RCU, whose
 * grace period takes some milliseconds.
 */
#ifndef OPENWFP_CLASSIFY_GRACE_H
#define OPENWFP_CLASSIFY_GRACE_H

#include <pthread.h>
#include <stdbool.h>

struct grace {
    bool owed;    /* lookups have not been waited for since grace_begin() */
    bool running; /* a thread waits for them */
    pthread_t thread;
};

/* After it lookups begin with something else; those that have begun are now being waited for. */
void grace_begin(struct grace *grace);
/* Returns when all that had begun at grace_begin() are over. False: the kernel can't tell. */
bool grace_end(struct grace *grace);
/* Nobody wants to know any more; does not wait. */
void grace_forget(struct grace *grace);

/* Returns when all lookups that have begun are over. False: the kernel can't tell. */
bool grace_wait(void);

#endif
