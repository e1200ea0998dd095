/*
 * Who is at the other end of a connection, as the kernel recorded it at connect().
 *
 * Privileged (a member of Administrators, rule 24.4; choice) is uid 0 and who is in the configured
 * group. CAP_NET_ADMIN of the peer is not looked at: the only way to it, /proc/PID/status, can be
 * another process's by the time it is read.
 */
#ifndef OPENWFP_BFE_PEER_H
#define OPENWFP_BFE_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "model/model.h"

struct peer {
    struct model_caller caller; /* points into this struct's memory */
    gid_t *groups;
    char *username;
};

/* 0 or a negative errno. */
int peer_read(struct peer *peer, int fd, gid_t admin_group);
/* Looks the user's name up: that can take a while, so not for those who will be refused. */
void peer_find_name(struct peer *peer);
void peer_free(struct peer *peer);

#endif
