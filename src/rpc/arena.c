#include "rpc/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16
#define ARENA_CHUNK 8192

struct arena_chunk {
    struct arena_chunk *next;
    size_t size, used;
    _Alignas(ARENA_ALIGN) uint8_t bytes[];
};

static void *pb_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void pb_free(void *arena, void *pointer)
{
}

void arena_init(struct arena *arena, size_t limit)
{
    *arena = (struct arena){
        .limit = limit,
        .allocator = {.alloc = pb_alloc, .free = pb_free, .allocator_data = arena},
    };
}

/* Chunks double with the arena, so that a long message does not cost a list of small ones. */
static struct arena_chunk *add_chunk(struct arena *arena, size_t size)
{
    size_t wanted = arena->total > ARENA_CHUNK ? arena->total : ARENA_CHUNK;
    struct arena_chunk *chunk;

    if (size > arena->limit - arena->total)
        return NULL;
    if (wanted > arena->limit - arena->total)
        wanted = arena->limit - arena->total;
    if (wanted < size)
        wanted = size;
    chunk = malloc(sizeof(*chunk) + wanted);
    if (!chunk)
        return NULL;
    *chunk = (struct arena_chunk){.next = arena->chunks, .size = wanted};
    arena->chunks = chunk;
    arena->total += wanted;
    return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_chunk *chunk = arena->chunks;
    void *piece;

    if (size > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (!chunk || chunk->size - chunk->used < size)
        chunk = add_chunk(arena, size);
    if (!chunk)
        return NULL;
    piece = chunk->bytes + chunk->used;
    chunk->used += size;
    return memset(piece, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    return arena_alloc(arena, bytes);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *copy = arena_alloc(arena, size);

    return copy && size ? memcpy(copy, bytes, size) : copy;
}

static void free_chunks(struct arena *arena, struct arena_chunk *chunk)
{
    while (chunk) {
        struct arena_chunk *next = chunk->next;

        arena->total -= chunk->size;
        free(chunk);
        chunk = next;
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *first = arena->chunks;

    if (!first)
        return;
    if (first->size > 64 * ARENA_CHUNK) {
        arena_free(arena);
        return;
    }
    free_chunks(arena, first->next);
    first->next = NULL;
    first->used = 0;
}

void arena_free(struct arena *arena)
{
    free_chunks(arena, arena->chunks);
    arena->chunks = NULL;
}
