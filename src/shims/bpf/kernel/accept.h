/*
 * AUTH_RECV_ACCEPT, AUTH_LISTEN and TCP's FLOW_ESTABLISHED.
 *
 * The ingress hook decides: it has the receiving socket, so its owner, at hand. For TCP it sees the
 * SYN at the listener, but can only drop it silently. So the lookup hook answers first where it
 * can: it has no socket, only the table of listeners; a peer it refuses gets a reset at once.
 */
#ifndef OPENWFP_ALE_ACCEPT_H
#define OPENWFP_ALE_ACCEPT_H

#include "packet.h"

#define TCP_LISTEN_STATE 10

/*
 * Both hooks see a SYN, one right after the other on one CPU, so mostly on the same workbench: what
 * the lookup hook permitted there, the ingress hook need not ask again. It only believes it if all
 * that a filter could look at is the same.
 */
#define NOTE_LIFE (10 * MILLISECOND)

static __always_inline void permit_note(struct workbench *bench, const struct ale_identity *owner)
{
    bench->permitted_who = owner->who;
    bench->permitted_gid = owner->gid;
    bench->permitted = clock_now();
}

static __always_inline bool same_address(const __u8 *one, const __u8 *other)
{
    return *(const __u64 *)one == *(const __u64 *)other &&
           *(const __u64 *)(one + 8) == *(const __u64 *)(other + 8);
}

static __always_inline bool permit_noted(const struct workbench *bench,
                                         const struct ale_socket *socket, __u32 ifindex)
{
    const struct work *work = &bench->work;
    const struct packet *packet = &work->packet;
    const __u64 *value = work->request.walk.key.value;

    return bench->permitted && clock_now() - bench->permitted < NOTE_LIFE &&
           work->request.cookie == socket->cookie && bench->permitted_who == socket->owner.who &&
           bench->permitted_gid == socket->owner.gid && work->request.ifindex == ifindex &&
           value[CLASSIFY_LOCAL_PORT] == packet_port(packet, 2) &&
           value[CLASSIFY_REMOTE_PORT] == packet_port(packet, 0) &&
           same_address(work->local, packet->destination) &&
           same_address(work->remote, packet->source);
}

static __always_inline void report_accept(const struct request *request,
                                          const struct ale_identity *owner)
{
    struct ale_state *shared = state_get();

    if (shared)
        notify(request, owner, layer_of_family(request, ALE_AUTH_RECV_ACCEPT), PERMITTED, shared,
               COLLECT_ALLOWS);
}

static __always_inline int accept_syn(struct __sk_buff *skb, const struct ale_socket *socket,
                                      struct workbench *bench)
{
    struct work *work = &bench->work;
    struct request *request = &work->request;

    if (!packet_parse_near(skb, &work->packet))
        return SKB_DROP;
    if (!is_first_syn(&work->packet, skb))
        return SKB_PASS;
    if ((socket->flags & ALE_SOCKET_REFUSED) || held_of_socket(socket, ALE_AUTH_LISTEN) ||
        held_of_socket(socket, ALE_RESOURCE_ASSIGNMENT))
        return SKB_DROP;
    bool noted = permit_noted(bench, socket, skb->ifindex);
    bench->permitted = 0;
    if (noted) {
        report_accept(request, &socket->owner);
        return SKB_PASS;
    }
    packet_request(request, socket, &work->packet, true);
    request->direction = DIRECTION_INBOUND;
    request->hold = ALE_HOLD_DROP;
    key_interface(request, skb->ifindex);
    return authorize(request, &socket->owner, ALE_AUTH_RECV_ACCEPT, COLLECT_ALLOWS) == BLOCKED
               ? SKB_DROP
               : SKB_PASS;
}

static __always_inline int receive_packet(struct __sk_buff *skb, struct bpf_sock *sk,
                                          const struct ale_socket *socket, struct work *work)
{
    struct packet *packet = &work->packet;
    struct request *request = &work->request;

    if (!packet_parse_near(skb, packet))
        return SKB_DROP;
    if (is_icmp_error(packet))
        return SKB_PASS;
    if (held_of_socket(socket, ALE_RESOURCE_ASSIGNMENT))
        return SKB_DROP;
    packet_flow_key(&work->flow, socket, packet, true);
    if (flow_is_current(&work->flow) || flow_awaits_anyone(&work->flow))
        return SKB_PASS;
    packet_request(request, socket, packet, true);
    request->hold = ALE_HOLD_DROP;
    key_interface(request, skb->ifindex);
    if (sk->type == SOCK_RAW)
        key_flag(request, FLAG_RAW_ENDPOINT);
    return flow_authorize(request, &socket->owner, &work->flow, 1) == BLOCKED ? SKB_DROP : SKB_PASS;
}

/* A connected datagram socket hears only the peer it was permitted. */
static __always_inline bool hears_its_peer(struct bpf_sock *sk, const struct ale_socket *socket)
{
    return sk->type == SOCK_DGRAM && sk->state == TCP_ESTABLISHED_STATE && socket->connected &&
           socket->connected == policy_generation();
}

/* Datagram sockets have an owner only where filters ask for one; who listens always has. */
static __always_inline bool is_unowned(struct bpf_sock *sk, bool stream)
{
    struct ale_state *shared = state_get();

    return shared && (stream || (shared->remember & ALE_REMEMBER_OTHER)) && is_stranger(sk);
}

SEC("cgroup_skb/ingress") int ale_ingress(struct __sk_buff *skb)
{
    struct bpf_sock *sk = skb->sk;
    struct ale_socket *socket;
    struct workbench *bench;

    if (!sk)
        return SKB_PASS;
    sk = bpf_sk_fullsock(sk);
    if (!sk || (is_stream(sk->type, sk->protocol) && sk->state != TCP_LISTEN_STATE))
        return SKB_PASS;
    bool stream = is_stream(sk->type, sk->protocol);
    if (stream && is_later_segment(skb))
        return SKB_PASS;
    socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (socket ? hears_its_peer(sk, socket) : !is_unowned(sk, stream))
        return SKB_PASS;
    bench = workbench_take(stream);
    if (!bench)
        return SKB_DROP;
    if (!socket) {
        socket = &bench->work.socket;
        stranger_describe(socket, skb, sk);
    }
    int answer =
        stream ? accept_syn(skb, socket, bench) : receive_packet(skb, sk, socket, &bench->work);
    workbench_return(bench);
    return answer;
}

/* ---------------------------------------------------------- the lookup hook */

/* The loader puts the namespace's cookie here, one instance of the program for each: this hook
 * can't ask for it. */
const volatile __u64 lookup_netns_cookie;

/* The listener for an address: bound to it, or to the wildcard of its family, or to any. */
static __always_inline struct ale_endpoint *endpoint_find(__u64 netns_cookie, const __u8 *address,
                                                          __u16 port)
{
    struct ale_endpoint_key key = {.netns_cookie = netns_cookie, .port = port};

    __builtin_memcpy(key.address, address, sizeof(key.address));
    struct ale_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &key);
    if (endpoint)
        return endpoint;
    if (address_is_mapped(address)) {
        *(__u32 *)(key.address + 12) = 0;
        endpoint = bpf_map_lookup_elem(&endpoints, &key);
        if (endpoint)
            return endpoint;
    }
    __builtin_memset(key.address, 0, sizeof(key.address));
    endpoint = bpf_map_lookup_elem(&endpoints, &key);
    return endpoint && endpoint->v6only && address_is_mapped(address) ? NULL : endpoint;
}

static __always_inline void lookup_addresses(struct bpf_sk_lookup *ctx, __u8 *local, __u8 *remote)
{
    if (ctx->family == AF_INET) {
        address_from_v4(local, ctx->local_ip4);
        address_from_v4(remote, ctx->remote_ip4);
        return;
    }
    ((__u32 *)local)[0] = ctx->local_ip6[0];
    ((__u32 *)local)[1] = ctx->local_ip6[1];
    ((__u32 *)local)[2] = ctx->local_ip6[2];
    ((__u32 *)local)[3] = ctx->local_ip6[3];
    ((__u32 *)remote)[0] = ctx->remote_ip6[0];
    ((__u32 *)remote)[1] = ctx->remote_ip6[1];
    ((__u32 *)remote)[2] = ctx->remote_ip6[2];
    ((__u32 *)remote)[3] = ctx->remote_ip6[3];
}

static __always_inline void endpoint_request(struct request *request,
                                             const struct ale_endpoint *endpoint)
{
    request_clear(request);
    request->cookie = endpoint->cookie;
    request->netns_cookie = lookup_netns_cookie;
    request->netns = endpoint->netns;
    request->family = endpoint->family;
    request->direction = DIRECTION_INBOUND;
    key_set(request, CLASSIFY_FLAGS, 0);
    key_set(request, CLASSIFY_PROTOCOL, IPPROTO_TCP);
    key_set(request, CLASSIFY_UID, endpoint->owner.uid);
    key_set(request, CLASSIFY_APP, endpoint->owner.app);
    key_set(request, CLASSIFY_COMPARTMENT, endpoint->netns);
}

static __always_inline int lookup_answer(struct bpf_sk_lookup *ctx, struct workbench *bench)
{
    struct work *work = &bench->work;
    struct request *request = &work->request;
    struct ale_endpoint *endpoint;

    lookup_addresses(ctx, work->local, work->remote);
    endpoint = endpoint_find(lookup_netns_cookie, work->local, ctx->local_port);
    if (!endpoint || endpoint->shared)
        return SK_PASS;
    if (endpoint->refused)
        return SK_DROP;
    endpoint_request(request, endpoint);
    key_local(request, work->local, ctx->local_port);
    key_remote(request, work->remote, bpf_ntohs(ctx->remote_port));
    key_interface(request, ctx->ingress_ifindex);
    request->hold = HOLD_LOOK;
    enum verdict verdict = authorize(request, &endpoint->owner, ALE_AUTH_RECV_ACCEPT, 0);
    if (verdict == PERMITTED)
        permit_note(bench, &endpoint->owner);
    return verdict == BLOCKED ? SK_DROP : SK_PASS;
}

/* sock_diag looks a listener up, to destroy it, as if nobody had called from port 0. */
static __always_inline bool is_diagnosis(struct bpf_sk_lookup *ctx)
{
    return !ctx->remote_port && !ctx->remote_ip4 && !ctx->remote_ip6[0] && !ctx->remote_ip6[3];
}

/* Only refuses: what it lets pass comes to the ingress hook, which reports it. */
SEC("sk_lookup") int ale_lookup(struct bpf_sk_lookup *ctx)
{
    struct workbench *bench;

    if (ctx->protocol != IPPROTO_TCP || is_diagnosis(ctx))
        return SK_PASS;
    bench = workbench_take(false);
    if (!bench)
        return SK_DROP;
    int answer = lookup_answer(ctx, bench);
    workbench_return(bench);
    return answer;
}

#endif
