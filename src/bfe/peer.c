#include "peer.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_GUESS (32 * sizeof(gid_t))

static int read_groups(struct peer *peer, int fd)
{
    socklen_t size = FIRST_GUESS;
    gid_t *groups = NULL, *larger;

    for (;;) {
        larger = realloc(groups, size ? size : 1);
        if (!larger) {
            free(groups);
            return -ENOMEM;
        }
        groups = larger;
        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
            break;
        if (errno != ERANGE) {
            free(groups);
            return -errno;
        }
    }
    peer->groups = groups;
    peer->caller.groups = groups;
    peer->caller.group_count = size / sizeof(gid_t);
    return 0;
}

static bool in_group(const struct model_caller *caller, gid_t group)
{
    if (group == (gid_t)-1)
        return false;
    if (caller->gid == group)
        return true;
    for (size_t i = 0; i < caller->group_count; i++)
        if (caller->groups[i] == group)
            return true;
    return false;
}

void peer_find_name(struct peer *peer)
{
    char buffer[4096];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(peer->caller.uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
        peer->username = strdup(found->pw_name);
    peer->caller.username = peer->username;
}

int peer_read(struct peer *peer, int fd, gid_t admin_group)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    int code;

    *peer = (struct peer){0};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return -errno;
    peer->caller.uid = credentials.uid;
    peer->caller.gid = credentials.gid;
    peer->caller.pid = (uint32_t)credentials.pid;
    code = read_groups(peer, fd);
    if (code < 0)
        return code;
    peer->caller.privileged = credentials.uid == 0 || in_group(&peer->caller, admin_group);
    return 0;
}

void peer_free(struct peer *peer)
{
    free(peer->groups);
    free(peer->username);
    *peer = (struct peer){0};
}
