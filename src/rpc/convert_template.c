/* Templates of enumerations and subscriptions. */
#include "rpc/convert_private.h"

/* ---- to messages */

static bool encode_context_template(struct converter *c,
                                    const FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *from,
                                    Rpc__ProviderContextTemplate **into)
{
    *into = NEW_MESSAGE(c, Rpc__ProviderContextTemplate, rpc__provider_context_template__init);
    if (!*into)
        return false;
    (*into)->provider_key = encode_guid_pointer(from->providerKey);
    (*into)->type = from->providerContextType;
    return true;
}

static bool encode_filter_template(struct converter *c, const FWPM_FILTER_ENUM_TEMPLATE0 *from,
                                   Rpc__FilterTemplate **into)
{
    *into = NEW_MESSAGE(c, Rpc__FilterTemplate, rpc__filter_template__init);
    if (!*into)
        return false;
    (*into)->provider_key = encode_guid_pointer(from->providerKey);
    (*into)->layer_key = encode_guid(&from->layerKey);
    (*into)->enum_type = from->enumType;
    (*into)->flags = from->flags;
    (*into)->action_mask = from->actionMask;
    (*into)->callout_key = encode_guid_pointer(from->calloutKey);
    return encode_conditions(c, from->numFilterConditions, from->filterCondition,
                             &(*into)->n_conditions, &(*into)->conditions) &&
           (!from->providerContextTemplate ||
            encode_context_template(c, from->providerContextTemplate, &(*into)->provider_context));
}

static bool encode_callout_template(struct converter *c, const FWPM_CALLOUT_ENUM_TEMPLATE0 *from,
                                    Rpc__CalloutTemplate **into)
{
    *into = NEW_MESSAGE(c, Rpc__CalloutTemplate, rpc__callout_template__init);
    if (!*into)
        return false;
    (*into)->provider_key = encode_guid_pointer(from->providerKey);
    (*into)->layer_key = encode_guid(&from->layerKey);
    return true;
}

static bool encode_sublayer_template(struct converter *c, const FWPM_SUBLAYER_ENUM_TEMPLATE0 *from,
                                     Rpc__SublayerTemplate **into)
{
    *into = NEW_MESSAGE(c, Rpc__SublayerTemplate, rpc__sublayer_template__init);
    if (!*into)
        return false;
    (*into)->provider_key = encode_guid_pointer(from->providerKey);
    return true;
}

static bool encode_event_template(struct converter *c, const FWPM_NET_EVENT_ENUM_TEMPLATE0 *from,
                                  Rpc__NetEventTemplate **into)
{
    *into = NEW_MESSAGE(c, Rpc__NetEventTemplate, rpc__net_event_template__init);
    if (!*into)
        return false;
    (*into)->start_time = encode_filetime(&from->startTime);
    (*into)->end_time = encode_filetime(&from->endTime);
    return encode_conditions(c, from->numFilterConditions, from->filterCondition,
                             &(*into)->n_conditions, &(*into)->conditions);
}

bool encode_template(struct converter *c, enum model_kind kind, const void *template_,
                     Rpc__Template **message)
{
    Rpc__Template *into;

    *message = NULL;
    if (!template_)
        return true;
    into = *message = NEW_MESSAGE(c, Rpc__Template, rpc__template__init);
    if (!into)
        return false;
    switch (kind) {
    case MODEL_PROVIDER_CONTEXT:
        into->of_case = RPC__TEMPLATE__OF_PROVIDER_CONTEXT;
        return encode_context_template(c, template_, &into->provider_context);
    case MODEL_FILTER:
        into->of_case = RPC__TEMPLATE__OF_FILTER;
        return encode_filter_template(c, template_, &into->filter);
    case MODEL_CALLOUT:
        into->of_case = RPC__TEMPLATE__OF_CALLOUT;
        return encode_callout_template(c, template_, &into->callout);
    case MODEL_SUBLAYER:
        into->of_case = RPC__TEMPLATE__OF_SUBLAYER;
        return encode_sublayer_template(c, template_, &into->sublayer);
    case MODEL_NET_EVENT:
        into->of_case = RPC__TEMPLATE__OF_NET_EVENT;
        return encode_event_template(c, template_, &into->net_event);
    default: /* no restriction is possible (rule 11.4) */
        *message = NULL;
        return true;
    }
}

/* ---- from messages */

static bool decode_context_template(struct converter *c, const Rpc__ProviderContextTemplate *from,
                                    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 *into)
{
    into->providerContextType = (FWPM_PROVIDER_CONTEXT_TYPE)from->type;
    return check_enum(c, "providerContextType", from->type, FWPM_PROVIDER_CONTEXT_TYPE_MAX - 1) &&
           decode_guid_pointer(c, "providerKey", from->provider_key, &into->providerKey);
}

static bool decode_nested_template(struct converter *c, const Rpc__FilterTemplate *from,
                                   FWPM_FILTER_ENUM_TEMPLATE0 *into)
{
    if (!from->provider_context)
        return true;
    into->providerContextTemplate = take(c, sizeof(*into->providerContextTemplate));
    return into->providerContextTemplate &&
           decode_context_template(c, from->provider_context, into->providerContextTemplate);
}

static bool decode_filter_template(struct converter *c, const Rpc__FilterTemplate *from,
                                   FWPM_FILTER_ENUM_TEMPLATE0 *into)
{
    into->enumType = (FWP_FILTER_ENUM_TYPE)from->enum_type;
    into->flags = from->flags;
    into->actionMask = from->action_mask;
    return check_enum(c, "enumType", from->enum_type, FWP_FILTER_ENUM_TYPE_MAX - 1) &&
           decode_guid_pointer(c, "providerKey", from->provider_key, &into->providerKey) &&
           decode_guid(c, "layerKey", from->layer_key, &into->layerKey) &&
           decode_guid_pointer(c, "calloutKey", from->callout_key, &into->calloutKey) &&
           decode_conditions(c, from->n_conditions, from->conditions, &into->numFilterConditions,
                             &into->filterCondition) &&
           decode_nested_template(c, from, into);
}

static bool decode_callout_template(struct converter *c, const Rpc__CalloutTemplate *from,
                                    FWPM_CALLOUT_ENUM_TEMPLATE0 *into)
{
    return decode_guid_pointer(c, "providerKey", from->provider_key, &into->providerKey) &&
           decode_guid(c, "layerKey", from->layer_key, &into->layerKey);
}

static bool decode_sublayer_template(struct converter *c, const Rpc__SublayerTemplate *from,
                                     FWPM_SUBLAYER_ENUM_TEMPLATE0 *into)
{
    return decode_guid_pointer(c, "providerKey", from->provider_key, &into->providerKey);
}

static bool decode_event_template(struct converter *c, const Rpc__NetEventTemplate *from,
                                  FWPM_NET_EVENT_ENUM_TEMPLATE0 *into)
{
    decode_filetime(from->start_time, &into->startTime);
    decode_filetime(from->end_time, &into->endTime);
    return decode_conditions(c, from->n_conditions, from->conditions, &into->numFilterConditions,
                             &into->filterCondition);
}

/* Which arm a kind's template is in; _NOT_SET: the kind has none. */
static Rpc__Template__OfCase arm_of(enum model_kind kind)
{
    switch (kind) {
    case MODEL_PROVIDER_CONTEXT:
        return RPC__TEMPLATE__OF_PROVIDER_CONTEXT;
    case MODEL_FILTER:
        return RPC__TEMPLATE__OF_FILTER;
    case MODEL_CALLOUT:
        return RPC__TEMPLATE__OF_CALLOUT;
    case MODEL_SUBLAYER:
        return RPC__TEMPLATE__OF_SUBLAYER;
    case MODEL_NET_EVENT:
        return RPC__TEMPLATE__OF_NET_EVENT;
    default:
        return RPC__TEMPLATE__OF__NOT_SET;
    }
}

union any_template {
    FWPM_PROVIDER_CONTEXT_ENUM_TEMPLATE0 provider_context;
    FWPM_FILTER_ENUM_TEMPLATE0 filter;
    FWPM_CALLOUT_ENUM_TEMPLATE0 callout;
    FWPM_SUBLAYER_ENUM_TEMPLATE0 sublayer;
    FWPM_NET_EVENT_ENUM_TEMPLATE0 net_event;
};

bool decode_template(struct converter *c, enum model_kind kind, const Rpc__Template *message,
                     const void **template_)
{
    union any_template *into;

    *template_ = NULL;
    if (!message || message->of_case == RPC__TEMPLATE__OF__NOT_SET)
        return true;
    if (message->of_case != arm_of(kind))
        return refuse(c, FWP_E_INVALID_PARAMETER, "a template for objects of another kind");
    *template_ = into = take(c, sizeof(*into));
    if (!into)
        return false;
    switch (message->of_case) {
    case RPC__TEMPLATE__OF_PROVIDER_CONTEXT:
        return decode_context_template(c, message->provider_context, &into->provider_context);
    case RPC__TEMPLATE__OF_FILTER:
        return decode_filter_template(c, message->filter, &into->filter);
    case RPC__TEMPLATE__OF_CALLOUT:
        return decode_callout_template(c, message->callout, &into->callout);
    case RPC__TEMPLATE__OF_SUBLAYER:
        return decode_sublayer_template(c, message->sublayer, &into->sublayer);
    default:
        return decode_event_template(c, message->net_event, &into->net_event);
    }
}
