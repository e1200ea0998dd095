#include <string.h>

#include "rpc/convert_private.h"

static bool encode_weights(struct converter *c, const FWPM_FILTER0 *filter, Rpc__Filter *message)
{
    if (filter->weight.type != FWP_EMPTY) {
        message->weight = encode_value(c, &filter->weight);
        if (!message->weight)
            return false;
    }
    if (filter->effectiveWeight.type != FWP_EMPTY) {
        message->effective_weight = encode_value(c, &filter->effectiveWeight);
        if (!message->effective_weight)
            return false;
    }
    return true;
}

Rpc__Filter *encode_filter(struct converter *c, const FWPM_FILTER0 *filter)
{
    Rpc__Filter *message = NEW_MESSAGE(c, Rpc__Filter, rpc__filter__init);

    if (!message || !encode_display(c, &filter->displayData, &message->display) ||
        !encode_blob(c, "providerData", &filter->providerData, &message->data) ||
        !encode_weights(c, filter, message) ||
        !encode_conditions(c, filter->numFilterConditions, filter->filterCondition,
                           &message->n_conditions, &message->conditions))
        return NULL;
    message->key = encode_guid(&filter->filterKey);
    message->flags = filter->flags;
    message->provider_key = encode_guid_pointer(filter->providerKey);
    message->layer_key = encode_guid(&filter->layerKey);
    message->sublayer_key = encode_guid(&filter->subLayerKey);
    message->action = filter->action.type;
    message->action_key = encode_guid(&filter->action.calloutKey);
    if (filter->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT)
        message->provider_context_key = encode_guid(&filter->providerContextKey);
    else
        message->raw_context = filter->rawContext;
    message->id = filter->filterId;
    return message;
}

static bool decode_context(struct converter *c, const Rpc__Filter *message, FWPM_FILTER0 *filter)
{
    if (message->flags & FWPM_FILTER_FLAG_HAS_PROVIDER_CONTEXT)
        return decode_guid(c, "providerContextKey", message->provider_context_key,
                           &filter->providerContextKey);
    filter->rawContext = message->raw_context;
    return true;
}

bool decode_filter(struct converter *c, const Rpc__Filter *message, FWPM_FILTER0 *filter)
{
    memset(filter, 0, sizeof(*filter));
    filter->flags = message->flags;
    filter->action.type = message->action;
    filter->filterId = message->id;
    return decode_guid(c, "filterKey", message->key, &filter->filterKey) &&
           decode_display(c, message->display, &filter->displayData) &&
           decode_guid_pointer(c, "providerKey", message->provider_key, &filter->providerKey) &&
           decode_blob(c, "providerData", message->data, &filter->providerData) &&
           decode_guid(c, "layerKey", message->layer_key, &filter->layerKey) &&
           decode_guid(c, "subLayerKey", message->sublayer_key, &filter->subLayerKey) &&
           decode_value(c, message->weight, &filter->weight) &&
           decode_conditions(c, message->n_conditions, message->conditions,
                             &filter->numFilterConditions, &filter->filterCondition) &&
           decode_guid(c, "action", message->action_key, &filter->action.calloutKey) &&
           decode_context(c, message, filter) &&
           decode_value(c, message->effective_weight, &filter->effectiveWeight);
}
