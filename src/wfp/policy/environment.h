/*
 * What a policy asks of the machine it is for: files, names of users, groups, services,
 * interfaces, programs and callouts. Tests and fuzzing give an environment of their own.
 */
#ifndef OPENWFP_POLICY_ENVIRONMENT_H
#define OPENWFP_POLICY_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fwptypes.h>

struct arena;

struct path {
    const char *text;
    const struct path *next;
};

struct environment {
    void *ctx;
    /* 0 or -errno */
    int (*read)(void *ctx, struct arena *arena, const char *path, const char **text,
                size_t *length);
    /* The existing files a shell pattern names, sorted; NULL when there are none. */
    const struct path *(*match)(void *ctx, struct arena *arena, const char *pattern);
    /* The canonical path of a file, NULL when it doesn't exist. */
    const char *(*canonical)(void *ctx, struct arena *arena, const char *path);
    bool (*user)(void *ctx, const char *name, uint32_t *uid);
    bool (*group)(void *ctx, const char *name, uint32_t *gid);
    bool (*service)(void *ctx, const char *name, uint16_t *port);
    bool (*interface)(void *ctx, const char *name, uint32_t *index);
    /* The key of the callout of this name at this layer. NULL: nobody to ask; a key is derived
       from the name. */
    bool (*callout)(void *ctx, const char *name, const GUID *layer, GUID *key);
};

extern const struct environment environment_host; /* this machine; no callouts */

#endif
