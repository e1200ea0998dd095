/* Keys for policy sets, and what the reference sees of them. */
#include <stdlib.h>
#include <string.h>

#include "../lib/classbench.h"
#include "model/sd.h"
#include "policy_set_build.h"

typedef unsigned __int128 u128;

static bool one_in(struct random *random, uint32_t n)
{
    return random_below(random, n) == 0;
}

/* ---- numbers of keys ---- */

static void put(struct classify_key *key, const struct layer_info *layer,
                const struct layer_field *field, u128 number)
{
    bool wide = field->cls == CONDITION_ADDR && layer->family == 6;
    key->present |= (wide ? 3ull : 1ull) << field->slot;
    key->value[field->slot] = (uint64_t)(wide ? number >> 64 : number);
    if (wide)
        key->value[field->slot + 1] = (uint64_t)number;
}

static void leave_out(struct classify_key *key, const struct layer_info *layer,
                      const struct layer_field *field)
{
    bool wide = field->cls == CONDITION_ADDR && layer->family == 6;
    key->present &= ~((wide ? 3ull : 1ull) << field->slot);
    key->value[field->slot] = 0;
    if (wide)
        key->value[field->slot + 1] = 0;
}

static u128 number_of_bytes(const uint8_t bytes[16])
{
    u128 number = 0;
    for (int i = 0; i < 16; i++)
        number = number << 8 | bytes[i];
    return number;
}

static u128 number_of(const FWP_VALUE0 *value)
{
    switch (value->type) {
    case FWP_UINT8:
        return value->uint8;
    case FWP_UINT16:
        return value->uint16;
    case FWP_BYTE_ARRAY16_TYPE:
        return number_of_bytes(value->byteArray16->byteArray16);
    default:
        return value->uint32;
    }
}

static u128 highest_of(const struct layer_info *layer, const struct layer_field *field)
{
    switch (field->cls) {
    case CONDITION_U8:
        return UINT8_MAX;
    case CONDITION_U16:
        return UINT16_MAX;
    case CONDITION_ADDR:
        return layer->family == 6 ? ~(u128)0 : UINT32_MAX;
    default:
        return UINT32_MAX;
    }
}

/* Often one of the ends. */
static u128 number_between(struct random *random, u128 low, u128 high)
{
    u128 width = high - low, any = (u128)random_next(random) << 64 | random_next(random);
    switch (random_below(random, 6)) {
    case 0:
        return low;
    case 1:
        return high;
    default:
        return width + 1 == 0 ? any : low + any % (width + 1);
    }
}

/* ---- a value that a condition wants ---- */

static u128 flags_for(const FWPM_FILTER_CONDITION0 *condition, struct random *random)
{
    uint32_t mask = condition->conditionValue.uint32, bits = (uint32_t)random_next(random);
    switch ((unsigned)condition->matchType) {
    case FWP_MATCH_FLAGS_ALL_SET:
        return mask | (one_in(random, 2) ? bits : 0);
    case FWP_MATCH_FLAGS_ANY_SET:
        return (bits & mask) | (one_in(random, 2) ? bits : mask & -mask);
    default:
        return bits & ~mask;
    }
}

static u128 number_for(const FWPM_FILTER_CONDITION0 *condition, u128 highest, struct random *random)
{
    u128 number = number_of((const FWP_VALUE0 *)&condition->conditionValue);
    switch ((unsigned)condition->matchType) {
    case FWP_MATCH_EQUAL:
        return number;
    case FWP_MATCH_NOT_EQUAL:
        return one_in(random, 2) ? number ^ 1 : number_between(random, 0, highest);
    case FWP_MATCH_LESS:
        return number_between(random, 0, number - (number != 0));
    case FWP_MATCH_LESS_OR_EQUAL:
        return number_between(random, 0, number);
    case FWP_MATCH_GREATER:
        return number_between(random, number + (number != highest), highest);
    case FWP_MATCH_GREATER_OR_EQUAL:
        return number_between(random, number, highest);
    default:
        return flags_for(condition, random);
    }
}

static u128 in_network(const FWP_CONDITION_VALUE0 *value, struct random *random)
{
    if (value->type == FWP_V4_ADDR_MASK) {
        uint32_t low = value->v4AddrMask->addr & value->v4AddrMask->mask;
        return number_between(random, low, low | ~value->v4AddrMask->mask);
    }
    unsigned length = value->v6AddrMask->prefixLength;
    u128 hosts = length >= 128 ? 0 : ~(u128)0 >> length;
    u128 low = number_of_bytes(value->v6AddrMask->addr) & ~hosts;
    return number_between(random, low, low | hosts);
}

static u128 program_for(const FWPM_FILTER_CONDITION0 *condition, struct random *random)
{
    uint32_t program = set_program_number(condition->conditionValue.byteBlob);
    return condition->matchType == FWP_MATCH_EQUAL
               ? program
               : (program + 1 + random_below(random, 4)) % (SET_PROGRAMS + 1);
}

static void satisfy(struct classify_key *key, const struct layer_info *layer,
                    const FWPM_FILTER_CONDITION0 *condition, struct random *random)
{
    const struct layer_field *field = layer_find_field(layer, &condition->fieldKey);
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    switch ((unsigned)value->type) {
    case FWP_EMPTY:
        leave_out(key, layer, field);
        break;
    case FWP_V4_ADDR_MASK:
    case FWP_V6_ADDR_MASK:
        put(key, layer, field, in_network(value, random));
        break;
    case FWP_RANGE_TYPE:
        put(key, layer, field,
            number_between(random, number_of(&value->rangeValue->valueLow),
                           number_of(&value->rangeValue->valueHigh)));
        break;
    case FWP_BYTE_BLOB_TYPE:
        put(key, layer, field, program_for(condition, random));
        break;
    case FWP_SECURITY_DESCRIPTOR_TYPE:
        put(key, layer, field, set_user_of(value->sd));
        break;
    default:
        put(key, layer, field, number_for(condition, highest_of(layer, field), random));
    }
}

/* One alternative of every field, so that the filter matches. */
static void satisfy_filter(struct classify_key *key, const struct layer_info *layer,
                           const FWPM_FILTER0 *filter, struct random *random)
{
    const FWPM_FILTER_CONDITION0 *conditions = filter->filterCondition;
    for (uint32_t i = 0, end; i < filter->numFilterConditions; i = end) {
        for (end = i + 1; end < filter->numFilterConditions; end++) {
            if (memcmp(&conditions[end].fieldKey, &conditions[i].fieldKey, sizeof(GUID)) != 0)
                break;
        }
        satisfy(key, layer, &conditions[i + random_below(random, end - i)], random);
    }
}

/* ---- whole keys ---- */

static bool is_used(const struct layer_info *layer, const struct layer_field *field)
{
    switch (field->slot) {
    case CLASSIFY_PROTOCOL:
    case CLASSIFY_LOCAL_PORT:
    case CLASSIFY_REMOTE_PORT:
    case CLASSIFY_FLAGS:
    case CLASSIFY_LOCAL_ADDRESS:
    case CLASSIFY_REMOTE_ADDRESS:
    case CLASSIFY_APP:
    case CLASSIFY_UID:
        return layer_find_field(layer, field->condition) == field;
    default:
        return false;
    }
}

static u128 any_number(const struct layer_info *layer, const struct layer_field *field,
                       struct random *random)
{
    static const uint8_t protocols[] = {6, 6, 17, 1};
    switch (field->slot) {
    case CLASSIFY_PROTOCOL:
        return protocols[random_below(random, 4)];
    case CLASSIFY_FLAGS:
        return random_below(random, 4);
    case CLASSIFY_APP:
        return one_in(random, 8) ? 0 : 1 + set_popular(random, SET_PROGRAMS);
    case CLASSIFY_UID:
        return one_in(random, 8) ? 0 : SET_FIRST_USER + set_popular(random, SET_USERS);
    default:
        return number_between(random, 0, highest_of(layer, field));
    }
}

void policy_set_stray_key(const struct policy_set *set, struct random *random,
                          struct classify_key *key)
{
    const struct layer_info *layer = set->layer;
    *key = (struct classify_key){0};
    for (uint16_t i = 0; i < layer->field_count; i++) {
        const struct layer_field *field = &layer->fields[i];
        if (is_used(layer, field) && !one_in(random, 100))
            put(key, layer, field, any_number(layer, field, random));
    }
}

static const FWPM_FILTER0 *any_filter(const struct policy_set *set, struct random *random)
{
    return set->view[random_next(random) % set->count].filter;
}

void policy_set_key_in(const struct policy_set *set, const FWPM_FILTER0 *filter,
                       struct random *random, struct classify_key *key)
{
    policy_set_stray_key(set, random, key);
    if (one_in(random, 2))
        satisfy_filter(key, set->layer, any_filter(set, random), random);
    satisfy_filter(key, set->layer, filter, random);
}

void policy_set_key(const struct policy_set *set, struct random *random, struct classify_key *key)
{
    policy_set_key_in(set, any_filter(set, random), random, key);
}

void policy_set_trace(const struct policy_set *set, unsigned strays, double locality,
                      struct classify_key *keys, size_t count, struct random *random)
{
    for (size_t i = 0; i < count;) {
        size_t first = i;
        if (random_below(random, 100) < strays || set->count == 0)
            policy_set_stray_key(set, random, &keys[i++]);
        else
            policy_set_key(set, random, &keys[i++]);
        for (size_t n = classbench_burst(locality, random); n > 1 && i < count; n--)
            keys[i++] = keys[first];
    }
}

void policy_set_user_bits(const struct classify_image *image, struct classify_key *key)
{
    uint32_t gids[2];
    if (!(key->present >> CLASSIFY_UID & 1))
        return;
    set_groups((uint32_t)key->value[CLASSIFY_UID], gids);
    key->present |= 1ull << CLASSIFY_USER_BITS;
    key->value[CLASSIFY_USER_BITS] = 0;
    for (uint32_t g = 0; g < image->group_count; g++) {
        if (image->groups[g].gid == gids[0] || image->groups[g].gid == gids[1])
            key->value[CLASSIFY_USER_BITS] |= image->groups[g].bits;
    }
}

/* ---- the reference's view ---- */

static void add_sid(struct policy_set_fields *fields, struct sid sid)
{
    uint8_t *place = fields->sid[fields->token.sidCount];
    memcpy(place, sid.bytes, sid.size);
    fields->sids[fields->token.sidCount++] = (SID_AND_ATTRIBUTES){.Sid = place};
}

static void user_value(struct policy_set_fields *fields, uint32_t uid, FWP_VALUE0 *value)
{
    uint32_t gids[2];
    set_groups(uid, gids);
    fields->token = (FWP_TOKEN_INFORMATION){.sids = fields->sids};
    add_sid(fields, sid_of_uid(uid));
    add_sid(fields, sid_of_gid(gids[0]));
    add_sid(fields, sid_of_gid(gids[1]));
    *value = (FWP_VALUE0){.type = FWP_TOKEN_INFORMATION_TYPE, .tokenInformation = &fields->token};
}

static void address_value(FWP_BYTE_ARRAY16 *bytes, const __u64 halves[2], FWP_VALUE0 *value)
{
    for (int i = 0; i < 16; i++)
        bytes->byteArray16[i] = (uint8_t)(halves[i / 8] >> (56 - i % 8 * 8));
    *value = (FWP_VALUE0){.type = FWP_BYTE_ARRAY16_TYPE, .byteArray16 = bytes};
}

static FWP_VALUE0 number_value(uint8_t cls, uint64_t number)
{
    switch (cls) {
    case CONDITION_U8:
        return (FWP_VALUE0){.type = FWP_UINT8, .uint8 = (uint8_t)number};
    case CONDITION_U16:
        return (FWP_VALUE0){.type = FWP_UINT16, .uint16 = (uint16_t)number};
    default:
        return (FWP_VALUE0){.type = FWP_UINT32, .uint32 = (uint32_t)number};
    }
}

static void field_value(struct policy_set_fields *fields, const struct layer_info *layer,
                        const struct layer_field *field, const __u64 *number, FWP_VALUE0 *value)
{
    if (field->slot == CLASSIFY_APP) {
        fields->program = set_program_blob((uint32_t)*number);
        *value = (FWP_VALUE0){.type = FWP_BYTE_BLOB_TYPE, .byteBlob = &fields->program};
    } else if (field->slot == CLASSIFY_UID) {
        user_value(fields, (uint32_t)*number, value);
    } else if (field->cls == CONDITION_ADDR && layer->family == 6) {
        address_value(&fields->addresses[field->slot == CLASSIFY_REMOTE_ADDRESS], number, value);
    } else {
        *value = number_value(field->cls, *number);
    }
}

void policy_set_fields(const struct policy_set *set, const struct classify_key *key,
                       struct policy_set_fields *fields)
{
    fields->count = 0;
    for (uint16_t i = 0; i < set->layer->field_count; i++) {
        const struct layer_field *field = &set->layer->fields[i];
        if (!is_used(set->layer, field) || !(key->present >> field->slot & 1))
            continue;
        struct reference_field *out = &fields->fields[fields->count++];
        out->key = *field->condition;
        field_value(fields, set->layer, field, &key->value[field->slot], &out->value);
    }
}
