/*
 * Arbitration (semantics 6.x): how the decisions of sublayers, heaviest first, become one.
 *
 * The state is struct classify_result: the action so far, and the right to change it. A filter's
 * Permit is soft and its Block hard; FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT makes the Permit hard. A
 * callout sees the right and may give it up; one that blocks without having it vetoes.
 *
 * Compiled for BPF and for user space, so only what both have is used here.
 */
#ifndef OPENWFP_CLASSIFY_ARBITRATE_H
#define OPENWFP_CLASSIFY_ARBITRATE_H

#include "abi.h"

#ifndef __bpf__
#include <fwptypes.h>
#else /* BPF has no fwptypes.h */
#define FWP_ACTION_BLOCK               0x1001u
#define FWP_ACTION_PERMIT              0x1002u
#define FWP_ACTION_CALLOUT_TERMINATING 0x5003u
#define FWP_ACTION_CALLOUT_INSPECTION  0x6004u
#define FWP_ACTION_CALLOUT_UNKNOWN     0x4005u
#define FWP_ACTION_CONTINUE            0x2006u
#define FWP_ACTION_NONE                7u
#define FWP_ACTION_NONE_NO_MATCH       8u
#define FWP_ACTION_FLAG_CALLOUT        0x4000u
#endif

#ifndef FWPS_RIGHT_ACTION_WRITE
#define FWPS_RIGHT_ACTION_WRITE 1u
#endif

#define CLASSIFY_CLEAR_ACTION_RIGHT             0x08u /* FWPM_FILTER_FLAG_… */
#define CLASSIFY_PERMIT_IF_CALLOUT_UNREGISTERED 0x10u

#ifndef __bpf__
#include <stdbool.h>
#endif

#define CLASSIFY_INLINE static __attribute__((always_inline)) inline

/* What a callout answered; it starts with the action NONE and the right that is left (6.10). */
struct classify_answer {
    __u32 action;
    __u32 rights;
    __u32 absorb; /* FWPS_CLASSIFY_OUT_FLAG_ABSORB */
    __u32 registered;
};

CLASSIFY_INLINE void classify_begin(struct classify_result *result)
{
    result->action = FWP_ACTION_NONE_NO_MATCH;
    result->rights = FWPS_RIGHT_ACTION_WRITE;
    result->filter_id = 0;
    result->flags = 0;
    result->callout_id = 0;
}

/* Of a filter with a callout. */
CLASSIFY_INLINE const struct classify_callout *
classify_callout_of(const struct classify_filter *filter)
{
    return (const struct classify_callout *)(filter + 1);
}

CLASSIFY_INLINE void classify_take(struct classify_result *result,
                                   const struct classify_filter *filter, __u32 action, bool hard)
{
    result->action = action;
    if (hard)
        result->rights = 0;
    result->filter_id = filter->id;
    result->callout_id =
        filter->type & FWP_ACTION_FLAG_CALLOUT ? classify_callout_of(filter)->id : 0;
    result->flags = 0;
}

/* 6.4, 6.5: a decision of a filter counts only while the right to write the action is there. */
CLASSIFY_INLINE void classify_take_if_free(struct classify_result *result,
                                           const struct classify_filter *filter, __u32 action)
{
    bool hard = action == FWP_ACTION_BLOCK || (filter->flags & CLASSIFY_CLEAR_ACTION_RIGHT) != 0;
    if (result->rights != 0)
        classify_take(result, filter, action, hard);
}

/* What a filter without a callout says. True: it ends its sublayer. */
CLASSIFY_INLINE bool classify_decide(struct classify_result *result,
                                     const struct classify_filter *filter)
{
    if (filter->type == FWP_ACTION_CONTINUE)
        return false;
    classify_take_if_free(result, filter, filter->type);
    return true;
}

/* 7.2: a callout that nobody has registered. False: the filter is passed over. */
CLASSIFY_INLINE bool classify_unregistered(struct classify_result *result,
                                           const struct classify_filter *filter)
{
    if (filter->type == FWP_ACTION_CALLOUT_INSPECTION)
        return false;
    classify_take_if_free(result, filter,
                          filter->flags & CLASSIFY_PERMIT_IF_CALLOUT_UNREGISTERED
                              ? FWP_ACTION_PERMIT
                              : FWP_ACTION_BLOCK);
    return true;
}

/*
 * A callout's answer. True: it ends the sublayer.
 * 6.8, 6.9: without the right on entry only a Block counts, as a veto; it overrides even a hard
 * Permit. 6.13: an inspection callout's action is Continue whatever it wrote, and a terminating
 * one that decides nothing blocks. 6.15: NONE is Continue.
 */
CLASSIFY_INLINE bool classify_answered(struct classify_result *result,
                                       const struct classify_filter *filter,
                                       const struct classify_answer *answer)
{
    __u32 action = answer->action;
    if (filter->type == FWP_ACTION_CALLOUT_INSPECTION)
        return false;
    if (action != FWP_ACTION_PERMIT && action != FWP_ACTION_BLOCK) {
        if (filter->type != FWP_ACTION_CALLOUT_TERMINATING)
            return false;
        action = FWP_ACTION_BLOCK;
    }
    if (result->rights != 0) {
        classify_take(result, filter, action, (answer->rights & FWPS_RIGHT_ACTION_WRITE) == 0);
    } else if (action == FWP_ACTION_BLOCK && result->action != FWP_ACTION_BLOCK) {
        classify_take(result, filter, action, true);
        result->flags |= CLASSIFY_RESULT_VETO;
    }
    if (action == FWP_ACTION_BLOCK && answer->absorb && result->action == FWP_ACTION_BLOCK &&
        result->filter_id == filter->id)
        result->flags |= CLASSIFY_RESULT_SILENT;
    return true;
}

/* The same for an answer or the lack of one. */
CLASSIFY_INLINE bool classify_called(struct classify_result *result,
                                     const struct classify_filter *filter,
                                     const struct classify_answer *answer)
{
    return answer->registered ? classify_answered(result, filter, answer)
                              : classify_unregistered(result, filter);
}

#endif
