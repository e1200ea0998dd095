/*
 * classify() for BPF programs: drives the walk (lookup.h) over the policy map.
 *
 * The including file declares the map `policy` (ARRAY_OF_MAPS, slot 0: an ARRAY of struct
 * classify_element) and has libbpf's helpers. classify() is a global function: the verifier checks
 * it once, and every hook only calls it.
 */
#ifndef OPENWFP_CLASSIFY_KERNEL_H
#define OPENWFP_CLASSIFY_KERNEL_H

#include <stddef.h>

#include "lookup.h"
#include "openwfp_callout.h"

#define CLASSIFY_NEAR_BLOCKS 3          /* walked in a plain loop, which is cheaper than bpf_loop */
#define CLASSIFY_FAR_STEPS   (1u << 22) /* blocks in a walk, at most */
#define CLASSIFY_LOST        0xffffffffu /* where a walk stands that found no element */

/* Slots without a callout; a linked callout object overrides its slot's symbol. */
#define CLASSIFY_EMPTY_SLOT(n)                                                                     \
    __weak __noinline int openwfp_callout_##n(struct openwfp_classify *classify)                   \
    {                                                                                              \
        if (classify)                                                                              \
            classify->registered = 0;                                                              \
        return 0;                                                                                  \
    }
CLASSIFY_EMPTY_SLOT(0)
CLASSIFY_EMPTY_SLOT(1)
CLASSIFY_EMPTY_SLOT(2)
CLASSIFY_EMPTY_SLOT(3)
CLASSIFY_EMPTY_SLOT(4)
CLASSIFY_EMPTY_SLOT(5)
CLASSIFY_EMPTY_SLOT(6)
CLASSIFY_EMPTY_SLOT(7)

static __always_inline void callout_dispatch(__u32 slot, struct openwfp_classify *classify)
{
    classify->registered = 1;
    switch (slot) {
    case 0:
        openwfp_callout_0(classify);
        break;
    case 1:
        openwfp_callout_1(classify);
        break;
    case 2:
        openwfp_callout_2(classify);
        break;
    case 3:
        openwfp_callout_3(classify);
        break;
    case 4:
        openwfp_callout_4(classify);
        break;
    case 5:
        openwfp_callout_5(classify);
        break;
    case 6:
        openwfp_callout_6(classify);
        break;
    case 7:
        openwfp_callout_7(classify);
        break;
    default:
        classify->registered = 0;
    }
}

/* A callout works on the walk's own memory: there is no stack left for a copy of the key. */
_Static_assert(sizeof(struct openwfp_classify) ==
                       sizeof(struct classify_key) + sizeof(struct classify_call) &&
                   offsetof(struct classify_walk, call) == sizeof(struct classify_key) &&
                   offsetof(struct openwfp_classify, filter_id) == sizeof(struct classify_key) &&
                   offsetof(struct openwfp_classify, registered) -
                           offsetof(struct openwfp_classify, filter_id) ==
                       offsetof(struct classify_call, registered),
               "a walk begins with what a callout sees");

/* Global, as classify() is: verified once and not at every step of a walk. */
__noinline int classify_callout(struct classify_walk *walk, const struct classify_element *filter)
{
    if (!walk || !filter)
        return 0;
    struct classify_call *call = &walk->call;
    call->layer = walk->layer;
    call->filter_id = filter->action.filter_id;
    call->filter_context = filter->action.context;
    call->action = FWP_ACTION_NONE;
    call->rights = walk->result.rights;
    call->absorb = 0;
    callout_dispatch(filter->callout, (struct openwfp_classify *)walk);
    struct classify_answer answer = {.action = call->action,
                                     .rights = call->rights,
                                     .absorb = call->absorb,
                                     .registered = call->registered};
    classify_called(walk, filter, &answer);
    return 0;
}

/* Element `index` of the policy's blocks; NULL: not there. */
static __always_inline const struct classify_element *classify_element_at(void *blocks, __u32 index)
{
    __u32 number = index / CLASSIFY_BLOCK;
    struct classify_block *block = bpf_map_lookup_elem(blocks, &number);
    return block ? &block->elements[index % CLASSIFY_BLOCK] : NULL;
}

/* Walks on while it stays in one block. True: the walk is over. */
static __always_inline bool classify_block_walk(struct classify_walk *walk, void *blocks)
{
    if (walk->at >= walk->end)
        return true;
    __u32 number = walk->at / CLASSIFY_BLOCK;
    struct classify_block *block = bpf_map_lookup_elem(blocks, &number);

    if (!block) {
        walk->at = CLASSIFY_LOST;
        return true;
    }
    __u32 at = walk->at, end = walk->end;
    for (int i = 0; i < CLASSIFY_BLOCK; i++) {
        const struct classify_element *element = &block->elements[at % CLASSIFY_BLOCK];

        if (element->kind == CLASSIFY_TEST) {
            at = classify_test(&walk->key, element) ? element->on_match : element->on_miss;
        } else {
            walk->at = at;
            if (classify_step(walk, element) == CLASSIFY_CALL)
                classify_callout(walk, element);
            at = walk->at;
        }
        if (at >= end || at / CLASSIFY_BLOCK != number)
            break;
    }
    walk->at = at;
    return at >= end;
}

struct classify_far {
    struct classify_walk *walk;
    void *blocks;
};

static long classify_far_step(__u32 step, struct classify_far *far)
{
    return classify_block_walk(far->walk, far->blocks);
}

/* Decides walk->key at walk->layer into walk->result. A policy that can't be walked blocks. */
__noinline int classify(struct classify_walk *walk)
{
    __u32 zero = 0;

    if (!walk)
        return 0;
    classify_begin(&walk->result);
    void *blocks = bpf_map_lookup_elem(&policy, &zero);
    const struct classify_element *directory =
        blocks ? classify_element_at(blocks, walk->layer) : NULL;
    if (directory) {
        classify_enter(walk, directory);
        for (int i = 0; i < CLASSIFY_NEAR_BLOCKS; i++) {
            if (classify_block_walk(walk, blocks))
                goto done;
        }
        struct classify_far far = {.walk = walk, .blocks = blocks};
        bpf_loop(CLASSIFY_FAR_STEPS, classify_far_step, &far, 0);
    }
done:
    if (!directory || walk->at != walk->end) {
        walk->result.action = FWP_ACTION_BLOCK;
        walk->result.filter_id = 0;
        walk->result.flags = CLASSIFY_RESULT_BROKEN;
    }
    return 0;
}

#endif
