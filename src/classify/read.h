/*
 * Reading a compiled policy's memory (abi.h), in kernels without arenas block by block.
 *
 * Who includes this has defined classify_block_at(memory, number): a block of the memory, NULL if
 * there is none. With CLASSIFY_ARENA block 0 is all of the memory, and what is read outside of it
 * is zero: nothing has to be looked up or checked.
 */
#ifndef OPENWFP_CLASSIFY_READ_H
#define OPENWFP_CLASSIFY_READ_H

#include "arbitrate.h"
#include "verifier.h"
#include "walk.h"

/*
 * A lookup under way. All that changes is in the walk: the verifier does not follow what is stored
 * there, and so need not tell one turn of a loop from the next.
 */
struct classify_run {
    struct classify_walk *walk;
    void *memory;
    const struct classify_version *version;
    const struct classify_layer *layer;
    const struct classify_block *nodes, *filters; /* the blocks of either that were read last */
};

#ifdef CLASSIFY_ARENA
#define classify_offset(unit) ((__u64)(unit)*CLASSIFY_UNIT)

CLASSIFY_INLINE bool classify_is_within(__u32 unit, __u32 number)
{
    return true;
}

CLASSIFY_INLINE bool classify_inside(const __u64 *offset, __u32 size)
{
    return true;
}

CLASSIFY_INLINE bool classify_open(void *memory, const struct classify_block **near, __u32 *number,
                                   __u32 unit)
{
    return true;
}
#else
/* Of a unit, in its block. */
#define classify_offset(unit) ((__u64)(unit) % CLASSIFY_BLOCK_UNITS * CLASSIFY_UNIT)

/* Whether the unit is in the block of the number. */
CLASSIFY_INLINE bool classify_is_within(__u32 unit, __u32 number)
{
    return unit / CLASSIFY_BLOCK_UNITS == number;
}

/* Whether `size` bytes at the offset are inside of a block: what is checked is what is used. */
CLASSIFY_INLINE bool classify_inside(__u64 *offset, __u32 size)
{
    CLASSIFY_OPAQUE(*offset);
    if (CLASSIFY_RARELY(*offset > CLASSIFY_BLOCK - size))
        return false;
    CLASSIFY_OPAQUE(*offset);
    return true;
}

/* Makes the unit's block the one that is read, and its number the number; false: not there. */
CLASSIFY_INLINE bool classify_open(void *memory, const struct classify_block **near, __u32 *number,
                                   __u32 unit)
{
    if (classify_is_within(unit, *number))
        return true;
    const struct classify_block *block = classify_block_at(memory, unit / CLASSIFY_BLOCK_UNITS);
    if (!block)
        return false;
    *near = block;
    *number = unit / CLASSIFY_BLOCK_UNITS;
    return true;
}
#endif

/* `size` bytes at a unit; NULL: not there. */
CLASSIFY_INLINE const void *classify_at(void *memory, const struct classify_block **near,
                                        __u32 *number, __u32 unit, __u32 size)
{
    __u64 offset = classify_offset(unit);

    if (!classify_open(memory, near, number, unit) || !classify_inside(&offset, size))
        return NULL;
    return (*near)->bytes + offset;
}

CLASSIFY_INLINE const void *classify_node_at(struct classify_run *run, __u32 unit, __u32 size)
{
    return classify_at(run->memory, &run->nodes, &run->walk->nodes_block, unit, size);
}

CLASSIFY_INLINE const void *classify_filter_at(struct classify_run *run, __u32 unit, __u32 size)
{
    return classify_at(run->memory, &run->filters, &run->walk->filters_block, unit, size);
}

CLASSIFY_INLINE const struct classify_record *classify_record_at(struct classify_run *run,
                                                                 __u32 unit)
{
    return classify_filter_at(run, unit, sizeof(struct classify_record));
}

/* Of the memory's first block: where the version in force is. Read once, it may change. */
CLASSIFY_INLINE __u32 classify_root(const struct classify_block *block)
{
    return *(const volatile __u32 *)&((const struct classify_header *)(const void *)block)->root;
}

/* Begins to read the memory: what is in force now; NULL: nothing is. */
CLASSIFY_INLINE const struct classify_version *classify_start(struct classify_run *run)
{
    run->nodes = run->filters = classify_block_at(run->memory, 0);
    if (!run->nodes)
        return NULL;
    run->walk->zero = 0;
    run->walk->nodes_block = run->walk->filters_block = 0;
    return classify_node_at(run, classify_root(run->nodes), sizeof(struct classify_version));
}

/* The generation in force, apart from any lookup; 0: there is none. */
CLASSIFY_INLINE __u64 classify_generation(void *memory)
{
    const struct classify_block *block = classify_block_at(memory, 0);
    __u32 number = 0;

    if (!block)
        return 0;
    const struct classify_version *version =
        classify_at(memory, &block, &number, classify_root(block), sizeof(struct classify_version));
    return version ? version->generation : 0;
}

#endif
