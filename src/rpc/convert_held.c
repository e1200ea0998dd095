/* Questions of hold filters. */
#include <string.h>

#include "rpc/convert_private.h"

bool check_decision(struct converter *c, const char *what, uint32_t action)
{
    return action == FWP_ACTION_PERMIT || action == FWP_ACTION_BLOCK ||
           refuse(c, FWP_E_INVALID_ACTION_TYPE,
                  "%s must be FWP_ACTION_PERMIT or FWP_ACTION_BLOCK, not 0x%x", what, action);
}

static Rpc__Held *encode_held(struct converter *c, const OPENWFP_HELD *held)
{
    Rpc__Held *message = NEW_MESSAGE(c, Rpc__Held, rpc__held__init);

    if (!message || !encode_blob(c, "appId", &held->appId, &message->app_id))
        return NULL;
    message->id = held->id;
    message->count = held->count;
    message->layer_id = held->layerId;
    message->direction = held->direction;
    message->ip_version = held->ipVersion;
    message->protocol = held->ipProtocol;
    if (held->ipVersion == FWP_IP_VERSION_V6) {
        message->local_v6 = (ProtobufCBinaryData){16, (uint8_t *)held->localAddrV6.byteArray16};
        message->remote_v6 = (ProtobufCBinaryData){16, (uint8_t *)held->remoteAddrV6.byteArray16};
    } else {
        message->local_v4 = held->localAddrV4;
        message->remote_v4 = held->remoteAddrV4;
    }
    message->local_port = held->localPort;
    message->remote_port = held->remotePort;
    message->pid = held->processId;
    message->process_start = held->processStartTime;
    message->comm = (char *)held->comm;
    message->uid = held->uid;
    message->gid = held->gid;
    message->netns = held->netns;
    message->cgroup = held->cgroupId;
    message->condition_flags = held->conditionFlags;
    message->filter_id = held->filterId;
    message->timeout = held->timeout;
    message->remaining = held->remaining;
    message->default_action = held->defaultAction;
    return message;
}

static bool check_held(struct converter *c, const Rpc__Held *message)
{
    return check_fits(c, "layerId", message->layer_id, UINT16_MAX) &&
           check_enum(c, "direction", message->direction, FWP_DIRECTION_MAX - 1) &&
           check_enum(c, "ipVersion", message->ip_version, FWP_IP_VERSION_V6) &&
           check_fits(c, "ipProtocol", message->protocol, UINT8_MAX) &&
           check_fits(c, "localPort", message->local_port, UINT16_MAX) &&
           check_fits(c, "remotePort", message->remote_port, UINT16_MAX) &&
           check_decision(c, "defaultAction", message->default_action);
}

static bool decode_addresses(struct converter *c, const Rpc__Held *message, OPENWFP_HELD *held)
{
    if (held->ipVersion == FWP_IP_VERSION_V6)
        return decode_bytes16(c, "localAddrV6", message->local_v6, &held->localAddrV6) &&
               decode_bytes16(c, "remoteAddrV6", message->remote_v6, &held->remoteAddrV6);
    held->localAddrV4 = message->local_v4;
    held->remoteAddrV4 = message->remote_v4;
    return true;
}

static bool decode_held(struct converter *c, const Rpc__Held *message, OPENWFP_HELD *held)
{
    if (!check_held(c, message))
        return false;
    *held = (OPENWFP_HELD){
        .id = message->id,
        .count = message->count,
        .layerId = (UINT16)message->layer_id,
        .direction = (FWP_DIRECTION)message->direction,
        .ipVersion = (FWP_IP_VERSION)message->ip_version,
        .ipProtocol = (UINT8)message->protocol,
        .localPort = (UINT16)message->local_port,
        .remotePort = (UINT16)message->remote_port,
        .processId = message->pid,
        .processStartTime = message->process_start,
        .uid = message->uid,
        .gid = message->gid,
        .netns = message->netns,
        .cgroupId = message->cgroup,
        .conditionFlags = message->condition_flags,
        .filterId = message->filter_id,
        .timeout = message->timeout,
        .remaining = message->remaining,
        .defaultAction = message->default_action,
    };
    strncpy(held->comm, message->comm, sizeof(held->comm) - 1);
    return decode_blob(c, "appId", message->app_id, &held->appId) &&
           decode_addresses(c, message, held);
}

Rpc__HeldNotice *encode_held_notice(struct converter *c, const OPENWFP_HELD_NOTICE *notice)
{
    Rpc__HeldNotice *message = NEW_MESSAGE(c, Rpc__HeldNotice, rpc__held_notice__init);

    if (!message)
        return NULL;
    message->held = encode_held(c, &notice->held);
    message->change = notice->change;
    message->action = notice->action;
    message->answered_by = notice->answeredBy;
    return message->held ? message : NULL;
}

bool decode_held_notice(struct converter *c, const Rpc__HeldNotice *message,
                        OPENWFP_HELD_NOTICE *notice)
{
    if (!message->held)
        return refuse(c, RPC_X_BAD_STUB_DATA, "a notice is about a question");
    *notice = (OPENWFP_HELD_NOTICE){.change = (OPENWFP_HELD_CHANGE)message->change,
                                    .action = message->action,
                                    .answeredBy = message->answered_by};
    return check_enum(c, "change", message->change, OPENWFP_HELD_GONE) &&
           decode_held(c, message->held, &notice->held);
}

Rpc__HeldList *encode_held_list(struct converter *c, size_t count, const OPENWFP_HELD *held)
{
    Rpc__HeldList *message = NEW_MESSAGE(c, Rpc__HeldList, rpc__held_list__init);

    if (!message)
        return NULL;
    message->held = take_pointers(c, count);
    if (!message->held)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        Rpc__Held *each = encode_held(c, &held[i]);

        if (!each)
            return NULL;
        message->held[message->n_held++] = each;
    }
    return message;
}

bool decode_held_list(struct converter *c, const Rpc__HeldList *message, size_t *count,
                      void ***held)
{
    OPENWFP_HELD *each = take_array(c, message->n_held, sizeof(*each));

    *count = message->n_held;
    *held = take_pointers(c, *count);
    if (!each || !*held)
        return false;
    for (size_t i = 0; i < *count; i++, each++) {
        if (!decode_held(c, message->held[i], each))
            return false;
        (*held)[i] = each;
    }
    return true;
}
