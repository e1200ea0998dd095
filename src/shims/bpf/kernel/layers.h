/* WFP's numbers that the kernel programs need: run-time layer ids, flags, actions. */
#ifndef OPENWFP_ALE_LAYERS_H
#define OPENWFP_ALE_LAYERS_H

/* FWPS_LAYER_ALE_*_V4; the V6 twin is 2 further, or 1 where a layer has no DISCARD twin. */
enum ale_layer {
    ALE_RESOURCE_ASSIGNMENT = 36,
    ALE_AUTH_LISTEN = 40,
    ALE_AUTH_RECV_ACCEPT = 44,
    ALE_AUTH_CONNECT = 48,
    ALE_FLOW_ESTABLISHED = 52,
    ALE_RESOURCE_RELEASE = 62,
    ALE_ENDPOINT_CLOSURE = 64,
};

#define ALE_V6(layer) ((layer) + ((layer) < ALE_RESOURCE_RELEASE ? 2 : 1))

#define FLAG_LOOPBACK      0x1
#define FLAG_REAUTHORIZE   0x4
#define FLAG_WILDCARD_BIND 0x8
#define FLAG_RAW_ENDPOINT  0x10
#define FLAG_IMPLICIT_BIND 0x200

#define REASON_POLICY_CHANGE 1

#define ADDRESS_UNICAST   1
#define ADDRESS_MULTICAST 3
#define ADDRESS_BROADCAST 4

#define DIRECTION_OUTBOUND 0
#define DIRECTION_INBOUND  1

#define COLLECT_DROPS      1
#define COLLECT_ALLOWS     2
#define COLLECT_LIFECYCLES 4

#define EVENT_VETO 1

#endif
