#include "condition.h"

#include "error.h"
#include "guid.h"
#include "value.h"

static const char *match_name(FWP_MATCH_TYPE match)
{
    static const char *const names[] = {
        "FWP_MATCH_EQUAL",          "FWP_MATCH_GREATER",
        "FWP_MATCH_LESS",           "FWP_MATCH_GREATER_OR_EQUAL",
        "FWP_MATCH_LESS_OR_EQUAL",  "FWP_MATCH_RANGE",
        "FWP_MATCH_FLAGS_ALL_SET",  "FWP_MATCH_FLAGS_ANY_SET",
        "FWP_MATCH_FLAGS_NONE_SET", "FWP_MATCH_EQUAL_CASE_INSENSITIVE",
        "FWP_MATCH_NOT_EQUAL",      "FWP_MATCH_PREFIX",
        "FWP_MATCH_NOT_PREFIX"};

    return (unsigned)match < sizeof(names) / sizeof(names[0]) ? names[match] : "unknown match type";
}

/* ---- type (rules 3.2, 3.6) ---- */

/* The type a filter gives for a field: what is classified, but a descriptor against a token. */
static FWP_DATA_TYPE operand_type(const struct layer_field *field)
{
    return field->data_type == FWP_TOKEN_ACCESS_INFORMATION_TYPE ||
                   field->data_type == FWP_TOKEN_INFORMATION_TYPE
               ? FWP_SECURITY_DESCRIPTOR_TYPE
               : (FWP_DATA_TYPE)field->data_type;
}

static bool mask_fits(const struct layer_field *field, FWP_DATA_TYPE mask)
{
    FWP_DATA_TYPE address = mask == FWP_V4_ADDR_MASK ? FWP_UINT32 : FWP_BYTE_ARRAY16_TYPE;

    return field->cls == CONDITION_ADDR && field->data_type == address;
}

static bool range_fits(const struct layer_field *field, const FWP_RANGE0 *range)
{
    FWP_DATA_TYPE type = operand_type(field);

    return value_is_sortable(type) && range->valueLow.type == type && range->valueHigh.type == type;
}

static bool type_fits(const struct layer_field *field, const FWP_CONDITION_VALUE0 *value)
{
    switch ((unsigned)value->type) {
    case FWP_EMPTY:
        return true;
    case FWP_V4_ADDR_MASK:
    case FWP_V6_ADDR_MASK:
        return mask_fits(field, value->type);
    case FWP_RANGE_TYPE:
        return range_fits(field, value->rangeValue);
    default:
        return value->type == operand_type(field);
    }
}

/* ---- value (rule 3.7) ---- */

static bool is_contiguous(uint32_t mask)
{
    uint32_t rest = ~mask;

    return (rest & (rest + 1)) == 0;
}

static uint32_t check_value(const struct layer_field *field, const FWP_CONDITION_VALUE0 *value,
                            struct model_error *error)
{
    if (value->type == FWP_V4_ADDR_MASK && !is_contiguous(value->v4AddrMask->mask))
        return fail(error, FWP_E_INVALID_NET_MASK,
                    "%s: the mask %#x is not a run of ones followed by zeros (host order).",
                    field->name, value->v4AddrMask->mask);
    if (value->type == FWP_V6_ADDR_MASK && value->v6AddrMask->prefixLength > 128)
        return fail(error, FWP_E_INVALID_NET_MASK, "%s: a prefix has 0 to 128 bits, not %u.",
                    field->name, value->v6AddrMask->prefixLength);
    if (value->type == FWP_RANGE_TYPE &&
        value_compare(&value->rangeValue->valueLow, &value->rangeValue->valueHigh) > 0)
        return fail(error, FWP_E_INVALID_RANGE, "%s: the range's low end is above its high end.",
                    field->name);
    return ERROR_SUCCESS;
}

/* ---- match type (rule 3.3) ---- */

static bool match_fits(FWP_MATCH_TYPE match, FWP_DATA_TYPE type)
{
    switch ((unsigned)match) {
    case FWP_MATCH_EQUAL:
        return type != FWP_RANGE_TYPE;
    case FWP_MATCH_RANGE:
        return type == FWP_RANGE_TYPE;
    case FWP_MATCH_GREATER:
    case FWP_MATCH_LESS:
    case FWP_MATCH_GREATER_OR_EQUAL:
    case FWP_MATCH_LESS_OR_EQUAL:
    case FWP_MATCH_NOT_EQUAL:
        return value_is_sortable(type);
    case FWP_MATCH_FLAGS_ALL_SET:
    case FWP_MATCH_FLAGS_ANY_SET:
    case FWP_MATCH_FLAGS_NONE_SET:
        return value_is_unsigned(type);
    case FWP_MATCH_EQUAL_CASE_INSENSITIVE:
        return type == FWP_UNICODE_STRING_TYPE;
    case FWP_MATCH_PREFIX:
    case FWP_MATCH_NOT_PREFIX:
        return type == FWP_UNICODE_STRING_TYPE || type == FWP_BYTE_BLOB_TYPE;
    default:
        return false;
    }
}

/* ---- the whole ---- */

static uint32_t check_field(const struct layer_info *layer, const struct layer_field *field,
                            const FWPM_FILTER_CONDITION0 *condition, struct model_error *error)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    uint32_t rc = condition_value_check(value, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    if (!type_fits(field, value))
        return fail(error, FWP_E_TYPE_MISMATCH,
                    "%s at layer %s is of type %s; a condition of type %s does not fit (types are "
                    "never converted).",
                    field->name, layer->name, value_type_name(operand_type(field)),
                    value_type_name(value->type));
    if (!match_fits(condition->matchType, value->type))
        return fail(error, FWP_E_MATCH_TYPE_MISMATCH, "%s: %s (%u) does not go with type %s.",
                    field->name, match_name(condition->matchType), (unsigned)condition->matchType,
                    value_type_name(value->type));
    return check_value(field, value, error);
}

static const struct layer_field *find_field(const struct layer_info *layer,
                                            const FWPM_FILTER_CONDITION0 *condition,
                                            struct model_error *error)
{
    const struct layer_field *field = layer_find_field(layer, &condition->fieldKey);
    const struct condition_info *known = field ? NULL : condition_by_key(&condition->fieldKey);

    if (!field)
        fail(error, FWP_E_CONDITION_NOT_FOUND, "Layer %s has no field %s.", layer->name,
             known ? known->name : GUID_TEXT(&condition->fieldKey));
    return field;
}

uint32_t condition_check(const struct layer_info *layer, const FWPM_FILTER_CONDITION0 *condition,
                         struct model_error *error)
{
    const struct layer_field *field = find_field(layer, condition, error);

    if (!field)
        return FWP_E_CONDITION_NOT_FOUND;
    if (field->slot < 0 && condition->conditionValue.type != FWP_EMPTY)
        return fail(error, ERROR_NOT_SUPPORTED,
                    "%s is never filled in at layer %s on Linux: the filter could not match. Leave "
                    "the condition out.",
                    field->name, layer->name);
    return check_field(layer, field, condition, error);
}

static uint32_t check_pointer(const FWPM_FILTER_CONDITION0 *conditions, size_t count,
                              struct model_error *error)
{
    if (count && !conditions)
        return fail(error, FWP_E_NULL_POINTER, "There are %zu conditions, but they point nowhere.",
                    count);
    return ERROR_SUCCESS;
}

/* Has the field of this condition come up before, with others in between? Fields are few: a bit
 * each. */
static bool comes_back(const struct layer_info *layer, const FWPM_FILTER_CONDITION0 *conditions,
                       size_t at, uint64_t *seen)
{
    const GUID *key = &conditions[at].fieldKey;

    if (at > 0 && guid_equal(key, &conditions[at - 1].fieldKey))
        return false;
    uint64_t bit = UINT64_C(1) << ((size_t)(layer_find_field(layer, key) - layer->fields) % 64);
    bool again = *seen & bit;
    *seen |= bit;
    return again;
}

uint32_t conditions_check(const struct layer_info *layer, const FWPM_FILTER_CONDITION0 *conditions,
                          size_t count, struct model_error *error)
{
    uint32_t rc = check_pointer(conditions, count, error);
    uint64_t seen = 0;

    for (size_t i = 0; i < count && rc == ERROR_SUCCESS; i++) {
        rc = condition_check(layer, &conditions[i], error);
        if (rc == ERROR_SUCCESS && comes_back(layer, conditions, i, &seen))
            rc =
                fail(error, FWP_E_DUPLICATE_CONDITION,
                     "Condition %zu is on %s again after other fields. Conditions on one field are "
                     "alternatives and stand next to each other.",
                     i, layer_find_field(layer, &conditions[i].fieldKey)->name);
    }
    return rc;
}

uint32_t conditions_check_template(const struct layer_info *layer,
                                   const FWPM_FILTER_CONDITION0 *conditions, size_t count,
                                   struct model_error *error)
{
    uint32_t rc = check_pointer(conditions, count, error);
    uint64_t seen = 0;

    for (size_t i = 0; i < count && rc == ERROR_SUCCESS; i++) {
        const struct layer_field *field = find_field(layer, &conditions[i], error);

        if (!field)
            return FWP_E_CONDITION_NOT_FOUND;
        uint64_t bit = UINT64_C(1) << ((size_t)(field - layer->fields) % 64);
        if (seen & bit)
            return fail(error, FWP_E_DUPLICATE_CONDITION,
                        "The template has more than one condition on %s.", field->name);
        seen |= bit;
        rc = check_field(layer, field, &conditions[i], error);
    }
    return rc;
}
