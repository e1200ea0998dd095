/*
 * What a classify answers, written to be compared with the documentation and with the compiled
 * lookup, not to be fast. It takes a plain list of filters and shares nothing with src/classify.
 *
 * Rules are those of https://learn.microsoft.com/windows/win32/fwp/filter-arbitration. Choices
 * where that is silent, each with a test in tests/model/test_reference.c:
 *  - Sublayers of equal weight go by ascending GUID bytes, filters of equal weight by ascending id.
 *  - A field that is absent or FWP_EMPTY matches only FWP_EMPTY, not even FWP_MATCH_NOT_EQUAL.
 *  - A terminating callout that decides nothing blocks. A callout that gives up the right without
 *    deciding gives up nothing.
 *  - When no filter decides the action is FWP_ACTION_NONE_NO_MATCH, and the layer permits.
 */
#ifndef OPENWFP_MODEL_REFERENCE_H
#define OPENWFP_MODEL_REFERENCE_H

#include "model.h"

struct reference_filter {
    const FWPM_FILTER0 *filter; /* layerKey, conditions, action, flags, filterId */
    uint64_t weight;            /* effective */
    GUID sublayer;
    uint16_t sublayer_weight;
    bool callout_registered;
};

/*
 * A field of what is classified. Users (ALE_USER_ID) are FWP_TOKEN_INFORMATION_TYPE with their
 * SIDs, all else as Windows classifies it. Fields that are not listed are absent.
 */
struct reference_field {
    GUID key;
    FWP_VALUE0 value;
};

/* FWPS_CLASSIFY_OUT0, as far as arbitration goes. */
struct reference_out {
    uint32_t action; /* FWP_ACTION_NONE on entry */
    bool right;      /* FWPS_RIGHT_ACTION_WRITE */
    bool absorb;
};

typedef void (*reference_callout)(void *ctx, const struct reference_filter *filter,
                                  struct reference_out *out);

enum reference_outcome {
    REFERENCE_NO_OPINION, /* the callout said Continue, or only inspects, or is not there */
    REFERENCE_DECIDED,    /* the action so far is this filter's */
    REFERENCE_OVERRULED,  /* it decided, but somebody heavier had taken the right */
    REFERENCE_VETOED,     /* its callout blocked without having the right */
};

typedef void (*reference_trace)(void *ctx, const struct reference_filter *filter,
                                enum reference_outcome outcome);

struct reference_result {
    uint32_t action; /* FWP_ACTION_PERMIT, FWP_ACTION_BLOCK, FWP_ACTION_NONE_NO_MATCH */
    bool right;
    uint64_t filter_id; /* whose action stands; 0 with NONE_NO_MATCH */
    bool veto;
    bool absorb;
};

struct reference_query {
    const GUID *layer;
    const struct reference_field *fields;
    size_t field_count;
    reference_callout callout; /* asked for filters whose callout is registered */
    void *callout_ctx;
    reference_trace trace; /* told of each matching filter that was reached; may be NULL */
    void *trace_ctx;
};

/* The order in which filters are asked. */
void reference_sort(struct reference_filter *filters, size_t count);

/* Of filters in that order. */
struct reference_result reference_classify_sorted(const struct reference_filter *sorted,
                                                  size_t count,
                                                  const struct reference_query *query);

/* Of filters in any order. False: out of memory. */
bool reference_classify(const struct reference_filter *filters, size_t count,
                        const struct reference_query *query, struct reference_result *result);

/* Rules 3.3, 3.10: does the value, NULL for an absent field, satisfy the condition? */
bool reference_condition_matches(const FWPM_FILTER_CONDITION0 *condition, const FWP_VALUE0 *value);

#endif
