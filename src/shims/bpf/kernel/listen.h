/*
 * TCP's own events. A listener can't be refused here (only LSM's hook can, see lsm.h): it is
 * marked, every peer of it is refused, and the loader is asked to destroy it.
 */
#ifndef OPENWFP_ALE_LISTEN_H
#define OPENWFP_ALE_LISTEN_H

#include "cookie.h"

static __always_inline bool is_v6only(struct bpf_sock *sk)
{
    struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);

    return full && BPF_CORE_READ_BITFIELD_PROBED(&full->__sk_common, skc_ipv6only);
}

static __always_inline void endpoint_key(struct ale_endpoint_key *key,
                                         const struct ale_socket *socket)
{
    __builtin_memset(key, 0, sizeof(*key));
    key->netns_cookie = socket->netns_cookie;
    key->port = socket->local_port;
    __builtin_memcpy(key->address, socket->local, sizeof(key->address));
}

static __always_inline void endpoint_publish(struct ale_endpoint *endpoint,
                                             const struct ale_socket *socket, bool v6only)
{
    struct ale_endpoint_key key;

    endpoint_key(&key, socket);
    struct ale_endpoint *other = bpf_map_lookup_elem(&endpoints, &key);
    bpf_probe_read_kernel(&endpoint->owner, sizeof(endpoint->owner), &socket->owner);
    endpoint->cookie = socket->cookie;
    endpoint->netns = socket->netns;
    endpoint->family = socket->family;
    endpoint->v6only = v6only;
    endpoint->refused = !!(socket->flags & ALE_SOCKET_REFUSED);
    endpoint->shared = other && other->cookie != socket->cookie;
    bpf_map_update_elem(&endpoints, &key, endpoint, BPF_ANY);
}

static __always_inline void endpoint_withdraw(const struct ale_socket *socket)
{
    struct ale_endpoint_key key;

    endpoint_key(&key, socket);
    struct ale_endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &key);
    if (endpoint && (endpoint->cookie == socket->cookie || endpoint->shared))
        bpf_map_delete_elem(&endpoints, &key);
}

/* Whether LSM's hook has permitted it, earlier in this call. A thread may have changed the address
 * since: then it counts for nothing. */
static __always_inline bool listen_is_decided(struct ale_process *process,
                                              const struct ale_socket *socket)
{
    const __u64 *decided = (const __u64 *)process->listening;
    const __u64 *local = (const __u64 *)socket->local;
    bool same = process->listening_port && process->listening_port == socket->local_port &&
                decided[0] == local[0] && decided[1] == local[1];

    process->listening_port = 0;
    return same;
}

static __always_inline bool listen_is_refused(const struct caller *caller)
{
    struct request *request = &caller->process->work.request;
    struct ale_socket *socket = caller->socket;

    if (held_of_socket(socket, ALE_RESOURCE_ASSIGNMENT) == HELD_BLOCKED)
        return true;
    if (listen_is_decided(caller->process, socket))
        return false;
    request->hold = ALE_HOLD_LATER;
    enum verdict verdict =
        authorize(request, &caller->process->self, ALE_AUTH_LISTEN, COLLECT_ALLOWS);
    held_note(socket, request);
    return verdict == BLOCKED;
}

/* Runs inside listen(), so the caller is who listens. */
static __always_inline void on_listen(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
    struct caller caller;

    if (CALLER_ENTER(&caller, ctx, sk, ctx->family, SOCK_STREAM, IPPROTO_TCP, true) != ENTRY_READY)
        return;
    struct work *work = &caller.process->work;
    struct request *request = &work->request;
    const struct ale_identity *self = &caller.process->self;
    struct ale_socket *socket = caller.socket;

    ops_addresses(ctx, socket->local, work->remote);
    socket->local_port = ctx->local_port;
    socket->flags = (socket->flags & ~ALE_SOCKET_REFUSED) | ALE_SOCKET_CONNECTED;
    request_start(request, socket, self);
    request->direction = DIRECTION_INBOUND;
    key_local(request, socket->local, socket->local_port);
    key_set(request, CLASSIFY_FLAGS, 0);
    if (listen_is_refused(&caller)) {
        socket->flags |= ALE_SOCKET_REFUSED;
        ask_loader(request, self, ALE_DESTROY, ALE_AUTH_LISTEN);
    }
    endpoint_publish(&work->endpoint, socket, is_v6only(sk));
    if (!bpf_map_lookup_elem(&namespaces, &socket->netns_cookie))
        ask_loader(request, self, ALE_NAMESPACE, ALE_AUTH_LISTEN);
    bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
}

/* An accepted socket's owner is its listener's, until it makes a call of its own. */
static __always_inline struct ale_socket *socket_accepted(struct bpf_sock_ops *ctx,
                                                          struct bpf_sock *sk, const __u8 *local)
{
    __u64 netns_cookie = bpf_get_netns_cookie(ctx);
    struct ale_endpoint *endpoint = endpoint_find(netns_cookie, local, ctx->local_port);
    struct ale_socket *socket;

    if (!endpoint)
        return NULL;
    socket = bpf_sk_storage_get(&sockets, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    if (!socket)
        return NULL;
    socket_own(socket, &endpoint->owner);
    socket->cookie = bpf_get_socket_cookie(ctx);
    socket->netns_cookie = netns_cookie;
    socket->netns = endpoint->netns;
    socket->family = endpoint->family;
    socket->protocol = IPPROTO_TCP;
    return socket;
}

static __always_inline void established(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                        struct work *work, bool inbound)
{
    struct request *request = &work->request;
    struct ale_socket *socket;

    ops_addresses(ctx, work->local, work->remote);
    socket =
        inbound ? socket_accepted(ctx, sk, work->local) : bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (!socket)
        return;
    socket->flags |= ALE_SOCKET_CONNECTED;
    socket->local_port = ctx->local_port;
    socket->remote_port = bpf_ntohl(ctx->remote_port);
    __builtin_memcpy(socket->local, work->local, sizeof(socket->local));
    __builtin_memcpy(socket->remote, work->remote, sizeof(socket->remote));
    request_start(request, socket, &socket->owner);
    request->direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    key_local(request, work->local, socket->local_port);
    key_remote(request, work->remote, socket->remote_port);
    if (flow_established(request, &socket->owner) == BLOCKED)
        ask_loader(request, &socket->owner, ALE_DESTROY, ALE_FLOW_ESTABLISHED);
}

/* Only when TCP's flows are asked for or remembered: it is one of the dearer hooks. */
static __always_inline void on_established(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
                                           bool inbound)
{
    struct ale_state *shared = state_get();
    struct workbench *bench;

    if (!shared || !(shared->remember & ALE_REMEMBER_TCP))
        return;
    bench = workbench_take(false);

    if (!bench)
        return;
    established(ctx, sk, &bench->work, inbound);
    workbench_return(bench);
}

static __always_inline void on_state(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
    struct ale_socket *socket;

    if (ctx->args[0] != TCP_LISTEN_STATE)
        return;
    socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (socket)
        endpoint_withdraw(socket);
}

SEC("sockops") int ale_sockops(struct bpf_sock_ops *ctx)
{
    __u32 operation = ctx->op;

    /* Most of TCP's calls are not for us. */
    if (operation != BPF_SOCK_OPS_TCP_LISTEN_CB &&
        operation != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
        operation != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB && operation != BPF_SOCK_OPS_STATE_CB)
        return 1;
    struct bpf_sock *sk = ctx->sk;
    if (!sk)
        return 1;
    switch (operation) {
    case BPF_SOCK_OPS_TCP_LISTEN_CB:
        on_listen(ctx, sk);
        break;
    case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
        on_established(ctx, sk, false);
        break;
    case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
        bpf_sock_ops_cb_flags_set(ctx, 0);
        on_cookie(ctx, sk);
        on_established(ctx, sk, true);
        break;
    case BPF_SOCK_OPS_STATE_CB:
        on_state(ctx, sk);
        break;
    }
    return 1;
}

#endif
