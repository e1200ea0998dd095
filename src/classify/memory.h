/*
 * Memory in the making: zeroed, growing at its end, nothing in it straddles blocks. It is either
 * on the heap or a part, of fixed size, of a memory that is in use.
 */
#ifndef OPENWFP_CLASSIFY_MEMORY_H
#define OPENWFP_CLASSIFY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define MEMORY_FULL 0u /* instead of a unit */

struct memory {
    uint8_t *bytes;   /* of unit 0 */
    uint32_t at, end; /* units: the next free one, and where the room ends */
    bool fixed;       /* it can't grow */
};

/* A heap memory with the header in it and room for `units`; bytes NULL: out of memory. */
struct memory memory_new(uint32_t units);

/* A part of a memory in use; what is taken of it is zeroed. */
struct memory memory_part(uint8_t *bytes, uint32_t first, uint32_t end);

/*
 * Room for `units`, of which a reader may read `window` at once from the first on. Returns the
 * first unit, MEMORY_FULL when there is no room or the block is too small.
 */
uint32_t memory_take(struct memory *memory, uint32_t units, uint32_t window);

/* Room for a record of `units`, of which a lookup reads a whole window, and any test in full. */
uint32_t memory_take_record(struct memory *memory, uint32_t units);

/* Room for what is read word by word, and so may straddle blocks. */
uint32_t memory_take_words(struct memory *memory, uint32_t words);

/* Gives back what is free at the end, but for what a reader of the last record may read. */
void memory_trim(struct memory *memory);

/* What it takes as whole blocks, in bytes. */
size_t memory_size(const struct memory *memory);

static inline void *memory_at(const struct memory *memory, uint32_t unit)
{
    return memory->bytes + (size_t)unit * CLASSIFY_UNIT;
}

#endif
