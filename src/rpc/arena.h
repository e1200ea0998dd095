/*
 * Memory of one message: given out piece by piece, freed all at once. An arena has a limit, which
 * bounds what decoding a hostile message can cost.
 */
#ifndef OPENWFP_RPC_ARENA_H
#define OPENWFP_RPC_ARENA_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks; /* the newest first */
    size_t total;               /* bytes in all chunks */
    size_t limit;
    ProtobufCAllocator allocator; /* for protobuf-c: its memory comes from here too */
};

void arena_init(struct arena *arena, size_t limit);
/* Zeroed, aligned for any type; NULL when memory or the limit is reached. */
void *arena_alloc(struct arena *arena, size_t size);
void *arena_array(struct arena *arena, size_t count, size_t size);
void *arena_copy(struct arena *arena, const void *bytes, size_t size);
/* Frees everything but one chunk, for the next message. */
void arena_reset(struct arena *arena);
void arena_free(struct arena *arena);

#endif
