#include "agreement.h"

#include <stdio.h>
#include <stdlib.h>

struct told {
    uint64_t *ids;
    size_t count, capacity;
};

static void tell(struct told *told, uint64_t id)
{
    if (told->count == told->capacity) {
        told->capacity = told->capacity * 2 + 64;
        told->ids = realloc(told->ids, told->capacity * sizeof *told->ids);
        if (told->ids == NULL) {
            fprintf(stderr, "out of memory for a trace\n");
            exit(1);
        }
    }
    told->ids[told->count++] = id;
}

static void lookup_matched(void *ctx, const struct classify_filter *filter,
                           enum classify_outcome outcome, const struct classify_result *after)
{
    tell(ctx, filter->id);
}

static void reference_matched(void *ctx, const struct reference_filter *filter,
                              enum reference_outcome outcome)
{
    tell(ctx, filter->filter->filterId);
}

static void no_answer(void *ctx, const struct reference_filter *filter, struct reference_out *out)
{
}

/* Each filter is asked alone: so none hides another. */
static struct told all_matching(const struct policy_set *set, const struct reference_filter *sorted,
                                size_t count, const struct classify_key *key)
{
    struct told told = {0};
    struct policy_set_fields fields;
    policy_set_fields(set, key, &fields);
    struct reference_query query = {.layer = &set->layer->key,
                                    .fields = fields.fields,
                                    .field_count = fields.count,
                                    .callout = no_answer,
                                    .trace = reference_matched,
                                    .trace_ctx = &told};
    for (size_t i = 0; i < count; i++)
        reference_classify_sorted(&sorted[i], 1, &query);
    return told;
}

static bool same(const struct told *expected, const struct told *told)
{
    size_t i = 0;
    while (i < expected->count && i < told->count && expected->ids[i] == told->ids[i])
        i++;
    if (i == expected->count && i == told->count)
        return true;
    printf("# the lookup tells of %zu matching filters, %zu match; place %zu: told of %llu, is "
           "%llu\n",
           told->count, expected->count, i,
           (unsigned long long)(i < told->count ? told->ids[i] : 0),
           (unsigned long long)(i < expected->count ? expected->ids[i] : 0));
    return false;
}

bool agreement_trace_holds(const struct policy_set *set, const struct classify_image *image,
                           const struct reference_filter *sorted, size_t count,
                           const struct classify_key *key)
{
    struct told expected = all_matching(set, sorted, count, key), told = {0};
    struct classify_trace trace = agreement_trace;
    struct classify_walk walk = agreement_walk(set, image, key);
    trace.matched = lookup_matched;
    trace.ctx = &told;
    classify_evaluate(image, &walk, &trace);
    bool holds = same(&expected, &told);
    if (!holds)
        agreement_print_key(set, key);
    free(expected.ids);
    free(told.ids);
    return holds;
}
