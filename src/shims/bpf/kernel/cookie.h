/*
 * Connections that come of SYN cookies. Between the SYN, which was permitted, and the segment that
 * makes the connection nothing of it is kept, so a change of policy in between finds nothing to ask
 * about. Where one socket listens, the lookup hook asks again at that segment; where several share
 * the address, it can't, and the connection is asked about when it is established. It is known by
 * the round trip that nobody has measured, because nobody remembered the SYN-ACK.
 */
#ifndef OPENWFP_ALE_COOKIE_H
#define OPENWFP_ALE_COOKIE_H

#include "accept.h"

static __always_inline void ops_addresses(struct bpf_sock_ops *ctx, __u8 *local, __u8 *remote)
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

static __always_inline void cookie_request(struct work *work, const struct ale_endpoint *endpoint,
                                           __u64 cookie, __u64 netns_cookie)
{
    struct ale_socket *socket = &work->socket;
    struct request *request = &work->request;

    socket->cookie = cookie;
    socket->netns_cookie = netns_cookie;
    socket->netns = endpoint->netns;
    socket->family = endpoint->family;
    socket->protocol = IPPROTO_TCP;
    request_start(request, socket, &endpoint->owner);
    request->direction = DIRECTION_INBOUND;
    key_flag(request, FLAG_REAUTHORIZE);
    key_set(request, CLASSIFY_REAUTHORIZE_REASON, REASON_POLICY_CHANGE);
}

static __always_inline __u32 arrival_interface(struct bpf_sock *sk)
{
    struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);

    return full ? BPF_CORE_READ(full, sk_rx_dst_ifindex) : 0;
}

/* The permit was reported at the SYN. */
static __always_inline void cookie_established(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                               struct work *work)
{
    struct request *request = &work->request;
    __u64 netns_cookie = bpf_get_netns_cookie(ctx);

    ops_addresses(ctx, work->local, work->remote);
    struct ale_endpoint *endpoint = endpoint_find(netns_cookie, work->local, ctx->local_port);
    if (!endpoint)
        return;
    cookie_request(work, endpoint, bpf_get_socket_cookie(ctx), netns_cookie);
    key_local(request, work->local, ctx->local_port);
    key_remote(request, work->remote, bpf_ntohl(ctx->remote_port));
    key_interface(request, arrival_interface(sk));
    if (authorize(request, &endpoint->owner, ALE_AUTH_RECV_ACCEPT, 0) == BLOCKED)
        ask_loader(request, &endpoint->owner, ALE_DESTROY, ALE_AUTH_RECV_ACCEPT);
}

static __always_inline void on_cookie(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
    struct workbench *bench;

    if (ctx->srtt_us)
        return;
    bench = workbench_take(false);
    if (!bench)
        return;
    cookie_established(ctx, sk, &bench->work);
    workbench_return(bench);
}

#endif
