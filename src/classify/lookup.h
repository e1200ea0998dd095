/*
 * The walk through a compiled policy (abi.h), one element at a time. This is the code that decides
 * in the kernel and the code that explains, tests and benches in user space.
 *
 * A driver sets walk->key and walk->layer, calls classify_enter() with the layer's directory
 * element, and then classify_step() with the element at walk->at until walk->at == walk->end. When
 * a step says CLASSIFY_CALL the driver asks the filter's callout and passes its answer to
 * classify_called().
 */
#ifndef OPENWFP_CLASSIFY_LOOKUP_H
#define OPENWFP_CLASSIFY_LOOKUP_H

#include "arbitrate.h"

/* What the kernel hands to a callout beside the key, which it follows: struct openwfp_classify. */
struct classify_call {
    __u64 filter_id, filter_context;
    __u32 layer, action, rights, absorb, registered;
    __u32 pad;
};

struct classify_walk {
    struct classify_key key;
    struct classify_call call;
    struct classify_result result;
    __u32 layer; /* run-time id */
    __u32 at, end;
    __u32 pad;
};

enum classify_progress { CLASSIFY_GO_ON, CLASSIFY_CALL };

CLASSIFY_INLINE void classify_enter(struct classify_walk *walk,
                                    const struct classify_element *directory)
{
    classify_begin(&walk->result);
    walk->at = directory->layer.first;
    walk->end = directory->layer.end;
}

CLASSIFY_INLINE bool classify_less(__u64 high_a, __u64 low_a, __u64 high_b, __u64 low_b)
{
    return high_a < high_b || (high_a == high_b && low_a < low_b);
}

CLASSIFY_INLINE bool classify_test(const struct classify_key *key,
                                   const struct classify_element *test)
{
    __u32 slot = test->slot;
    if (slot >= CLASSIFY_SLOTS)
        return false;
    if (!(key->present >> slot & 1))
        return test->op == CLASSIFY_ABSENT || test->op == CLASSIFY_ALWAYS;
    __u64 value = key->value[slot], lo = test->test.lo[0];
    if (test->op == CLASSIFY_IN_RANGE) /* by far the most */
        return value >= lo && value <= test->test.hi[0];
    switch (test->op) {
    case CLASSIFY_ALWAYS:
        return true;
    case CLASSIFY_NOT_IN_RANGE:
        return value < lo || value > test->test.hi[0];
    case CLASSIFY_FLAGS_ALL_SET:
        return (value & lo) == lo;
    case CLASSIFY_FLAGS_ANY_SET:
        return (value & lo) != 0;
    case CLASSIFY_FLAGS_NONE_SET:
        return (value & lo) == 0;
    case CLASSIFY_IN_RANGE128:
    case CLASSIFY_NOT_IN_RANGE128: {
        if (slot >= CLASSIFY_SLOTS - 1)
            return false;
        __u64 low = key->value[slot + 1];
        bool outside = classify_less(value, low, lo, test->test.lo[1]) ||
                       classify_less(test->test.hi[0], test->test.hi[1], value, low);
        return outside == (test->op == CLASSIFY_NOT_IN_RANGE128);
    }
    default:
        return false;
    }
}

/* Takes a callout's answer and goes on. True: it ended the sublayer. */
CLASSIFY_INLINE bool classify_called(struct classify_walk *walk,
                                     const struct classify_element *filter,
                                     const struct classify_answer *answer)
{
    bool ended = answer->registered ? classify_answered(&walk->result, filter, answer)
                                    : classify_unregistered(&walk->result, filter);
    walk->at = ended ? filter->on_match : filter->on_miss;
    return ended;
}

CLASSIFY_INLINE enum classify_progress classify_step(struct classify_walk *walk,
                                                     const struct classify_element *element)
{
    if (element->kind == CLASSIFY_TEST) {
        walk->at = classify_test(&walk->key, element) ? element->on_match : element->on_miss;
        return CLASSIFY_GO_ON;
    }
    if (element->action.type & FWP_ACTION_FLAG_CALLOUT)
        return CLASSIFY_CALL;
    if (element->action.type == FWP_ACTION_CONTINUE) {
        walk->at = element->on_miss;
        return CLASSIFY_GO_ON;
    }
    classify_decide(&walk->result, element, element->action.type);
    walk->at = element->on_match;
    return CLASSIFY_GO_ON;
}

#endif
