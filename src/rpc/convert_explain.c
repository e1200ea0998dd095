#include <string.h>

#include "rpc/convert_private.h"

/* ---- the question */

static bool encode_explain_fields(struct converter *c, const OPENWFP_EXPLAIN_REQUEST *request,
                                  Rpc__Explain *message)
{
    if (request->numFields && !request->fields)
        return refuse(c, FWP_E_NULL_POINTER, "%u fields at a null pointer", request->numFields);
    if (!check_fits(c, "numFields", request->numFields, RPC_MAX_FIELDS))
        return false;
    message->fields = take_pointers(c, request->numFields);
    if (!message->fields)
        return false;
    for (UINT32 i = 0; i < request->numFields; i++) {
        Rpc__ExplainField *field = NEW_MESSAGE(c, Rpc__ExplainField, rpc__explain_field__init);

        if (!field)
            return false;
        field->key = encode_guid(&request->fields[i].fieldKey);
        field->value = encode_value(c, &request->fields[i].value);
        if (!field->value)
            return false;
        message->fields[message->n_fields++] = field;
    }
    return true;
}

Rpc__Explain *encode_explain(struct converter *c, const OPENWFP_EXPLAIN_REQUEST *request)
{
    Rpc__Explain *message = NEW_MESSAGE(c, Rpc__Explain, rpc__explain__init);

    if (!message || !check_fits(c, "numGroups", request->numGroups, RPC_MAX_SIDS))
        return NULL;
    if (request->numGroups && !request->groups) {
        refuse(c, FWP_E_NULL_POINTER, "%u groups at a null pointer", request->numGroups);
        return NULL;
    }
    message->event_id = request->eventId;
    message->layer_id = request->layerId;
    message->has_user = request->hasUser;
    message->uid = request->uid;
    message->gid = request->gid;
    message->n_groups = request->numGroups;
    message->groups = request->groups;
    return encode_explain_fields(c, request, message) ? message : NULL;
}

static bool decode_explain_fields(struct converter *c, const Rpc__Explain *message,
                                  OPENWFP_EXPLAIN_REQUEST *request)
{
    if (!check_fits(c, "numFields", message->n_fields, RPC_MAX_FIELDS))
        return false;
    request->numFields = (UINT32)message->n_fields;
    request->fields = take_array(c, message->n_fields, sizeof(*request->fields));
    if (!request->fields)
        return false;
    for (size_t i = 0; i < message->n_fields; i++)
        if (!decode_guid(c, "fieldKey", message->fields[i]->key, &request->fields[i].fieldKey) ||
            !decode_value(c, message->fields[i]->value, &request->fields[i].value))
            return false;
    return true;
}

bool decode_explain(struct converter *c, const Rpc__Explain *message,
                    OPENWFP_EXPLAIN_REQUEST *request)
{
    *request = (OPENWFP_EXPLAIN_REQUEST){
        .eventId = message->event_id,
        .layerId = (UINT16)message->layer_id,
        .hasUser = message->has_user,
        .uid = message->uid,
        .gid = message->gid,
        .numGroups = (UINT32)message->n_groups,
        .groups = message->groups,
    };
    return check_fits(c, "layerId", message->layer_id, UINT16_MAX) &&
           check_fits(c, "numGroups", message->n_groups, RPC_MAX_SIDS) &&
           decode_explain_fields(c, message, request);
}

/* ---- the answer */

static Rpc__ExplainStep *encode_step(struct converter *c, const OPENWFP_EXPLAIN_STEP *step)
{
    Rpc__ExplainStep *message = NEW_MESSAGE(c, Rpc__ExplainStep, rpc__explain_step__init);

    if (!message || !encode_text(c, "filterName", step->filterName, &message->filter_name) ||
        !encode_text(c, "subLayerName", step->subLayerName, &message->sublayer_name))
        return NULL;
    message->filter_id = step->filterId;
    message->sublayer_key = encode_guid(&step->subLayerKey);
    message->sublayer_weight = step->subLayerWeight;
    message->weight = step->weight;
    message->action = step->action;
    message->callout_id = step->calloutId;
    message->outcome = step->outcome;
    message->outvoted_by = step->outvotedBy;
    message->hard = step->hard;
    return message;
}

Rpc__Explained *encode_explanation(struct converter *c, const OPENWFP_EXPLANATION *explanation)
{
    Rpc__Explained *message = NEW_MESSAGE(c, Rpc__Explained, rpc__explained__init);

    if (!message)
        return NULL;
    message->action = explanation->action;
    message->filter_id = explanation->filterId;
    message->layer_id = explanation->layerId;
    if (explanation->text)
        message->text = explanation->text;
    message->steps = take_pointers(c, explanation->numSteps);
    if (!message->steps)
        return NULL;
    for (UINT32 i = 0; i < explanation->numSteps; i++) {
        Rpc__ExplainStep *step = encode_step(c, &explanation->steps[i]);

        if (!step)
            return NULL;
        message->steps[message->n_steps++] = step;
    }
    return message;
}

static bool decode_step(struct converter *c, const Rpc__ExplainStep *message,
                        OPENWFP_EXPLAIN_STEP *step)
{
    *step = (OPENWFP_EXPLAIN_STEP){
        .filterId = message->filter_id,
        .subLayerWeight = (UINT16)message->sublayer_weight,
        .weight = message->weight,
        .action = message->action,
        .calloutId = message->callout_id,
        .outcome = (OPENWFP_OUTCOME)message->outcome,
        .outvotedBy = message->outvoted_by,
        .hard = message->hard,
    };
    return decode_text(c, "filterName", message->filter_name, &step->filterName) &&
           decode_guid(c, "subLayerKey", message->sublayer_key, &step->subLayerKey) &&
           decode_text(c, "subLayerName", message->sublayer_name, &step->subLayerName);
}

bool decode_explanation(struct converter *c, const Rpc__Explained *message,
                        OPENWFP_EXPLANATION *explanation)
{
    *explanation = (OPENWFP_EXPLANATION){
        .action = message->action,
        .filterId = message->filter_id,
        .layerId = (UINT16)message->layer_id,
        .numSteps = (UINT32)message->n_steps,
        .steps = take_array(c, message->n_steps, sizeof(*explanation->steps)),
        .text = message->text,
    };
    if (!explanation->steps)
        return false;
    for (UINT32 i = 0; i < explanation->numSteps; i++)
        if (!decode_step(c, message->steps[i], &explanation->steps[i]))
            return false;
    return true;
}
