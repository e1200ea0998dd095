/*
 * Flows of everything but TCP: one per socket and remote peer. A permitted flow needs no filter
 * for its other direction; it ends with its socket or after 60 idle seconds (15.3). A flow made
 * under an older policy is authorized again at the layer that made it (15.9). Outbound multicast
 * and broadcast make a flow that lets anyone answer for four seconds.
 */
#ifndef OPENWFP_ALE_FLOW_H
#define OPENWFP_ALE_FLOW_H

#include "socket.h"

#define SECOND           1000000000ull
#define MILLISECOND      1000000ull
#define FLOW_IDLE        (60 * SECOND)
#define MULTICAST_ANSWER (4 * SECOND)

enum flow_state { FLOW_NONE, FLOW_CURRENT, FLOW_STALE };

static __always_inline void flow_key(struct ale_flow_key *key, __u64 cookie, __u8 protocol,
                                     const __u8 *remote, __u16 port)
{
    __builtin_memset(key, 0, sizeof(*key));
    key->cookie = cookie;
    key->protocol = protocol;
    key->port = port;
    __builtin_memcpy(key->remote, remote, sizeof(key->remote));
}

static __always_inline enum flow_state flow_state(const struct ale_flow *flow, __u64 now,
                                                  __u64 generation)
{
    if (!flow || clock_since(flow->used, now) > FLOW_IDLE)
        return FLOW_NONE;
    return flow->generation == generation ? FLOW_CURRENT : FLOW_STALE;
}

static __always_inline void flow_permit(const struct ale_flow_key *key, __u64 generation, __u64 now,
                                        bool outbound)
{
    struct ale_flow flow = {.generation = generation, .used = now, .outbound = outbound};

    bpf_map_update_elem(&flows, key, &flow, BPF_ANY);
}

/* Flow layers have their say after the authorization; a block there is a block (15.6). */
static __always_inline enum verdict flow_established(struct request *request,
                                                     const struct ale_identity *owner)
{
    key_set(request, CLASSIFY_DIRECTION, request->direction);
    request->hold = ALE_HOLD_NOTICE;
    return authorize(request, owner, ALE_FLOW_ESTABLISHED, COLLECT_LIFECYCLES);
}

/* The fast path: the flow was permitted under this policy. */
static __always_inline bool flow_is_current(const struct ale_flow_key *key)
{
    __u64 now = clock_now();
    struct ale_flow *flow = bpf_map_lookup_elem(&flows, key);

    if (flow_state(flow, now, policy_generation()) != FLOW_CURRENT)
        return false;
    flow->used = now;
    return true;
}

/* Authorizes a flow that is not current. The request is complete but for its direction. */
static __always_inline enum verdict flow_authorize(struct request *request,
                                                   const struct ale_identity *owner,
                                                   const struct ale_flow_key *key, __u32 inbound)
{
    __u64 generation = policy_generation(), now = clock_now();
    struct ale_flow *flow = bpf_map_lookup_elem(&flows, key);
    enum flow_state state = flow_state(flow, now, generation);

    request->direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    if (state == FLOW_STALE) {
        if (flow)
            request->direction = flow->outbound ? DIRECTION_OUTBOUND : DIRECTION_INBOUND;
        key_flag(request, FLAG_REAUTHORIZE);
        key_set(request, CLASSIFY_REAUTHORIZE_REASON, REASON_POLICY_CHANGE);
    }
    enum verdict verdict = authorize(
        request, owner,
        request->direction == DIRECTION_OUTBOUND ? ALE_AUTH_CONNECT : ALE_AUTH_RECV_ACCEPT,
        COLLECT_ALLOWS);
    if (verdict == BLOCKED && state == FLOW_STALE)
        bpf_map_delete_elem(&flows, key);
    if (verdict != PERMITTED)
        return verdict;
    if (state == FLOW_NONE && flow_established(request, owner) == BLOCKED)
        return BLOCKED;
    flow_permit(key, generation, now, request->direction == DIRECTION_OUTBOUND);
    return PERMITTED;
}

static __always_inline void flow_key_anyone(struct ale_flow_key *key)
{
    key->port = 0;
    __builtin_memset(key->remote, 0, sizeof(key->remote));
}

/* Whether the flow's socket asked a group of hosts lately: anyone of them may answer. */
static __always_inline bool flow_awaits_anyone(const struct ale_flow_key *peer)
{
    struct ale_flow_key key = *peer;

    flow_key_anyone(&key);
    struct ale_flow *flow = bpf_map_lookup_elem(&flows, &key);
    return flow && clock_since(flow->used, clock_now()) <= MULTICAST_ANSWER;
}

static __always_inline void flow_await_anyone(const struct ale_flow_key *peer)
{
    struct ale_flow_key key = *peer;

    flow_key_anyone(&key);
    flow_permit(&key, policy_generation(), clock_now(), true);
}

#endif
