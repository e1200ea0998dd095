#include "value.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "sd.h"
#include "utf16.h"

const char *value_type_name(FWP_DATA_TYPE type)
{
    static const char *const single[] = {"FWP_EMPTY",
                                         "FWP_UINT8",
                                         "FWP_UINT16",
                                         "FWP_UINT32",
                                         "FWP_UINT64",
                                         "FWP_INT8",
                                         "FWP_INT16",
                                         "FWP_INT32",
                                         "FWP_INT64",
                                         "FWP_FLOAT",
                                         "FWP_DOUBLE",
                                         "FWP_BYTE_ARRAY16_TYPE",
                                         "FWP_BYTE_BLOB_TYPE",
                                         "FWP_SID",
                                         "FWP_SECURITY_DESCRIPTOR_TYPE",
                                         "FWP_TOKEN_INFORMATION_TYPE",
                                         "FWP_TOKEN_ACCESS_INFORMATION_TYPE",
                                         "FWP_UNICODE_STRING_TYPE",
                                         "FWP_BYTE_ARRAY6_TYPE"};

    if ((unsigned)type < ARRAY_SIZE(single))
        return single[type];
    switch ((unsigned)type) {
    case FWP_V4_ADDR_MASK:
        return "FWP_V4_ADDR_MASK";
    case FWP_V6_ADDR_MASK:
        return "FWP_V6_ADDR_MASK";
    case FWP_RANGE_TYPE:
        return "FWP_RANGE_TYPE";
    default:
        return "unknown type";
    }
}

/* ---- soundness ---- */

static uint32_t null_value(FWP_DATA_TYPE type, struct model_error *error)
{
    return fail(error, FWP_E_NULL_POINTER, "A value of type %s points nowhere.",
                value_type_name(type));
}

static uint32_t blob_check(const FWP_BYTE_BLOB *blob, FWP_DATA_TYPE type, struct model_error *error)
{
    if (!blob || (blob->size && !blob->data))
        return null_value(type, error);
    return ERROR_SUCCESS;
}

static uint32_t sd_value_check(const FWP_BYTE_BLOB *blob, struct model_error *error)
{
    const char *why;
    struct sd sd;

    if (!blob || !blob->data)
        return null_value(FWP_SECURITY_DESCRIPTOR_TYPE, error);
    if (!sd_open(&sd, blob->data, blob->size, &why))
        return fail(error, ERROR_INVALID_SECURITY_DESCR, "Security descriptor refused: %s.", why);
    return ERROR_SUCCESS;
}

static uint32_t sid_value_check(const void *sid, FWP_DATA_TYPE type, struct model_error *error)
{
    if (!sid)
        return null_value(type, error);
    if (sid_size(sid, SID_MAX_SIZE) == 0)
        return fail(error, FWP_E_INVALID_PARAMETER,
                    "A SID is malformed: its revision is not 1 or it has more than 15 parts.");
    return ERROR_SUCCESS;
}

static uint32_t sids_check(const SID_AND_ATTRIBUTES *sids, uint32_t count,
                           struct model_error *error)
{
    uint32_t rc = ERROR_SUCCESS;

    if (count && !sids)
        return null_value(FWP_TOKEN_INFORMATION_TYPE, error);
    for (uint32_t i = 0; i < count && rc == ERROR_SUCCESS; i++)
        rc = sid_value_check(sids[i].Sid, FWP_TOKEN_INFORMATION_TYPE, error);
    return rc;
}

static uint32_t token_check(const FWP_TOKEN_INFORMATION *token, struct model_error *error)
{
    if (!token)
        return null_value(FWP_TOKEN_INFORMATION_TYPE, error);
    uint32_t rc = sids_check(token->sids, token->sidCount, error);
    return rc ? rc : sids_check(token->restrictedSids, token->restrictedSidCount, error);
}

uint32_t value_check(const FWP_VALUE0 *value, struct model_error *error)
{
    switch ((unsigned)value->type) {
    case FWP_EMPTY:
    case FWP_UINT8:
    case FWP_UINT16:
    case FWP_UINT32:
    case FWP_INT8:
    case FWP_INT16:
    case FWP_INT32:
    case FWP_FLOAT:
        return ERROR_SUCCESS;
    case FWP_UINT64:
    case FWP_INT64:
    case FWP_DOUBLE:
    case FWP_BYTE_ARRAY16_TYPE:
    case FWP_BYTE_ARRAY6_TYPE:
    case FWP_UNICODE_STRING_TYPE:
        return value->uint64 ? ERROR_SUCCESS : null_value(value->type, error);
    case FWP_BYTE_BLOB_TYPE:
    case FWP_TOKEN_ACCESS_INFORMATION_TYPE:
        return blob_check(value->byteBlob, value->type, error);
    case FWP_SECURITY_DESCRIPTOR_TYPE:
        return sd_value_check(value->sd, error);
    case FWP_SID:
        return sid_value_check(value->sid, FWP_SID, error);
    case FWP_TOKEN_INFORMATION_TYPE:
        return token_check(value->tokenInformation, error);
    default:
        return fail(error, FWP_E_TYPE_MISMATCH, "%u is not a type a value can have.",
                    (unsigned)value->type);
    }
}

static uint32_t range_check(const FWP_RANGE0 *range, struct model_error *error)
{
    if (!range)
        return null_value(FWP_RANGE_TYPE, error);
    uint32_t rc = value_check(&range->valueLow, error);
    return rc ? rc : value_check(&range->valueHigh, error);
}

FWP_VALUE0 value_of_condition(const FWP_CONDITION_VALUE0 *value)
{
    FWP_VALUE0 plain = {.type = value->type};

    memcpy(&plain.uint64, &value->uint64, sizeof(plain.uint64));
    return plain;
}

uint32_t condition_value_check(const FWP_CONDITION_VALUE0 *value, struct model_error *error)
{
    FWP_VALUE0 plain = value_of_condition(value);

    switch ((unsigned)value->type) {
    case FWP_V4_ADDR_MASK:
    case FWP_V6_ADDR_MASK:
        return value->v4AddrMask ? ERROR_SUCCESS : null_value(value->type, error);
    case FWP_RANGE_TYPE:
        return range_check(value->rangeValue, error);
    default:
        return value_check(&plain, error);
    }
}

/* ---- comparison ---- */

bool value_is_unsigned(FWP_DATA_TYPE type)
{
    return type == FWP_UINT8 || type == FWP_UINT16 || type == FWP_UINT32 || type == FWP_UINT64;
}

static bool value_is_signed(FWP_DATA_TYPE type)
{
    return type == FWP_INT8 || type == FWP_INT16 || type == FWP_INT32 || type == FWP_INT64;
}

bool value_is_sortable(FWP_DATA_TYPE type)
{
    return value_is_unsigned(type) || value_is_signed(type) || type == FWP_BYTE_ARRAY16_TYPE ||
           type == FWP_BYTE_BLOB_TYPE || type == FWP_UNICODE_STRING_TYPE;
}

uint64_t value_unsigned(const FWP_VALUE0 *value)
{
    switch ((unsigned)value->type) {
    case FWP_UINT8:
        return value->uint8;
    case FWP_UINT16:
        return value->uint16;
    case FWP_UINT32:
        return value->uint32;
    default:
        return *value->uint64;
    }
}

static int64_t value_signed(const FWP_VALUE0 *value)
{
    switch ((unsigned)value->type) {
    case FWP_INT8:
        return value->int8;
    case FWP_INT16:
        return value->int16;
    case FWP_INT32:
        return value->int32;
    default:
        return *value->int64;
    }
}

static int blob_compare(const FWP_BYTE_BLOB *a, const FWP_BYTE_BLOB *b)
{
    uint32_t shorter = a->size < b->size ? a->size : b->size;
    int order = shorter ? memcmp(a->data, b->data, shorter) : 0;

    return order ? order : (a->size > b->size) - (a->size < b->size);
}

int value_compare(const FWP_VALUE0 *a, const FWP_VALUE0 *b)
{
    if (value_is_unsigned(a->type)) {
        uint64_t x = value_unsigned(a), y = value_unsigned(b);
        return (x > y) - (x < y);
    }
    if (value_is_signed(a->type)) {
        int64_t x = value_signed(a), y = value_signed(b);
        return (x > y) - (x < y);
    }
    if (a->type == FWP_BYTE_ARRAY16_TYPE)
        return memcmp(a->byteArray16, b->byteArray16, sizeof(*a->byteArray16));
    if (a->type == FWP_UNICODE_STRING_TYPE)
        return utf16_compare(a->unicodeString, b->unicodeString);
    return blob_compare(a->byteBlob, b->byteBlob);
}

static bool sids_equal(const SID_AND_ATTRIBUTES *a, uint32_t a_count, const SID_AND_ATTRIBUTES *b,
                       uint32_t b_count)
{
    struct sid x, y;

    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++) {
        if (!sid_load(&x, a[i].Sid, SID_MAX_SIZE) || !sid_load(&y, b[i].Sid, SID_MAX_SIZE) ||
            !sid_equal(&x, &y) || a[i].Attributes != b[i].Attributes)
            return false;
    }
    return true;
}

static bool tokens_equal(const FWP_TOKEN_INFORMATION *a, const FWP_TOKEN_INFORMATION *b)
{
    return sids_equal(a->sids, a->sidCount, b->sids, b->sidCount) &&
           sids_equal(a->restrictedSids, a->restrictedSidCount, b->restrictedSids,
                      b->restrictedSidCount);
}

bool value_equal(const FWP_VALUE0 *a, const FWP_VALUE0 *b)
{
    if (a->type != b->type)
        return false;
    switch ((unsigned)a->type) {
    case FWP_EMPTY:
        return true;
    case FWP_FLOAT:
        return a->float32 == b->float32;
    case FWP_DOUBLE:
        return *a->double64 == *b->double64;
    case FWP_BYTE_ARRAY6_TYPE:
        return memcmp(a->byteArray6, b->byteArray6, sizeof(*a->byteArray6)) == 0;
    case FWP_SECURITY_DESCRIPTOR_TYPE:
    case FWP_TOKEN_ACCESS_INFORMATION_TYPE:
        return blob_compare(a->byteBlob, b->byteBlob) == 0;
    case FWP_SID:
        return sids_equal(&(SID_AND_ATTRIBUTES){.Sid = a->sid}, 1,
                          &(SID_AND_ATTRIBUTES){.Sid = b->sid}, 1);
    case FWP_TOKEN_INFORMATION_TYPE:
        return tokens_equal(a->tokenInformation, b->tokenInformation);
    default:
        return value_compare(a, b) == 0;
    }
}
