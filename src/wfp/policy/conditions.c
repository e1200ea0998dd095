#include "src/wfp/policy/conditions.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "src/model/sd.h"
#include "src/model/utf16.h"
#include "src/wfp/arena.h"

static const GUID *const field_keys[FIELDS] = {
    [FIELD_PROTOCOL] = &FWPM_CONDITION_IP_PROTOCOL,
    [FIELD_LOCAL_ADDRESS] = &FWPM_CONDITION_IP_LOCAL_ADDRESS,
    [FIELD_LOCAL_PORT] = &FWPM_CONDITION_IP_LOCAL_PORT,
    [FIELD_REMOTE_ADDRESS] = &FWPM_CONDITION_IP_REMOTE_ADDRESS,
    [FIELD_REMOTE_PORT] = &FWPM_CONDITION_IP_REMOTE_PORT,
    [FIELD_INTERFACE] = &FWPM_CONDITION_IP_LOCAL_INTERFACE,
    [FIELD_DIRECTION] = &FWPM_CONDITION_DIRECTION,
};

static FWPM_FILTER_CONDITION0 *append(struct conditions *conditions, const GUID *field,
                                      FWP_MATCH_TYPE match)
{
    FWPM_FILTER_CONDITION0 *condition = &conditions->list[conditions->count++];
    condition->fieldKey = *field;
    condition->matchType = match;
    return condition;
}

WCHAR *arena_wide(struct arena *arena, const char *text)
{
    WCHAR *wide = utf16_from_utf8(text);
    if (wide == NULL)
        errx(1, "out of memory");
    size_t size = (utf16_length(wide) + 1) * sizeof(*wide);
    WCHAR *copy = arena_alloc(arena, size);
    memcpy(copy, wide, size);
    free(wide);
    return copy;
}

FWP_BYTE_BLOB *app_id_make(struct arena *arena, const char *path)
{
    FWP_BYTE_BLOB *blob = arena_alloc(arena, sizeof(*blob));
    WCHAR *wide = arena_wide(arena, path);
    blob->size = (UINT32)((utf16_length(wide) + 1) * sizeof(*wide));
    blob->data = (UINT8 *)wide;
    return blob;
}

/* ---- numbers ---- */

static bool is_address(enum field field)
{
    return field == FIELD_LOCAL_ADDRESS || field == FIELD_REMOTE_ADDRESS;
}

static FWP_BYTE_ARRAY16 *bytes_of(struct arena *arena, u128 number)
{
    FWP_BYTE_ARRAY16 *array = arena_alloc(arena, sizeof(*array));
    for (size_t i = 16; i-- > 0; number >>= 8)
        array->byteArray16[i] = (UINT8)number;
    return array;
}

/* The number in its field's type: the engine converts none (semantics 3.6). */
static FWP_VALUE0 value_of(struct arena *arena, enum field field, enum family family, u128 number)
{
    FWP_VALUE0 value = {.type = FWP_UINT32};
    switch (field) {
    case FIELD_PROTOCOL:
        value.type = FWP_UINT8;
        value.uint8 = (UINT8)number;
        break;
    case FIELD_LOCAL_PORT:
    case FIELD_REMOTE_PORT:
        value.type = FWP_UINT16;
        value.uint16 = (UINT16)number;
        break;
    case FIELD_INTERFACE:
        value.type = FWP_UINT64;
        value.uint64 = arena_alloc(arena, sizeof(*value.uint64));
        *value.uint64 = (UINT64)number;
        break;
    default:
        if (is_address(field) && family == FAMILY_V6) {
            value.type = FWP_BYTE_ARRAY16_TYPE;
            value.byteArray16 = bytes_of(arena, number);
        } else {
            value.uint32 = (UINT32)number;
        }
    }
    return value;
}

static void set_value(struct arena *arena, FWP_CONDITION_VALUE0 *to, enum field field,
                      enum family family, u128 number)
{
    FWP_VALUE0 value = value_of(arena, field, family, number);
    to->type = value.type;
    to->uint64 = value.uint64; /* the widest arm: both unions begin alike */
}

static void set_range(struct arena *arena, FWP_CONDITION_VALUE0 *to, enum field field,
                      enum family family, const struct span *span)
{
    to->type = FWP_RANGE_TYPE;
    to->rangeValue = arena_alloc(arena, sizeof(*to->rangeValue));
    to->rangeValue->valueLow = value_of(arena, field, family, span->lo);
    to->rangeValue->valueHigh = value_of(arena, field, family, span->hi);
}

static void set_prefix(struct arena *arena, FWP_CONDITION_VALUE0 *to, enum family family,
                       u128 address, unsigned prefix)
{
    if (family == FAMILY_V4) {
        to->type = FWP_V4_ADDR_MASK;
        to->v4AddrMask = arena_alloc(arena, sizeof(*to->v4AddrMask));
        to->v4AddrMask->addr = (UINT32)address;
        to->v4AddrMask->mask = prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);
    } else {
        to->type = FWP_V6_ADDR_MASK;
        to->v6AddrMask = arena_alloc(arena, sizeof(*to->v6AddrMask));
        memcpy(to->v6AddrMask->addr, bytes_of(arena, address)->byteArray16, 16);
        to->v6AddrMask->prefixLength = (UINT8)prefix;
    }
}

static void add_span(struct arena *arena, struct conditions *conditions, enum field field,
                     enum family family, const struct span *span)
{
    unsigned prefix;
    FWPM_FILTER_CONDITION0 *condition = append(conditions, field_keys[field], FWP_MATCH_EQUAL);
    FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    if (span->lo == span->hi) {
        set_value(arena, value, field, family, span->lo);
    } else if (is_address(field) && span_prefix(span, family == FAMILY_V4 ? 32 : 128, &prefix)) {
        set_prefix(arena, value, family, span->lo, prefix);
    } else {
        condition->matchType = FWP_MATCH_RANGE;
        set_range(arena, value, field, family, span);
    }
}

static void add_field(struct arena *arena, struct conditions *conditions,
                      const struct field_test *test, enum field field, enum family family)
{
    struct spans spans = test->spans;
    if (test->negated && spans.count == 1 && spans.list[0].lo == spans.list[0].hi) {
        FWPM_FILTER_CONDITION0 *condition =
            append(conditions, field_keys[field], FWP_MATCH_NOT_EQUAL);
        set_value(arena, &condition->conditionValue, field, family, spans.list[0].lo);
        return;
    }
    if (test->negated && spans.count > 0)
        spans = spans_complement(arena, &spans, meaning_max(field, family));
    for (size_t i = 0; i < spans.count; i++)
        add_span(arena, conditions, field, family, &spans.list[i]);
}

/* ---- programs, users ---- */

static void add_apps(struct arena *arena, struct conditions *conditions, const struct names *apps)
{
    FWP_MATCH_TYPE match = apps->negated ? FWP_MATCH_NOT_EQUAL : FWP_MATCH_EQUAL;
    for (const struct path *path = apps->list; path != NULL; path = path->next) {
        FWP_CONDITION_VALUE0 *value =
            &append(conditions, &FWPM_CONDITION_ALE_APP_ID, match)->conditionValue;
        value->type = FWP_BYTE_BLOB_TYPE;
        value->byteBlob = app_id_make(arena, path->text);
    }
}

/* Who may match: each of them allowed; with "not" each denied, then everyone allowed. */
static size_t make_aces(const struct accounts *accounts, struct sd_ace *aces)
{
    size_t count = accounts->count;
    for (size_t i = 0; i < count; i++) {
        uint32_t id = accounts->ids[i];
        aces[i] = (struct sd_ace){.type = accounts->negated ? SD_ACE_DENY : SD_ACE_ALLOW,
                                  .mask = FWP_ACTRL_MATCH_FILTER,
                                  .sid = accounts->groups ? sid_of_gid(id) : sid_of_uid(id)};
    }
    if (accounts->negated)
        aces[count++] = (struct sd_ace){
            .type = SD_ACE_ALLOW, .mask = FWP_ACTRL_MATCH_FILTER, .sid = sid_everyone()};
    return count;
}

static void add_accounts(struct arena *arena, struct conditions *conditions,
                         const struct accounts *accounts)
{
    struct sid administrators = sid_administrators();
    struct sd_ace *aces = arena_alloc(arena, (accounts->count + 1) * sizeof(*aces));
    struct sd_parts parts = {.owner = &administrators,
                             .group = &administrators,
                             .control = SD_DACL_PRESENT,
                             .dacl = aces};
    FWP_BYTE_BLOB made;
    if (!accounts->used)
        return;
    parts.dacl_count = make_aces(accounts, aces);
    if (!sd_make(&parts, &made))
        errx(1, "out of memory");
    FWP_CONDITION_VALUE0 *value =
        &append(conditions, &FWPM_CONDITION_ALE_USER_ID, FWP_MATCH_EQUAL)->conditionValue;
    value->type = FWP_SECURITY_DESCRIPTOR_TYPE;
    value->sd = arena_alloc(arena, sizeof(*value->sd));
    value->sd->size = made.size;
    value->sd->data = (UINT8 *)arena_strndup(arena, (const char *)made.data, made.size);
    free(made.data);
}

static void add_flags(struct conditions *conditions, const struct meaning *meaning)
{
    if (meaning->flags == 0)
        return;
    FWP_MATCH_TYPE match =
        meaning->flags_negated ? FWP_MATCH_FLAGS_NONE_SET : FWP_MATCH_FLAGS_ALL_SET;
    FWP_CONDITION_VALUE0 *value = &append(conditions, &FWPM_CONDITION_FLAGS, match)->conditionValue;
    value->type = FWP_UINT32;
    value->uint32 = meaning->flags;
}

static size_t room_for(const struct meaning *meaning, enum family family)
{
    size_t room = 2; /* the user's descriptor, the flags */
    for (const struct path *path = meaning->apps.list; path != NULL; path = path->next)
        room++;
    for (int field = 0; field < FIELDS; field++)
        room += meaning->tests[family][field].spans.count + 1; /* a complement has one more */
    return room;
}

struct conditions conditions_of(struct arena *arena, const struct meaning *meaning,
                                enum family family)
{
    struct conditions conditions = {
        arena_alloc(arena, room_for(meaning, family) * sizeof(FWPM_FILTER_CONDITION0)), 0};
    add_apps(arena, &conditions, &meaning->apps);
    add_accounts(arena, &conditions, &meaning->accounts);
    for (int field = 0; field < FIELDS; field++)
        add_field(arena, &conditions, &meaning->tests[family][field], (enum field)field, family);
    add_flags(&conditions, meaning);
    return conditions;
}
