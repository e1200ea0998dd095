/*
 * The programs that netfilter rules match packets with (xt_bpf): which packets are not simply to
 * pass (ale_held), and which of these are to be rejected, as their operation was blocked
 * (ale_denied); the others wait in the queue. What is not held meets only the first.
 */
#ifndef OPENWFP_ALE_QUEUE_H
#define OPENWFP_ALE_QUEUE_H

#include "accept.h"

#define MATCH    1
#define NO_MATCH 0

/* How the queue's reader knows the packet; it is read before the packet is. Should there be no room
 * the packet waits all the same, and its reader, who can't tell whose it is, drops it. */
static __always_inline int packet_waits(const struct held *entry, const struct packet *packet)
{
    struct ale_ask_packet *told = bpf_ringbuf_reserve(&asks, sizeof(*told), 0);

    if (!told)
        return MATCH;
    __builtin_memset(told, 0, sizeof(*told));
    told->kind = ALE_ASK_PACKET;
    told->operation = entry->operation;
    told->netns = entry->request.netns;
    told->protocol = packet->protocol;
    told->source_port = packet_port(packet, 0);
    told->destination_port = packet_port(packet, 2);
    __builtin_memcpy(told->source, packet->source, sizeof(told->source));
    __builtin_memcpy(told->destination, packet->destination, sizeof(told->destination));
    bpf_ringbuf_submit(told, BPF_RB_NO_WAKEUP);
    return MATCH;
}

static __always_inline bool nothing_is_held(void)
{
    struct ale_state *shared = state_get();

    return !shared || !shared->held;
}

SEC("socket") int ale_held(struct __sk_buff *skb)
{
    struct ale_held_key key;
    struct packet packet;

    if (nothing_is_held())
        return NO_MATCH;
    const struct held *entry = held_of_packet(skb, &packet, &key);
    if (!entry)
        return NO_MATCH;
    if (entry->state == HELD_ASKED)
        return packet_waits(entry, &packet);
    return entry->state == HELD_BLOCKED ? MATCH : NO_MATCH;
}

SEC("socket") int ale_denied(struct __sk_buff *skb)
{
    struct ale_held_key key;
    struct packet packet;

    if (nothing_is_held())
        return NO_MATCH;
    const struct held *entry = held_of_packet(skb, &packet, &key);
    return entry && entry->state == HELD_BLOCKED ? MATCH : NO_MATCH;
}

/* ---- inbound: the same before there is a socket, by the table of listeners ---- */

static __always_inline void inbound_key(struct ale_held_key *key, const struct packet *packet,
                                        const struct ale_endpoint *endpoint)
{
    __builtin_memset(key, 0, sizeof(*key));
    key->cookie = endpoint->cookie;
    key->layer = ALE_AUTH_RECV_ACCEPT;
    key->protocol = packet->protocol;
    key->port = packet_port(packet, 0);
    __builtin_memcpy(key->remote, packet->source, sizeof(key->remote));
}

static __always_inline struct ale_endpoint *inbound_endpoint(struct __sk_buff *skb,
                                                             struct packet *packet)
{
    if (!packet_parse(skb, packet) || packet->protocol != IPPROTO_TCP || !is_first_syn(packet, skb))
        return NULL;
    struct ale_endpoint *endpoint =
        endpoint_find(lookup_netns_cookie, packet->destination, packet_port(packet, 2));
    return endpoint && !endpoint->refused ? endpoint : NULL;
}

static __always_inline bool inbound_is_denied(const struct held *entry)
{
    return entry && entry->state == HELD_BLOCKED && held_is_fresh(entry);
}

static __always_inline int inbound_ask(struct __sk_buff *skb, const struct packet *packet,
                                       const struct ale_endpoint *endpoint,
                                       struct ale_held_key *key)
{
    struct workbench *bench = workbench_take(false);

    if (!bench)
        return NO_MATCH;
    struct request *request = &bench->work.request;
    endpoint_request(request, endpoint);
    key_local(request, packet->destination, packet_port(packet, 2));
    key_remote(request, packet->source, packet_port(packet, 0));
    key_interface(request, skb->ifindex);
    request->hold = ALE_HOLD_QUEUE;
    enum verdict verdict = authorize(request, &endpoint->owner, ALE_AUTH_RECV_ACCEPT, 0);
    workbench_return(bench);
    const struct held *entry = verdict == PERMITTED ? NULL : bpf_map_lookup_elem(&held, key);
    if (entry && verdict == HELD && entry->state == HELD_ASKED)
        return packet_waits(entry, packet);
    return inbound_is_denied(entry) ? MATCH : NO_MATCH;
}

/* A block that needs no user space is the lookup hook's to give, an event of it the ingress hook's.
 */
SEC("socket") int ale_held_in(struct __sk_buff *skb)
{
    struct ale_state *shared = state_get();
    struct ale_held_key key;
    struct packet packet;

    if (!shared || !shared->asking)
        return NO_MATCH;
    const struct ale_endpoint *endpoint = inbound_endpoint(skb, &packet);
    if (!endpoint)
        return NO_MATCH;
    inbound_key(&key, &packet, endpoint);
    return inbound_ask(skb, &packet, endpoint, &key);
}

SEC("socket") int ale_denied_in(struct __sk_buff *skb)
{
    struct ale_held_key key;
    struct packet packet;

    if (nothing_is_held())
        return NO_MATCH;
    const struct ale_endpoint *endpoint = inbound_endpoint(skb, &packet);
    if (!endpoint)
        return NO_MATCH;
    inbound_key(&key, &packet, endpoint);
    const struct held *entry = bpf_map_lookup_elem(&held, &key);
    return inbound_is_denied(entry) ? MATCH : NO_MATCH;
}

#endif
