/*
 * The kernel's memory for policies where it has arenas (classify/abi.h). An image is copied to a
 * place of its own, put in force by one store, and its place is emptied when both the kernel and
 * its owner are done with it.
 */
#ifndef OPENWFP_POLICY_ARENA_H
#define OPENWFP_POLICY_ARENA_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "classify/compile.h"

struct policy_arena {
    uint8_t *bytes;                 /* NULL: this kernel has none */
    int forget;                     /* a descriptor of classify_forget(); -1: none yet */
    pthread_mutex_t *sleepers;      /* held by lookups that RCU does not wait for; may be NULL */
    bool lived_in[CLASSIFY_PLACES]; /* by an image of this process */
    pthread_t emptier;              /* waits for the last lookups in a place, */
    bool emptying;                  /* if there is one, */
    uint32_t place;                 /* and empties it */
    struct policy_arena *next;      /* of all that are open */
};

/* What a map that is to be created needs: its size and an address that is free in any process. */
uint32_t policy_arena_pages(void);
uint64_t policy_arena_address(void);

bool policy_arena_is(int map);

/* Maps it. 0 or a negative error number. */
int policy_arena_open(struct policy_arena *arena, int map, pthread_mutex_t *sleepers);
void policy_arena_close(struct policy_arena *arena);

/* Whether a place is, or was left by another process, with something in it: then the program
 * classify_forget() is needed before the next image is placed. It stays the caller's. */
bool policy_arena_is_used(const struct policy_arena *arena);
int policy_arena_set_forget(struct policy_arena *arena, int program);

/*
 * Copies the image to a free place, which is its memory until it is freed. -E2BIG: it is larger
 * than a place; -EBUSY: earlier ones are still there.
 */
int policy_arena_place(struct policy_arena *arena, struct classify_image *image);

/* Lookups that begin from now on find this image, which has been placed. Does not wait for others.
 */
void policy_arena_enforce(struct policy_arena *arena, const struct classify_image *image);

/* The memory of what is in force; NULL: nothing is. */
const uint8_t *policy_arena_in_force(const struct policy_arena *arena);

#endif
