/*
 * What a record can match, as a box: a range in each dimension, and bits that must be set or
 * clear. The trees are built from boxes. A box may be larger than what its record matches (`exact`
 * says if not), never smaller: the tests of the record decide.
 */
#ifndef OPENWFP_CLASSIFY_BOX_H
#define OPENWFP_CLASSIFY_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

#define BOX_BITS 2 /* slots that are bits: CLASSIFY_FLAGS, CLASSIFY_USER_BITS */

/* The slots that any filter of the layer tests are its dimensions, so that boxes are small. */
struct box_shape {
    uint32_t count;
    uint8_t slot[CLASSIFY_SLOTS];
    int8_t dimension[CLASSIFY_SLOTS]; /* -1: none */
};

struct box {
    uint32_t unit; /* of the record */
    uint16_t sublayer;
    bool final; /* it decides whenever it matches */
    bool exact;
    uint32_t tested; /* bit per slot */
    uint32_t pad;
    uint64_t ones[BOX_BITS], zeros[BOX_BITS];
    struct box_range {
        uint64_t lo, hi;
    } range[]; /* by dimension */
};

static inline uint32_t box_size(const struct box_shape *shape)
{
    return (uint32_t)(sizeof(struct box) + shape->count * sizeof(struct box_range));
}

/* The slot whose bits ones[i] and zeros[i] are. */
static inline uint8_t box_bit_slot(uint32_t i)
{
    return i == 0 ? CLASSIFY_FLAGS : CLASSIFY_USER_BITS;
}

/* What a test of a number lets through; of 128 bits, its high half. False: that is no range. */
bool box_range_of(const struct classify_test *test, struct box_range *range);

/* Adds the dimensions that a record needs. */
void box_shape_add(struct box_shape *shape, const struct classify_filter *filter);
struct box_shape box_shape_new(void);

/* False: the record matches nothing. */
bool box_of(const struct box_shape *shape, const struct classify_filter *filter, uint32_t unit,
            struct box *box);

#endif
