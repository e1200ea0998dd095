#include <string.h>

#include "rpc/convert_private.h"

static void encode_addresses(const FWPM_NET_EVENT_HEADER3 *header, Rpc__NetEvent *message)
{
    if (header->ipVersion == FWP_IP_VERSION_V6) {
        message->local_v6 = (ProtobufCBinaryData){16, (uint8_t *)header->localAddrV6.byteArray16};
        message->remote_v6 = (ProtobufCBinaryData){16, (uint8_t *)header->remoteAddrV6.byteArray16};
    } else {
        message->local_v4 = header->localAddrV4;
        message->remote_v4 = header->remoteAddrV4;
    }
}

static bool encode_header(struct converter *c, const FWPM_NET_EVENT_HEADER3 *header,
                          Rpc__NetEvent *message)
{
    message->time = encode_filetime(&header->timeStamp);
    message->flags = header->flags;
    message->ip_version = header->ipVersion;
    message->protocol = header->ipProtocol;
    encode_addresses(header, message);
    message->local_port = header->localPort;
    message->remote_port = header->remotePort;
    message->scope_id = header->scopeId;
    message->address_family = header->addressFamily;
    return encode_blob(c, "appId", &header->appId, &message->app_id) &&
           (!header->userId || encode_sid(c, header->userId, &message->user_sid));
}

static bool encode_classify(struct converter *c, const FWPM_NET_EVENT5 *event,
                            Rpc__NetEvent *message)
{
    const FWPM_NET_EVENT_CLASSIFY_DROP2 *drop = event->classifyDrop;
    const FWPM_NET_EVENT_CLASSIFY_ALLOW0 *allow = event->classifyAllow;

    switch (event->type) {
    case FWPM_NET_EVENT_TYPE_CLASSIFY_DROP:
        message->filter_id = drop->filterId;
        message->layer_id = drop->layerId;
        message->reauth_reason = drop->reauthReason;
        message->direction = drop->msFwpDirection;
        message->loopback = drop->isLoopback;
        return true;
    case FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW:
        message->filter_id = allow->filterId;
        message->layer_id = allow->layerId;
        message->reauth_reason = allow->reauthReason;
        message->direction = allow->msFwpDirection;
        message->loopback = allow->isLoopback;
        return true;
    default:
        return refuse(c, FWP_E_INVALID_PARAMETER, "net events of type %u do not occur",
                      event->type);
    }
}

Rpc__NetEvent *encode_net_event(struct converter *c, const OPENWFP_NET_EVENT *event)
{
    Rpc__NetEvent *message = NEW_MESSAGE(c, Rpc__NetEvent, rpc__net_event__init);

    if (!message || !encode_header(c, &event->event.header, message) ||
        !encode_classify(c, &event->event, message))
        return NULL;
    message->type = event->event.type;
    message->id = event->eventId;
    message->pid = event->processId;
    message->process_start = event->processStartTime;
    message->uid = event->uid;
    message->gid = event->gid;
    message->cgroup = event->cgroupId;
    message->netns = event->netns;
    message->interface_index = event->interfaceIndex;
    message->flow_id = event->flowId;
    message->callout_id = event->calloutId;
    message->condition_flags = event->conditionFlags;
    message->comm = take(c, sizeof(event->comm) + 1);
    if (!message->comm)
        return NULL;
    memcpy(message->comm, event->comm, sizeof(event->comm));
    return message;
}

static bool decode_addresses(struct converter *c, const Rpc__NetEvent *message,
                             FWPM_NET_EVENT_HEADER3 *header)
{
    if (message->ip_version == FWP_IP_VERSION_V6)
        return decode_bytes16(c, "localAddrV6", message->local_v6, &header->localAddrV6) &&
               decode_bytes16(c, "remoteAddrV6", message->remote_v6, &header->remoteAddrV6);
    header->localAddrV4 = message->local_v4;
    header->remoteAddrV4 = message->remote_v4;
    return true;
}

static bool decode_header(struct converter *c, const Rpc__NetEvent *message,
                          FWPM_NET_EVENT_HEADER3 *header)
{
    decode_filetime(message->time, &header->timeStamp);
    header->flags = message->flags;
    header->ipVersion = (FWP_IP_VERSION)message->ip_version;
    header->ipProtocol = (UINT8)message->protocol;
    header->localPort = (UINT16)message->local_port;
    header->remotePort = (UINT16)message->remote_port;
    header->scopeId = message->scope_id;
    header->addressFamily = (FWP_AF)message->address_family;
    return check_fits(c, "ipProtocol", message->protocol, UINT8_MAX) &&
           check_fits(c, "localPort", message->local_port, UINT16_MAX) &&
           check_fits(c, "remotePort", message->remote_port, UINT16_MAX) &&
           decode_addresses(c, message, header) &&
           decode_blob(c, "appId", message->app_id, &header->appId) &&
           (!message->user_sid.len || decode_sid(c, message->user_sid, &header->userId));
}

static bool decode_drop(struct converter *c, const Rpc__NetEvent *message, FWPM_NET_EVENT5 *event)
{
    FWPM_NET_EVENT_CLASSIFY_DROP2 *drop = take(c, sizeof(*drop));

    if (!drop)
        return false;
    drop->filterId = message->filter_id;
    drop->layerId = (UINT16)message->layer_id;
    drop->reauthReason = message->reauth_reason;
    drop->msFwpDirection = message->direction;
    drop->isLoopback = message->loopback;
    event->classifyDrop = drop;
    return true;
}

static bool decode_allow(struct converter *c, const Rpc__NetEvent *message, FWPM_NET_EVENT5 *event)
{
    FWPM_NET_EVENT_CLASSIFY_ALLOW0 *allow = take(c, sizeof(*allow));

    if (!allow)
        return false;
    allow->filterId = message->filter_id;
    allow->layerId = (UINT16)message->layer_id;
    allow->reauthReason = message->reauth_reason;
    allow->msFwpDirection = message->direction;
    allow->isLoopback = message->loopback;
    event->classifyAllow = allow;
    return true;
}

static bool decode_classify(struct converter *c, const Rpc__NetEvent *message,
                            FWPM_NET_EVENT5 *event)
{
    event->type = (FWPM_NET_EVENT_TYPE)message->type;
    if (!check_fits(c, "layerId", message->layer_id, UINT16_MAX))
        return false;
    switch (message->type) {
    case FWPM_NET_EVENT_TYPE_CLASSIFY_DROP:
        return decode_drop(c, message, event);
    case FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW:
        return decode_allow(c, message, event);
    default:
        return refuse(c, FWP_E_INVALID_ENUMERATOR, "a net event of type %u", message->type);
    }
}

bool decode_net_event(struct converter *c, const Rpc__NetEvent *message, OPENWFP_NET_EVENT *event)
{
    *event = (OPENWFP_NET_EVENT){
        .eventId = message->id,
        .flowId = message->flow_id,
        .cgroupId = message->cgroup,
        .processStartTime = message->process_start,
        .processId = message->pid,
        .uid = message->uid,
        .gid = message->gid,
        .netns = message->netns,
        .interfaceIndex = message->interface_index,
        .calloutId = message->callout_id,
        .conditionFlags = message->condition_flags,
    };
    strncpy(event->comm, message->comm, sizeof(event->comm) - 1);
    return decode_header(c, message, &event->event.header) &&
           decode_classify(c, message, &event->event);
}
