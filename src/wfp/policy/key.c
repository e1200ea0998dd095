#include "src/wfp/policy/key.h"

#include <string.h>

#include "src/model/utf16.h"

#define FNV_OFFSET ((unsigned __int128)0x6c62272e07bb0142ull << 64 | 0x62b821756295c58dull)
#define FNV_PRIME  ((unsigned __int128)1 << 88 | 0x13b)

void hash_start(struct hash *hash)
{
    hash->state = FNV_OFFSET;
}

void hash_bytes(struct hash *hash, const void *bytes, size_t size)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++)
        hash->state = (hash->state ^ byte[i]) * FNV_PRIME;
}

void hash_text(struct hash *hash, const char *text)
{
    hash_bytes(hash, text, strlen(text) + 1);
}

GUID hash_key(const struct hash *hash)
{
    GUID key;
    memcpy(&key, &hash->state, sizeof(key));
    key.Data3 = (key.Data3 & 0x0fff) | 0x8000;
    key.Data4[0] = (key.Data4[0] & 0x3f) | 0x80;
    return key;
}

static GUID key_of_names(const char *kind, const char *first, const char *second)
{
    struct hash hash;
    hash_start(&hash);
    hash_text(&hash, kind);
    hash_text(&hash, first);
    hash_text(&hash, second);
    return hash_key(&hash);
}

GUID key_of_provider(const char *policy)
{
    return key_of_names("provider", policy, "");
}

GUID key_of_sublayer(const char *policy, const char *sublayer)
{
    return key_of_names("sublayer", policy, sublayer);
}

GUID key_of_callout(const char *name)
{
    return key_of_names("callout", name, "");
}

/* The types the policy compiler makes. */
static void hash_value(struct hash *hash, const FWP_VALUE0 *value)
{
    hash_bytes(hash, &value->type, sizeof(value->type));
    switch (value->type) {
    case FWP_UINT8:
        hash_bytes(hash, &value->uint8, 1);
        break;
    case FWP_UINT16:
        hash_bytes(hash, &value->uint16, 2);
        break;
    case FWP_UINT32:
        hash_bytes(hash, &value->uint32, 4);
        break;
    case FWP_UINT64:
        hash_bytes(hash, value->uint64, 8);
        break;
    case FWP_BYTE_ARRAY16_TYPE:
        hash_bytes(hash, value->byteArray16->byteArray16, 16);
        break;
    case FWP_BYTE_BLOB_TYPE:
    case FWP_SECURITY_DESCRIPTOR_TYPE:
        hash_bytes(hash, &value->byteBlob->size, sizeof(value->byteBlob->size));
        hash_bytes(hash, value->byteBlob->data, value->byteBlob->size);
        break;
    default:
        break;
    }
}

static void hash_condition(struct hash *hash, const FWPM_FILTER_CONDITION0 *condition)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    hash_bytes(hash, &condition->fieldKey, sizeof(condition->fieldKey));
    hash_bytes(hash, &condition->matchType, sizeof(condition->matchType));
    hash_bytes(hash, &value->type, sizeof(value->type));
    switch (value->type) {
    case FWP_V4_ADDR_MASK:
        hash_bytes(hash, &value->v4AddrMask->addr, 4);
        hash_bytes(hash, &value->v4AddrMask->mask, 4);
        break;
    case FWP_V6_ADDR_MASK:
        hash_bytes(hash, value->v6AddrMask->addr, 16);
        hash_bytes(hash, &value->v6AddrMask->prefixLength, 1);
        break;
    case FWP_RANGE_TYPE:
        hash_value(hash, &value->rangeValue->valueLow);
        hash_value(hash, &value->rangeValue->valueHigh);
        break;
    default: {
        FWP_VALUE0 plain = {.type = value->type};
        plain.uint64 = value->uint64; /* the widest arm: both unions begin alike */
        hash_value(hash, &plain);
    }
    }
}

static void hash_wide(struct hash *hash, const WCHAR *text)
{
    hash_bytes(hash, text, utf16_length(text) * sizeof(*text));
    hash_bytes(hash, "", 1);
}

GUID key_of_filter(const FWPM_FILTER0 *filter)
{
    struct hash hash;
    hash_start(&hash);
    hash_text(&hash, "filter");
    hash_wide(&hash, filter->displayData.name);
    hash_wide(&hash, filter->displayData.description);
    hash_bytes(&hash, &filter->flags, sizeof(filter->flags));
    hash_bytes(&hash, filter->providerKey, sizeof(*filter->providerKey));
    hash_bytes(&hash, &filter->layerKey, sizeof(filter->layerKey));
    hash_bytes(&hash, &filter->subLayerKey, sizeof(filter->subLayerKey));
    hash_value(&hash, &filter->weight);
    hash_bytes(&hash, &filter->action.type, sizeof(filter->action.type));
    hash_bytes(&hash, &filter->action.calloutKey, sizeof(filter->action.calloutKey));
    if (filter->rawContext != 0)
        hash_bytes(&hash, &filter->rawContext, sizeof(filter->rawContext));
    for (uint32_t i = 0; i < filter->numFilterConditions; i++)
        hash_condition(&hash, &filter->filterCondition[i]);
    return hash_key(&hash);
}
