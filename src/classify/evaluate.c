#include "evaluate.h"

#include <stddef.h>

#define CLASSIFY_CHECKED static

static inline const struct classify_block *classify_block_at(void *memory, __u32 number)
{
    return (const struct classify_block *)memory + number;
}

static inline void classify_repeat(__u32 count, long (*step)(__u32, void *), void *context)
{
    for (__u32 i = 0; i < count && step(i, context) == 0; i++)
        continue;
}

#include "lookup.h"
#include "image.h"
#include "records.h"

static bool ask(struct classify_walk *walk, const struct classify_filter *filter,
                const struct classify_trace *trace)
{
    struct classify_answer answer = {.action = FWP_ACTION_NONE, .rights = walk->result.rights};
    if (trace != NULL && trace->callout != NULL &&
        classify_callout_of(filter)->slot != CLASSIFY_NO_CALLOUT) {
        answer.registered = 1;
        trace->callout(trace->ctx, filter, walk, &answer);
    }
    return classify_called(&walk->result, filter, &answer);
}

/* ---- the filters behind one that decided: those that match, too ---- */

/* The filters of a sublayer behind a record, in order: the base's run, the overlay's among it. */
struct behind {
    const struct classify_image *image;
    const struct classify_trace *trace;
    const struct classify_walk *walk;
    uint32_t at, end; /* units of the base */
    uint64_t told;    /* id of the filter last told of: of its records one is enough */
};

static bool matches(const struct classify_key *key, const struct classify_filter *filter)
{
    const uint64_t *tests = records_tests(filter);
    uint32_t index = 0;
    while (index < filter->units)
        index = classify_next_test(key, (const struct classify_test *)(const void *)&tests[index],
                                   index, 0);
    return index != CLASSIFY_FAILS;
}

static void consider(struct behind *behind, const struct classify_filter *filter)
{
    if (filter->id == behind->told || !matches(&behind->walk->key, filter))
        return;
    behind->told = filter->id;
    behind->trace->matched(behind->trace->ctx, filter, CLASSIFY_SKIPPED, &behind->walk->result);
}

/* Trees leave out what is covered, so the records themselves are read. */
static void consider_base(struct behind *behind, uint32_t end)
{
    const struct classify_filter *filter;
    struct records records = {behind->image->memory, behind->at, end};
    while ((filter = records_next(&records)) != NULL) {
        if (filter->died > behind->walk->number)
            consider(behind, filter);
    }
    behind->at = records.at;
}

static void consider_added(struct behind *behind, const struct overlay_filter *added)
{
    const struct classify_filter *filter;
    for (uint32_t at = 0; at < added->units; at += records_units(filter)) {
        filter = (const struct classify_filter *)(const void *)&added->records[at];
        consider(behind, filter);
    }
}

static void note_skipped(struct behind *behind, const struct classify_filter *decided, bool base)
{
    const struct overlay *overlay = &behind->image->private->overlay;
    bool passed = base; /* the deciding one, in the overlay */
    for (uint32_t i = 0; i < overlay->count; i++) {
        const struct overlay_filter *added = &overlay->filters[i];
        if (added->layer != behind->walk->layer || added->number != decided->sublayer)
            continue;
        if (passed && added->before >= behind->at) {
            consider_base(behind, added->before);
            consider_added(behind, added);
        }
        passed = passed || added->id == decided->id;
    }
    consider_base(behind, behind->end);
}

static void note(const struct classify_image *image, const struct classify_walk *walk,
                 const struct classify_filter *filter, bool ended,
                 const struct classify_trace *trace)
{
    bool base = walk->best % (UINT64_C(1) << 32) == 0xffffffffu;
    uint32_t at = CLASSIFY_REF_AT(walk->found);
    struct behind behind = {.image = image,
                            .trace = trace,
                            .walk = walk,
                            .at = base ? at + records_units(filter) : filter->before,
                            .end = filter->end,
                            .told = filter->id};
    enum classify_outcome outcome = CLASSIFY_CONTINUED;
    if (ended)
        outcome = walk->result.filter_id == filter->id ? CLASSIFY_DECIDED : CLASSIFY_OVERRULED;
    trace->matched(trace->ctx, filter, outcome, &walk->result);
    if (ended)
        note_skipped(&behind, filter, base);
}

void classify_evaluate(const struct classify_image *image, struct classify_walk *walk,
                       const struct classify_trace *trace)
{
    struct classify_run run = {.walk = walk, .memory = image->memory};
    const struct classify_record *record;
    if (!classify_enter(&run))
        return;
    while ((record = classify_find(&run)) != NULL) {
        const struct classify_filter *filter = &record->head;
        bool ended = filter->type & FWP_ACTION_FLAG_CALLOUT
                         ? ask(walk, filter, trace)
                         : classify_decide(&walk->result, filter);
        if (trace != NULL && trace->matched != NULL)
            note(image, walk, filter, ended, trace);
        if (!classify_proceed(&run, filter, ended))
            break;
    }
    classify_leave(&run);
}
