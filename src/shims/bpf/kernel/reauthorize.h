/*
 * Established TCP meets no filter, nor does what a connected UDP socket sends, so a change of
 * policy has to go and see them: every covered connection is asked about again, at the layer that
 * made it (15.9), and the loader destroys the sockets of those that are blocked now.
 *
 * Iterators, one after the other. The first goes over all open files and notes with each socket the
 * process that holds it: most clients are not remembered with their sockets. Two more go over a
 * network namespace's connections, also those that no file has: not accepted yet, half open, closed
 * by their program but not done.
 */
#ifndef OPENWFP_ALE_REAUTHORIZE_H
#define OPENWFP_ALE_REAUTHORIZE_H

#include "adopt.h"

#define TCP_SYN_SENT_STATE     2
#define TCP_TIME_WAIT_STATE    6
#define TCP_CLOSED_STATE       7
#define TCP_NEW_SYN_RECV_STATE 12

#define BOUND_TO_PORT 8 /* sk_userlocks: bind() named the port; a clone of a listener hasn't it */

/* Who held the socket when the first iterator came by. */
struct holder {
    struct ale_identity self;
    __u64 scan;
    __u64 kin; /* it lives in the cgroup in which the socket was made */
};

struct {
    __uint(type, BPF_MAP_TYPE_SK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct holder);
} holders SEC(".maps");

/* The loader writes it before each round; one runs at a time. */
struct reauthorizing {
    __u64 scan;
    struct ale_process process; /* the one whose files are seen, later the room to think */
    struct ale_found found;
    struct ale_live live;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct reauthorizing);
} reauthorizing SEC(".maps");

static __always_inline struct reauthorizing *reauthorizing_get(void)
{
    __u32 zero = 0;

    return bpf_map_lookup_elem(&reauthorizing, &zero);
}

/* ---- who holds it ---- */

static __always_inline void read_holder(struct ale_process *process, struct task_struct *task)
{
    if (process->self.pid != task->tgid ||
        process->self.start_time != task->group_leader->start_boottime)
        process->image = 0;
    process_refresh(process, task, true);
}

/* Of several holders the first stands, but before it the first that lives where the socket was
 * made: a descriptor handed to another service doesn't hide its program. */
static __always_inline void note_holder(struct reauthorizing *now, struct sock *sk)
{
    struct holder *holder = bpf_sk_storage_get(&holders, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
    bool kin = now->process.self.cgroup == BPF_CORE_READ(sk, sk_cgrp_data.cgroup, kn, id);

    if (!holder || (holder->scan == now->scan && (holder->kin || !kin)))
        return;
    bpf_probe_read_kernel(&holder->self, sizeof(holder->self), &now->process.self);
    holder->kin = kin;
    holder->scan = now->scan;
}

/* In the middle of a connect(): permitted, maybe by the policy before, and not to be seen among the
 * connections yet. The socket is locked from before the hook until it can be seen. */
static __always_inline bool is_unsettled(struct sock *sk, __u8 state)
{
    return (state == TCP_CLOSED_STATE || state == TCP_SYN_SENT_STATE) &&
           BPF_CORE_READ(sk, sk_lock.owned);
}

static __always_inline bool can_connect(struct sock *sk)
{
    __u16 type = BPF_CORE_READ(sk, sk_type);

    return type == SOCK_STREAM ||
           (type == SOCK_DGRAM && BPF_CORE_READ(sk, sk_protocol) == IPPROTO_UDP);
}

SEC("iter/task_file") int ale_holders(struct bpf_iter__task_file *ctx)
{
    struct reauthorizing *now = reauthorizing_get();
    struct task_struct *task = ctx->task;
    struct file *file = ctx->file;
    struct socket *opened;
    struct sock *sk;

    if (!now || !task || !file)
        return 0;
    opened = bpf_sock_from_file(file);
    if (!opened)
        return 0;
    sk = opened->sk;
    if (!sk || !can_connect(sk) || !is_covered(sk))
        return 0;
    __u8 state = COMMON(sk, skc_state);
    now->found.unsettled = is_unsettled(sk, state);
    if (state == TCP_CLOSED_STATE && !now->found.unsettled)
        return 0;
    read_holder(&now->process, task);
    note_holder(now, sk);
    now->found.pid = task->tgid;
    now->found.fd = ctx->fd;
    now->found.netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
    bpf_seq_write(ctx->meta->seq, &now->found, sizeof(now->found));
    return 0;
}

/* ---- which way it was made ---- */

static __always_inline bool has_listener(const struct ale_socket *socket)
{
    return endpoint_find(socket->netns_cookie, socket->local, socket->local_port);
}

/*
 * An accepted socket is a clone of its listener: it has the listener's backlog and, as the port is
 * not its own, not the mark of having asked for it. A port that connect() chose has a bucket that
 * never was for sharing. Left are clients that bound themselves to port 0, and clones of listeners
 * without a backlog: of those there is a listener.
 */
static __always_inline bool was_accepted(struct sock *sk, const struct ale_socket *socket)
{
    struct inet_bind_bucket *bucket =
        BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash);

    if (BPF_CORE_READ(sk, sk_userlocks) & BOUND_TO_PORT)
        return false;
    if (bucket && BPF_CORE_READ(bucket, fastreuse) < 0)
        return false;
    return BPF_CORE_READ(sk, sk_max_ack_backlog) || has_listener(socket);
}

/* ---- the connection ---- */

static __always_inline void describe_half_open(struct work *work, struct request_sock *half)
{
    struct sock *sk = (struct sock *)half;

    if (BPF_CORE_READ(half, rsk_ops, family) == AF_INET) {
        address_from_v4(work->socket.local, COMMON(sk, skc_rcv_saddr));
        address_from_v4(work->socket.remote, COMMON(sk, skc_daddr));
        return;
    }
    local_of_sock(work->socket.local, sk);
    remote_of_sock(work->socket.remote, sk);
}

static __always_inline void describe_connection(struct work *work, struct sock *sk, __u8 protocol,
                                                bool half_open)
{
    struct net *net = COMMON(sk, skc_net.net);
    struct ale_socket *socket = &work->socket;

    socket->netns_cookie = BPF_CORE_READ(net, net_cookie);
    socket->netns = BPF_CORE_READ(net, ns.inum);
    socket->family = COMMON(sk, skc_family) == AF_INET ? 4 : 6;
    socket->protocol = protocol;
    socket->local_port = COMMON(sk, skc_num);
    socket->remote_port = bpf_ntohs(COMMON(sk, skc_dport));
    if (half_open) {
        describe_half_open(work, (struct request_sock *)sk);
        return;
    }
    local_of_sock(socket->local, sk);
    remote_of_sock(socket->remote, sk);
}

/* Nobody is known to hold it: what the kernel itself knows. */
static __always_inline const struct ale_identity *stranger(struct reauthorizing *now,
                                                           struct sock *sk, bool half_open)
{
    struct ale_identity *self = &now->process.self;

    if (half_open)
        sk = COMMON(sk, skc_listener);
    __builtin_memset(self, 0, sizeof(*self));
    self->uid = BPF_CORE_READ(sk, sk_uid.val);
    self->gid = NO_GROUP;
    return self;
}

/* Sockets that are remembered have their owner with them. What was accepted is its listener's. */
static __always_inline const struct ale_identity *owner_of(struct reauthorizing *now, void *sk,
                                                           bool inbound, bool half_open)
{
    const struct ale_socket *described = &now->process.work.socket;
    struct ale_socket *socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    struct holder *holder = bpf_sk_storage_get(&holders, sk, NULL, 0);
    struct ale_endpoint *endpoint = NULL;
    struct ale_state *shared = state_get();

    if (socket && shared && (shared->remember & memory_for(described->protocol)))
        return &socket->owner;
    if (inbound)
        endpoint = endpoint_find(described->netns_cookie, described->local, described->local_port);
    if (endpoint && !endpoint->shared)
        return &endpoint->owner;
    if (holder && holder->scan == now->scan)
        return &holder->self;
    if (socket)
        return &socket->owner;
    return endpoint ? &endpoint->owner : stranger(now, sk, half_open);
}

/* A connection that was led elsewhere is asked about with the peer that it has become (21.6). */
static __always_inline void key_peer(struct request *request, const struct ale_socket *socket)
{
    struct ale_flow_key flow;

    flow_key(&flow, socket->cookie, socket->protocol, socket->remote, socket->remote_port);
    const struct ale_peer *peer = bpf_map_lookup_elem(&led, &flow);
    if (!peer) {
        key_remote(request, socket->remote, socket->remote_port);
        return;
    }
    key_remote(request, peer->address, peer->port);
    key_flag(request, FLAG_REDIRECTED);
}

/* Where user space is asked it can't be waited for (17.2): request->hold is ALE_HOLD_NOTICE. */
static __always_inline enum verdict reauthorize(struct work *work, const struct ale_identity *owner,
                                                bool inbound, __u32 ifindex)
{
    struct request *request = &work->request;
    const struct ale_socket *socket = &work->socket;

    /* It never is NULL, but the verifier has lost sight of that. */
    asm volatile("" : "+r"(owner));
    if (!owner)
        return PERMITTED;
    request_start(request, socket, owner);
    request->direction = inbound ? DIRECTION_INBOUND : DIRECTION_OUTBOUND;
    key_local(request, socket->local, socket->local_port);
    key_peer(request, socket);
    key_interface(request, ifindex);
    key_flag(request, FLAG_REAUTHORIZE);
    key_set(request, CLASSIFY_REAUTHORIZE_REASON, REASON_POLICY_CHANGE);
    return authorize(request, owner, inbound ? ALE_AUTH_RECV_ACCEPT : ALE_AUTH_CONNECT,
                     COLLECT_ALLOWS);
}

static __always_inline void tell(struct seq_file *seq, struct ale_live *live,
                                 const struct ale_socket *socket, struct sock *sk, bool blocked)
{
    live->cookie = socket->cookie;
    live->family = socket->family;
    live->protocol = socket->protocol;
    live->local_port = socket->local_port;
    live->remote_port = socket->remote_port;
    live->bound = COMMON(sk, skc_bound_dev_if);
    live->blocked = blocked;
    if (socket->family == 4) {
        *(__u32 *)live->local = *(const __u32 *)(socket->local + 12);
        *(__u32 *)live->remote = *(const __u32 *)(socket->remote + 12);
    } else {
        __builtin_memcpy(live->local, socket->local, sizeof(live->local));
        __builtin_memcpy(live->remote, socket->remote, sizeof(live->remote));
    }
    bpf_seq_write(seq, live, sizeof(*live));
}

static __always_inline bool is_connection(__u8 state)
{
    return state != TCP_LISTEN_STATE && state != TCP_CLOSED_STATE && state != TCP_TIME_WAIT_STATE;
}

/* A half-open connection is covered if its listener is. */
static __always_inline bool is_covered_connection(struct sock *sk, bool half_open)
{
    return is_covered(half_open ? COMMON(sk, skc_listener) : sk);
}

static __always_inline __u32 interface_of(struct sock *sk, bool inbound, bool half_open)
{
    __u32 arrival = inbound && !half_open ? BPF_CORE_READ(sk, sk_rx_dst_ifindex) : 0;

    return arrival ? arrival : COMMON(sk, skc_bound_dev_if);
}

/* The kernel's own connections were asked about by nobody. */
static __always_inline bool is_kernels_own(void *known, struct sock *sk)
{
    return BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock) && !serves_program(sk) &&
           !bpf_sk_storage_get(&sockets, known, NULL, 0);
}

SEC("iter/tcp") int ale_reauthorize(struct bpf_iter__tcp *ctx)
{
    struct reauthorizing *now = reauthorizing_get();
    struct sock_common *common = ctx->sk_common;
    struct sock *sk = (struct sock *)common;

    if (!now || !common)
        return 0;
    __u8 state = COMMON(sk, skc_state);
    bool half_open = state == TCP_NEW_SYN_RECV_STATE;
    struct work *work = &now->process.work;
    if (!is_connection(state) || !is_covered_connection(sk, half_open))
        return 0;
    describe_connection(work, sk, IPPROTO_TCP, half_open);
    work->socket.cookie = bpf_get_socket_cookie(common);
    bool inbound = half_open || was_accepted(sk, &work->socket);
    const struct ale_identity *owner = owner_of(now, common, inbound, half_open);
    bool own = !half_open && is_kernels_own(common, sk);
    bool blocked =
        !own && reauthorize(work, owner, inbound, interface_of(sk, inbound, half_open)) == BLOCKED;
    bpf_sk_storage_delete(&holders, common);
    tell(ctx->meta->seq, &now->live, &work->socket, sk, blocked);
    return 0;
}

/* Whoever connects a UDP socket was asked at AUTH_CONNECT, and what it sends then meets no hook. */
SEC("iter/udp") int ale_reauthorize_udp(struct bpf_iter__udp *ctx)
{
    struct reauthorizing *now = reauthorizing_get();
    struct udp_sock *udp = ctx->udp_sk;
    struct sock *sk = (struct sock *)udp;

    if (!now || !udp)
        return 0;
    struct work *work = &now->process.work;
    if (COMMON(sk, skc_state) != TCP_ESTABLISHED_STATE || !is_covered(sk))
        return 0;
    describe_connection(work, sk, IPPROTO_UDP, false);
    work->socket.cookie = bpf_get_socket_cookie(udp);
    const struct ale_identity *owner = owner_of(now, udp, false, false);
    bool own = is_kernels_own(udp, sk);
    bool blocked =
        !own && reauthorize(work, owner, false, interface_of(sk, false, false)) == BLOCKED;
    bpf_sk_storage_delete(&holders, udp);
    tell(ctx->meta->seq, &now->live, &work->socket, sk, blocked);
    return 0;
}

#endif
