/*
 * The listening socket: systemd's, or our own at a path that a lock file makes ours alone.
 * Everyone may connect (mode 0666): rights are checked for each call.
 */
#ifndef OPENWFP_BFE_LISTEN_H
#define OPENWFP_BFE_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

struct listener {
    int fd;
    int lock;        /* held while we serve the path */
    const char *own; /* path to unlink at the end; NULL under socket activation */
};

/* Becomes the one bfe for this path. 0, -EBUSY when another has it (*owner is its pid), -errno. */
int listener_lock(struct listener *listener, const char *path, pid_t *owner);
/* 0 or a negative errno, logged. */
int listener_open(struct listener *listener, const char *path);
void listener_close(struct listener *listener);

#endif
