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
 * it guards against speculation. Loops are such that the verifier (verifier.h) comes to their end:
 * what goes on behind their bounds is read in another step.
 *
 * Who includes this has defined, beside what read.h needs,
 *
 *     classify_repeat(count, step, context) calls long step(__u32, void *) until it returns 1
 *     CLASSIFY_CHECKED                      how a function is declared that the verifier checks by
 *                                           itself
 */
#ifndef OPENWFP_CLASSIFY_LOOKUP_H
#define OPENWFP_CLASSIFY_LOOKUP_H

#include "arbitrate.h"
#include "read.h"
#include "tests.h"

#define CLASSIFY_NONE_DONE    0xffffffffu
#define CLASSIFY_NEAR_STEPS   16 /* from tree to tree that are in a plain loop */
#define CLASSIFY_NEAR_DEPTH   8  /* nodes on the way down that one step reads */
#define CLASSIFY_NEAR_ENTRIES 8  /* entries of a leaf, likewise */
#define CLASSIFY_FAR_STEPS    (1u << 23)

#define CLASSIFY_NOTHING 0xffffffffffffffffull

/*
 * Of a tree the walk has the cursor, a reference to where it is read on (0: it has been read), and
 * in `first` a unit before which it has no filter that is still to be asked; with this bit, that
 * filter is known to match.
 */
#define CLASSIFY_KEPT 0x80000000u

/* ---- a tree ---- */

/* What reading a tree came to. */
enum classify_reading {
    CLASSIFY_SAID,    /* it has no more to say now */
    CLASSIFY_MORE,    /* there is more to read */
    CLASSIFY_NODES,   /* there is, in another block of nodes: that of walk->wanted */
    CLASSIFY_RECORDS, /* the same, of records */
    CLASSIFY_LONG,    /* the filter at walk->wanted can only be read from afar */
};

CLASSIFY_INLINE bool classify_is_node(__u32 ref)
{
    return ref && CLASSIFY_REF_KIND(ref) == CLASSIFY_REF_NODE;
}

/* Whether the unit is in the block of the number; if not, it is wanted. */
CLASSIFY_INLINE bool classify_in_block(struct classify_walk *walk, __u32 unit, __u32 number)
{
    if (CLASSIFY_MOSTLY(classify_is_within(unit, number)))
        return true;
    walk->wanted = unit;
    return false;
}

/* The memory is not what it must be. */
CLASSIFY_INLINE enum classify_reading classify_give_up(struct classify_walk *walk)
{
    walk->lost = 1;
    return CLASSIFY_SAID;
}

/* Filters of the base behind this unit are of no interest any more. */
CLASSIFY_INLINE __u32 classify_limit(const struct classify_walk *walk)
{
    return walk->base ? walk->best >> 32 : 0xffffffffu;
}

/* The offset of the reference to the node's child that the key leads to. `zero` is classify_zero():
 * whichever way the child was found, the verifier goes on with the same number. */
CLASSIFY_INLINE __u64 classify_child(const struct classify_key *key,
                                     const struct classify_node *node, __u64 zero)
{
    __u64 value = classify_value(key, node->slot), lo = node->lo;
    __u32 shift = node->shift;
    __u64 child = (value - lo) >> shift;

    child = child < node->count ? child + 1 : 0;
    if (node->cut != CLASSIFY_CUT)
        child = node->cut == CLASSIFY_BIT ? value >> shift & 1 : value >= lo;
    return sizeof(*node) + (child ^ zero) * sizeof(__u32);
}

/* From where the tree's cursor stands down to a leaf. SAID: all filters below come too late. */
CLASSIFY_INLINE enum classify_reading classify_descend(struct classify_run *run,
                                                       struct classify_tree *tree)
{
    struct classify_walk *walk = run->walk;
    __u32 ref = tree->at, limit = classify_limit(walk);

    CLASSIFY_TURNS(depth, CLASSIFY_NEAR_DEPTH)
    {
        __u64 offset = classify_offset(ref);
        const struct classify_node *node;
        if (CLASSIFY_RARELY(!classify_is_node(ref)))
            return CLASSIFY_MORE;
        if (!classify_in_block(walk, ref, walk->nodes_block))
            return CLASSIFY_NODES;
        if (!classify_inside(&offset, sizeof(*node)))
            return classify_give_up(walk);
        node = (const void *)(run->nodes->bytes + offset);
        if (CLASSIFY_RARELY(node->first >= limit)) {
            tree->first = node->first;
            return CLASSIFY_SAID;
        }
        offset += classify_child(&walk->key, node, classify_zero(walk));
        if (!classify_inside(&offset, sizeof(ref)))
            return classify_give_up(walk);
        ref = *(const __u32 *)(const void *)(run->nodes->bytes + offset);
        tree->at = ref;
    }
    return CLASSIFY_MORE;
}

/* ---- leaves ---- */

/* Filters of the base that have been asked, or come too late, need not be looked at. */
CLASSIFY_INLINE bool classify_is_past(const struct classify_walk *walk, __u32 unit)
{
    return walk->base && ((__u64)unit << 32 | 0xffffffffu) <= walk->passed;
}

/*
 * Moves a leaf's cursor over what can't match, up to a filter that may: its unit, and where the
 * cursor goes behind it. 0: there was none so far, or walk->wanted.
 */
CLASSIFY_INLINE __u32 classify_candidate(struct classify_run *run, struct classify_tree *tree,
                                         __u32 *next)
{
    struct classify_walk *walk = run->walk;
    __u32 cursor = tree->at;
    __u64 offset = classify_offset(CLASSIFY_REF_AT(cursor));

    *next = 0;
    if (CLASSIFY_REF_KIND(cursor) != CLASSIFY_REF_LIST) {
        if (!classify_is_past(walk, CLASSIFY_REF_AT(cursor)))
            return CLASSIFY_REF_AT(cursor);
        tree->at = 0;
        return 0;
    }
    if (!classify_in_block(walk, CLASSIFY_REF_AT(cursor), walk->nodes_block))
        return 0;
    CLASSIFY_TURNS(i, CLASSIFY_NEAR_ENTRIES)
    {
        const struct classify_entry *entry;
        if (!classify_inside(&offset, sizeof(*entry)))
            break; /* the list goes on in the next block */
        entry = (const void *)(run->nodes->bytes + offset);
        __u32 ref = entry->ref;
        __u64 value = classify_value(&walk->key, entry->slot) >> entry->shift;
        bool last = CLASSIFY_REF_KIND(ref) == CLASSIFY_REF_LAST;
        if ((value & CLASSIFY_ENTRY_MASK) == entry->value &&
            !classify_is_past(walk, CLASSIFY_REF_AT(ref))) {
            tree->at = cursor;
            *next = last ? 0 : cursor + 1;
            return CLASSIFY_REF_AT(ref);
        }
        cursor = last ? 0 : cursor + 1;
        if (last)
            break;
        offset += CLASSIFY_UNIT;
    }
    tree->at = cursor;
    return 0;
}

enum classify_standing {
    CLASSIFY_PASSED, /* the filter is done with, or not in force */
    CLASSIFY_LATE,   /* an earlier one has been found */
    CLASSIFY_DUE,
};

/* Whether the filter is one to decide now, apart from its tests; its order goes to walk->order. */
CLASSIFY_INLINE enum classify_standing classify_standing(struct classify_walk *walk, __u32 unit,
                                                         const struct classify_record *record)
{
    if (walk->base)
        walk->order = (__u64)unit << 32 | 0xffffffffu;
    else
        walk->order = (__u64)record->head.before << 32 | unit;
    if (walk->order <= walk->passed || record->head.sublayer == walk->done)
        return CLASSIFY_PASSED;
    if (walk->base && record->head.died <= walk->number)
        return CLASSIFY_PASSED;
    return walk->order < walk->best ? CLASSIFY_DUE : CLASSIFY_LATE;
}

CLASSIFY_INLINE enum classify_reading classify_take_found(struct classify_walk *walk,
                                                          struct classify_tree *tree, __u32 unit)
{
    walk->best = walk->order;
    walk->found = unit;
    if (walk->base)
        tree->first = unit | CLASSIFY_KEPT;
    return CLASSIFY_SAID;
}

/* Takes the filter at `unit` if it matches and is earlier than what was found. */
CLASSIFY_CHECKED int classify_consider(struct classify_walk *walk,
                                       const struct classify_record *record CLASSIFY_MEMORY,
                                       struct classify_tree *tree, __u32 unit, __u32 next)
{
    if (!walk || !record || !tree)
        return CLASSIFY_SAID;
    record = classify_reach(record);
    enum classify_standing standing = classify_standing(walk, unit, record);
    if (standing == CLASSIFY_LATE)
        return CLASSIFY_SAID;
    if (standing == CLASSIFY_DUE) {
        if (record->head.units > CLASSIFY_NEAR_UNITS) {
            walk->wanted = unit;
            walk->next = next;
            return CLASSIFY_LONG;
        }
        if (classify_matches(walk, record))
            return classify_take_found(walk, tree, unit);
    }
    tree->at = next;
    return next ? CLASSIFY_MORE : CLASSIFY_SAID;
}

/* One step through a leaf. */
CLASSIFY_INLINE enum classify_reading classify_leaf(struct classify_run *run,
                                                    struct classify_tree *tree)
{
    struct classify_walk *walk = run->walk;
    __u32 next, unit = classify_candidate(run, tree, &next);
    __u64 offset = classify_offset(unit);

    if (!unit) {
        if (walk->wanted)
            return CLASSIFY_NODES;
        return tree->at ? CLASSIFY_MORE : CLASSIFY_SAID;
    }
    if (unit >= classify_limit(walk)) { /* most filters need not even be looked at */
        tree->first = unit;
        return CLASSIFY_SAID;
    }
    if (!classify_in_block(walk, unit, walk->filters_block))
        return CLASSIFY_RECORDS;
    if (!classify_inside(&offset, sizeof(struct classify_record)))
        return classify_give_up(walk);
    return classify_consider(walk, (const void *)(run->filters->bytes + offset), tree, unit, next);
}

/* Reads a tree on: down to its leaf, and there up to a filter that may match. */
CLASSIFY_INLINE enum classify_reading classify_read(struct classify_run *run,
                                                    struct classify_tree *tree)
{
    struct classify_walk *walk = run->walk;

    walk->wanted = 0;
    if (classify_is_node(tree->at)) {
        enum classify_reading reading = classify_descend(run, tree);
        __u32 cursor = tree->at;
        if (reading != CLASSIFY_MORE)
            return reading;
        if (CLASSIFY_REF_KIND(cursor) == CLASSIFY_REF_NODE)
            return cursor ? CLASSIFY_MORE : CLASSIFY_SAID;
    }
    return classify_leaf(run, tree);
}

/* ---- from tree to tree ---- */

/* Whether it is known without looking what a tree of the base has to say. */
CLASSIFY_INLINE bool classify_settled(struct classify_walk *walk, struct classify_tree *tree)
{
    __u32 kept = tree->first, unit = CLASSIFY_REF_AT(kept);
    __u64 order = (__u64)unit << 32 | 0xffffffffu;

    if (CLASSIFY_RARELY(unit >= walk->best >> 32))
        return true;
    if (CLASSIFY_MOSTLY(!(kept & CLASSIFY_KEPT) || order <= walk->passed))
        return false;
    walk->best = order;
    walk->found = unit;
    return true;
}

/* Reads on in the tree of the number. */
CLASSIFY_INLINE enum classify_reading classify_step(struct classify_run *run, __u64 number)
{
    struct classify_walk *walk = run->walk;
    struct classify_tree *tree = &walk->tree[number];
    enum classify_reading reading;

    CLASSIFY_OPAQUE(tree);
    walk->base = number < run->layer->base_trees;
    if (CLASSIFY_RARELY(!tree->at || (walk->base && classify_settled(walk, tree))))
        return CLASSIFY_SAID;
    reading = classify_read(run, tree);
    if (reading == CLASSIFY_NODES &&
        !classify_open(run->memory, &run->nodes, &walk->nodes_block, walk->wanted))
        return classify_give_up(walk);
    if (reading == CLASSIFY_RECORDS &&
        !classify_open(run->memory, &run->filters, &walk->filters_block, walk->wanted))
        return classify_give_up(walk);
    return reading;
}

/* ---- long filters ---- */

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
    const struct classify_test *test =
        classify_filter_at(far->run, far->at + index, CLASSIFY_TEST_UNITS * CLASSIFY_UNIT);
    if (!test)
        walk->lost = 1;
    walk->index =
        test ? classify_next_test(&walk->key, test, index, classify_zero(walk)) : CLASSIFY_FAILS;
    return 0;
}

/* A filter with many tests, read from where they are. */
CLASSIFY_INLINE enum classify_reading classify_read_long(struct classify_run *run,
                                                         struct classify_tree *tree)
{
    struct classify_walk *walk = run->walk;
    __u32 unit = walk->wanted;
    const struct classify_record *record = classify_record_at(run, unit);
    if (!record)
        return classify_give_up(walk);
    struct classify_far_tests far = {.run = run, .units = record->head.units};

    far.at = unit + sizeof(struct classify_filter) / CLASSIFY_UNIT +
             (record->head.type & FWP_ACTION_FLAG_CALLOUT ? 2 : 0);
    walk->index = 0;
    classify_repeat(CLASSIFY_FAR_STEPS, classify_far_test, &far);
    if (walk->index != CLASSIFY_FAILS)
        return classify_take_found(walk, tree, unit);
    tree->at = walk->next;
    return walk->next ? CLASSIFY_MORE : CLASSIFY_SAID;
}

/* The number of the tree that is being read; false: all have been. */
CLASSIFY_INLINE bool classify_reads(const struct classify_run *run, __u64 *number)
{
    *number = *(const volatile __u32 *)&run->walk->reading;
    return CLASSIFY_MOSTLY(*number < CLASSIFY_TREES && *number < run->layer->trees);
}

/* One step through all trees. */
static long classify_far_step(__u32 step, void *context)
{
    struct classify_run *run = context;
    __u64 number;

    if (!classify_reads(run, &number))
        return 1;
    enum classify_reading reading = classify_step(run, number);
    if (reading == CLASSIFY_LONG)
        reading = classify_read_long(run, &run->walk->tree[number]);
    if (reading == CLASSIFY_SAID)
        run->walk->reading++;
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
    const struct classify_version *version = classify_start(run);
    walk->number = version ? *(const volatile __u32 *)&version->number : 0;
    if (!version || !walk->number || walk->layer >= CLASSIFY_LAYERS) {
        walk->lost = 1;
        return false;
    }
    run->version = version;
    if (!version->layer[walk->layer])
        return false;
    run->layer = classify_node_at(run, version->layer[walk->layer], sizeof(*run->layer));
    if (!run->layer) {
        run->walk->lost = 1;
        return false;
    }
    __builtin_memcpy(walk->tree, run->layer->tree, sizeof(walk->tree));
    return true;
}

CLASSIFY_INLINE const struct classify_record *classify_found(struct classify_run *run)
{
    if (run->walk->best == CLASSIFY_NOTHING || run->walk->lost)
        return NULL;
    return classify_record_at(run, run->walk->found);
}

/* The earliest filter that matches, of those not passed yet; NULL: there is none. Most lookups are
 * done within a plain loop, which is quicker. */
CLASSIFY_INLINE const struct classify_record *classify_find(struct classify_run *run)
{
    run->walk->best = CLASSIFY_NOTHING;
    run->walk->reading = 0;
    CLASSIFY_TURNS(i, CLASSIFY_NEAR_STEPS)
    {
        __u64 number;
        if (!classify_reads(run, &number))
            return classify_found(run);
        enum classify_reading reading = classify_step(run, number);
        if (reading == CLASSIFY_LONG)
            break;
        if (reading == CLASSIFY_SAID)
            run->walk->reading++;
    }
    classify_repeat(CLASSIFY_FAR_STEPS, classify_far_step, run);
    return classify_found(run);
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

/* Whether it was there all the time: memory that is emptied goes from its beginning on, where the
 * versions are, and what is not there reads as a policy without filters. */
CLASSIFY_INLINE void classify_make_sure(struct classify_run *run)
{
    if (run->version && *(const volatile __u32 *)&run->version->number != run->walk->number)
        run->walk->lost = 1;
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
