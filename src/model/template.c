#include "template.h"

#include <stdlib.h>

#include "condition.h"
#include "overlap.h"

#define ANY_ACTION UINT32_MAX
#define KNOWN_FILTER_FLAGS                                                                         \
    ((uint32_t)FWP_FILTER_ENUM_FLAG_BEST_TERMINATING_MATCH | FWP_FILTER_ENUM_FLAG_SORTED |         \
     FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY | FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME |                  \
     FWP_FILTER_ENUM_FLAG_INCLUDE_DISABLED)

/* ---- soundness ---- */

static uint32_t check_actions(const FWPM_FILTER_ENUM_TEMPLATE0 *t, struct model_error *error)
{
    if (t->actionMask == 0)
        return fail(error, FWP_E_NEVER_MATCH,
                    "The template's actionMask is 0, so no filter matches; 0xffffffff takes any.");
    if (t->calloutKey && !(t->actionMask & FWP_ACTION_FLAG_CALLOUT))
        return fail(error, FWP_E_NEVER_MATCH,
                    "The template names a callout but its actionMask %#x has no "
                    "FWP_ACTION_FLAG_CALLOUT.",
                    t->actionMask);
    return ERROR_SUCCESS;
}

static uint32_t check_filter_template(const FWPM_FILTER_ENUM_TEMPLATE0 *t,
                                      struct model_error *error)
{
    const struct layer_info *layer = layer_by_key(&t->layerKey);

    if ((unsigned)t->enumType >= FWP_FILTER_ENUM_TYPE_MAX)
        return fail(error, FWP_E_OUT_OF_BOUNDS, "%u is no FWP_FILTER_ENUM_TYPE.",
                    (unsigned)t->enumType);
    if (t->flags & ~KNOWN_FILTER_FLAGS)
        return fail(error, FWP_E_INVALID_FLAGS, "The template's flags %#x are unknown.",
                    t->flags & ~KNOWN_FILTER_FLAGS);
    /* A zero layerKey asks for every layer (choice), which have no fields in common. */
    if (!layer && (!guid_is_zero(&t->layerKey) || t->numFilterConditions))
        return fail(error, FWP_E_LAYER_NOT_FOUND,
                    "The template's layer %s is no layer; conditions need one.",
                    GUID_TEXT(&t->layerKey));
    uint32_t rc = check_actions(t, error);
    if (rc == ERROR_SUCCESS && t->numFilterConditions)
        rc = conditions_check_template(layer, t->filterCondition, t->numFilterConditions, error);
    return rc;
}

uint32_t template_check(enum model_kind kind, const void *template_, struct model_error *error)
{
    const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *context = template_;

    if (!template_)
        return ERROR_SUCCESS;
    if (kind == MODEL_FILTER)
        return check_filter_template(template_, error);
    if (kind == MODEL_PROVIDER_CONTEXT &&
        (unsigned)context->providerContextType > FWPM_PROVIDER_CONTEXT_TYPE_MAX)
        return fail(error, FWP_E_OUT_OF_BOUNDS, "%u is no type of provider context.",
                    (unsigned)context->providerContextType);
    return ERROR_SUCCESS;
}

/* ---- copies ---- */

static void pack_context_template(struct pack *pack, void *body)
{
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *t = body;

    t->providerKey = pack_guid(pack, t->providerKey);
}

static FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *
pack_inner_template(struct pack *pack, const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *from)
{
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 copy, *to;

    if (!from)
        return NULL;
    copy = *from;
    to = pack_room(pack, sizeof(*to), 8);
    pack_context_template(pack, &copy);
    if (to)
        *to = copy;
    return to;
}

static void pack_filter_template(struct pack *pack, void *body)
{
    FWPM_FILTER_ENUM_TEMPLATE0 *t = body;
    FWPM_FILTER_CONDITION0 *conditions =
        pack_room(pack, t->numFilterConditions * sizeof(*conditions), 8);

    for (uint32_t i = 0; i < t->numFilterConditions; i++) {
        FWPM_FILTER_CONDITION0 condition = t->filterCondition[i];

        pack_condition_value(pack, &condition.conditionValue);
        if (conditions)
            conditions[i] = condition;
    }
    t->filterCondition = conditions;
    t->providerKey = pack_guid(pack, t->providerKey);
    t->calloutKey = pack_guid(pack, t->calloutKey);
    t->providerContextTemplate = pack_inner_template(pack, t->providerContextTemplate);
}

static void pack_callout_template(struct pack *pack, void *body)
{
    FWPM_CALLOUT_ENUM_TEMPLATE0 *t = body;

    t->providerKey = pack_guid(pack, t->providerKey);
}

static void pack_sublayer_template(struct pack *pack, void *body)
{
    FWPM_SUBLAYER_ENUM_TEMPLATE0 *t = body;

    t->providerKey = pack_guid(pack, t->providerKey);
}

static void pack_nothing(struct pack *pack, void *body)
{
}

static const struct {
    size_t size;
    void (*pack)(struct pack *pack, void *body);
} layouts[MODEL_KINDS] = {
    [MODEL_PROVIDER] = {sizeof(FWPM_PROVIDER_ENUM_TEMPLATE0), pack_nothing},
    [MODEL_SUBLAYER] = {sizeof(FWPM_SUBLAYER_ENUM_TEMPLATE0), pack_sublayer_template},
    [MODEL_PROVIDER_CONTEXT] = {sizeof(FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0),
                                pack_context_template},
    [MODEL_CALLOUT] = {sizeof(FWPM_CALLOUT_ENUM_TEMPLATE0), pack_callout_template},
    [MODEL_FILTER] = {sizeof(FWPM_FILTER_ENUM_TEMPLATE0), pack_filter_template},
};

void *template_copy(enum model_kind kind, const void *template_)
{
    return pack_copy(template_, layouts[kind].size, 0, layouts[kind].pack);
}

/* ---- matching ---- */

static bool provider_matches(const GUID *wanted, const struct object *object)
{
    return !wanted || (object->provider && guid_equal(object_key(object->provider), wanted));
}

static bool context_matches(const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *t,
                            const struct object *context)
{
    return context && provider_matches(t->providerKey, context) &&
           (t->providerContextType == FWPM_PROVIDER_CONTEXT_TYPE_MAX ||
            OBJECT_BODY((struct object *)context, FWPM_PROVIDER_CONTEXT0)->type ==
                t->providerContextType);
}

/* Boot-time and disabled filters have to be asked for. */
static bool lifetime_matches(uint32_t flags, const struct object *object,
                             const FWPM_FILTER0 *filter)
{
    bool boottime = object->lifetime == MODEL_BOOTTIME;

    if (flags & FWP_FILTER_ENUM_FLAG_BOOTTIME_ONLY)
        return boottime;
    return (!boottime || flags & FWP_FILTER_ENUM_FLAG_INCLUDE_BOOTTIME) &&
           (!(filter->flags & FWPM_FILTER_FLAG_DISABLED) ||
            flags & FWP_FILTER_ENUM_FLAG_INCLUDE_DISABLED);
}

static bool action_matches(const FWPM_FILTER_ENUM_TEMPLATE0 *t, const FWPM_FILTER0 *filter)
{
    if (t->actionMask != ANY_ACTION && !(t->actionMask & filter->action.type))
        return false;
    return !t->calloutKey || (filter->action.type & FWP_ACTION_FLAG_CALLOUT &&
                              guid_equal(t->calloutKey, &filter->action.calloutKey));
}

static bool conditions_match(const FWPM_FILTER_ENUM_TEMPLATE0 *t, const FWPM_FILTER0 *filter)
{
    if (t->enumType == FWP_FILTER_ENUM_OVERLAPPING)
        return conditions_overlap(filter, t->filterCondition, t->numFilterConditions);
    return conditions_contain(t->filterCondition, t->numFilterConditions, filter);
}

static bool filter_matches(const FWPM_FILTER_ENUM_TEMPLATE0 *t, const struct object *object)
{
    const FWPM_FILTER0 *filter = OBJECT_BODY((struct object *)object, FWPM_FILTER0);

    if (!t)
        return lifetime_matches(0, object, filter);
    return (guid_is_zero(&t->layerKey) || guid_equal(&t->layerKey, &filter->layerKey)) &&
           provider_matches(t->providerKey, object) && lifetime_matches(t->flags, object, filter) &&
           action_matches(t, filter) &&
           (!t->providerContextTemplate ||
            context_matches(t->providerContextTemplate, object_context(object))) &&
           conditions_match(t, filter);
}

static bool callout_matches(const FWPM_CALLOUT_ENUM_TEMPLATE0 *t, const struct object *object)
{
    const FWPM_CALLOUT0 *callout = OBJECT_BODY((struct object *)object, FWPM_CALLOUT0);

    return provider_matches(t->providerKey, object) &&
           (guid_is_zero(&t->layerKey) || guid_equal(&t->layerKey, &callout->applicableLayer));
}

bool template_matches(enum model_kind kind, const void *template_, const struct object *object)
{
    if (kind == MODEL_FILTER)
        return filter_matches(template_, object);
    if (!template_)
        return true;
    switch (kind) {
    case MODEL_CALLOUT:
        return callout_matches(template_, object);
    case MODEL_PROVIDER_CONTEXT:
        return context_matches(template_, object);
    case MODEL_SUBLAYER:
        return provider_matches(((const FWPM_SUBLAYER_ENUM_TEMPLATE0 *)template_)->providerKey,
                                object);
    default:
        return true;
    }
}
