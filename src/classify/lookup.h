/*
 * The lookup in a compiled policy (abi.h). This is the code that decides in the kernel and the
 * code that explains, tests and benches in user space; kernel.h and evaluate.c drive it:
 *
 *     classify_enter(run)           finds the layer and its trees
 *     while (classify_find(run))    the earliest filter that matches and was not passed yet
 *         classify_decide() …       what it does to the result
 *         classify_proceed(run, …)  passes it, or all of its sublayer
 *
 * All but one function is inlined: in the kernel a return costs as much as reading a node, where
 * it guards against speculation.
 *
 * Who includes this has defined, beside what read.h needs,
 *
 *     classify_repeat(count, step, context) calls long step(__u32, void *) until it returns 1
 *     CLASSIFY_CHECKED                      how a function is declared that the verifier checks by
 *                                           itself, so that loops can call it
 */
#ifndef OPENWFP_CLASSIFY_LOOKUP_H
#define OPENWFP_CLASSIFY_LOOKUP_H

#include "arbitrate.h"
#include "read.h"
#include "tests.h"

#define CLASSIFY_NONE_DONE    0xffffffffu
#define CLASSIFY_LOST         0xffffffffu /* a reference that leads nowhere */
#define CLASSIFY_NEAR_LIST    3           /* filters of a leaf that are read in a plain loop */
#define CLASSIFY_NEAR_ENTRIES 8           /* entries of a leaf that are passed over in one */
#define CLASSIFY_NEAR_TREES   6           /* trees, likewise */
#define CLASSIFY_NEAR_DEPTH   8           /* nodes on the way down, likewise */
#define CLASSIFY_FAR_STEPS    (1u << 23)

#define CLASSIFY_NOTHING 0xffffffffffffffffull
#define CLASSIFY_KEPT    0x80000000u /* in walk->kept: and it matches */

/* ---- trees ---- */

/*
 * One step down a tree: the reference of the key's child; 0: nothing is there. Where all filters
 * below are behind `limit` it goes no further and stays.
 */
CLASSIFY_INLINE __u32 classify_child(struct classify_run *run, __u64 tree, __u32 ref, __u32 limit)
{
    __u64 offset = ref % CLASSIFY_BLOCK_UNITS * CLASSIFY_UNIT;

    if (!classify_open(run->memory, &run->nodes, ref))
        return CLASSIFY_LOST;
    if (!classify_inside(&offset, sizeof(struct classify_node)))
        return CLASSIFY_LOST;
    const __u8 *bytes = run->nodes.block->bytes;
    const struct classify_node *node = (const void *)(bytes + offset);
    if (node->first >= limit) {
        run->walk->kept[tree] = node->first;
        return ref;
    }
    __u64 value = classify_value(&run->walk->key, node->slot), lo = node->lo;
    __u32 shift = node->shift;
    __u64 child = (value - lo) >> shift;
    child = child < node->count ? child + 1 : 0;
    if (node->cut != CLASSIFY_CUT)
        child = node->cut == CLASSIFY_BIT ? value >> shift & 1 : value >= lo;
    offset += sizeof(*node) + child * sizeof(__u32);
    if (!classify_inside(&offset, sizeof(__u32)))
        return CLASSIFY_LOST;
    return *(const __u32 *)(const void *)(bytes + offset);
}

CLASSIFY_INLINE bool classify_is_node(__u32 ref)
{
    return ref && CLASSIFY_REF_KIND(ref) == CLASSIFY_REF_NODE;
}

CLASSIFY_INLINE __u32 classify_limit(const struct classify_walk *walk)
{
    return walk->base ? walk->best >> 32 : 0xffffffffu;
}

/* From where the tree's cursor stands as far down as is of interest. False: that is far. */
CLASSIFY_INLINE bool classify_descend(struct classify_run *run, __u64 tree)
{
    __u32 ref = run->walk->cursor[tree], limit = classify_limit(run->walk);

    for (int depth = 0; depth < CLASSIFY_NEAR_DEPTH; depth++) {
        if (!classify_is_node(ref))
            return true;
        __u32 child = classify_child(run, tree, ref, limit);
        run->walk->cursor[tree] = child;
        if (child == ref)
            return true;
        ref = child;
    }
    return !classify_is_node(ref);
}

/* ---- leaves ---- */

enum classify_considered {
    CLASSIFY_PASS, /* the filter is done with */
    CLASSIFY_STAY, /* the tree's next filter to look at is still this one */
    CLASSIFY_LONG, /* the filter can only be read from afar */
};

/* Whether the filter is one to decide now, apart from its tests; its order goes to walk->order. */
CLASSIFY_INLINE enum classify_considered classify_standing(struct classify_walk *walk, __u32 unit,
                                                           const struct classify_record *record)
{
    if (walk->base)
        walk->order = (__u64)unit << 32 | 0xffffffffu;
    else
        walk->order = (__u64)record->head.before << 32 | unit;
    if (walk->order <= walk->passed || record->head.sublayer == walk->done)
        return CLASSIFY_PASS;
    if (walk->base && record->head.died <= walk->number)
        return CLASSIFY_PASS;
    return walk->order < walk->best ? CLASSIFY_LONG : CLASSIFY_STAY;
}

CLASSIFY_INLINE int classify_take_found(struct classify_walk *walk, __u32 unit)
{
    walk->best = walk->order;
    walk->found = unit;
    return CLASSIFY_STAY;
}

/* Takes the filter at `unit` if it matches and is earlier than what was found. */
CLASSIFY_CHECKED int classify_consider(struct classify_walk *walk,
                                       const struct classify_record *record, __u32 unit)
{
    if (!walk || !record)
        return CLASSIFY_PASS;
    enum classify_considered standing = classify_standing(walk, unit, record);
    if (standing != CLASSIFY_LONG || record->head.units > CLASSIFY_NEAR_UNITS)
        return standing;
    return classify_matches(walk, record) ? classify_take_found(walk, unit) : CLASSIFY_PASS;
}

/*
 * Moves a leaf's cursor over what can't match, up to a filter that may: its unit, and where the
 * cursor goes behind it. 0: there was none so far.
 */
CLASSIFY_INLINE __u32 classify_candidate(struct classify_run *run, __u64 tree, __u32 *next)
{
    struct classify_walk *walk = run->walk;
    __u32 cursor = walk->cursor[tree];
    __u64 offset = (__u64)cursor % CLASSIFY_BLOCK_UNITS * CLASSIFY_UNIT;

    *next = 0;
    if (CLASSIFY_REF_KIND(cursor) != CLASSIFY_REF_LIST)
        return CLASSIFY_REF_AT(cursor);
    if (!classify_open(run->memory, &run->nodes, CLASSIFY_REF_AT(cursor))) {
        walk->lost = 1;
        return 0;
    }
    for (int i = 0; i < CLASSIFY_NEAR_ENTRIES; i++) {
        const struct classify_entry *entry;
        if (!classify_inside(&offset, sizeof(*entry)))
            break; /* the list goes on in the next block */
        entry = (const void *)(run->nodes.block->bytes + offset);
        __u32 ref = entry->ref;
        __u64 value = classify_value(&walk->key, entry->slot) >> entry->shift;
        bool last = CLASSIFY_REF_KIND(ref) == CLASSIFY_REF_LAST;
        if ((value & CLASSIFY_ENTRY_MASK) == entry->value) {
            walk->cursor[tree] = cursor;
            *next = last ? 0 : cursor + 1;
            return CLASSIFY_REF_AT(ref);
        }
        cursor = last ? 0 : cursor + 1;
        if (last)
            break;
        offset += CLASSIFY_UNIT;
    }
    walk->cursor[tree] = cursor;
    return 0;
}

/* One step through a leaf. STAY: this tree has no more to say now. */
CLASSIFY_INLINE enum classify_considered classify_read(struct classify_run *run, __u64 tree)
{
    struct classify_walk *walk = run->walk;
    if (CLASSIFY_REF_KIND(walk->cursor[tree]) == CLASSIFY_REF_NODE)
        return CLASSIFY_STAY; /* there is nothing, or nothing early enough */
    __u32 next, unit = classify_candidate(run, tree, &next);
    if (!unit)
        return CLASSIFY_PASS;
    if (walk->base) { /* most filters need not even be looked at */
        if (unit >= walk->best >> 32) {
            walk->kept[tree] = unit;
            return CLASSIFY_STAY;
        }
        if (((__u64)unit << 32 | 0xffffffffu) <= walk->passed) {
            walk->cursor[tree] = next;
            return CLASSIFY_PASS;
        }
    }
    const struct classify_record *record = classify_record_at(run, unit);
    if (!record) {
        walk->lost = 1;
        return CLASSIFY_STAY;
    }
    enum classify_considered considered = classify_consider(walk, record, unit);
    if (considered == CLASSIFY_PASS)
        walk->cursor[tree] = next;
    else if (considered == CLASSIFY_STAY && walk->base)
        walk->kept[tree] = unit | CLASSIFY_KEPT;
    return considered;
}

/* Whether it is known without looking what a tree of the base has to say. */
CLASSIFY_INLINE bool classify_settled(struct classify_walk *walk, __u64 tree)
{
    __u32 kept = walk->kept[tree], unit = CLASSIFY_REF_AT(kept);
    __u64 order = (__u64)unit << 32 | 0xffffffffu;

    if (unit >= walk->best >> 32)
        return true;
    if (!(kept & CLASSIFY_KEPT) || order <= walk->passed)
        return false;
    walk->best = order;
    walk->found = unit;
    return true;
}

/* Reads a leaf. False: not to where it is enough, as it is deep or long or has a long filter. */
CLASSIFY_INLINE bool classify_scan(struct classify_run *run, __u64 tree)
{
    if (tree >= CLASSIFY_TREES)
        return true;
    run->walk->base = tree < run->layer->base_trees;
    if (run->walk->base && classify_settled(run->walk, tree))
        return true;
    if (!classify_descend(run, tree))
        return false;
    for (int i = 0; i < CLASSIFY_NEAR_LIST; i++) {
        enum classify_considered considered = classify_read(run, tree);
        if (considered == CLASSIFY_STAY)
            return true;
        if (considered == CLASSIFY_LONG)
            break;
    }
    return false;
}

/* ---- the same for long filters and long leaves ---- */

struct classify_far_tests {
    struct classify_run *run;
    __u32 at, units;
};

static long classify_far_test(__u32 step, void *context)
{
    struct classify_far_tests *far = context;
    struct classify_walk *walk = far->run->walk;
    __u32 index = walk->index;

    if (index >= far->units)
        return 1;
    const struct classify_test *test = classify_at(
        far->run->memory, &far->run->filters, far->at + index, CLASSIFY_TEST_UNITS * CLASSIFY_UNIT);
    if (!test)
        walk->lost = 1;
    walk->index = test ? classify_next_test(&walk->key, test, index) : CLASSIFY_FAILS;
    return 0;
}

/* A filter with many tests, read from where they are. */
CLASSIFY_INLINE enum classify_considered classify_read_long(struct classify_run *run, __u64 tree)
{
    struct classify_walk *walk = run->walk;
    __u32 next, unit = classify_candidate(run, tree, &next);
    const struct classify_record *record = classify_record_at(run, unit);
    if (!record)
        return CLASSIFY_STAY;
    struct classify_far_tests far = {.run = run, .units = record->head.units};

    far.at = unit + sizeof(struct classify_filter) / CLASSIFY_UNIT +
             (record->head.type & FWP_ACTION_FLAG_CALLOUT ? 2 : 0);
    walk->index = 0;
    classify_repeat(CLASSIFY_FAR_STEPS, classify_far_test, &far);
    if (walk->index != CLASSIFY_FAILS) {
        if (walk->base)
            walk->kept[tree] = unit | CLASSIFY_KEPT;
        return classify_take_found(walk, unit);
    }
    walk->cursor[tree] = next;
    return CLASSIFY_PASS;
}

/* One step through all trees, walk->far being the tree that is read. */
static long classify_far_read(__u32 step, void *context)
{
    struct classify_run *run = context;
    __u64 tree = run->walk->far;

    if (tree >= CLASSIFY_TREES || tree >= run->layer->trees)
        return 1;
    run->walk->base = tree < run->layer->base_trees;
    __u32 cursor = run->walk->cursor[tree];
    if (classify_is_node(cursor)) {
        __u32 child = classify_child(run, tree, cursor, classify_limit(run->walk));
        run->walk->cursor[tree] = child;
        if (child == cursor)
            run->walk->far = tree + 1;
        return 0;
    }
    enum classify_considered considered = classify_read(run, tree);
    if (considered == CLASSIFY_LONG)
        considered = classify_read_long(run, tree);
    if (considered == CLASSIFY_STAY)
        run->walk->far = tree + 1;
    return 0;
}

/* ---- the lookup ---- */

/* False: the layer has no filter. */
CLASSIFY_INLINE bool classify_enter(struct classify_run *run)
{
    struct classify_walk *walk = run->walk;

    classify_begin(&walk->result);
    walk->done = CLASSIFY_NONE_DONE;
    walk->lost = 0;
    run->walk->passed = 0;
    const struct classify_version *version = classify_start(run) ? classify_version_now(run) : NULL;
    if (!version || walk->layer >= CLASSIFY_LAYERS) {
        run->walk->lost = 1;
        return false;
    }
    if (!version->layer[walk->layer])
        return false;
    run->walk->number = version->number;
    run->layer =
        classify_at(run->memory, &run->nodes, version->layer[walk->layer], sizeof(*run->layer));
    if (!run->layer) {
        run->walk->lost = 1;
        return false;
    }
    __builtin_memcpy(walk->cursor, run->layer->tree, sizeof(walk->cursor)); /* 0: no tree */
    __builtin_memcpy(walk->kept, run->layer->first, sizeof(walk->kept));
    return true;
}

CLASSIFY_INLINE const struct classify_record *classify_found(struct classify_run *run)
{
    if (run->walk->best == CLASSIFY_NOTHING || run->walk->lost)
        return NULL;
    return classify_record_at(run, run->walk->found);
}

/* The earliest filter that matches, of those not passed yet; NULL: there is none. */
CLASSIFY_INLINE const struct classify_record *classify_find_far(struct classify_run *run,
                                                                __u32 first)
{
    run->walk->far = first;
    classify_repeat(CLASSIFY_FAR_STEPS, classify_far_read, run);
    return classify_found(run);
}

/* The same with less ado, as far as leaves, filters and trees are few: for the first of a lookup.
 */
CLASSIFY_INLINE const struct classify_record *classify_find(struct classify_run *run)
{
    __u32 tree = 0;

    run->walk->best = CLASSIFY_NOTHING;
    for (; tree < CLASSIFY_NEAR_TREES; tree++) {
        if (tree >= run->layer->trees)
            return classify_found(run);
        if (run->walk->cursor[tree] && !classify_scan(run, tree))
            break;
    }
    return tree < run->layer->trees ? classify_find_far(run, tree) : classify_found(run);
}

/* Passes the filter that was found; `ended`: and all others of its sublayer. False: that was the
 * layer's last. */
CLASSIFY_INLINE bool classify_proceed(struct classify_run *run,
                                      const struct classify_filter *filter, bool ended)
{
    run->walk->passed = run->walk->best;
    if (!ended)
        return true;
    if (filter->sublayer == run->layer->last)
        return false;
    __u64 behind = ((__u64)filter->end << 32) - 1;
    if (behind > run->walk->passed)
        run->walk->passed = behind;
    run->walk->done = filter->sublayer;
    return true;
}

/* A policy that can't be walked to its end blocks. */
CLASSIFY_INLINE void classify_leave(struct classify_run *run)
{
    if (!run->walk->lost)
        return;
    run->walk->result.action = FWP_ACTION_BLOCK;
    run->walk->result.filter_id = 0;
    run->walk->result.callout_id = 0;
    run->walk->result.flags = CLASSIFY_RESULT_BROKEN;
}

#endif
