#include "agreement.h"

#include <stdio.h>

#include "policy_set_build.h"
#include "scripted.h"

static void answer_lookup(void *ctx, const struct classify_filter *filter,
                          const struct classify_walk *walk, struct classify_answer *answer)
{
    scripted_lookup(filter, answer);
}

const struct classify_trace agreement_trace = {.callout = answer_lookup};

struct reference_result agreement_reference(const struct policy_set *set,
                                            const struct reference_filter *sorted, size_t count,
                                            const struct classify_key *key)
{
    struct policy_set_fields fields;
    policy_set_fields(set, key, &fields);
    struct reference_query query = {.layer = &set->layer->key,
                                    .fields = fields.fields,
                                    .field_count = fields.count,
                                    .callout = scripted_reference};
    return reference_classify_sorted(sorted, count, &query);
}

struct classify_walk agreement_walk(const struct policy_set *set,
                                    const struct classify_image *image,
                                    const struct classify_key *key)
{
    struct classify_walk walk = {.key = *key, .layer = set->layer->id};
    policy_set_user_bits(image, &walk.key);
    return walk;
}

bool agreement_holds(const struct reference_result *reference, const struct classify_result *result)
{
    return reference->action == result->action && reference->right == (result->rights != 0) &&
           reference->filter_id == result->filter_id &&
           reference->veto == !!(result->flags & CLASSIFY_RESULT_VETO) &&
           reference->absorb == !!(result->flags & CLASSIFY_RESULT_SILENT) &&
           !(result->flags & CLASSIFY_RESULT_BROKEN);
}

/* ---- in words ---- */

void agreement_print(const char *who, const struct classify_result *result)
{
    printf("# %s: action %#x by filter %llu, rights %u, flags %u%s\n", who, result->action,
           (unsigned long long)result->filter_id, result->rights, result->flags,
           result->flags & CLASSIFY_RESULT_BROKEN ? " (broken off)" : "");
}

void agreement_print_reference(const struct reference_result *result)
{
    printf("# the reference: action %#x by filter %llu, rights %d, veto %d, silent %d\n",
           result->action, (unsigned long long)result->filter_id, result->right, result->veto,
           result->absorb);
}

void agreement_print_key(const struct policy_set *set, const struct classify_key *key)
{
    static const char *const names[CLASSIFY_SLOTS] = {
        [CLASSIFY_PROTOCOL] = "protocol",
        [CLASSIFY_LOCAL_PORT] = "local port",
        [CLASSIFY_REMOTE_PORT] = "remote port",
        [CLASSIFY_FLAGS] = "flags",
        [CLASSIFY_LOCAL_ADDRESS] = "local",
        [CLASSIFY_LOCAL_ADDRESS_LOW] = "and",
        [CLASSIFY_REMOTE_ADDRESS] = "remote",
        [CLASSIFY_REMOTE_ADDRESS_LOW] = "and",
        [CLASSIFY_APP] = "program",
        [CLASSIFY_UID] = "user",
    };
    printf("# key at %s:", set->layer->name);
    for (int slot = 0; slot < CLASSIFY_SLOTS; slot++) {
        if (names[slot] != NULL && key->present >> slot & 1)
            printf(" %s %#llx", names[slot], (unsigned long long)key->value[slot]);
    }
    printf("\n");
}

static void print_value(const FWP_VALUE0 *value)
{
    switch (value->type) {
    case FWP_EMPTY:
        printf("nothing");
        break;
    case FWP_UINT8:
        printf("%#x", value->uint8);
        break;
    case FWP_UINT16:
        printf("%#x", value->uint16);
        break;
    case FWP_UINT32:
        printf("%#x", value->uint32);
        break;
    case FWP_BYTE_ARRAY16_TYPE:
        for (int i = 0; i < 16; i++)
            printf("%02x", value->byteArray16->byteArray16[i]);
        break;
    case FWP_BYTE_BLOB_TYPE:
        printf("program %#x", set_program_number(value->byteBlob));
        break;
    default:
        printf("a descriptor that user %#x satisfies", set_user_of(value->sd));
    }
}

static void print_condition(const FWPM_FILTER_CONDITION0 *condition)
{
    const FWP_CONDITION_VALUE0 *value = &condition->conditionValue;
    printf("#     %s match %d ", condition_by_key(&condition->fieldKey)->name,
           condition->matchType);
    switch ((unsigned)value->type) {
    case FWP_V4_ADDR_MASK:
        printf("%#x mask %#x", value->v4AddrMask->addr, value->v4AddrMask->mask);
        break;
    case FWP_V6_ADDR_MASK:
        for (int i = 0; i < 16; i++)
            printf("%02x", value->v6AddrMask->addr[i]);
        printf("/%u", value->v6AddrMask->prefixLength);
        break;
    case FWP_RANGE_TYPE:
        print_value(&value->rangeValue->valueLow);
        printf(" to ");
        print_value(&value->rangeValue->valueHigh);
        break;
    default:
        print_value((const FWP_VALUE0 *)value);
    }
    printf("\n");
}

void agreement_print_filter(const struct model_view_filter *view)
{
    const FWPM_FILTER0 *filter = view->filter;
    printf("#   filter %llu: sublayer %x (%#x), weight %llu, action %#x, flags %#x, context %#llx, "
           "slot %d\n",
           (unsigned long long)filter->filterId, filter->subLayerKey.Data1, view->sublayer_weight,
           (unsigned long long)view->weight, filter->action.type, filter->flags,
           (unsigned long long)view->context, (int)view->callout_slot);
    for (uint32_t i = 0; i < filter->numFilterConditions && i < 12; i++)
        print_condition(&filter->filterCondition[i]);
    if (filter->numFilterConditions > 12)
        printf("#     and %u more\n", filter->numFilterConditions - 12);
}
