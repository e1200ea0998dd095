/* Providers, provider contexts, sublayers, callouts, layers, sessions. Filters: convert_filter.c.
 */
#include <string.h>

#include "rpc/convert_private.h"

/* ---- providers */

Rpc__Provider *encode_provider(struct converter *c, const FWPM_PROVIDER0 *provider)
{
    Rpc__Provider *message = NEW_MESSAGE(c, Rpc__Provider, rpc__provider__init);

    if (!message || !encode_display(c, &provider->displayData, &message->display) ||
        !encode_blob(c, "providerData", &provider->providerData, &message->data) ||
        !encode_text(c, "serviceName", provider->serviceName, &message->service_name))
        return NULL;
    message->key = encode_guid(&provider->providerKey);
    message->flags = provider->flags;
    return message;
}

bool decode_provider(struct converter *c, const Rpc__Provider *message, FWPM_PROVIDER0 *provider)
{
    memset(provider, 0, sizeof(*provider));
    provider->flags = message->flags;
    return decode_guid(c, "providerKey", message->key, &provider->providerKey) &&
           decode_display(c, message->display, &provider->displayData) &&
           decode_blob(c, "providerData", message->data, &provider->providerData) &&
           decode_text(c, "serviceName", message->service_name, &provider->serviceName);
}

/* ---- provider contexts */

static bool encode_classify_options(struct converter *c, const FWPM_CLASSIFY_OPTIONS0 *options,
                                    Rpc__ProviderContext *message)
{
    if (!options || (options->numOptions && !options->options))
        return refuse(c, FWP_E_NULL_POINTER, "classify options at a null pointer");
    if (options->numOptions > RPC_MAX_FIELDS)
        return refuse(c, FWP_E_INVALID_PARAMETER, "%u classify options", options->numOptions);
    message->classify_options = take_pointers(c, options->numOptions);
    if (!message->classify_options)
        return false;
    for (UINT32 i = 0; i < options->numOptions; i++) {
        Rpc__ClassifyOption *option =
            NEW_MESSAGE(c, Rpc__ClassifyOption, rpc__classify_option__init);

        if (!option)
            return false;
        option->type = options->options[i].type;
        option->value = encode_value(c, &options->options[i].value);
        if (!option->value)
            return false;
        message->classify_options[message->n_classify_options++] = option;
    }
    return true;
}

/* The types that Linux knows; the others are named by their numbers in the model's refusal. */
static bool encode_context_data(struct converter *c, const FWPM_PROVIDER_CONTEXT0 *context,
                                Rpc__ProviderContext *message)
{
    switch (context->type) {
    case FWPM_GENERAL_CONTEXT:
        if (!context->dataBuffer)
            return refuse(c, FWP_E_NULL_POINTER, "dataBuffer is a null pointer");
        return encode_blob(c, "dataBuffer", context->dataBuffer, &message->buffer);
    case FWPM_CLASSIFY_OPTIONS_CONTEXT:
        return encode_classify_options(c, context->classifyOptions, message);
    default:
        return true;
    }
}

Rpc__ProviderContext *encode_provider_context(struct converter *c,
                                              const FWPM_PROVIDER_CONTEXT0 *context)
{
    Rpc__ProviderContext *message =
        NEW_MESSAGE(c, Rpc__ProviderContext, rpc__provider_context__init);

    if (!message || !encode_display(c, &context->displayData, &message->display) ||
        !encode_blob(c, "providerData", &context->providerData, &message->data) ||
        !encode_context_data(c, context, message))
        return NULL;
    message->key = encode_guid(&context->providerContextKey);
    message->flags = context->flags;
    message->provider_key = encode_guid_pointer(context->providerKey);
    message->type = context->type;
    message->id = context->providerContextId;
    return message;
}

static bool decode_classify_options(struct converter *c, const Rpc__ProviderContext *message,
                                    FWPM_PROVIDER_CONTEXT0 *context)
{
    FWPM_CLASSIFY_OPTIONS0 *options = take(c, sizeof(*options));
    size_t n = message->n_classify_options;

    if (!options || !check_fits(c, "numOptions", n, RPC_MAX_FIELDS))
        return false;
    context->classifyOptions = options;
    options->numOptions = (UINT32)n;
    options->options = take_array(c, n, sizeof(*options->options));
    if (!options->options)
        return false;
    for (size_t i = 0; i < n; i++) {
        options->options[i].type = (FWP_CLASSIFY_OPTION_TYPE)message->classify_options[i]->type;
        if (!check_enum(c, "classify option", message->classify_options[i]->type,
                        FWP_CLASSIFY_OPTION_MAX - 1) ||
            !decode_value(c, message->classify_options[i]->value, &options->options[i].value))
            return false;
    }
    return true;
}

static bool decode_context_data(struct converter *c, const Rpc__ProviderContext *message,
                                FWPM_PROVIDER_CONTEXT0 *context)
{
    switch (message->type) {
    case FWPM_GENERAL_CONTEXT:
        context->dataBuffer = take(c, sizeof(*context->dataBuffer));
        return context->dataBuffer &&
               decode_blob(c, "dataBuffer", message->buffer, context->dataBuffer);
    case FWPM_CLASSIFY_OPTIONS_CONTEXT:
        return decode_classify_options(c, message, context);
    default:
        return true;
    }
}

bool decode_provider_context(struct converter *c, const Rpc__ProviderContext *message,
                             FWPM_PROVIDER_CONTEXT0 *context)
{
    memset(context, 0, sizeof(*context));
    context->flags = message->flags;
    context->type = (FWPM_PROVIDER_CONTEXT_TYPE)message->type;
    context->providerContextId = message->id;
    return check_enum(c, "provider context type", message->type,
                      FWPM_PROVIDER_CONTEXT_TYPE_MAX - 1) &&
           decode_guid(c, "providerContextKey", message->key, &context->providerContextKey) &&
           decode_display(c, message->display, &context->displayData) &&
           decode_guid_pointer(c, "providerKey", message->provider_key, &context->providerKey) &&
           decode_blob(c, "providerData", message->data, &context->providerData) &&
           decode_context_data(c, message, context);
}

/* ---- sublayers */

Rpc__Sublayer *encode_sublayer(struct converter *c, const FWPM_SUBLAYER0 *sublayer)
{
    Rpc__Sublayer *message = NEW_MESSAGE(c, Rpc__Sublayer, rpc__sublayer__init);

    if (!message || !encode_display(c, &sublayer->displayData, &message->display) ||
        !encode_blob(c, "providerData", &sublayer->providerData, &message->data))
        return NULL;
    message->key = encode_guid(&sublayer->subLayerKey);
    message->flags = sublayer->flags;
    message->provider_key = encode_guid_pointer(sublayer->providerKey);
    message->weight = sublayer->weight;
    return message;
}

bool decode_sublayer(struct converter *c, const Rpc__Sublayer *message, FWPM_SUBLAYER0 *sublayer)
{
    memset(sublayer, 0, sizeof(*sublayer));
    sublayer->flags = message->flags;
    sublayer->weight = (UINT16)message->weight;
    return check_fits(c, "weight", message->weight, UINT16_MAX) &&
           decode_guid(c, "subLayerKey", message->key, &sublayer->subLayerKey) &&
           decode_display(c, message->display, &sublayer->displayData) &&
           decode_guid_pointer(c, "providerKey", message->provider_key, &sublayer->providerKey) &&
           decode_blob(c, "providerData", message->data, &sublayer->providerData);
}

/* ---- callouts */

Rpc__Callout *encode_callout(struct converter *c, const FWPM_CALLOUT0 *callout)
{
    Rpc__Callout *message = NEW_MESSAGE(c, Rpc__Callout, rpc__callout__init);

    if (!message || !encode_display(c, &callout->displayData, &message->display) ||
        !encode_blob(c, "providerData", &callout->providerData, &message->data))
        return NULL;
    message->key = encode_guid(&callout->calloutKey);
    message->flags = callout->flags;
    message->provider_key = encode_guid_pointer(callout->providerKey);
    message->layer_key = encode_guid(&callout->applicableLayer);
    message->id = callout->calloutId;
    return message;
}

bool decode_callout(struct converter *c, const Rpc__Callout *message, FWPM_CALLOUT0 *callout)
{
    memset(callout, 0, sizeof(*callout));
    callout->flags = message->flags;
    callout->calloutId = message->id;
    return decode_guid(c, "calloutKey", message->key, &callout->calloutKey) &&
           decode_display(c, message->display, &callout->displayData) &&
           decode_guid_pointer(c, "providerKey", message->provider_key, &callout->providerKey) &&
           decode_blob(c, "providerData", message->data, &callout->providerData) &&
           decode_guid(c, "applicableLayer", message->layer_key, &callout->applicableLayer);
}

/* ---- layers: only the service sends them */

Rpc__Layer *encode_layer(struct converter *c, const FWPM_LAYER0 *layer)
{
    Rpc__Layer *message = NEW_MESSAGE(c, Rpc__Layer, rpc__layer__init);

    if (!message || !encode_display(c, &layer->displayData, &message->display))
        return NULL;
    message->key = encode_guid(&layer->layerKey);
    message->flags = layer->flags;
    message->default_sublayer_key = encode_guid(&layer->defaultSubLayerKey);
    message->id = layer->layerId;
    message->fields = take_pointers(c, layer->numFields);
    if (!message->fields)
        return NULL;
    for (UINT32 i = 0; i < layer->numFields; i++) {
        Rpc__Field *field = NEW_MESSAGE(c, Rpc__Field, rpc__field__init);

        if (!field)
            return NULL;
        field->key = encode_guid_pointer(layer->field[i].fieldKey);
        field->type = layer->field[i].type;
        field->data_type = layer->field[i].dataType;
        message->fields[message->n_fields++] = field;
    }
    return message;
}

static bool decode_fields(struct converter *c, const Rpc__Layer *message, FWPM_LAYER0 *layer)
{
    layer->field = take_array(c, message->n_fields, sizeof(*layer->field));
    if (!layer->field || !check_fits(c, "numFields", message->n_fields, RPC_MAX_FIELDS))
        return false;
    layer->numFields = (UINT32)message->n_fields;
    for (UINT32 i = 0; i < layer->numFields; i++) {
        layer->field[i].type = (FWPM_FIELD_TYPE)message->fields[i]->type;
        layer->field[i].dataType = (FWP_DATA_TYPE)message->fields[i]->data_type;
        if (!decode_guid_pointer(c, "fieldKey", message->fields[i]->key, &layer->field[i].fieldKey))
            return false;
    }
    return true;
}

bool decode_layer(struct converter *c, const Rpc__Layer *message, FWPM_LAYER0 *layer)
{
    memset(layer, 0, sizeof(*layer));
    layer->flags = message->flags;
    layer->layerId = (UINT16)message->id;
    return check_fits(c, "layerId", message->id, UINT16_MAX) &&
           decode_guid(c, "layerKey", message->key, &layer->layerKey) &&
           decode_display(c, message->display, &layer->displayData) &&
           decode_guid(c, "defaultSubLayerKey", message->default_sublayer_key,
                       &layer->defaultSubLayerKey) &&
           decode_fields(c, message, layer);
}

/* ---- sessions */

Rpc__Session *encode_session(struct converter *c, const FWPM_SESSION0 *session)
{
    Rpc__Session *message = NEW_MESSAGE(c, Rpc__Session, rpc__session__init);

    if (!message || !encode_display(c, &session->displayData, &message->display) ||
        !encode_text(c, "username", session->username, &message->username) ||
        (session->sid && !encode_sid(c, session->sid, &message->sid)))
        return NULL;
    message->key = encode_guid(&session->sessionKey);
    message->flags = session->flags;
    message->txn_wait_timeout_ms = session->txnWaitTimeoutInMSec;
    message->process_id = session->processId;
    message->kernel_mode = session->kernelMode;
    return message;
}

bool decode_session(struct converter *c, const Rpc__Session *message, FWPM_SESSION0 *session)
{
    memset(session, 0, sizeof(*session));
    session->flags = message->flags;
    session->txnWaitTimeoutInMSec = message->txn_wait_timeout_ms;
    session->processId = message->process_id;
    session->kernelMode = message->kernel_mode;
    return decode_guid(c, "sessionKey", message->key, &session->sessionKey) &&
           decode_display(c, message->display, &session->displayData) &&
           (!message->sid.len || decode_sid(c, message->sid, &session->sid)) &&
           decode_text(c, "username", message->username, &session->username);
}
