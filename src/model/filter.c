/* Filters: what makes one legal, and adding it. */
#include "model_private.h"

#include "condition.h"
#include "weight.h"

static void pack_filter(struct pack *pack, void *body)
{
    FWPM_FILTER0 *filter = body;
    FWPM_FILTER_CONDITION0 *conditions =
        pack_room(pack, filter->numFilterConditions * sizeof(*conditions), 8);

    for (uint32_t i = 0; i < filter->numFilterConditions; i++) {
        FWPM_FILTER_CONDITION0 condition = filter->filterCondition[i];

        pack_condition_value(pack, &condition.conditionValue);
        if (conditions)
            conditions[i] = condition;
    }
    filter->filterCondition = conditions;
    pack_value(pack, &filter->weight);
    pack_display(pack, &filter->displayData);
    filter->providerKey = pack_guid(pack, filter->providerKey);
    pack_blob(pack, &filter->providerData);
}

/* ---- flags and action ---- */

#define INPUT_FLAGS                                                                                \
    ((uint32_t)FWPM_FILTER_FLAG_PERSISTENT | FWPM_FILTER_FLAG_BOOTTIME |                           \
     FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT | FWPM_FILTER_FLAG_CLEAR_ACTION_RIGHT |                 \
     FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED)
#define OUTPUT_FLAGS ((uint32_t)FWPM_FILTER_FLAG_DISABLED | FWPM_FILTER_FLAG_INDEXED)

static bool is_callout_action(FWP_ACTION_TYPE type)
{
    return type == FWP_ACTION_CALLOUT_TERMINATING || type == FWP_ACTION_CALLOUT_INSPECTION ||
           type == FWP_ACTION_CALLOUT_UNKNOWN;
}

static uint32_t check_flags(const FWPM_FILTER0 *filter, struct model_error *error)
{
    if (filter->flags & OUTPUT_FLAGS)
        return fail(
            error, FWP_E_INVALID_FLAGS,
            "FWPM_FILTER_FLAG_DISABLED and _INDEXED are set by the engine, not by who adds a "
            "filter (flags %#x).",
            filter->flags);
    if (filter->flags & ~INPUT_FLAGS)
        return fail(error, FWP_E_INVALID_FLAGS,
                    "Filter flags %#x are unknown or have no meaning on Linux.",
                    filter->flags & ~INPUT_FLAGS);
    if (filter->flags & FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED &&
        filter->action.type != FWP_ACTION_CALLOUT_TERMINATING &&
        filter->action.type != FWP_ACTION_CALLOUT_UNKNOWN)
        return fail(
            error, FWP_E_INVALID_FLAGS,
            "FWPM_FILTER_FLAG_PERMIT_IF_CALLOUT_UNREGISTERED goes only with a terminating or "
            "unknown callout action.");
    return ERROR_SUCCESS;
}

static uint32_t check_action(const FWPM_FILTER0 *filter, struct model_error *error)
{
    FWP_ACTION_TYPE type = filter->action.type;

    if (type == FWP_ACTION_BLOCK || type == FWP_ACTION_PERMIT || is_callout_action(type))
        return ERROR_SUCCESS;
    return fail(error, FWP_E_INVALID_ACTION_TYPE,
                "A filter's action is FWP_ACTION_BLOCK, _PERMIT or one of _CALLOUT_*, not %#x.",
                type);
}

/* ---- layer ---- */

static uint32_t check_layer(struct model_session *session, const FWPM_FILTER0 *filter,
                            const struct layer_info **found, struct model_error *error)
{
    const struct layer_info *layer = layer_by_key(&filter->layerKey);

    if (!layer || layer->id >= MODEL_LAYER_IDS)
        return fail(error, FWP_E_LAYER_NOT_FOUND, "There is no layer %s.",
                    GUID_TEXT(&filter->layerKey));
    if (layer_refusal(layer) == ERROR_NOT_SUPPORTED)
        return fail(error, ERROR_NOT_SUPPORTED,
                    "Layer %s is known by name only: nothing on this system enforces it yet. "
                    "docs/layers.md lists the layers that are.",
                    layer->name);
    if (layer_refusal(layer) != ERROR_SUCCESS)
        return fail(error, layer_refusal(layer), "Layer %s takes no filters on Linux.",
                    layer->name);
    *found = layer;
    return access_layer(session, layer, FWPM_ACTRL_ADD_LINK, error);
}

/* ---- what it names ---- */

static uint32_t link_sublayer(struct model_session *session, struct draft *draft,
                              FWPM_FILTER0 *body, struct model_error *error)
{
    if (guid_is_zero(&body->subLayerKey))
        body->subLayerKey = FWPM_SUBLAYER_UNIVERSAL; /* every layer's default (choice, rule 5.2) */
    uint32_t rc =
        draft_link(session, draft, MODEL_SUBLAYER, &body->subLayerKey, &draft->sublayer, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    if (guid_equal(&body->subLayerKey, &FWPM_SUBLAYER_INSPECTION) &&
        body->action.type != FWP_ACTION_CALLOUT_INSPECTION)
        return fail(error, FWP_E_ACTION_INCOMPATIBLE_WITH_SUBLAYER,
                    "FWPM_SUBLAYER_INSPECTION takes only filters with "
                    "FWP_ACTION_CALLOUT_INSPECTION, not action %#x.",
                    body->action.type);
    return ERROR_SUCCESS;
}

static uint32_t link_callout(struct model_session *session, struct draft *draft,
                             const FWPM_FILTER0 *body, struct model_error *error)
{
    const FWPM_CALLOUT0 *callout;
    uint32_t rc;

    if (!is_callout_action(body->action.type))
        return ERROR_SUCCESS;
    rc =
        draft_link(session, draft, MODEL_CALLOUT, &body->action.calloutKey, &draft->callout, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    callout = OBJECT_BODY(draft->callout, FWPM_CALLOUT0);
    if (!guid_equal(&callout->applicableLayer, &body->layerKey))
        return fail(error, FWP_E_INCOMPATIBLE_LAYER,
                    "The %s is for layer %s; add one with a key of its own for the filter's layer.",
                    OBJECT_TEXT(draft->callout), layer_by_key(&callout->applicableLayer)->name);
    return ERROR_SUCCESS;
}

static uint32_t link_context(struct model_session *session, struct draft *draft,
                             const FWPM_FILTER0 *body, struct model_error *error)
{
    if (!(body->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT))
        return ERROR_SUCCESS;
    return draft_link(session, draft, MODEL_PROVIDER_CONTEXT, &body->providerContextKey,
                      &draft->context, error);
}

static uint32_t link_all(struct model_session *session, struct draft *draft, FWPM_FILTER0 *body,
                         struct model_error *error)
{
    uint32_t rc = link_sublayer(session, draft, body, error);

    if (rc == ERROR_SUCCESS)
        rc = link_callout(session, draft, body, error);
    if (rc == ERROR_SUCCESS)
        rc = link_context(session, draft, body, error);
    return rc;
}

/* ---- adding ---- */

/* Rules 8.2 and 8.4. What has no condition is found whatever the fields are. */
static uint32_t output_flags(const struct draft *draft, const FWPM_FILTER0 *filter, bool restored)
{
    const FWPM_PROVIDER0 *provider =
        draft->provider ? OBJECT_BODY(draft->provider, FWPM_PROVIDER0) : NULL;
    uint32_t flags = 0;

    if (restored && draft->lifetime == MODEL_PERSISTENT && provider &&
        provider->flags & FWPM_PROVIDER_FLAG_DISABLED)
        flags |= FWPM_FILTER_FLAG_DISABLED;
    if (filter->numFilterConditions && draft->lifetime != MODEL_BOOTTIME && !flags)
        flags |= FWPM_FILTER_FLAG_INDEXED;
    return flags;
}

static uint32_t check(struct model_session *session, const FWPM_FILTER0 *filter,
                      struct draft *draft, struct model_error *error)
{
    const struct layer_info *layer = NULL;
    uint32_t rc = check_action(filter, error);

    if (rc == ERROR_SUCCESS)
        rc = check_flags(filter, error);
    if (rc == ERROR_SUCCESS)
        rc = check_layer(session, filter, &layer, error);
    if (rc == ERROR_SUCCESS)
        rc = conditions_check(layer, filter->filterCondition, filter->numFilterConditions, error);
    if (rc == ERROR_SUCCESS)
        rc = weight_effective(filter, &draft->weight, error);
    if (rc == ERROR_SUCCESS)
        draft->layer_id = layer->id;
    return rc;
}

uint32_t filter_add(struct model_session *session, const FWPM_FILTER0 *filter,
                    const FWP_BYTE_BLOB *sd, const struct model_stored *restored,
                    struct object **added, struct model_error *error)
{
    FWPM_FILTER0 body = *filter;
    struct draft draft = {.kind = MODEL_FILTER,
                          .sd = sd,
                          .body = &body,
                          .body_size = sizeof(body),
                          .pack = pack_filter};
    struct draft_common common = {.key = &filter->filterKey,
                                  .display = &filter->displayData,
                                  .provider = filter->providerKey,
                                  .provider_data = &filter->providerData,
                                  .persistent = filter->flags & FWPM_FILTER_FLAG_PERSISTENT,
                                  .boottime = filter->flags & FWPM_FILTER_FLAG_BOOTTIME,
                                  .restored = restored};

    if (restored)
        body.flags &= ~OUTPUT_FLAGS;
    uint32_t rc = check(session, &body, &draft, error);
    if (rc == ERROR_SUCCESS)
        rc = draft_start(session, &draft, &common, error);
    if (rc == ERROR_SUCCESS)
        rc = link_all(session, &draft, &body, error);
    if (rc != ERROR_SUCCESS)
        return rc;
    draft.id = body.filterId =
        draft_id(session->model, MODEL_FILTER, restored ? filter->filterId : 0);
    body.flags |= output_flags(&draft, &body, restored != NULL);
    body.effectiveWeight.type = FWP_UINT64;
    body.reserved = NULL;
    rc = draft_add(session, &draft, added, error);
    if (rc == ERROR_SUCCESS)
        OBJECT_BODY(*added, FWPM_FILTER0)->effectiveWeight.uint64 = &(*added)->weight;
    return rc;
}

uint32_t model_filter_add(struct model_session *session, const FWPM_FILTER0 *filter,
                          const FWP_BYTE_BLOB *sd, GUID *key, uint64_t *id,
                          struct model_error *error)
{
    struct object *added = NULL;
    uint32_t rc = write_begin(session, error);

    if (rc != ERROR_SUCCESS)
        return rc;
    rc = filter_add(session, filter, sd, NULL, &added, error);
    return write_end_added(session, rc, added, key, id, error);
}
