#include "policy_set_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (1u << 20)

/* What a set's pointers point to never moves: it grows by chunks. */
struct set_chunk {
    struct set_chunk *next;
    size_t used;
    _Alignas(16) unsigned char bytes[CHUNK];
};

const char *const policy_set_names[] = {
    "acl",       "fw",        "ipc",     "acl6",       "acl-plain", "fw-plain",
    "ipc-plain", "nested",    "crossed", "one-field",  "one-bit",   "same",
    "open",      "sublayers", "long-or", "not-equals", "flags",     "continues",
    "programs",  "users",     "absent",  "ranges6",    NULL};

static void *checked(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "out of memory for a set of filters\n");
        exit(1);
    }
    return memory;
}

static void *take(struct set_chunk **chunks, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if (*chunks == NULL || (*chunks)->used + size > CHUNK) {
        struct set_chunk *chunk = checked(malloc(sizeof *chunk));
        chunk->next = *chunks;
        chunk->used = 0;
        *chunks = chunk;
    }
    void *taken = (*chunks)->bytes + (*chunks)->used;
    (*chunks)->used += size;
    return taken;
}

static void free_chunks(struct set_chunk *chunk)
{
    while (chunk != NULL) {
        struct set_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

bool policy_set_make(struct policy_set *set, const char *name, size_t count)
{
    return set_make_seed(set, name, count) || set_make_adversary(set, name, count);
}

void policy_set_free(struct policy_set *set)
{
    free_chunks(set->conditions);
    free_chunks(set->values);
    free(set->filters);
    free(set->view);
    *set = (struct policy_set){0};
}

/* ---- filters ---- */

void set_begin(struct policy_set *set, const char *name, const GUID *layer, size_t count)
{
    *set = (struct policy_set){.name = name, .layer = layer_by_key(layer)};
    set->filters = checked(malloc((count + 1) * sizeof *set->filters));
    set->view = checked(malloc((count + 1) * sizeof *set->view));
}

FWPM_FILTER0 *set_filter(struct policy_set *set, uint32_t sublayer, uint64_t weight,
                         FWP_ACTION_TYPE action)
{
    size_t n = set->count++;
    FWPM_FILTER0 *filter = &set->filters[n];
    uint32_t id = (uint32_t)n * 0x9e3779b1u % (1u << 31); /* ties go by id: not in this order */
    *filter = (FWPM_FILTER0){.layerKey = set->layer->key,
                             .subLayerKey.Data1 = 0x5e7 + sublayer,
                             .filterId = (uint64_t)id + 1,
                             .action.type = action};
    set->view[n] = (struct model_view_filter){.filter = filter,
                                              .weight = weight,
                                              .sublayer = filter->subLayerKey,
                                              /* every other one weighs as much as the next */
                                              .sublayer_weight = (uint16_t)(0xf000 - sublayer / 2)};
    return filter;
}

void set_callout(struct policy_set *set, uint32_t slot, uint64_t script)
{
    struct model_view_filter *view = &set->view[set->count - 1];
    set->filters[set->count - 1].rawContext = script;
    view->callout_id = 1;
    view->callout_slot = slot;
    view->context = script;
}

/* ---- conditions ---- */

void set_condition(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match,
                   FWP_CONDITION_VALUE0 value)
{
    FWPM_FILTER0 *filter = &set->filters[set->count - 1];
    size_t count = filter->numFilterConditions;
    FWPM_FILTER_CONDITION0 *next = take(&set->conditions, sizeof *next);
    if (count == 0)
        filter->filterCondition = next;
    if (next != filter->filterCondition + count) { /* a filter's conditions stay together */
        FWPM_FILTER_CONDITION0 *moved = take(&set->conditions, count * sizeof *moved);
        memmove(next, filter->filterCondition, count * sizeof *moved);
        filter->filterCondition = next;
    }
    filter->filterCondition[filter->numFilterConditions++] =
        (FWPM_FILTER_CONDITION0){.fieldKey = *field, .matchType = match, .conditionValue = value};
}

void set_u8(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match, uint8_t value)
{
    set_condition(set, field, match, (FWP_CONDITION_VALUE0){.type = FWP_UINT8, .uint8 = value});
}

void set_u16(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match, uint16_t value)
{
    set_condition(set, field, match, (FWP_CONDITION_VALUE0){.type = FWP_UINT16, .uint16 = value});
}

void set_u32(struct policy_set *set, const GUID *field, FWP_MATCH_TYPE match, uint32_t value)
{
    set_condition(set, field, match, (FWP_CONDITION_VALUE0){.type = FWP_UINT32, .uint32 = value});
}

static FWP_VALUE0 number(FWP_DATA_TYPE type, uint32_t value)
{
    FWP_VALUE0 number = {.type = type};
    if (type == FWP_UINT8)
        number.uint8 = (uint8_t)value;
    else if (type == FWP_UINT16)
        number.uint16 = (uint16_t)value;
    else
        number.uint32 = value;
    return number;
}

void set_range(struct policy_set *set, const GUID *field, FWP_DATA_TYPE type, uint32_t low,
               uint32_t high)
{
    FWP_RANGE0 *range = take(&set->values, sizeof *range);
    *range = (FWP_RANGE0){.valueLow = number(type, low), .valueHigh = number(type, high)};
    set_condition(set, field, FWP_MATCH_RANGE,
                  (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = range});
}

static void put_v6(uint8_t bytes[16], uint32_t address, uint64_t interface)
{
    memcpy(bytes, (const uint8_t[4]){0x20, 0x01, 0x0d, 0xb8}, 4);
    for (int i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(address >> (24 - 8 * i));
    for (int i = 0; i < 8; i++)
        bytes[8 + i] = (uint8_t)(interface >> (56 - 8 * i));
}

static void set_prefix6(struct policy_set *set, const GUID *field, uint32_t address, uint8_t length)
{
    FWP_V6_ADDR_AND_MASK *mask = take(&set->values, sizeof *mask);
    mask->prefixLength = length == 32 ? 128 : (uint8_t)(32 + length);
    put_v6(mask->addr, address, length == 32 ? random_mix(address) : 0);
    set_condition(set, field, FWP_MATCH_EQUAL,
                  (FWP_CONDITION_VALUE0){.type = FWP_V6_ADDR_MASK, .v6AddrMask = mask});
}

void set_prefix(struct policy_set *set, const GUID *field, uint32_t address, uint8_t length)
{
    if (set->layer->family == 6) {
        set_prefix6(set, field, address, length);
        return;
    }
    if (length == 32) {
        set_u32(set, field, FWP_MATCH_EQUAL, address);
        return;
    }
    FWP_V4_ADDR_AND_MASK *mask = take(&set->values, sizeof *mask);
    *mask = (FWP_V4_ADDR_AND_MASK){address, length == 0 ? 0 : UINT32_MAX << (32 - length)};
    set_condition(set, field, FWP_MATCH_EQUAL,
                  (FWP_CONDITION_VALUE0){.type = FWP_V4_ADDR_MASK, .v4AddrMask = mask});
}

void set_range6(struct policy_set *set, const GUID *field, uint32_t high, uint64_t low,
                uint32_t other_high, uint64_t other_low)
{
    FWP_RANGE0 *range = take(&set->values, sizeof *range);
    FWP_BYTE_ARRAY16 *ends = take(&set->values, 2 * sizeof *ends);
    put_v6(ends[0].byteArray16, high, low);
    put_v6(ends[1].byteArray16, other_high, other_low);
    int first = memcmp(&ends[0], &ends[1], sizeof ends[0]) > 0;
    range->valueLow = (FWP_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &ends[first]};
    range->valueHigh = (FWP_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = &ends[!first]};
    set_condition(set, field, FWP_MATCH_RANGE,
                  (FWP_CONDITION_VALUE0){.type = FWP_RANGE_TYPE, .rangeValue = range});
}

void set_program(struct policy_set *set, FWP_MATCH_TYPE match, uint32_t program)
{
    FWP_BYTE_BLOB *blob = take(&set->values, sizeof *blob);
    *blob = set_program_blob(program);
    set_condition(set, &FWPM_CONDITION_ALE_APP_ID, match,
                  (FWP_CONDITION_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = blob});
}

void set_user(struct policy_set *set, uint32_t descriptor)
{
    set_condition(set, &FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL,
                  (FWP_CONDITION_VALUE0){.type = FWP_SECURITY_DESCRIPTOR_TYPE,
                                         .sd = set_descriptor(descriptor)});
}

/* ---- for the reference ---- */

struct reference_filter policy_set_reference_one(const struct model_view_filter *filter)
{
    return (struct reference_filter){.filter = filter->filter,
                                     .weight = filter->weight,
                                     .sublayer = filter->sublayer,
                                     .sublayer_weight = filter->sublayer_weight,
                                     .callout_registered =
                                         filter->callout_slot != MODEL_CALLOUT_UNREGISTERED};
}

struct reference_filter *policy_set_reference(const struct policy_set *set)
{
    struct reference_filter *sorted = checked(malloc((set->count + 1) * sizeof *sorted));
    for (size_t i = 0; i < set->count; i++)
        sorted[i] = policy_set_reference_one(&set->view[i]);
    reference_sort(sorted, set->count);
    return sorted;
}
