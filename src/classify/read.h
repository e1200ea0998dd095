/*
 * Reading a compiled policy's memory (abi.h), in the kernel block by block.
 *
 * Who includes this has defined classify_block_at(memory, number): a block of the memory, NULL if
 * there is none.
 */
#ifndef OPENWFP_CLASSIFY_READ_H
#define OPENWFP_CLASSIFY_READ_H

#include "arbitrate.h"
#include "verifier.h"
#include "walk.h"

/* The block that was read last. Its number is kept where the verifier doesn't follow it. */
struct classify_near {
    const struct classify_block *block;
    __u32 *number;
};

/*
 * A lookup under way. All that changes is in the walk: the verifier does not follow what is stored
 * there, and so need not tell one turn of a loop from the next.
 */
struct classify_run {
    struct classify_walk *walk;
    void *memory;
    const struct classify_layer *layer;
    struct classify_near nodes, filters; /* what is read of the one is near the last of the kind */
};

/* Whether `size` bytes at the offset are inside of a block: what is checked is what is used. */
CLASSIFY_INLINE bool classify_inside(__u64 *offset, __u32 size)
{
    CLASSIFY_OPAQUE(*offset);
    if (CLASSIFY_RARELY(*offset > CLASSIFY_BLOCK - size))
        return false;
    CLASSIFY_OPAQUE(*offset);
    return true;
}

/* Makes the unit's block the one that is read; false: not there. */
CLASSIFY_INLINE bool classify_open(void *memory, struct classify_near *near, __u32 unit)
{
    __u32 number = unit / CLASSIFY_BLOCK_UNITS;

    if (number == *near->number)
        return true;
    const struct classify_block *block = classify_block_at(memory, number);
    if (!block)
        return false;
    near->block = block;
    *near->number = number;
    return true;
}

/* `size` bytes at a unit; NULL: not there. */
CLASSIFY_INLINE const void *classify_at(void *memory, struct classify_near *near, __u32 unit,
                                        __u32 size)
{
    __u64 offset = unit % CLASSIFY_BLOCK_UNITS * CLASSIFY_UNIT;

    if (!classify_open(memory, near, unit) || !classify_inside(&offset, size))
        return NULL;
    return near->block->bytes + offset;
}

CLASSIFY_INLINE const struct classify_header *classify_header_of(const struct classify_near *near)
{
    return (const void *)near->block->bytes;
}

/* Begins to read the memory; false: it is empty. */
CLASSIFY_INLINE bool classify_start(struct classify_run *run)
{
    run->filters.block = classify_block_at(run->memory, 0);
    if (!run->filters.block)
        return false;
    run->walk->zero = 0;
    run->nodes.block = run->filters.block;
    run->nodes.number = &run->walk->nodes_block;
    run->filters.number = &run->walk->filters_block;
    /* 0, but to the verifier any number: a known one would be one more case for it to follow. */
    *run->nodes.number = classify_header_of(&run->nodes)->block;
    *run->filters.number = *run->nodes.number;
    return true;
}

CLASSIFY_INLINE const struct classify_version *classify_version_now(struct classify_run *run)
{
    const struct classify_header *header = classify_header_of(&run->filters);

    return classify_at(run->memory, &run->nodes, *(const volatile __u32 *)&header->root,
                       sizeof(struct classify_version));
}

/* The generation in force, apart from any lookup; 0: there is none. */
CLASSIFY_INLINE __u64 classify_generation(void *memory)
{
    __u32 number = 0;
    struct classify_near near = {.block = classify_block_at(memory, 0), .number = &number};

    if (!near.block)
        return 0;
    const struct classify_version *version =
        classify_at(memory, &near, classify_header_of(&near)->root, sizeof(*version));
    return version ? version->generation : 0;
}

CLASSIFY_INLINE const struct classify_record *classify_record_at(struct classify_run *run,
                                                                 __u32 unit)
{
    return classify_at(run->memory, &run->filters, unit, sizeof(struct classify_record));
}

#endif
