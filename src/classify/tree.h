/*
 * From records to trees (abi.h).
 *
 * A tree is built from the top: the cut is chosen that leaves the fewest filters for a key to be
 * compared with, filters that would stand in too many of its children are set aside for the next
 * tree, and so on down until few are left. What a layer's trees may take is bounded by its number
 * of filters, so that no set of filters can make them large; where the bound is reached, leaves
 * stay long.
 *
 * A filter behind one that decides for all of a leaf's keys is left out of that leaf: the other
 * covers it. Who deletes the other has to bring it back (change.c).
 */
#ifndef OPENWFP_CLASSIFY_TREE_H
#define OPENWFP_CLASSIFY_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

struct trees {
    uint32_t count;
    struct classify_tree tree[CLASSIFY_BASE_TREES];
    uint32_t depth;   /* nodes on the longest way down, of all trees together */
    uint32_t longest; /* leaf, of all trees together */
};

enum tree_note {
    TREE_COVERS = 1,  /* others are left out of some leaf because of it */
    TREE_COVERED = 2, /* it is left out of some leaf */
};

/*
 * Builds at most `limit` trees of the records in units [first, end) of the memory, at its end.
 * notes: for each of them, in order, enum tree_note; may be NULL. False: there is no room or no
 * memory.
 */
bool trees_build(struct memory *memory, uint32_t first, uint32_t end, uint32_t limit,
                 uint8_t *notes, struct trees *trees);

#endif
