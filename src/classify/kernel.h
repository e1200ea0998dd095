/*
 * classify() for BPF programs: drives the lookup (lookup.h) over the policy map.
 *
 * The including file has libbpf's helpers; the map `policy` is declared here. classify() is a
 * global function: the verifier checks it once, and every hook only calls it.
 */
#ifndef OPENWFP_CLASSIFY_KERNEL_H
#define OPENWFP_CLASSIFY_KERNEL_H

#include <stddef.h>

#include "abi.h"

#define CLASSIFY_CHECKED                      __noinline
#define classify_repeat(count, step, context) bpf_loop(count, step, context, 0)

#include "verifier.h"

/* The policies that there are, and which of them is in force: classify_memory(), NULL: none is. */
#ifdef CLASSIFY_ARENA
struct {
    __uint(type, CLASSIFY_MAP_TYPE_ARENA);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, CLASSIFY_ARENA_PAGES);
} policy SEC(".maps");

static __always_inline void *classify_memory(void)
{
    const struct classify_arena *arena = classify_arena_at(0);

    __asm__ volatile("" : : "r"(&policy)); /* this is the program's arena */
    return (void *)(__u64) * (const volatile __u32 *)&arena->in_force;
}

static __always_inline const struct classify_block *classify_block_at(void *memory, __u32 number)
{
    return classify_arena_at((__u64)memory);
}
#else
struct policy_inner {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __uint(map_flags, BPF_F_INNER_MAP | BPF_F_MMAPABLE);
    __type(key, __u32);
    __uint(value_size, sizeof(struct classify_block));
};

/* Slot 0 is the only one; an image replaces it whole, a change is made in it. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
    __uint(max_entries, 1);
    __type(key, __u32);
    __array(values, struct policy_inner);
} policy SEC(".maps");

static __always_inline void *classify_memory(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&policy, &zero);
}

static __always_inline const struct classify_block *classify_block_at(void *memory, __u32 number)
{
    return bpf_map_lookup_elem(memory, &number);
}
#endif

#include "lookup.h"
#include "openwfp_callout.h"

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

/* Global, as classify() is: verified once. True: the answer ends the filter's sublayer. */
__noinline int classify_ask(struct classify_walk *walk,
                            const struct classify_record *record CLASSIFY_MEMORY)
{
    if (!walk || !record)
        return 0;
    record = classify_reach(record);
    const struct classify_filter *filter = &record->head;
    const struct classify_callout *callout = classify_callout_of(filter);
    struct classify_call *call = &walk->call;
    call->layer = walk->layer;
    call->filter_id = filter->id;
    call->filter_context = callout->context;
    call->action = FWP_ACTION_NONE;
    call->rights = walk->result.rights;
    call->absorb = 0;
    if (callout->slot == CLASSIFY_USER_CALLOUT) {
        walk->asked = 1;
        walk->asked_callout = callout->id;
        walk->asked_type = filter->type;
        walk->asked_flags = filter->flags;
        return 0;
    }
    callout_dispatch(callout->slot, (struct openwfp_classify *)walk);
    struct classify_answer answer = {.action = call->action,
                                     .rights = call->rights,
                                     .absorb = call->absorb,
                                     .registered = call->registered};
    return classify_called(&walk->result, filter, &answer);
}

/* What the filter that was found does; true: all has been said. */
static __always_inline bool classify_take_in(struct classify_run *run,
                                             const struct classify_record *record)
{
    bool ended;

    if (!record)
        return true;
    if (record->head.type & FWP_ACTION_FLAG_CALLOUT) {
        ended = classify_ask(run->walk, record);
        if (run->walk->asked)
            return true;
    } else
        ended = classify_decide(&run->walk->result, &record->head);
    return !classify_proceed(run, &record->head, ended);
}

static long classify_round(__u32 step, void *context)
{
    struct classify_run *run = context;

    return classify_take_in(run, classify_find(run));
}

/* Which policy it is that the walk stands still in. */
static __always_inline void classify_stand_still(struct classify_run *run)
{
    const struct classify_version *version = classify_start(run);

    run->walk->generation =
        version && version->number == run->walk->number ? version->generation : 0;
}

/* Decides walk->key at walk->layer into walk->result; or, walk->asked, stands still where user
 * space has to be asked. */
__noinline int classify(struct classify_walk *walk)
{
    struct classify_run run = {.walk = walk};

    if (!walk)
        return 0;
    walk->asked = 0;
    run.memory = classify_memory();
    if (!run.memory) {
        classify_begin(&walk->result);
        walk->lost = 1;
    } else {
        if (classify_enter(&run))
            bpf_loop(CLASSIFY_FAR_STEPS, classify_round, &run, 0);
        classify_make_sure(&run);
        if (walk->asked)
            classify_stand_still(&run);
    }
    classify_leave(&run);
    return 0;
}

/* Whether what the walk stands still in is what is in force; then the filter it stands at. */
static __always_inline const struct classify_record *classify_return(struct classify_run *run)
{
    struct classify_walk *walk = run->walk;
    const struct classify_version *version = classify_start(run);

    if (!version || !walk->generation || version->generation != walk->generation ||
        walk->layer >= CLASSIFY_LAYERS)
        return NULL;
    run->version = version;
    run->layer = classify_node_at(run, version->layer[walk->layer], sizeof(*run->layer));
    return run->layer ? classify_record_at(run, walk->found) : NULL;
}

/*
 * Goes on where classify() stood still, with the answer in walk->call (registered 0: there is
 * none; CLASSIFY_PASSED_OVER: nor is the filter). 0: the policy has changed since, and the question
 * with it: nothing was done.
 */
__noinline int classify_resume(struct classify_walk *walk)
{
    struct classify_run run = {.walk = walk};

    if (!walk || !walk->asked)
        return 0;
    run.memory = classify_memory();
    const struct classify_record *record = run.memory ? classify_return(&run) : NULL;
    if (!record || !(record->head.type & FWP_ACTION_FLAG_CALLOUT))
        return 0;
    struct classify_answer answer = {.action = walk->call.action,
                                     .rights = walk->call.rights,
                                     .absorb = walk->call.absorb,
                                     .registered = walk->call.registered};
    walk->asked = 0;
    if (classify_proceed(&run, &record->head,
                         answer.registered != CLASSIFY_PASSED_OVER &&
                             classify_called(&walk->result, &record->head, &answer)))
        bpf_loop(CLASSIFY_FAR_STEPS, classify_round, &run, 0);
    classify_make_sure(&run);
    if (walk->asked)
        classify_stand_still(&run);
    classify_leave(&run);
    return 1;
}

#endif
