/* Operands and names: what stands behind a condition's word. */
#include "src/wfp/describe.h"

#include <arpa/inet.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "src/model/guid.h"
#include "src/model/layers.h"
#include "src/model/sd.h"
#include "src/model/utf16.h"
#include "src/wfp/arena.h"
#include "src/wfp/json.h"
#include "src/wfp/policy/layer_facts.h"
#include "src/wfp/policy/words.h"

static const char *host_user(void *ctx, uint32_t uid)
{
    const struct passwd *entry = getpwuid(uid);
    return entry == NULL ? NULL : entry->pw_name;
}

static const char *host_group(void *ctx, uint32_t gid)
{
    const struct group *entry = getgrgid(gid);
    return entry == NULL ? NULL : entry->gr_name;
}

static const char *host_interface(void *ctx, uint64_t index)
{
    static char name[IF_NAMESIZE];
    return index > UINT32_MAX ? NULL : if_indextoname((unsigned)index, name);
}

const struct describer describer_plain = {0};
const struct describer describer_host = {
    .user = host_user, .group = host_group, .interface = host_interface};

const char *arena_narrow(struct arena *arena, const WCHAR *text)
{
    char *narrow = text == NULL ? NULL : utf16_to_utf8(text);
    const char *copy = arena_strdup(arena, narrow == NULL ? "" : narrow);
    free(narrow);
    return copy;
}

const char *describe_layer_id(struct arena *arena, uint16_t id)
{
    enum rule_layer layer;
    enum family family;
    if (layer_facts_find(id, &layer, &family))
        return arena_printf(arena, "%s-%s", word_text(words_layers, layer),
                            family == FAMILY_V4 ? "v4" : "v6");
    const struct layer_info *info = layer_by_id(id);
    return info == NULL ? arena_printf(arena, "layer %u", id) : info->name;
}

const char *describe_layer(struct arena *arena, const GUID *layer)
{
    char text[GUID_TEXT_SIZE];
    const struct layer_info *info = layer_by_key(layer);
    return info == NULL ? arena_strdup(arena, guid_format(layer, text))
                        : describe_layer_id(arena, info->id);
}

const char *describe_match(FWP_MATCH_TYPE match)
{
    static const char *const names[] = {
        "equal",     "greater",       "less",          "greater-or-equal", "less-or-equal",
        "range",     "flags-all-set", "flags-any-set", "flags-none-set",   "equal-any-case",
        "not-equal", "prefix",        "not-prefix"};
    return (unsigned)match < sizeof(names) / sizeof(names[0]) ? names[match] : "?";
}

const char *describe_app(struct arena *arena, const FWP_BYTE_BLOB *blob)
{
    size_t units = blob->size / sizeof(WCHAR);
    WCHAR *text = arena_alloc(arena, (units + 1) * sizeof(WCHAR)); /* aligned and ended */
    if (units > 0)
        memcpy(text, blob->data, units * sizeof(WCHAR));
    return arena_narrow(arena, text);
}

/* ---- addresses and numbers ---- */

static const char *v4_text(struct arena *arena, uint32_t address)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr in = {htonl(address)};
    inet_ntop(AF_INET, &in, text, sizeof(text));
    return arena_strdup(arena, text);
}

static const char *v6_text(struct arena *arena, const UINT8 *address)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, address, text, sizeof(text));
    return arena_strdup(arena, text);
}

static const char *v4_mask_text(struct arena *arena, const FWP_V4_ADDR_AND_MASK *net)
{
    const char *address = v4_text(arena, net->addr);
    uint32_t host = ~net->mask;
    if ((host & (host + 1)) != 0)
        return arena_printf(arena, "%s/%s", address, v4_text(arena, net->mask));
    return arena_printf(arena, "%s/%d", address, 32 - __builtin_popcount(host));
}

static bool is_v4_field(const GUID *field)
{
    return guid_equal(field, &FWPM_CONDITION_IP_LOCAL_ADDRESS) ||
           guid_equal(field, &FWPM_CONDITION_IP_REMOTE_ADDRESS) ||
           guid_equal(field, &FWPM_CONDITION_IP_SOURCE_ADDRESS) ||
           guid_equal(field, &FWPM_CONDITION_IP_DESTINATION_ADDRESS);
}

static const char *u32_text(struct arena *arena, const GUID *field, uint32_t number)
{
    return is_v4_field(field) ? v4_text(arena, number) : arena_printf(arena, "%u", number);
}

static const char *u64_text(const struct describer *describer, const GUID *field, uint64_t number)
{
    const char *name = NULL;
    if (guid_equal(field, &FWPM_CONDITION_IP_LOCAL_INTERFACE) && describer->interface != NULL)
        name = describer->interface(describer->ctx, number);
    return name != NULL ? arena_strdup(describer->arena, name)
                        : arena_printf(describer->arena, "%llu", (unsigned long long)number);
}

static const char *blob_text(struct arena *arena, const GUID *field, const FWP_BYTE_BLOB *blob)
{
    if (guid_equal(field, &FWPM_CONDITION_ALE_APP_ID))
        return describe_app(arena, blob);
    char *text = arena_alloc(arena, 2 * (size_t)blob->size + 3);
    strcpy(text, "0x");
    for (uint32_t i = 0; i < blob->size; i++)
        sprintf(text + 2 + (size_t)2 * i, "%02x", blob->data[i]);
    return text;
}

static const char *sddl_text(struct arena *arena, const FWP_BYTE_BLOB *blob)
{
    struct sd sd;
    char *text = sd_open(&sd, blob->data, blob->size, NULL) ? sddl_format(&sd) : NULL;
    const char *copy = arena_strdup(arena, text == NULL ? "?" : text);
    free(text);
    return copy;
}

static const char *plain_value(const struct describer *describer, const GUID *field,
                               const FWP_VALUE0 *value)
{
    struct arena *arena = describer->arena;
    switch (value->type) {
    case FWP_UINT8:
        return arena_printf(arena, "%u", value->uint8);
    case FWP_UINT16:
        return arena_printf(arena, "%u", value->uint16);
    case FWP_UINT32:
        return u32_text(arena, field, value->uint32);
    case FWP_UINT64:
        return u64_text(describer, field, *value->uint64);
    case FWP_BYTE_ARRAY16_TYPE:
        return v6_text(arena, value->byteArray16->byteArray16);
    case FWP_BYTE_BLOB_TYPE:
        return blob_text(arena, field, value->byteBlob);
    case FWP_SECURITY_DESCRIPTOR_TYPE:
        return sddl_text(arena, value->sd);
    case FWP_UNICODE_STRING_TYPE:
        return arena_narrow(arena, value->unicodeString);
    case FWP_EMPTY:
        return "empty";
    default:
        return arena_printf(arena, "(type %d)", (int)value->type);
    }
}

const char *describe_value(const struct describer *describer, const GUID *field,
                           const FWP_CONDITION_VALUE0 *value)
{
    struct arena *arena = describer->arena;
    FWP_VALUE0 plain = {.type = value->type};
    switch (value->type) {
    case FWP_V4_ADDR_MASK:
        return v4_mask_text(arena, value->v4AddrMask);
    case FWP_V6_ADDR_MASK:
        return arena_printf(arena, "%s/%u", v6_text(arena, value->v6AddrMask->addr),
                            value->v6AddrMask->prefixLength);
    case FWP_RANGE_TYPE:
        return arena_printf(arena, "%s-%s",
                            plain_value(describer, field, &value->rangeValue->valueLow),
                            plain_value(describer, field, &value->rangeValue->valueHigh));
    default:
        plain.uint64 = value->uint64; /* the widest arm: both unions begin alike */
        return plain_value(describer, field, &plain);
    }
}

void describe_condition_json(const struct describer *describer, struct json *json,
                             const FWPM_FILTER_CONDITION0 *condition)
{
    char text[GUID_TEXT_SIZE];
    const struct condition_info *info = condition_by_key(&condition->fieldKey);
    json_object(json, NULL);
    json_text(json, "field", info != NULL ? info->name : guid_format(&condition->fieldKey, text));
    json_text(json, "match", describe_match(condition->matchType));
    json_text(json, "value",
              describe_value(describer, &condition->fieldKey, &condition->conditionValue));
    json_object_end(json);
}
