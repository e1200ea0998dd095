/*
 * The table `inet openwfp`. What is held waits in the queue, what was denied is rejected, so that
 * its program knows at once. Everything else meets one program that looks at one number.
 */
#include "internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_bpf.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>

#define TABLE    "openwfp"
#define PRIORITY 300 /* behind everybody who may want to change or drop the packet */
#define ROOM     (64u << 10)

/* Messages that take effect together or not at all. */
struct batch {
    struct mnl_nlmsg_batch *messages;
    uint32_t sequence;
    bool failed; /* out of memory */
};

static struct nlmsghdr *batch_begin(struct batch *batch, uint16_t type, uint16_t flags)
{
    return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch->messages), type, NFPROTO_INET,
                                 NLM_F_ACK | flags, batch->sequence++);
}

static void batch_table(struct batch *batch, uint16_t type)
{
    struct nftnl_table *table = nftnl_table_alloc();

    if (!table) {
        batch->failed = true;
        return;
    }
    nftnl_table_set_str(table, NFTNL_TABLE_NAME, TABLE);
    nftnl_table_nlmsg_build_payload(
        batch_begin(batch, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0), table);
    mnl_nlmsg_batch_next(batch->messages);
    nftnl_table_free(table);
}

static void batch_chain(struct batch *batch, const char *name, uint32_t hook)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();

    if (!chain) {
        batch->failed = true;
        return;
    }
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, TABLE);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, "filter");
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
    nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, PRIORITY);
    nftnl_chain_nlmsg_build_payload(batch_begin(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), chain);
    mnl_nlmsg_batch_next(batch->messages);
    nftnl_chain_free(chain);
}

/* ---- rules ---- */

static void add(struct nftnl_rule *rule, struct nftnl_expr *expression, struct batch *batch)
{
    if (expression)
        nftnl_rule_add_expr(rule, expression);
    else
        batch->failed = true;
}

static struct nftnl_expr *load_protocol(void)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("meta");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, NFT_REG32_00);
    return expression;
}

static struct nftnl_expr *is_tcp(void)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("cmp");
    uint8_t protocol = IPPROTO_TCP;

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, NFT_REG32_00);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
    nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, &protocol, sizeof(protocol));
    return expression;
}

static struct nftnl_expr *matches(const char *program)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("match");
    struct xt_bpf_info_v1 *info = calloc(1, sizeof(*info)); /* the expression's */

    if (!expression || !info || strlen(program) >= sizeof(info->path)) {
        free(info);
        return NULL;
    }
    info->mode = XT_BPF_MODE_PATH_PINNED;
    strcpy(info->path, program);
    nftnl_expr_set_str(expression, NFTNL_EXPR_MT_NAME, "bpf");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_MT_REV, 1);
    nftnl_expr_set(expression, NFTNL_EXPR_MT_INFO, info, sizeof(*info));
    return expression;
}

/* nft's own "queue" is not in every kernel. */
static struct nftnl_expr *queue(void)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("target");
    struct xt_NFQ_info_v3 *info = calloc(1, 16); /* aligned as xtables wants it */

    _Static_assert(sizeof(struct xt_NFQ_info_v3) <= 16, "the target's room");
    if (!expression || !info) {
        free(info);
        return NULL;
    }
    info->queuenum = HOLD_QUEUE;
    info->queues_total = 1;
    nftnl_expr_set_str(expression, NFTNL_EXPR_TG_NAME, "NFQUEUE");
    nftnl_expr_set_u32(expression, NFTNL_EXPR_TG_REV, 3);
    nftnl_expr_set(expression, NFTNL_EXPR_TG_INFO, info, sizeof(*info));
    return expression;
}

static struct nftnl_expr *reject(uint32_t type, uint8_t code)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("reject");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_REJECT_TYPE, type);
    nftnl_expr_set_u8(expression, NFTNL_EXPR_REJECT_CODE, code);
    return expression;
}

static struct nftnl_rule *rule_begin(struct batch *batch, const char *chain)
{
    struct nftnl_rule *rule = nftnl_rule_alloc();

    if (!rule) {
        batch->failed = true;
        return NULL;
    }
    nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, TABLE);
    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
    nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
    return rule;
}

static void rule_end(struct batch *batch, struct nftnl_rule *rule)
{
    nftnl_rule_nlmsg_build_payload(batch_begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND),
                                   rule);
    mnl_nlmsg_batch_next(batch->messages);
    nftnl_rule_free(rule);
}

static void batch_reject(struct batch *batch, const char *chain, const char *denied, bool tcp)
{
    struct nftnl_rule *rule = rule_begin(batch, chain);

    if (!rule)
        return;
    if (tcp) {
        add(rule, load_protocol(), batch);
        add(rule, is_tcp(), batch);
    }
    add(rule, matches(denied), batch);
    add(rule,
        tcp ? reject(NFT_REJECT_TCP_RST, 0)
            : reject(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH),
        batch);
    rule_end(batch, rule);
}

static void batch_queue(struct batch *batch, const char *chain, const char *held)
{
    struct nftnl_rule *rule = rule_begin(batch, chain);

    if (!rule)
        return;
    add(rule, matches(held), batch);
    add(rule, queue(), batch);
    rule_end(batch, rule);
}

static void batch_hook(struct batch *batch, const char *chain, uint32_t hook, const char *held,
                       const char *denied)
{
    batch_chain(batch, chain, hook);
    batch_reject(batch, chain, denied, true);
    batch_reject(batch, chain, denied, false);
    batch_queue(batch, chain, held);
}

/* ---- sending ---- */

static int acknowledged(struct mnl_socket *socket, uint32_t last)
{
    uint8_t buffer[16384];

    for (;;) {
        ssize_t size = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
        const struct nlmsghdr *header = (const void *)buffer;

        if (size < 0)
            return -errno;
        for (int left = (int)size; mnl_nlmsg_ok(header, left);
             header = mnl_nlmsg_next(header, &left)) {
            const struct nlmsgerr *answer = mnl_nlmsg_get_payload(header);

            if (header->nlmsg_type == NLMSG_ERROR && answer->error)
                return answer->error;
            if (header->nlmsg_seq == last)
                return 0;
        }
    }
}

static int batch_send(struct batch *batch, uint32_t last)
{
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int result = socket ? 0 : -errno;

    if (!result && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0)
        result = -errno;
    if (!result && mnl_socket_sendto(socket, mnl_nlmsg_batch_head(batch->messages),
                                     mnl_nlmsg_batch_size(batch->messages)) < 0)
        result = -errno;
    if (!result)
        result = acknowledged(socket, last);
    if (socket)
        mnl_socket_close(socket);
    return result;
}

static void batch_rules(struct batch *batch, const struct rules *rules)
{
    batch_table(batch, NFT_MSG_NEWTABLE);
    if (rules->held)
        batch_hook(batch, "output", NF_INET_LOCAL_OUT, rules->held, rules->denied);
    if (rules->held_in)
        batch_hook(batch, "input", NF_INET_LOCAL_IN, rules->held_in, rules->denied_in);
}

static int explain(int result, struct shim_error *error)
{
    if (result && error) {
        error->code = result;
        snprintf(error->text, sizeof(error->text),
                 "can't put the rules that hold packets into nftables' table inet " TABLE ": %s%s",
                 strerror(-result),
                 result == -ENOENT || result == -EOPNOTSUPP
                     ? " (the kernel needs nf_tables, nft_compat, nft_reject_inet, xt_bpf and "
                       "xt_NFQUEUE)"
                     : "");
    }
    return result;
}

/* The table may be there or not, so it is made before it is deleted. */
int rules_put(const struct rules *rules, struct shim_error *error)
{
    char *room = malloc(2u * ROOM);
    struct batch batch = {.sequence = 1};
    int result = -ENOMEM;

    batch.messages = room ? mnl_nlmsg_batch_start(room, ROOM) : NULL;
    if (batch.messages) {
        nftnl_batch_begin(mnl_nlmsg_batch_current(batch.messages), batch.sequence++);
        mnl_nlmsg_batch_next(batch.messages);
        batch_table(&batch, NFT_MSG_NEWTABLE);
        batch_table(&batch, NFT_MSG_DELTABLE);
        if (rules)
            batch_rules(&batch, rules);
        uint32_t last = batch.sequence - 1;
        nftnl_batch_end(mnl_nlmsg_batch_current(batch.messages), batch.sequence++);
        mnl_nlmsg_batch_next(batch.messages);
        result = batch.failed ? -ENOMEM : batch_send(&batch, last);
        mnl_nlmsg_batch_stop(batch.messages);
    }
    free(room);
    return explain(result, error);
}
