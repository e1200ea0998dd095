/* FWP_VALUE0, FWP_CONDITION_VALUE0 and conditions. */
#include <string.h>

#include "rpc/convert_private.h"

/*
 * What Value and ConditionValue have in common: the types of FWP_VALUE0. Both structures start with
 * the type, then the union, whose members they share.
 */
struct plain {
    uint64_t number;
    ProtobufCBinaryData data;
    Rpc__TokenInformation *token;
};

static bool is_null(struct converter *c, const void *pointer)
{
    return !pointer && !refuse(c, FWP_E_NULL_POINTER, "a value of a pointer type is null");
}

/* ---- to messages */

static bool encode_pointed(struct converter *c, const FWP_VALUE0 *value, struct plain *plain)
{
    if (is_null(c, value->uint64))
        return false;
    switch (value->type) {
    case FWP_UINT64:
        plain->number = *value->uint64;
        return true;
    case FWP_INT64:
        plain->number = (uint64_t)*value->int64;
        return true;
    case FWP_DOUBLE:
        memcpy(&plain->number, value->double64, sizeof(double));
        return true;
    case FWP_BYTE_ARRAY16_TYPE:
        plain->data = (ProtobufCBinaryData){16, value->byteArray16->byteArray16};
        return true;
    case FWP_BYTE_ARRAY6_TYPE:
        plain->data = (ProtobufCBinaryData){6, value->byteArray6->byteArray6};
        return true;
    case FWP_SID:
        return encode_sid(c, value->sid, &plain->data);
    case FWP_TOKEN_INFORMATION_TYPE:
        return encode_token(c, value->tokenInformation, &plain->token);
    case FWP_UNICODE_STRING_TYPE:
        return encode_text(c, "value", value->unicodeString, &plain->data);
    default: /* blob, security descriptor, token access information */
        return encode_blob(c, "value", value->byteBlob, &plain->data);
    }
}

static bool encode_plain(struct converter *c, const FWP_VALUE0 *value, struct plain *plain)
{
    switch (value->type) {
    case FWP_EMPTY:
        return true;
    case FWP_UINT8:
        plain->number = value->uint8;
        return true;
    case FWP_UINT16:
        plain->number = value->uint16;
        return true;
    case FWP_UINT32:
        plain->number = value->uint32;
        return true;
    case FWP_INT8:
        plain->number = (uint64_t)(int64_t)value->int8;
        return true;
    case FWP_INT16:
        plain->number = (uint64_t)(int64_t)value->int16;
        return true;
    case FWP_INT32:
        plain->number = (uint64_t)(int64_t)value->int32;
        return true;
    case FWP_FLOAT:
        memcpy(&plain->number, &value->float32, sizeof(float));
        return true;
    case FWP_UINT64:
    case FWP_INT64:
    case FWP_DOUBLE:
    case FWP_BYTE_ARRAY16_TYPE:
    case FWP_BYTE_BLOB_TYPE:
    case FWP_SID:
    case FWP_SECURITY_DESCRIPTOR_TYPE:
    case FWP_TOKEN_INFORMATION_TYPE:
    case FWP_TOKEN_ACCESS_INFORMATION_TYPE:
    case FWP_UNICODE_STRING_TYPE:
    case FWP_BYTE_ARRAY6_TYPE:
        return encode_pointed(c, value, plain);
    default:
        return refuse(c, FWP_E_TYPE_MISMATCH, "%u is no type of a value", value->type);
    }
}

Rpc__Value *encode_value(struct converter *c, const FWP_VALUE0 *value)
{
    Rpc__Value *message = NEW_MESSAGE(c, Rpc__Value, rpc__value__init);
    struct plain plain = {0};

    if (!message || !encode_plain(c, value, &plain))
        return NULL;
    message->type = value->type;
    message->number = plain.number;
    message->data = plain.data;
    message->token = plain.token;
    return message;
}

static bool encode_condition_plain(struct converter *c, const FWP_CONDITION_VALUE0 *value,
                                   Rpc__ConditionValue *message)
{
    struct plain plain = {0};

    if (!encode_plain(c, (const FWP_VALUE0 *)value, &plain))
        return false;
    message->number = plain.number;
    message->data = plain.data;
    message->token = plain.token;
    return true;
}

static bool encode_condition_value(struct converter *c, const FWP_CONDITION_VALUE0 *value,
                                   Rpc__ConditionValue *message)
{
    message->type = value->type;
    switch (value->type) {
    case FWP_V4_ADDR_MASK:
        if (is_null(c, value->v4AddrMask))
            return false;
        message->number = value->v4AddrMask->addr;
        message->mask = value->v4AddrMask->mask;
        return true;
    case FWP_V6_ADDR_MASK:
        if (is_null(c, value->v6AddrMask))
            return false;
        message->data = (ProtobufCBinaryData){16, value->v6AddrMask->addr};
        message->mask = value->v6AddrMask->prefixLength;
        return true;
    case FWP_RANGE_TYPE:
        if (is_null(c, value->rangeValue))
            return false;
        message->low = encode_value(c, &value->rangeValue->valueLow);
        message->high = message->low ? encode_value(c, &value->rangeValue->valueHigh) : NULL;
        return message->high;
    default:
        return encode_condition_plain(c, value, message);
    }
}

static Rpc__Condition *encode_condition(struct converter *c,
                                        const FWPM_FILTER_CONDITION0 *condition)
{
    struct {
        Rpc__Condition condition;
        Rpc__ConditionValue value;
    } *pair = take(c, sizeof(*pair));

    if (!pair || !check_enum(c, "matchType", condition->matchType, FWP_MATCH_TYPE_MAX - 1))
        return NULL;
    rpc__condition__init(&pair->condition);
    rpc__condition_value__init(&pair->value);
    pair->condition.field_key = encode_guid(&condition->fieldKey);
    pair->condition.match_type = condition->matchType;
    pair->condition.value = &pair->value;
    if (!encode_condition_value(c, &condition->conditionValue, &pair->value))
        return NULL;
    return &pair->condition;
}

static bool check_count(struct converter *c, size_t count)
{
    if (count <= RPC_MAX_CONDITIONS)
        return true;
    return refuse(c, FWP_E_INVALID_PARAMETER, "%zu conditions, at most %u are taken", count,
                  RPC_MAX_CONDITIONS);
}

bool encode_conditions(struct converter *c, UINT32 count, const FWPM_FILTER_CONDITION0 *conditions,
                       size_t *n, Rpc__Condition ***messages)
{
    *n = 0;
    if (!check_count(c, count))
        return false;
    if (count && !conditions)
        return refuse(c, FWP_E_NULL_POINTER, "%u conditions at a null pointer", count);
    *messages = take_pointers(c, count);
    if (!*messages)
        return false;
    for (UINT32 i = 0; i < count; i++) {
        (*messages)[i] = encode_condition(c, &conditions[i]);
        if (!(*messages)[i])
            return false;
    }
    *n = count;
    return true;
}

/* ---- from messages */

static bool has_length(struct converter *c, size_t length, size_t wanted)
{
    if (length == wanted)
        return true;
    if (!length)
        return !is_null(c, NULL);
    return refuse(c, RPC_X_BAD_STUB_DATA, "a value of %zu bytes instead of %zu", length, wanted);
}

static bool decode_unsigned(struct converter *c, const struct plain *plain, FWP_VALUE0 *value)
{
    uint64_t most = value->type == FWP_UINT8    ? UINT8_MAX
                    : value->type == FWP_UINT16 ? UINT16_MAX
                                                : UINT32_MAX;

    value->uint32 = (UINT32)plain->number; /* little endian: the smaller members too */
    return check_fits(c, "value", plain->number, most);
}

static bool decode_signed(struct converter *c, const struct plain *plain, FWP_VALUE0 *value)
{
    int64_t number = (int64_t)plain->number;
    int64_t most = value->type == FWP_INT8    ? INT8_MAX
                   : value->type == FWP_INT16 ? INT16_MAX
                                              : INT32_MAX;

    value->int32 = (INT32)number;
    if (number >= -most - 1 && number <= most)
        return true;
    return refuse(c, FWP_E_INVALID_PARAMETER, "value: %lld does not fit", (long long)number);
}

static bool decode_boxed(struct converter *c, const struct plain *plain, FWP_VALUE0 *value)
{
    value->uint64 = take(c, sizeof(UINT64));
    if (!value->uint64)
        return false;
    *value->uint64 = plain->number;
    return true;
}

static bool decode_blob_value(struct converter *c, const struct plain *plain, FWP_VALUE0 *value)
{
    value->byteBlob = take(c, sizeof(*value->byteBlob));
    return value->byteBlob && decode_blob(c, "value", plain->data, value->byteBlob);
}

static bool decode_string_value(struct converter *c, const struct plain *plain, FWP_VALUE0 *value)
{
    return decode_text(c, "value", plain->data, &value->unicodeString) &&
           !is_null(c, value->unicodeString);
}

static bool decode_plain(struct converter *c, uint32_t type, const struct plain *plain,
                         FWP_VALUE0 *value)
{
    value->type = (FWP_DATA_TYPE)type;
    switch (type) {
    case FWP_EMPTY:
        return true;
    case FWP_UINT8:
    case FWP_UINT16:
    case FWP_UINT32:
    case FWP_FLOAT:
        return decode_unsigned(c, plain, value);
    case FWP_INT8:
    case FWP_INT16:
    case FWP_INT32:
        return decode_signed(c, plain, value);
    case FWP_UINT64:
    case FWP_INT64:
    case FWP_DOUBLE:
        return decode_boxed(c, plain, value);
    case FWP_BYTE_ARRAY16_TYPE:
        value->byteArray16 = (FWP_BYTE_ARRAY16 *)plain->data.data;
        return has_length(c, plain->data.len, 16);
    case FWP_BYTE_ARRAY6_TYPE:
        value->byteArray6 = (FWP_BYTE_ARRAY6 *)plain->data.data;
        return has_length(c, plain->data.len, 6);
    case FWP_SID:
        return decode_sid(c, plain->data, &value->sid);
    case FWP_TOKEN_INFORMATION_TYPE:
        return decode_token(c, plain->token, &value->tokenInformation);
    case FWP_UNICODE_STRING_TYPE:
        return decode_string_value(c, plain, value);
    case FWP_BYTE_BLOB_TYPE:
    case FWP_SECURITY_DESCRIPTOR_TYPE:
    case FWP_TOKEN_ACCESS_INFORMATION_TYPE:
        return decode_blob_value(c, plain, value);
    default:
        return refuse(c, FWP_E_TYPE_MISMATCH, "%u is no type of a value", type);
    }
}

bool decode_value(struct converter *c, const Rpc__Value *message, FWP_VALUE0 *value)
{
    struct plain plain = {0};

    memset(value, 0, sizeof(*value));
    if (!message)
        return true;
    plain = (struct plain){message->number, message->data, message->token};
    return decode_plain(c, message->type, &plain, value);
}

static bool decode_v4_mask(struct converter *c, const Rpc__ConditionValue *message,
                           FWP_CONDITION_VALUE0 *value)
{
    value->v4AddrMask = take(c, sizeof(*value->v4AddrMask));
    if (!value->v4AddrMask || !check_fits(c, "address", message->number, UINT32_MAX))
        return false;
    value->v4AddrMask->addr = (UINT32)message->number;
    value->v4AddrMask->mask = message->mask;
    return true;
}

static bool decode_v6_mask(struct converter *c, const Rpc__ConditionValue *message,
                           FWP_CONDITION_VALUE0 *value)
{
    value->v6AddrMask = take(c, sizeof(*value->v6AddrMask));
    if (!value->v6AddrMask || !has_length(c, message->data.len, 16))
        return false;
    if (message->mask > 128)
        return refuse(c, FWP_E_INVALID_NET_MASK, "an IPv6 prefix of %u bits", message->mask);
    memcpy(value->v6AddrMask->addr, message->data.data, 16);
    value->v6AddrMask->prefixLength = (UINT8)message->mask;
    return true;
}

static bool decode_range(struct converter *c, const Rpc__ConditionValue *message,
                         FWP_CONDITION_VALUE0 *value)
{
    if (is_null(c, message->low) || is_null(c, message->high))
        return false;
    value->rangeValue = take(c, sizeof(*value->rangeValue));
    return value->rangeValue && decode_value(c, message->low, &value->rangeValue->valueLow) &&
           decode_value(c, message->high, &value->rangeValue->valueHigh);
}

static bool decode_condition_value(struct converter *c, const Rpc__ConditionValue *message,
                                   FWP_CONDITION_VALUE0 *value)
{
    struct plain plain = {0};

    if (!message)
        return true; /* FWP_EMPTY */
    value->type = (FWP_DATA_TYPE)message->type;
    switch (message->type) {
    case FWP_V4_ADDR_MASK:
        return decode_v4_mask(c, message, value);
    case FWP_V6_ADDR_MASK:
        return decode_v6_mask(c, message, value);
    case FWP_RANGE_TYPE:
        return decode_range(c, message, value);
    }
    plain = (struct plain){message->number, message->data, message->token};
    return decode_plain(c, message->type, &plain, (FWP_VALUE0 *)value);
}

static bool decode_condition(struct converter *c, const Rpc__Condition *message,
                             FWPM_FILTER_CONDITION0 *condition)
{
    condition->matchType = (FWP_MATCH_TYPE)message->match_type;
    return check_enum(c, "matchType", message->match_type, FWP_MATCH_TYPE_MAX - 1) &&
           decode_guid(c, "fieldKey", message->field_key, &condition->fieldKey) &&
           decode_condition_value(c, message->value, &condition->conditionValue);
}

bool decode_conditions(struct converter *c, size_t n, Rpc__Condition **messages, UINT32 *count,
                       FWPM_FILTER_CONDITION0 **conditions)
{
    *count = 0;
    *conditions = NULL;
    if (!n)
        return true;
    if (!check_count(c, n))
        return false;
    *conditions = take_array(c, n, sizeof(**conditions));
    if (!*conditions)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!decode_condition(c, messages[i], &(*conditions)[i]))
            return false;
    *count = (UINT32)n;
    return true;
}
