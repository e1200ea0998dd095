/* Choosing how a set of boxes is cut. */
#ifndef OPENWFP_CLASSIFY_CUT_H
#define OPENWFP_CLASSIFY_CUT_H

#include "box.h"

/* What part of the key space a node is for. */
struct region {
    uint64_t ones[BOX_BITS], zeros[BOX_BITS];
    struct box_range range[CLASSIFY_SLOTS]; /* by dimension */
};

/* All boxes, found by number. */
struct boxes {
    struct box_shape shape;
    uint8_t *bytes;
    uint32_t stride, count;
};

static inline struct box *boxes_at(const struct boxes *boxes, uint32_t number)
{
    return (struct box *)(void *)(boxes->bytes + (size_t)number * boxes->stride);
}

/* A node without its children: as in the memory, and which dimension or bits it cuts. */
struct cut {
    struct classify_node node;
    int dimension; /* -1: a bit, of bits[bit_slot] */
    uint32_t bit_slot;
    uint32_t wide; /* boxes in more children than this are set aside; 0: none are */
    double cost;   /* filters left for a key, the mean over keys in the filters */
};

/* The children that a box stands in: child 0 or not, and children [first, last] if first <= last.
 */
struct cut_span {
    bool zero;
    uint32_t first, last;
};

struct cut_span cut_span_of(const struct cut *cut, const struct region *region,
                            const struct box *box);

static inline uint32_t cut_span_width(const struct cut_span *span)
{
    return span->zero + (span->last >= span->first ? span->last - span->first + 1 : 0);
}

/* The region of a child; of the child outside of all others: its parent's. */
void cut_region(const struct cut *cut, const struct region *region, uint32_t child,
                struct region *into);

/*
 * The best cut of `count` boxes in the region, where children and their lists may take `budget`
 * references. False: none makes things better.
 */
bool cut_choose(const struct boxes *boxes, const uint32_t *numbers, uint32_t count,
                const struct region *region, uint64_t budget, bool set_aside, struct cut *best);

#endif
