#include "random_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differential.h"
#include "model/sd.h"
#include "model/utf16.h"

static bool one_in(struct random *random, uint32_t n)
{
    return random_below(random, n) == 0;
}

/* ---- the pools ---- */

static const char *const programs[] = {"/usr/bin/curl", "/usr/sbin/sshd", "/usr/bin/CURL", "/a"};
#define PROGRAMS (sizeof programs / sizeof programs[0])

static uint32_t intern_app(void *ctx, const char *path)
{
    for (uint32_t i = 0; i < PROGRAMS; i++) {
        if (strcmp(programs[i], path) == 0)
            return i + 1;
    }
    return 0;
}

const struct classify_intern random_intern = {.app = intern_app};

static FWP_BYTE_BLOB program_blob(uint32_t index)
{
    static WCHAR *blobs[PROGRAMS];
    if (blobs[index] == NULL)
        blobs[index] = utf16_from_utf8(programs[index]);
    return (FWP_BYTE_BLOB){(uint32_t)(utf16_length(blobs[index]) + 1) * sizeof(WCHAR),
                           (uint8_t *)blobs[index]};
}

/* Access control lists with allows and denies in every order, on users, groups and everyone. */
#define DESCRIPTORS 64
static FWP_BYTE_BLOB *descriptor(uint32_t index)
{
    static FWP_BYTE_BLOB made[DESCRIPTORS];
    static const char *const trustees[] = {
        "S-1-22-1-0", "S-1-22-1-1000", "S-1-22-2-100",  "S-1-22-2-101",
        "WD",         "S-1-22-2-102",  "S-1-22-1-1001", "S-1-5-18"};
    if (made[index].data != NULL)
        return &made[index];
    struct random random = {.state = index + 77};
    char text[512] = "D:";
    uint32_t entries = random_below(&random, 5);
    for (uint32_t i = 0; i < entries; i++) {
        char entry[64];
        snprintf(entry, sizeof entry, "(%s;;%s;;;%s)", one_in(&random, 3) ? "D" : "A",
                 one_in(&random, 6) ? "0x80" : "CC", trustees[random_below(&random, 8)]);
        strcat(text, entry);
    }
    const char *at, *why;
    if (!sddl_parse(text, &made[index], &at, &why)) {
        fprintf(stderr, "%s: %s\n", text, why);
        abort();
    }
    return &made[index];
}

static uint64_t pool_number(struct random *random, uint64_t highest)
{
    static const uint64_t numbers[] = {
        0, 1, 2, 6, 17, 58, 80, 443, 1024, UINT64_MAX, UINT64_MAX - 1};
    uint64_t number = numbers[random_below(random, sizeof numbers / sizeof numbers[0])];
    return number > highest ? highest - (UINT64_MAX - number) % 2 : number;
}

static uint32_t pool_v4(struct random *random)
{
    static const uint32_t edges[] = {0, UINT32_MAX, 0x7f000001, 0x0aff0000};
    return one_in(random, 6) ? edges[random_below(random, 4)]
                             : 0x0a000000 + random_below(random, 16);
}

static void pool_v6(struct random *random, uint8_t address[16])
{
    static const uint8_t documentation[16] = {0x20, 0x01, 0x0d, 0xb8};
    memcpy(address, documentation, 16);
    switch (random_below(random, 8)) {
    case 0:
        memset(address, 0, 16);
        break;
    case 1:
        memset(address, 0xff, 16);
        break;
    case 2:
        address[7] = (uint8_t)random_below(random, 2);
        memset(address + 8, one_in(random, 2) ? 0xff : 0, 8);
        break;
    default:
        address[15] = (uint8_t)random_below(random, 8);
    }
}

/* ---- single values ---- */

static uint64_t highest_of(uint8_t cls)
{
    return cls == CONDITION_U8    ? UINT8_MAX
           : cls == CONDITION_U16 ? UINT16_MAX
           : cls == CONDITION_U64 ? UINT64_MAX
                                  : UINT32_MAX;
}

static void set_number(FWP_VALUE0 *value, uint8_t cls, uint64_t number, UINT64 *storage)
{
    switch (cls) {
    case CONDITION_U8:
        value->type = FWP_UINT8;
        value->uint8 = (uint8_t)number;
        break;
    case CONDITION_U16:
        value->type = FWP_UINT16;
        value->uint16 = (uint16_t)number;
        break;
    case CONDITION_U64:
        value->type = FWP_UINT64;
        *storage = number;
        value->uint64 = storage;
        break;
    default:
        value->type = FWP_UINT32;
        value->uint32 = (uint32_t)number;
    }
}

static void set_address(FWP_VALUE0 *value, uint8_t family, FWP_BYTE_ARRAY16 *storage,
                        struct random *random)
{
    if (family == 4) {
        value->type = FWP_UINT32;
        value->uint32 = pool_v4(random);
        return;
    }
    value->type = FWP_BYTE_ARRAY16_TYPE;
    pool_v6(random, storage->byteArray16);
    value->byteArray16 = storage;
}

static void set_sid(struct random_storage *storage, size_t place, struct sid sid)
{
    memcpy(storage->sid[place], sid.bytes, sid.size);
    storage->sids[place] = (SID_AND_ATTRIBUTES){.Sid = storage->sid[place]};
}

/* ---- conditions ---- */

/* A number or address: high is filled too, at least as high as low. */
static void set_single(FWP_VALUE0 *low, FWP_VALUE0 *high, const struct layer_field *field,
                       uint8_t family, struct random_storage *storage, struct random *random)
{
    if (field->cls == CONDITION_ADDR) {
        set_address(low, family, &storage->array, random);
        set_address(high, family, &storage->array_high, random);
        bool swapped = family == 4 ? low->uint32 > high->uint32
                                   : memcmp(&storage->array, &storage->array_high, 16) > 0;
        if (swapped) {
            FWP_VALUE0 other = *low;
            *low = *high;
            *high = other;
        }
        return;
    }
    uint64_t a = pool_number(random, highest_of(field->cls));
    uint64_t b = pool_number(random, highest_of(field->cls));
    set_number(low, field->cls, a < b ? a : b, &storage->number);
    set_number(high, field->cls, a < b ? b : a, &storage->number_high);
}

static void condition_numeric(FWPM_FILTER_CONDITION0 *condition, const struct layer_field *field,
                              uint8_t family, struct random_storage *storage, struct random *random)
{
    static const FWP_MATCH_TYPE single[] = {FWP_MATCH_EQUAL,         FWP_MATCH_EQUAL,
                                            FWP_MATCH_NOT_EQUAL,     FWP_MATCH_GREATER,
                                            FWP_MATCH_LESS,          FWP_MATCH_GREATER_OR_EQUAL,
                                            FWP_MATCH_LESS_OR_EQUAL, FWP_MATCH_FLAGS_ALL_SET,
                                            FWP_MATCH_FLAGS_ANY_SET, FWP_MATCH_FLAGS_NONE_SET};
    bool array = field->cls == CONDITION_ADDR && family == 6;
    set_single(&storage->range.valueLow, &storage->range.valueHigh, field, family, storage, random);
    if (one_in(random, 4)) {
        condition->matchType = FWP_MATCH_RANGE;
        condition->conditionValue.type = FWP_RANGE_TYPE;
        condition->conditionValue.rangeValue = &storage->range;
        return;
    }
    condition->matchType = single[random_below(random, array ? 7 : 10)];
    memcpy(&condition->conditionValue, &storage->range.valueLow, sizeof(FWP_VALUE0));
}

static void condition_mask(FWPM_FILTER_CONDITION0 *condition, uint8_t family,
                           struct random_storage *storage, struct random *random)
{
    condition->matchType = FWP_MATCH_EQUAL;
    if (family == 4) {
        uint32_t length = random_below(random, 33);
        storage->v4.mask = length == 0 ? 0 : UINT32_MAX << (32 - length);
        storage->v4.addr = pool_v4(random);
        condition->conditionValue.type = FWP_V4_ADDR_MASK;
        condition->conditionValue.v4AddrMask = &storage->v4;
        return;
    }
    storage->v6.prefixLength =
        (uint8_t)(one_in(random, 2) ? 120 + random_below(random, 9) : random_below(random, 129));
    pool_v6(random, storage->v6.addr);
    condition->conditionValue.type = FWP_V6_ADDR_MASK;
    condition->conditionValue.v6AddrMask = &storage->v6;
}

static void condition_make(FWPM_FILTER_CONDITION0 *condition, const struct layer_field *field,
                           uint8_t family, struct random_storage *storage, struct random *random)
{
    condition->fieldKey = *field->condition;
    condition->matchType = FWP_MATCH_EQUAL;
    condition->conditionValue.type = FWP_EMPTY;
    if (one_in(random, 16))
        return;
    switch (field->cls) {
    case CONDITION_ADDR:
        if (one_in(random, 2)) {
            condition_mask(condition, family, storage, random);
            break;
        }
        condition_numeric(condition, field, family, storage, random);
        break;
    case CONDITION_BLOB:
        storage->blob = program_blob(random_below(random, PROGRAMS));
        condition->matchType = one_in(random, 3) ? FWP_MATCH_NOT_EQUAL : FWP_MATCH_EQUAL;
        condition->conditionValue.type = FWP_BYTE_BLOB_TYPE;
        condition->conditionValue.byteBlob = &storage->blob;
        break;
    case CONDITION_SD:
        condition->conditionValue.type = FWP_SECURITY_DESCRIPTOR_TYPE;
        condition->conditionValue.sd = descriptor(random_below(random, DESCRIPTORS));
        break;
    default:
        condition_numeric(condition, field, family, storage, random);
    }
}

static bool usable(const struct layer_info *layer, const struct layer_field *field)
{
    return field->cls <= CONDITION_SD && layer_find_field(layer, field->condition) == field;
}

/* The fields that operations have are much more often asked for than those that none has. */
static const struct layer_field *pick_field(const struct layer_info *layer, struct random *random)
{
    for (;;) {
        const struct layer_field *field = &layer->fields[random_below(random, layer->field_count)];
        if (usable(layer, field) && (field->slot >= 0 || one_in(random, 12)))
            return field;
    }
}

static void add_conditions(struct random_policy *policy, size_t n, const struct layer_info *layer,
                           struct random *random)
{
    const struct layer_field *fields[3];
    FWPM_FILTER0 *filter = &policy->filters[n];
    uint32_t groups = random_below(random, 4);
    for (uint32_t g = 0; g < groups; g++) {
        fields[g] = pick_field(layer, random);
        for (uint32_t h = 0; h < g; h++) {
            if (fields[h] == fields[g])
                return;
        }
        uint32_t alternatives = one_in(random, 3) ? 1 + random_below(random, 3) : 1;
        for (uint32_t a = 0; a < alternatives; a++) {
            uint32_t at = filter->numFilterConditions++;
            condition_make(&policy->conditions[n][at], fields[g], layer->family,
                           &policy->storage[n][at], random);
        }
    }
}

/* ---- filters ---- */

static const struct layer_info *pick_layer(struct random *random)
{
    for (;;) {
        const struct layer_info *layer = layer_at(random_below(random, (uint32_t)layer_count()));
        if (layer->support == LAYER_ENFORCED)
            return layer;
    }
}

static void add_action(FWPM_FILTER0 *filter, struct random *random)
{
    static const FWP_ACTION_TYPE actions[] = {FWP_ACTION_PERMIT,
                                              FWP_ACTION_PERMIT,
                                              FWP_ACTION_BLOCK,
                                              FWP_ACTION_BLOCK,
                                              FWP_ACTION_CALLOUT_UNKNOWN,
                                              FWP_ACTION_CALLOUT_TERMINATING,
                                              FWP_ACTION_CALLOUT_INSPECTION};
    filter->action.type = actions[random_below(random, 7)];
    if (one_in(random, 4))
        filter->flags |= FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT;
    if (one_in(random, 2) && (filter->action.type == FWP_ACTION_CALLOUT_UNKNOWN ||
                              filter->action.type == FWP_ACTION_CALLOUT_TERMINATING))
        filter->flags |= FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED;
    filter->rawContext =
        random_below(random, SCRIPT_ACTIONS) | (one_in(random, 3) ? SCRIPT_HARDEN : 0) |
        (one_in(random, 4) ? SCRIPT_ABSORB : 0) | (one_in(random, 3) ? SCRIPT_POLITE : 0);
}

static void add_filter(struct random_policy *policy, const GUID sublayers[4],
                       const uint16_t weights[4], struct random *random)
{
    size_t n = policy->count++;
    const struct layer_info *layer = policy->layers[random_below(random, 2)];
    uint32_t sublayer = random_below(random, 4);
    FWPM_FILTER0 *filter = &policy->filters[n];
    *filter = (FWPM_FILTER0){.layerKey = layer->key,
                             .subLayerKey = sublayers[sublayer],
                             .filterCondition = policy->conditions[n],
                             .filterId = (n * 37 + 11) % 211 + 1};
    add_conditions(policy, n, layer, random);
    add_action(filter, random);
    bool callout = filter->action.type & FWP_ACTION_FLAG_CALLOUT;
    uint32_t slot = one_in(random, 4) ? MODEL_CALLOUT_UNREGISTERED : random_below(random, 2);
    uint64_t weight = one_in(random, 2) ? random_below(random, 4) : random_next(random);
    policy->view[n] = (struct model_view_filter){.filter = filter,
                                                 .weight = weight,
                                                 .sublayer = sublayers[sublayer],
                                                 .sublayer_weight = weights[sublayer],
                                                 .callout_id = callout ? 1 : 0,
                                                 .callout_slot = slot,
                                                 .context = filter->rawContext};
    policy->reference[n] =
        (struct reference_filter){.filter = filter,
                                  .weight = weight,
                                  .sublayer = sublayers[sublayer],
                                  .sublayer_weight = weights[sublayer],
                                  .callout_registered = slot != MODEL_CALLOUT_UNREGISTERED};
}

void random_policy_make(struct random_policy *policy, struct random *random)
{
    GUID sublayers[4];
    uint16_t weights[4];
    uint32_t count = 1 + random_below(random, RANDOM_FILTERS);
    policy->count = 0;
    policy->layers[0] = pick_layer(random);
    policy->layers[1] = pick_layer(random);
    for (int i = 0; i < 4; i++) {
        weights[i] = (uint16_t)random_below(random, 3);
        for (size_t byte = 0; byte < sizeof(GUID); byte++)
            ((uint8_t *)&sublayers[i])[byte] = (uint8_t)random_next(random);
    }
    for (uint32_t i = 0; i < count; i++)
        add_filter(policy, sublayers, weights, random);
}

/* ---- operations ---- */

static void set_key(struct classify_key *key, int slot, uint64_t value)
{
    key->present |= 1ull << slot;
    key->value[slot] = value;
}

static uint64_t half_of(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

void key_from_value(struct classify_key *key, int slot, const FWP_VALUE0 *value)
{
    switch (value->type) {
    case FWP_UINT8:
        set_key(key, slot, value->uint8);
        break;
    case FWP_UINT16:
        set_key(key, slot, value->uint16);
        break;
    case FWP_UINT32:
        set_key(key, slot, value->uint32);
        break;
    case FWP_UINT64:
        set_key(key, slot, *value->uint64);
        break;
    default:
        set_key(key, slot, half_of(value->byteArray16->byteArray16));
        set_key(key, slot + 1, half_of(value->byteArray16->byteArray16 + 8));
    }
}

static void operation_user(struct random_operation *operation, const struct classify_image *image,
                           struct random *random)
{
    static const uint32_t uids[] = {0, 1000, 1001, 1002};
    size_t n = operation->field_count++;
    struct random_storage *storage = &operation->storage[n];
    uint32_t uid = uids[random_below(random, 4)];
    uint32_t groups = random_below(random, RANDOM_GROUPS + 1);
    uint64_t bits = 0;
    set_sid(storage, 0, sid_of_uid(uid));
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t gid = 100 + random_below(random, 4);
        set_sid(storage, 1 + i, sid_of_gid(gid));
        for (uint32_t g = 0; g < image->group_count; g++)
            bits |= image->groups[g].gid == gid ? image->groups[g].bits : 0;
    }
    storage->token = (FWP_TOKEN_INFORMATION){.sidCount = 1 + groups, .sids = storage->sids};
    operation->fields[n].value.type = FWP_TOKEN_INFORMATION_TYPE;
    operation->fields[n].value.tokenInformation = &storage->token;
    set_key(&operation->walk.key, CLASSIFY_UID, uid);
    set_key(&operation->walk.key, CLASSIFY_USER_BITS, bits);
}

static void operation_program(struct random_operation *operation, struct random *random)
{
    size_t n = operation->field_count++;
    uint32_t program = random_below(random, PROGRAMS);
    operation->storage[n].blob = program_blob(program);
    operation->fields[n].value.type = FWP_BYTE_BLOB_TYPE;
    operation->fields[n].value.byteBlob = &operation->storage[n].blob;
    set_key(&operation->walk.key, CLASSIFY_APP, program + 1);
}

static void operation_field(struct random_operation *operation, const struct layer_field *field,
                            const struct classify_image *image, struct random *random)
{
    struct reference_field *out = &operation->fields[operation->field_count];
    struct random_storage *storage = &operation->storage[operation->field_count];
    out->key = *field->condition;
    if (field->slot == CLASSIFY_UID) {
        operation_user(operation, image, random);
        return;
    }
    if (field->slot == CLASSIFY_APP) {
        operation_program(operation, random);
        return;
    }
    operation->field_count++;
    if (field->cls == CONDITION_ADDR)
        set_address(&out->value, operation->layer->family, &storage->array, random);
    else
        set_number(&out->value, field->cls, pool_number(random, highest_of(field->cls)),
                   &storage->number);
    key_from_value(&operation->walk.key, field->slot, &out->value);
}

void random_operation_make(struct random_operation *operation, const struct random_policy *policy,
                           const struct classify_image *image, struct random *random)
{
    operation->layer = policy->layers[random_below(random, 2)];
    operation->field_count = 0;
    memset(&operation->walk, 0, sizeof operation->walk);
    operation->walk.layer = operation->layer->id;
    for (uint16_t i = 0; i < operation->layer->field_count; i++) {
        const struct layer_field *field = &operation->layer->fields[i];
        if (usable(operation->layer, field) && field->slot >= 0 && !one_in(random, 8))
            operation_field(operation, field, image, random);
    }
}
