/* A packet's ends as its socket sees them. Everything is read from the packet with bounds; what
 * can't be read is not there. */
#ifndef OPENWFP_ALE_PACKET_H
#define OPENWFP_ALE_PACKET_H

#include "flow.h"
#include "stranger.h"

#define ETH_P_IP   0x0800
#define ETH_P_IPV6 0x86dd

#define EXTENSION_HEADERS 6
#define TCP_FLAG_SYN      0x02
#define TCP_FLAG_ACK      0x10

/* The packet's first bytes, if so many lie together: quicker than asking for them. */
static __always_inline const __u8 *packet_bytes(struct __sk_buff *skb, __u32 size)
{
    const __u8 *bytes = (const void *)(long)skb->data;

    return bytes + size <= (const __u8 *)(long)skb->data_end ? bytes : NULL;
}

#define V4_PLAIN  0x45 /* no options */
#define V4_HEADER 20
#define V6_HEADER 40
#define TCP_FLAGS 13 /* where they are */

static __always_inline bool is_fragment(const __u8 *header)
{
    return *(const __u16 *)(header + 6) & bpf_htons(0x1fff);
}

/* Most packets of IPv4: no options, not a later fragment, and all of interest at hand. */
static __always_inline bool parse_plain_v4(struct __sk_buff *skb, struct packet *packet)
{
    const __u8 *header = packet_bytes(skb, V4_HEADER + sizeof(packet->head));

    if (!header || header[0] != V4_PLAIN || is_fragment(header))
        return false;
    packet->protocol = header[9];
    packet->transport = V4_HEADER;
    address_from_v4(packet->source, *(const __u32 *)(header + 12));
    address_from_v4(packet->destination, *(const __u32 *)(header + 16));
    __builtin_memcpy(packet->head, header + V4_HEADER, sizeof(packet->head));
    return true;
}

static __always_inline bool parse_v4(struct __sk_buff *skb, struct packet *packet)
{
    __u8 header[V4_HEADER];

    if (bpf_skb_load_bytes(skb, 0, header, sizeof(header)))
        return false;
    packet->protocol = header[9];
    address_from_v4(packet->source, *(__u32 *)(header + 12));
    address_from_v4(packet->destination, *(__u32 *)(header + 16));
    if (!is_fragment(header))
        packet->transport = (header[0] & 0xf) * 4;
    return true;
}

static __always_inline bool is_extension(__u8 next)
{
    return next == 0 || next == 43 || next == 60;
}

static __always_inline bool parse_v6(struct __sk_buff *skb, struct packet *packet)
{
    __u32 offset = V6_HEADER;
    __u8 next, extension[8];

    if (bpf_skb_load_bytes(skb, 6, &next, 1) || bpf_skb_load_bytes(skb, 8, packet->source, 16) ||
        bpf_skb_load_bytes(skb, 24, packet->destination, 16))
        return false;
    for (int i = 0; i < EXTENSION_HEADERS && (is_extension(next) || next == 44); i++) {
        if (bpf_skb_load_bytes(skb, offset, extension, sizeof(extension)))
            return false;
        if (next == 44 && (*(__u16 *)(extension + 2) & bpf_htons(0xfff8))) {
            packet->protocol = extension[0];
            return true;
        }
        offset += next == 44 ? 8 : (extension[1] + 1) * 8;
        next = extension[0];
    }
    if (is_extension(next) || next == 44)
        return false; /* more than anybody honest needs: what is behind them is not known */
    packet->protocol = next;
    packet->transport = offset;
    return true;
}

static __always_inline bool packet_parse(struct __sk_buff *skb, struct packet *packet)
{
    __builtin_memset(packet, 0, sizeof(*packet));
    if (skb->protocol == bpf_htons(ETH_P_IP) ? !parse_v4(skb, packet) : !parse_v6(skb, packet))
        return false;
    if (packet->transport &&
        bpf_skb_load_bytes(skb, packet->transport, packet->head, sizeof(packet->head)))
        packet->transport = 0;
    return true;
}

/* The same, for programs that may read packets where they are: those of cgroups. */
static __always_inline bool packet_parse_near(struct __sk_buff *skb, struct packet *packet)
{
    return (skb->protocol == bpf_htons(ETH_P_IP) && parse_plain_v4(skb, packet)) ||
           packet_parse(skb, packet);
}

static __always_inline bool is_icmp(const struct packet *packet)
{
    return packet->protocol == IPPROTO_ICMP || packet->protocol == IPPROTO_ICMPV6;
}

/* ICMP errors belong to the flow they speak of, never to one of their own (15.12). */
static __always_inline bool is_icmp_error(const struct packet *packet)
{
    __u8 type = packet->head[0];

    if (packet->protocol == IPPROTO_ICMPV6)
        return type < 128;
    return packet->protocol == IPPROTO_ICMP &&
           (type == 3 || type == 4 || type == 5 || type == 11 || type == 12);
}

static __always_inline __u16 packet_port(const struct packet *packet, __u32 offset)
{
    return bpf_ntohs(*(const __u16 *)(packet->head + offset));
}

static __always_inline bool has_ports(const struct packet *packet)
{
    return packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP ||
           packet->protocol == IPPROTO_SCTP || packet->protocol == 136;
}

/* One flow per peer: by the peer's port, for ICMP by the echo's id (15.2). */
static __always_inline void packet_flow_key(struct ale_flow_key *key,
                                            const struct ale_socket *socket,
                                            const struct packet *packet, bool inbound)
{
    __u16 port = 0;

    if (has_ports(packet))
        port = packet_port(packet, inbound ? 0 : 2);
    else if (is_icmp(packet))
        port = packet_port(packet, 4);
    flow_key(key, socket->cookie, packet->protocol, inbound ? packet->source : packet->destination,
             port);
}

static __always_inline void packet_request(struct request *request, const struct ale_socket *socket,
                                           const struct packet *packet, bool inbound)
{
    const __u8 *local = inbound ? packet->destination : packet->source;
    const __u8 *remote = inbound ? packet->source : packet->destination;

    request_start(request, socket, &socket->owner);
    key_set(request, CLASSIFY_PROTOCOL, packet->protocol);
    if (is_icmp(packet)) {
        key_local(request, local, 0);
        key_remote(request, remote, packet->head[1]);
        key_set(request, CLASSIFY_LOCAL_PORT, packet->head[0]);
        request->peer_port = packet_port(packet, 4);
    } else if (has_ports(packet)) {
        key_local(request, local, packet_port(packet, inbound ? 2 : 0));
        key_remote(request, remote, packet_port(packet, inbound ? 0 : 2));
    } else {
        key_local(request, local, 0);
        key_remote(request, remote, 0);
    }
}

#define SKB_PASS 1
#define SKB_DROP 0
#define SKB_LOSE 2 /* on egress: as if the network had lost it; its sender is told nothing */

static __always_inline bool begins(__u8 flags)
{
    return (flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN;
}

static __always_inline bool is_first_syn(const struct packet *packet, struct __sk_buff *skb)
{
    __u8 flags;

    if (!packet->transport || bpf_skb_load_bytes(skb, packet->transport + TCP_FLAGS, &flags, 1))
        return false;
    return begins(flags);
}

/* Whether it is a segment that begins no connection, as far as can be told at a glance. */
static __always_inline bool is_later_segment(struct __sk_buff *skb)
{
    bool v4 = skb->protocol == bpf_htons(ETH_P_IP);
    const __u8 *header = packet_bytes(skb, (v4 ? V4_HEADER : V6_HEADER) + TCP_FLAGS + 1);

    if (!header)
        return false;
    if (v4)
        return header[0] == V4_PLAIN && header[9] == IPPROTO_TCP && !is_fragment(header) &&
               !begins(header[V4_HEADER + TCP_FLAGS]);
    return header[6] == IPPROTO_TCP && !begins(header[V6_HEADER + TCP_FLAGS]);
}

/* By what an outbound packet's operation is held, if it may be of one. */
static __always_inline bool held_key_of_packet(struct __sk_buff *skb, struct packet *packet,
                                               struct ale_held_key *key)
{
    if (!packet_parse(skb, packet) ||
        (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP) ||
        (packet->protocol == IPPROTO_TCP && !is_first_syn(packet, skb)))
        return false;
    __builtin_memset(key, 0, sizeof(*key));
    key->cookie = bpf_get_socket_cookie(skb);
    key->layer = ALE_AUTH_CONNECT;
    key->protocol = packet->protocol;
    key->port = packet_port(packet, 2);
    __builtin_memcpy(key->remote, packet->destination, sizeof(key->remote));
    return true;
}

static __always_inline struct held *held_of_packet(struct __sk_buff *skb, struct packet *packet,
                                                   struct ale_held_key *key)
{
    return held_key_of_packet(skb, packet, key) ? bpf_map_lookup_elem(&held, key) : NULL;
}

static __always_inline int send_packet(struct __sk_buff *skb, struct bpf_sock *sk,
                                       struct ale_socket *socket, struct work *work)
{
    struct packet *packet = &work->packet;

    if (!packet_parse_near(skb, packet))
        return SKB_DROP;
    if (is_icmp_error(packet))
        return SKB_PASS;
    packet_flow_key(&work->flow, socket, packet, false);
    if (!flow_is_current(&work->flow)) {
        packet_request(&work->request, socket, packet, false);
        work->request.hold = ALE_HOLD_DROP;
        if (sk->type == SOCK_RAW)
            key_flag(&work->request, FLAG_RAW_ENDPOINT);
        if (flow_authorize(&work->request, &socket->owner, &work->flow, 0) == BLOCKED)
            return SKB_DROP;
    }
    if (address_type(packet->destination) != ADDRESS_UNICAST)
        flow_await_anyone(&work->flow);
    return SKB_PASS;
}

/* Of a socket with a send hook: a packet of an operation that is asked about comes here only when
 * no rule has put it into the queue. By now somebody may have translated its addresses; a TCP
 * socket still has the peer that was asked about. */
static __always_inline int send_held(struct __sk_buff *skb, struct bpf_sock *sk)
{
    struct ale_state *shared = state_get();
    struct ale_held_key key;
    struct packet packet;

    if (!shared || !shared->held)
        return SKB_PASS;
    if (!held_key_of_packet(skb, &packet, &key))
        return SKB_PASS;
    const struct held *entry = bpf_map_lookup_elem(&held, &key);
    if (!entry && (packet.protocol == IPPROTO_TCP || sk->state == TCP_ESTABLISHED_STATE)) {
        peer_address(sk, key.remote);
        key.port = bpf_ntohs(sk->dst_port);
        entry = bpf_map_lookup_elem(&held, &key);
    }
    if (!entry || entry->state == HELD_PERMITTED)
        return SKB_PASS;
    if (entry->state != HELD_ASKED)
        return SKB_DROP;
    held_ask_network(&entry->request, &entry->owner);
    return packet.protocol == IPPROTO_UDP ? SKB_LOSE : SKB_DROP;
}

/* Outbound packets of sockets that have no send hook: raw, ping, whatever is neither TCP nor UDP.
 * The kernel's own sockets answer pings, reset connections, find neighbours: they pass. */
SEC("cgroup_skb/egress") int ale_egress(struct __sk_buff *skb)
{
    struct bpf_sock *sk = skb->sk;
    struct ale_socket *socket;
    struct workbench *bench;

    if (!sk)
        return SKB_PASS;
    sk = bpf_sk_fullsock(sk);
    if (!sk)
        return SKB_PASS;
    if (is_stream(sk->type, sk->protocol) ||
        (sk->type == SOCK_DGRAM && sk->protocol == IPPROTO_UDP))
        return send_held(skb, sk);
    socket = bpf_sk_storage_get(&sockets, sk, NULL, 0);
    if (!socket && !is_stranger(sk))
        return SKB_PASS;
    bench = workbench_take(false);
    if (!bench)
        return SKB_DROP;
    if (!socket) {
        socket = &bench->work.socket;
        stranger_describe(socket, skb, sk);
    }
    int answer = send_packet(skb, sk, socket, &bench->work);
    workbench_return(bench);
    return answer;
}

#endif
