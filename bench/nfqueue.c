/*
 * A bare verdict loop, what every holding of a connect is measured beside: takes each packet that
 * is in a netfilter queue and lets it go on. No rules of its own.
 *
 *   nfqueue QUEUE        in the caller's network namespace; says "ready"
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>

static struct mnl_socket *queue;
static unsigned number;

static void die(const char *what)
{
    fprintf(stderr, "nfqueue: ");
    perror(what);
    exit(1);
}

static void send_message(const struct nlmsghdr *header)
{
    if (mnl_socket_sendto(queue, header, header->nlmsg_len) < 0)
        die("send");
}

static int on_packet(const struct nlmsghdr *header, void *ctx)
{
    struct nlattr *attributes[NFQA_MAX + 1] = {0};
    char buffer[256];

    if (nfq_nlmsg_parse(header, attributes) < 0 || !attributes[NFQA_PACKET_HDR])
        return MNL_CB_OK;
    const struct nfqnl_msg_packet_hdr *packet = mnl_attr_get_payload(attributes[NFQA_PACKET_HDR]);
    struct nlmsghdr *verdict = nfq_nlmsg_put(buffer, NFQNL_MSG_VERDICT, number);
    nfq_nlmsg_verdict_put(verdict, (int)ntohl(packet->packet_id), NF_ACCEPT);
    send_message(verdict);
    return MNL_CB_OK;
}

int main(int argc, char **argv)
{
    static char buffer[0xffff + 4096];
    struct nlmsghdr *header;

    if (argc != 2)
        return 2;
    number = (unsigned)atoi(argv[1]);
    queue = mnl_socket_open(NETLINK_NETFILTER);
    if (!queue || mnl_socket_bind(queue, 0, MNL_SOCKET_AUTOPID) < 0)
        die("netlink");
    header = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, number);
    nfq_nlmsg_cfg_put_cmd(header, AF_INET, NFQNL_CFG_CMD_BIND);
    send_message(header);
    header = nfq_nlmsg_put(buffer, NFQNL_MSG_CONFIG, number);
    nfq_nlmsg_cfg_put_params(header, NFQNL_COPY_PACKET, 0xffff);
    send_message(header);
    puts("ready");
    fflush(stdout);
    for (;;) {
        ssize_t size = mnl_socket_recvfrom(queue, buffer, sizeof(buffer));

        if (size < 0)
            die("receive");
        mnl_cb_run(buffer, (size_t)size, 0, mnl_socket_get_portid(queue), on_packet, NULL);
    }
}
