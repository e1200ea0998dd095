/* What the service tells about itself: its report, loaded callouts, flows. */
#include "rpc/convert_private.h"

static char empty[] = "";

static char *or_empty(char *text)
{
    return text ? text : empty;
}

/* ---- the report */

static bool encode_hooks(struct converter *c, const OPENWFP_ENGINE_REPORT *report,
                         Rpc__Report *message)
{
    message->hooks = take_pointers(c, report->numHooks);
    if (!message->hooks)
        return false;
    for (UINT32 i = 0; i < report->numHooks; i++) {
        Rpc__Hook *hook = NEW_MESSAGE(c, Rpc__Hook, rpc__hook__init);

        if (!hook)
            return false;
        hook->name = or_empty(report->hooks[i].name);
        hook->serves = or_empty(report->hooks[i].serves);
        hook->required = report->hooks[i].required;
        hook->works = report->hooks[i].works;
        hook->error = report->hooks[i].error;
        hook->reason = or_empty(report->hooks[i].reason);
        message->hooks[message->n_hooks++] = hook;
    }
    return true;
}

Rpc__Report *encode_report(struct converter *c, const OPENWFP_ENGINE_REPORT *report)
{
    Rpc__Report *message = NEW_MESSAGE(c, Rpc__Report, rpc__report__init);

    if (!message || !encode_hooks(c, report, message))
        return NULL;
    message->version = or_empty(report->version);
    message->kernel = or_empty(report->kernel);
    message->scope = or_empty(report->scope);
    message->pin_dir = or_empty(report->pinDir);
    message->summary = or_empty(report->summary);
    message->enforcing = report->enforcing;
    message->usable = report->usable;
    message->adopted = report->adopted;
    message->n_gaps = report->numGaps;
    message->gaps = report->gaps;
    message->filters = report->filters;
    message->sublayers = report->subLayers;
    message->callouts = report->callouts;
    message->sessions = report->sessions;
    message->events = report->events;
    message->events_lost = report->eventsLost;
    message->commits = report->commits;
    message->stand_in = or_empty(report->standIn);
    message->start_time = encode_filetime(&report->startTime);
    return message;
}

static bool decode_hooks(struct converter *c, const Rpc__Report *message,
                         OPENWFP_ENGINE_REPORT *report)
{
    report->numHooks = (UINT32)message->n_hooks;
    report->hooks = take_array(c, message->n_hooks, sizeof(*report->hooks));
    if (!report->hooks)
        return false;
    for (UINT32 i = 0; i < report->numHooks; i++)
        report->hooks[i] = (OPENWFP_HOOK_REPORT){
            .name = message->hooks[i]->name,
            .serves = message->hooks[i]->serves,
            .required = message->hooks[i]->required,
            .works = message->hooks[i]->works,
            .error = message->hooks[i]->error,
            .reason = message->hooks[i]->reason,
        };
    return true;
}

bool decode_report(struct converter *c, const Rpc__Report *message, OPENWFP_ENGINE_REPORT *report)
{
    *report = (OPENWFP_ENGINE_REPORT){
        .version = message->version,
        .kernel = message->kernel,
        .scope = message->scope,
        .pinDir = message->pin_dir,
        .summary = message->summary,
        .enforcing = message->enforcing,
        .usable = message->usable,
        .adopted = message->adopted,
        .numGaps = (UINT32)message->n_gaps,
        .gaps = message->gaps,
        .filters = message->filters,
        .subLayers = message->sublayers,
        .callouts = message->callouts,
        .sessions = message->sessions,
        .events = message->events,
        .eventsLost = message->events_lost,
        .commits = message->commits,
        .standIn = message->stand_in,
    };
    decode_filetime(message->start_time, &report->startTime);
    return decode_hooks(c, message, report);
}

/* ---- loaded callouts */

Rpc__LoadedCallouts *encode_loaded_callouts(struct converter *c, size_t count,
                                            const OPENWFP_LOADED_CALLOUT *callouts)
{
    Rpc__LoadedCallouts *message = NEW_MESSAGE(c, Rpc__LoadedCallouts, rpc__loaded_callouts__init);

    if (!message)
        return NULL;
    message->callouts = take_pointers(c, count);
    if (!message->callouts)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        Rpc__LoadedCallout *callout = NEW_MESSAGE(c, Rpc__LoadedCallout, rpc__loaded_callout__init);

        if (!callout)
            return NULL;
        callout->key = encode_guid(&callouts[i].calloutKey);
        callout->name = or_empty(callouts[i].name);
        callout->callout_id = callouts[i].calloutId;
        callout->slot = callouts[i].slot;
        callout->object_size = callouts[i].objectSize;
        callout->load_time = encode_filetime(&callouts[i].loadTime);
        message->callouts[message->n_callouts++] = callout;
    }
    return message;
}

bool decode_loaded_callouts(struct converter *c, const Rpc__LoadedCallouts *message, size_t *count,
                            void ***callouts)
{
    OPENWFP_LOADED_CALLOUT *each = take_array(c, message->n_callouts, sizeof(*each));

    *count = message->n_callouts;
    *callouts = take_pointers(c, *count);
    if (!each || !*callouts)
        return false;
    for (size_t i = 0; i < *count; i++, each++) {
        const Rpc__LoadedCallout *callout = message->callouts[i];

        each->name = callout->name;
        each->calloutId = callout->callout_id;
        each->slot = callout->slot;
        each->objectSize = callout->object_size;
        decode_filetime(callout->load_time, &each->loadTime);
        if (!decode_guid(c, "calloutKey", callout->key, &each->calloutKey))
            return false;
        (*callouts)[i] = each;
    }
    return true;
}

/* ---- flows */

static Rpc__Flow *encode_flow(struct converter *c, const OPENWFP_FLOW *flow)
{
    Rpc__Flow *message = NEW_MESSAGE(c, Rpc__Flow, rpc__flow__init);

    if (!message || !encode_blob(c, "appId", &flow->appId, &message->app_id))
        return NULL;
    message->id = flow->flowId;
    message->layer_id = flow->layerId;
    message->direction = flow->direction;
    message->ip_version = flow->ipVersion;
    message->protocol = flow->ipProtocol;
    if (flow->ipVersion == FWP_IP_VERSION_V6) {
        message->local_v6 = (ProtobufCBinaryData){16, (uint8_t *)flow->localAddrV6.byteArray16};
        message->remote_v6 = (ProtobufCBinaryData){16, (uint8_t *)flow->remoteAddrV6.byteArray16};
    } else {
        message->local_v4 = flow->localAddrV4;
        message->remote_v4 = flow->remoteAddrV4;
    }
    message->local_port = flow->localPort;
    message->remote_port = flow->remotePort;
    message->pid = flow->processId;
    message->uid = flow->uid;
    message->filter_id = flow->filterId;
    message->start_time = encode_filetime(&flow->startTime);
    message->netns = flow->netns;
    message->cgroup = flow->cgroupId;
    return message;
}

Rpc__Flows *encode_flows(struct converter *c, size_t count, const OPENWFP_FLOW *flows)
{
    Rpc__Flows *message = NEW_MESSAGE(c, Rpc__Flows, rpc__flows__init);

    if (!message)
        return NULL;
    message->flows = take_pointers(c, count);
    if (!message->flows)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        Rpc__Flow *flow = encode_flow(c, &flows[i]);

        if (!flow)
            return NULL;
        message->flows[message->n_flows++] = flow;
    }
    return message;
}

static bool decode_flow(struct converter *c, const Rpc__Flow *message, OPENWFP_FLOW *flow)
{
    flow->flowId = message->id;
    flow->layerId = (UINT16)message->layer_id;
    flow->direction = (FWP_DIRECTION)message->direction;
    flow->ipVersion = (FWP_IP_VERSION)message->ip_version;
    flow->ipProtocol = (UINT8)message->protocol;
    flow->localPort = (UINT16)message->local_port;
    flow->remotePort = (UINT16)message->remote_port;
    flow->processId = message->pid;
    flow->uid = message->uid;
    flow->filterId = message->filter_id;
    flow->netns = message->netns;
    flow->cgroupId = message->cgroup;
    decode_filetime(message->start_time, &flow->startTime);
    if (!decode_blob(c, "appId", message->app_id, &flow->appId))
        return false;
    if (flow->ipVersion == FWP_IP_VERSION_V6)
        return decode_bytes16(c, "localAddrV6", message->local_v6, &flow->localAddrV6) &&
               decode_bytes16(c, "remoteAddrV6", message->remote_v6, &flow->remoteAddrV6);
    flow->localAddrV4 = message->local_v4;
    flow->remoteAddrV4 = message->remote_v4;
    return true;
}

bool decode_flows(struct converter *c, const Rpc__Flows *message, size_t *count, void ***flows)
{
    OPENWFP_FLOW *each = take_array(c, message->n_flows, sizeof(*each));

    *count = message->n_flows;
    *flows = take_pointers(c, *count);
    if (!each || !*flows)
        return false;
    for (size_t i = 0; i < *count; i++, each++) {
        if (!decode_flow(c, message->flows[i], each))
            return false;
        (*flows)[i] = each;
    }
    return true;
}
