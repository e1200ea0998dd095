/* Network namespaces: each has its own rules and its own queue. */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>

#include "shims/bpf/netns.h"

#define QUEUE_LENGTH  65536u /* of the kernel's; ours are shorter, so packets are refused by us */
#define RECEIVE_BYTES (32 << 20)
#define READ_AT_ONCE  64

/* ---- the queue ---- */

static int send_message(const struct network *network, const struct nlmsghdr *header)
{
    return mnl_socket_sendto(network->queue, header, header->nlmsg_len) < 0 ? -errno : 0;
}

/* Packets whole, many, and none let through when they are too many. */
static int queue_configure(struct network *network)
{
    char buffer[4096];
    struct nlmsghdr *header = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, HOLD_QUEUE);
    int result, size = RECEIVE_BYTES, one = 1;

    nfq_nlmsg_cfg_put_cmd(header, AF_INET, NFQNL_CFG_CMD_BIND);
    result = send_message(network, header);
    header = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, HOLD_QUEUE);
    nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, 0xffff);
    nfq_nlmsg_cfg_put_qmaxlen(header, QUEUE_LENGTH);
    mnl_attr_put_u32(header, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
    mnl_attr_put_u32(header, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
    if (!result)
        result = send_message(network, header);
    setsockopt(mnl_socket_get_fd(network->queue), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    mnl_socket_setsockopt(network->queue, NETLINK_NO_ENOBUFS, &one, sizeof(one));
    return result;
}

static int queue_open(struct network *network)
{
    int result = 0;

    network->queue = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!network->queue || mnl_socket_bind(network->queue, 0, MNL_SOCKET_AUTOPID) < 0)
        result = -errno;
    if (!result)
        result = queue_configure(network);
    return result;
}

/* ---- namespaces ---- */

struct joining {
    struct network *network;
    struct shim_error *error;
    char held_in[PATH_MAX], denied_in[PATH_MAX];
    bool queue;
};

static int put_rules(void *ctx)
{
    struct joining *joining = ctx;
    const struct hold *hold = joining->network->hold;
    struct rules rules = {
        .held = hold->outbound ? shim_asks_held_path(hold->asks) : NULL,
        .denied = shim_asks_denied_path(hold->asks),
        .held_in = hold->inbound ? joining->held_in : NULL,
        .denied_in = joining->denied_in,
        .redirect = hold->redirect || joining->network->led,
    };
    int result = joining->queue ? queue_open(joining->network) : 0;

    if (result && joining->error) {
        joining->error->code = result;
        snprintf(joining->error->text, sizeof(joining->error->text),
                 "can't open the netfilter queue %d: %s", HOLD_QUEUE, strerror(-result));
    }
    return result ? result : rules_put(&rules, joining->error);
}

/* First the queue, then the rules that lead into it, then the kernel side may count on it. */
static int equip(struct network *network, bool queue, struct shim_error *error)
{
    struct hold *hold = network->hold;
    struct joining joining = {.network = network, .error = error, .queue = queue};
    int result = 0;

    if (hold->inbound)
        result = shim_asks_inbound_path(hold->asks, network->netns, joining.held_in,
                                        joining.denied_in, error);
    if (!result)
        result = netns_run(network->netns, put_rules, &joining);
    network->redirect = hold->redirect || network->led;
    return result ? result : shim_asks_network(hold->asks, network->netns, hold->outbound);
}

static struct network *find(const struct hold *hold, uint32_t inum)
{
    struct network *network = hold->networks;

    while (network && network->inum != inum)
        network = network->next;
    return network;
}

static int watch(struct network *network)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = HOLD_EVENT_NETWORK | network->inum};

    return epoll_ctl(network->hold->epoll, EPOLL_CTL_ADD, mnl_socket_get_fd(network->queue), &event)
               ? -errno
               : 0;
}

int network_add(struct hold *hold, uint32_t pid, uint32_t inum, struct shim_error *error)
{
    struct network *network = find(hold, inum);
    int result;

    if (network)
        return equip(network, false, error);
    network = calloc(1, sizeof(*network));
    if (!network)
        return -ENOMEM;
    network->hold = hold;
    network->inum = inum;
    network->netns = netns_open(pid, inum);
    result = network->netns < 0 ? network->netns : equip(network, true, error);
    if (!result)
        result = watch(network);
    network->next = hold->networks;
    hold->networks = network;
    hold->statistics.networks++;
    if (result)
        network_remove(hold, network, false);
    return result;
}

static int remove_rules(void *ctx)
{
    return rules_put(NULL, NULL);
}

void hold_clear(const char *pin_dir)
{
    shim_networks_left(pin_dir, remove_rules, NULL);
}

void network_remove(struct hold *hold, struct network *network, bool keep_rules)
{
    struct network **link = &hold->networks;

    operation_release(hold, network, keep_rules);
    while (*link != network)
        link = &(*link)->next;
    *link = network->next;
    hold->statistics.networks--;
    if (network->netns >= 0 && !keep_rules) {
        shim_asks_network(hold->asks, network->netns, false);
        netns_run(network->netns, remove_rules, NULL);
    }
    packets_forget(hold, network);
    if (network->queue)
        mnl_socket_close(network->queue);
    if (network->netns >= 0)
        close(network->netns);
    free(network);
}

struct adding {
    struct hold *hold;
    struct shim_error *error;
    int result;
};

/* A namespace that is gone by now needs no rules. */
static void add_found(void *ctx, uint32_t pid, uint32_t inum)
{
    struct adding *adding = ctx;
    int result = network_add(adding->hold, pid, inum, adding->error);

    if (result && result != -ESRCH && result != -ENOENT && !adding->result)
        adding->result = result;
}

int network_add_all(struct hold *hold, struct shim_error *error)
{
    struct adding adding = {hold, error, 0};

    shim_asks_networks(hold->asks, add_found, &adding);
    return adding.result;
}

static void note_lived_in(void *ctx, uint32_t pid, uint32_t inum)
{
    struct network *network = find(ctx, inum);

    if (network)
        network->lived_in = true;
}

/* A queue keeps its namespace alive: without this none would ever end. Should somebody come to live
 * there again, the first question brings the rules back. */
void network_sweep(struct hold *hold)
{
    struct network *next;

    for (struct network *network = hold->networks; network; network = network->next)
        network->lived_in = false;
    shim_asks_networks(hold->asks, note_lived_in, hold);
    for (struct network *network = hold->networks; network; network = next) {
        next = network->next;
        if (!network->lived_in && !network->waiting)
            network_remove(hold, network, false);
    }
}

/* ---- flows that were led elsewhere ---- */

void network_retire_all(struct hold *hold)
{
    struct network *next;

    for (struct network *network = hold->networks; network; network = next) {
        next = network->next;
        if (!network->led || equip(network, false, NULL))
            network_remove(hold, network, false);
        else
            operation_release(hold, network, false);
    }
}

void network_follow(struct hold *hold)
{
    struct network *next;

    for (struct network *network = hold->networks; network; network = next) {
        next = network->next;
        if (!network->led || led_lives(network))
            continue;
        network->led = false;
        if ((!hold->outbound && !hold->inbound) || equip(network, false, NULL))
            network_remove(hold, network, false);
    }
}

bool network_any_led(const struct hold *hold)
{
    const struct network *network = hold->networks;

    while (network && !network->led)
        network = network->next;
    return network;
}

/* ---- packets ---- */

static void take_packet(struct network *network, const struct nlmsghdr *header)
{
    struct nlattr *attributes[NFQA_MAX + 1] = {0};
    const struct nfqnl_msg_packet_hdr *packet;

    if (nfq_nlmsg_parse(header, attributes) < 0 || !attributes[NFQA_PACKET_HDR])
        return;
    packet = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
    packet_arrived(network, ntohl(packet->packet_id),
                   attributes[NFQA_PAYLOAD] ? mnl_attr_get_payload(attributes[NFQA_PAYLOAD]) : NULL,
                   attributes[NFQA_PAYLOAD] ? mnl_attr_get_payload_len(attributes[NFQA_PAYLOAD])
                                            : 0);
}

static void network_read(struct network *network)
{
    static _Thread_local uint8_t buffer[0xffff + 4096];

    for (int i = 0; i < READ_AT_ONCE; i++) {
        ssize_t size =
            recv(mnl_socket_get_fd(network->queue), buffer, sizeof(buffer), MSG_DONTWAIT);
        const struct nlmsghdr *header = (const void *)buffer;

        if (size <= 0)
            return;
        for (int left = (int)size; mnl_nlmsg_ok(header, left);
             header = mnl_nlmsg_next(header, &left))
            if (header->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
                take_packet(network, header);
    }
}

void network_ready(struct hold *hold, uint32_t inum)
{
    struct network *network = find(hold, inum);

    if (network)
        network_read(network);
}

int network_verdict(const struct packet *packet, uint32_t verdict, const uint8_t *bytes,
                    uint32_t size)
{
    static _Thread_local char buffer[0xffff + 4096];
    struct nlmsghdr *header = nfq_nlmsg_put(buffer, NFQNL_MSG_VERDICT, HOLD_QUEUE);

    nfq_nlmsg_verdict_put(header, (int)packet->id, (int)verdict);
    if (bytes)
        nfq_nlmsg_verdict_put_pkt(header, bytes, size);
    return send_message(packet->network, header);
}
