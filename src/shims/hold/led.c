/*
 * Flows that were led elsewhere outlive the policy that led them: conntrack translates them only as
 * long as the namespace has a chain for it. So the chain stays until conntrack knows none of them.
 */
#include "internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <libmnl/libmnl.h>

#include "shims/bpf/netns.h"

/* ---- where to ---- */

static bool is_led_to(const struct hold *hold, const struct led_to *peer)
{
    unsigned count = hold->led_count < HOLD_TARGETS ? hold->led_count : HOLD_TARGETS;

    for (unsigned i = 0; i < count; i++)
        if (hold->led_to[i].port == peer->port &&
            !memcmp(hold->led_to[i].address, peer->address, sizeof(peer->address)))
            return true;
    return false;
}

void led_remember(struct hold *hold, struct network *network,
                  const struct driver_redirect *redirect)
{
    struct led_to peer = {.port = redirect->port};

    memcpy(peer.address, redirect->address, sizeof(peer.address));
    network->led = true;
    if (!is_led_to(hold, &peer))
        hold->led_to[hold->led_count++ % HOLD_TARGETS] = peer;
}

/* Of very many peers not all are remembered: then whatever is translated may be ours. */
static bool may_be_led_to(const struct hold *hold, const struct led_to *peer)
{
    return hold->led_count > HOLD_TARGETS || is_led_to(hold, peer);
}

/* ---- what conntrack knows ---- */

struct table {
    const struct nlattr *at[64]; /* by type */
};

static int sort_in(const struct nlattr *attribute, void *ctx)
{
    struct table *table = ctx;
    uint16_t type = mnl_attr_get_type(attribute);

    if (type < sizeof(table->at) / sizeof(table->at[0]))
        table->at[type] = attribute;
    return MNL_CB_OK;
}

static struct table open_nest(const struct nlattr *nest)
{
    struct table table = {0};

    if (nest)
        mnl_attr_parse_nested(nest, sort_in, &table);
    return table;
}

static bool is_over(const struct nlattr *protocol)
{
    struct table info = open_nest(protocol), tcp = open_nest(info.at[CTA_PROTOINFO_TCP]);
    const struct nlattr *state = tcp.at[CTA_PROTOINFO_TCP_STATE];

    return state && mnl_attr_get_payload_len(state) >= 1 &&
           (mnl_attr_get_u8(state) == TCP_CONNTRACK_TIME_WAIT ||
            mnl_attr_get_u8(state) == TCP_CONNTRACK_CLOSE);
}

/* Who answers. */
static bool read_peer(const struct nlattr *tuple, struct led_to *peer)
{
    struct table reply = open_nest(tuple), ip = open_nest(reply.at[CTA_TUPLE_IP]);
    struct table ports = open_nest(reply.at[CTA_TUPLE_PROTO]);
    const struct nlattr *v4 = ip.at[CTA_IP_V4_SRC], *v6 = ip.at[CTA_IP_V6_SRC];
    const struct nlattr *port = ports.at[CTA_PROTO_SRC_PORT];

    *peer = (struct led_to){.address = {[10] = 0xff, [11] = 0xff}};
    if (v4 && mnl_attr_get_payload_len(v4) == 4)
        memcpy(peer->address + 12, mnl_attr_get_payload(v4), 4);
    else if (v6 && mnl_attr_get_payload_len(v6) == 16)
        memcpy(peer->address, mnl_attr_get_payload(v6), 16);
    else
        return false;
    if (!port || mnl_attr_get_payload_len(port) != 2)
        return false;
    peer->port = ntohs(mnl_attr_get_u16(port));
    return true;
}

struct look {
    const struct hold *hold;
    bool found;
};

static int see_flow(const struct nlmsghdr *header, void *ctx)
{
    struct look *look = ctx;
    struct table flow = {0};
    struct led_to peer;

    mnl_attr_parse(header, sizeof(struct nfgenmsg), sort_in, &flow);
    const struct nlattr *status = flow.at[CTA_STATUS];
    if (status && mnl_attr_get_payload_len(status) == 4 &&
        ntohl(mnl_attr_get_u32(status)) & IPS_DST_NAT && !is_over(flow.at[CTA_PROTOINFO]) &&
        read_peer(flow.at[CTA_TUPLE_REPLY], &peer) && may_be_led_to(look->hold, &peer))
        look->found = true;
    return MNL_CB_OK;
}

static int dump(struct mnl_socket *socket, struct look *look)
{
    char buffer[32768];
    struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *family = mnl_nlmsg_put_extra_header(header, sizeof(*family));
    int more = 1;

    header->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
    header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    *family = (struct nfgenmsg){.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0};
    mnl_attr_put_u32(header, CTA_STATUS, htonl(IPS_DST_NAT)); /* old kernels show all */
    if (mnl_socket_sendto(socket, header, header->nlmsg_len) < 0)
        return -errno;
    while (more > 0) {
        ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

        more = size < 0 ? -1 : mnl_cb_run(buffer, (size_t)size, 0, 0, see_flow, look);
    }
    return more < 0 ? -errno : 0;
}

/* In the namespace. */
static int look_around(void *ctx)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int result = socket ? dump(socket, ctx) : -errno;

    if (socket)
        mnl_socket_close(socket);
    return result;
}

bool led_lives(const struct network *network)
{
    struct look look = {.hold = network->hold};

    return !netns_run(network->netns, look_around, &look) && look.found;
}
