#include "pack.h"

#include <stdlib.h>
#include <string.h>

#include "sd.h"
#include "utf16.h"
#include "value.h"

void *pack_room(struct pack *pack, size_t size, size_t alignment)
{
    size_t at = (pack->used + alignment - 1) & ~(alignment - 1);

    if (size == 0)
        return NULL;
    pack->used = at + size;
    return pack->base ? pack->base + at : NULL;
}

void *pack_bytes(struct pack *pack, const void *from, size_t size, size_t alignment)
{
    void *to = from ? pack_room(pack, size, alignment) : NULL;

    return to ? memcpy(to, from, size) : NULL;
}

WCHAR *pack_text(struct pack *pack, const WCHAR *from)
{
    return pack_bytes(pack, from, (utf16_length(from) + 1) * sizeof(*from), _Alignof(WCHAR));
}

GUID *pack_guid(struct pack *pack, const GUID *from)
{
    return pack_bytes(pack, from, sizeof(*from), _Alignof(GUID));
}

void pack_blob(struct pack *pack, FWP_BYTE_BLOB *blob)
{
    blob->data = blob->size ? pack_bytes(pack, blob->data, blob->size, 2) : NULL;
}

void pack_display(struct pack *pack, FWPM_DISPLAY_DATA0 *display)
{
    display->name = pack_text(pack, display->name);
    display->description = pack_text(pack, display->description);
}

static FWP_BYTE_BLOB *pack_blob_pointer(struct pack *pack, const FWP_BYTE_BLOB *from)
{
    FWP_BYTE_BLOB copy = *from;
    FWP_BYTE_BLOB *to = pack_room(pack, sizeof(*to), _Alignof(FWP_BYTE_BLOB));

    pack_blob(pack, &copy);
    return to ? memcpy(to, &copy, sizeof(copy)) : NULL;
}

static void *pack_sid(struct pack *pack, const void *sid)
{
    return pack_bytes(pack, sid, sid_size(sid, SID_MAX_SIZE), 4);
}

static SID_AND_ATTRIBUTES *pack_sids(struct pack *pack, const SID_AND_ATTRIBUTES *from,
                                     uint32_t count)
{
    SID_AND_ATTRIBUTES *to =
        count ? pack_room(pack, count * sizeof(*to), _Alignof(SID_AND_ATTRIBUTES)) : NULL;

    for (uint32_t i = 0; i < count; i++) {
        void *sid = pack_sid(pack, from[i].Sid);

        if (to)
            to[i] = (SID_AND_ATTRIBUTES){.Sid = sid, .Attributes = from[i].Attributes};
    }
    return to;
}

static FWP_TOKEN_INFORMATION *pack_token(struct pack *pack, const FWP_TOKEN_INFORMATION *from)
{
    FWP_TOKEN_INFORMATION copy = *from;
    FWP_TOKEN_INFORMATION *to = pack_room(pack, sizeof(*to), _Alignof(FWP_TOKEN_INFORMATION));

    copy.sids = pack_sids(pack, from->sids, from->sidCount);
    copy.restrictedSids = pack_sids(pack, from->restrictedSids, from->restrictedSidCount);
    return to ? memcpy(to, &copy, sizeof(copy)) : NULL;
}

void pack_value(struct pack *pack, FWP_VALUE0 *value)
{
    switch ((unsigned)value->type) {
    case FWP_UINT64:
    case FWP_INT64:
    case FWP_DOUBLE:
        value->uint64 = pack_bytes(pack, value->uint64, 8, 8);
        break;
    case FWP_BYTE_ARRAY16_TYPE:
        value->byteArray16 = pack_bytes(pack, value->byteArray16, sizeof(*value->byteArray16), 8);
        break;
    case FWP_BYTE_ARRAY6_TYPE:
        value->byteArray6 = pack_bytes(pack, value->byteArray6, sizeof(*value->byteArray6), 1);
        break;
    case FWP_UNICODE_STRING_TYPE:
        value->unicodeString = pack_text(pack, value->unicodeString);
        break;
    case FWP_BYTE_BLOB_TYPE:
    case FWP_SECURITY_DESCRIPTOR_TYPE:
    case FWP_TOKEN_ACCESS_INFORMATION_TYPE:
        value->byteBlob = pack_blob_pointer(pack, value->byteBlob);
        break;
    case FWP_SID:
        value->sid = pack_sid(pack, value->sid);
        break;
    case FWP_TOKEN_INFORMATION_TYPE:
        value->tokenInformation = pack_token(pack, value->tokenInformation);
        break;
    default:
        break;
    }
}

static FWP_RANGE0 *pack_range(struct pack *pack, const FWP_RANGE0 *from)
{
    FWP_RANGE0 copy = *from;
    FWP_RANGE0 *to = pack_room(pack, sizeof(*to), _Alignof(FWP_RANGE0));

    pack_value(pack, &copy.valueLow);
    pack_value(pack, &copy.valueHigh);
    return to ? memcpy(to, &copy, sizeof(copy)) : NULL;
}

void pack_condition_value(struct pack *pack, FWP_CONDITION_VALUE0 *value)
{
    FWP_VALUE0 plain = value_of_condition(value);

    switch ((unsigned)value->type) {
    case FWP_V4_ADDR_MASK:
        value->v4AddrMask = pack_bytes(pack, value->v4AddrMask, sizeof(*value->v4AddrMask), 4);
        break;
    case FWP_V6_ADDR_MASK:
        value->v6AddrMask = pack_bytes(pack, value->v6AddrMask, sizeof(*value->v6AddrMask), 1);
        break;
    case FWP_RANGE_TYPE:
        value->rangeValue = pack_range(pack, value->rangeValue);
        break;
    default:
        pack_value(pack, &plain);
        memcpy(&value->uint64, &plain.uint64, sizeof(plain.uint64));
    }
}

void *pack_copy(const void *from, size_t size, size_t front,
                void (*pointers)(struct pack *pack, void *copy))
{
    struct pack pack = {.used = front + size};
    uint64_t scratch[64];

    if (size > sizeof(scratch))
        return NULL;
    memcpy(scratch, from, size);
    pointers(&pack, scratch);
    pack.base = calloc(1, pack.used);
    if (!pack.base)
        return NULL;
    memcpy(pack.base + front, from, size);
    pack.used = front + size;
    pointers(&pack, pack.base + front);
    return pack.base;
}
