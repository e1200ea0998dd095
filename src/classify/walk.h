/* One classify: what is asked, what is answered, and the lookup's state in between. */
#ifndef OPENWFP_CLASSIFY_WALK_H
#define OPENWFP_CLASSIFY_WALK_H

#include "abi.h"

/* What the kernel hands to a callout beside the key, which it follows: struct openwfp_classify. */
struct classify_call {
    __u64 filter_id, filter_context;
    __u32 layer, action, rights, absorb, registered;
    __u32 pad;
};

/*
 * A filter's order is the unit of its record in the base, in the upper half; a filter of the
 * overlay has there the record that it precedes, and its own unit below.
 */
struct classify_walk {
    struct classify_key key;
    struct classify_call call;
    struct classify_result result;
    struct classify_tree tree[CLASSIFY_TREES]; /* as far as they were read: see lookup.h */
    __u32 layer;                               /* run-time id */
    __u32 done;                                /* number of the sublayer that has decided last */
    __u64 passed;                              /* filters up to this order are done with */
    __u64 best;                                /* order of the filter that was found */
    __u64 zero;                                /* 0: classify_zero() */
    __u64 order;                               /* of the filter that is being looked at */
    __u32 found;                               /* unit of the one that was found */
    __u32 base;                                /* the tree that is being read is one of the base */
    __u32 number;                              /* of the version */
    __u32 lost;                                /* the memory is not what it must be */
    __u32 index;       /* of the next test of the filter that is being looked at */
    __u32 asked;       /* it stands still at the found filter: user space is asked */
    __u32 nodes_block; /* numbers of the blocks that are being read */
    __u32 filters_block;
    __u32 reading;                 /* the tree that is being read */
    __u32 wanted;                  /* a unit of another block, or of a filter, to be read next */
    __u32 next;                    /* where the tree's cursor goes behind that filter */
    __u32 asked_callout;           /* whose id this is, */
    __u16 asked_type, asked_flags; /* by a filter with these */
    __u64 generation;              /* of the policy that it stands still in; 0: not known */
};

#endif
