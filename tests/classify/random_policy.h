/*
 * Random filters and random operations for the differential test and the bench. Values come from
 * small pools with the edges of their types in them, so that conditions often match, overlap and
 * tie.
 */
#ifndef OPENWFP_TESTS_RANDOM_POLICY_H
#define OPENWFP_TESTS_RANDOM_POLICY_H

#include "../lib/random.h"
#include "classify/compile.h"
#include "classify/walk.h"
#include "model/layers.h"
#include "model/reference.h"

#define RANDOM_FILTERS    48
#define RANDOM_CONDITIONS 10
#define RANDOM_FIELDS     48
#define RANDOM_GROUPS     4

/* Where a value's pointers point to. */
struct random_storage {
    FWP_BYTE_ARRAY16 array, array_high;
    FWP_V4_ADDR_AND_MASK v4;
    FWP_V6_ADDR_AND_MASK v6;
    FWP_RANGE0 range;
    FWP_BYTE_BLOB blob;
    FWP_TOKEN_INFORMATION token;
    SID_AND_ATTRIBUTES sids[1 + RANDOM_GROUPS];
    UINT64 number, number_high;
    uint8_t sid[1 + RANDOM_GROUPS][72];
};

struct random_policy {
    size_t count;
    const struct layer_info *layers[2];
    FWPM_FILTER0 filters[RANDOM_FILTERS];
    FWPM_FILTER_CONDITION0 conditions[RANDOM_FILTERS][RANDOM_CONDITIONS];
    struct random_storage storage[RANDOM_FILTERS][RANDOM_CONDITIONS];
    struct model_view_filter view[RANDOM_FILTERS];
    struct reference_filter reference[RANDOM_FILTERS];
};

/* An operation as the reference and as the lookup see it. */
struct random_operation {
    const struct layer_info *layer;
    struct reference_field fields[RANDOM_FIELDS];
    struct random_storage storage[RANDOM_FIELDS];
    size_t field_count;
    struct classify_walk walk;
};

void random_policy_make(struct random_policy *policy, struct random *random);
/* image: for which group is which bit. */
void random_operation_make(struct random_operation *operation, const struct random_policy *policy,
                           const struct classify_image *image, struct random *random);

/* Sets the slot, or the slot and the next for an IPv6 address, to a number or an address. */
void key_from_value(struct classify_key *key, int slot, const FWP_VALUE0 *value);

/* Numbers for the programs of the pool. */
extern const struct classify_intern random_intern;

#endif
