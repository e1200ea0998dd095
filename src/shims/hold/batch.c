#include "batch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <linux/netfilter/nfnetlink.h>

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/table.h>

#define ROOM (64u << 10)

struct nlmsghdr *batch_begin(struct batch *batch, uint16_t type, uint16_t flags)
{
    return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(batch->messages), type, NFPROTO_INET,
                                 NLM_F_ACK | flags, batch->sequence++);
}

void batch_next(struct batch *batch)
{
    mnl_nlmsg_batch_next(batch->messages);
}

void batch_table(struct batch *batch, uint16_t type)
{
    struct nftnl_table *table = nftnl_table_alloc();

    if (!table) {
        batch->failed = true;
        return;
    }
    nftnl_table_set_str(table, NFTNL_TABLE_NAME, BATCH_TABLE);
    nftnl_table_nlmsg_build_payload(
        batch_begin(batch, type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0), table);
    batch_next(batch);
    nftnl_table_free(table);
}

static struct nftnl_chain *chain_new(struct batch *batch, const char *name)
{
    struct nftnl_chain *chain = nftnl_chain_alloc();

    if (!chain) {
        batch->failed = true;
        return NULL;
    }
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, BATCH_TABLE);
    nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
    return chain;
}

static void chain_end(struct batch *batch, struct nftnl_chain *chain)
{
    nftnl_chain_nlmsg_build_payload(batch_begin(batch, NFT_MSG_NEWCHAIN, NLM_F_CREATE), chain);
    batch_next(batch);
    nftnl_chain_free(chain);
}

void batch_chain(struct batch *batch, const char *name, const char *type, uint32_t hook,
                 int32_t priority)
{
    struct nftnl_chain *chain = chain_new(batch, name);

    if (!chain)
        return;
    nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, type);
    nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, hook);
    nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, priority);
    chain_end(batch, chain);
}

void batch_chain_inner(struct batch *batch, const char *name)
{
    struct nftnl_chain *chain = chain_new(batch, name);

    if (chain)
        chain_end(batch, chain);
}

/* ---- rules ---- */

void rule_add(struct nftnl_rule *rule, struct nftnl_expr *expression, struct batch *batch)
{
    if (expression)
        nftnl_rule_add_expr(rule, expression);
    else
        batch->failed = true;
}

struct nftnl_expr *load_meta(uint32_t key, uint32_t to)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("meta");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_META_DREG, to);
    return expression;
}

struct nftnl_expr *compare_byte(uint32_t in, uint32_t operation, uint8_t value)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("cmp");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_SREG, in);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(expression, NFTNL_EXPR_CMP_DATA, &value, sizeof(value));
    return expression;
}

struct nftnl_expr *load_payload(uint32_t base, uint32_t offset, uint32_t size, uint32_t to)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("payload");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_LEN, size);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_PAYLOAD_DREG, to);
    return expression;
}

/* Leaves the bits of one byte. */
struct nftnl_expr *mask_byte(uint32_t in, uint8_t mask)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("bitwise");
    uint8_t none = 0;

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_SREG, in);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_DREG, in);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_OP, NFT_BITWISE_BOOL);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_BITWISE_LEN, sizeof(mask));
    nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_MASK, &mask, sizeof(mask));
    nftnl_expr_set(expression, NFTNL_EXPR_BITWISE_XOR, &none, sizeof(none));
    return expression;
}

struct nftnl_expr *give_verdict(uint32_t verdict)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("immediate");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_IMM_VERDICT, verdict);
    return expression;
}

struct nftnl_expr *jump(const char *chain)
{
    struct nftnl_expr *expression = give_verdict((uint32_t)NFT_JUMP);

    if (expression)
        nftnl_expr_set_str(expression, NFTNL_EXPR_IMM_CHAIN, chain);
    return expression;
}

struct nftnl_rule *rule_begin(struct batch *batch, const char *chain)
{
    struct nftnl_rule *rule = nftnl_rule_alloc();

    if (!rule) {
        batch->failed = true;
        return NULL;
    }
    nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, BATCH_TABLE);
    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
    nftnl_rule_set_u32(rule, NFTNL_RULE_FAMILY, NFPROTO_INET);
    return rule;
}

void rule_end(struct batch *batch, struct nftnl_rule *rule)
{
    nftnl_rule_nlmsg_build_payload(batch_begin(batch, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND),
                                   rule);
    batch_next(batch);
    nftnl_rule_free(rule);
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

static int send_all(struct batch *batch, uint32_t last)
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

/* ---- opening and closing ---- */

int batch_open(struct batch *batch)
{
    *batch = (struct batch){.sequence = 1, .room = malloc(2u * ROOM)};
    batch->messages = batch->room ? mnl_nlmsg_batch_start(batch->room, ROOM) : NULL;
    if (!batch->messages) {
        free(batch->room);
        return -ENOMEM;
    }
    nftnl_batch_begin(mnl_nlmsg_batch_current(batch->messages), batch->sequence++);
    batch_next(batch);
    return 0;
}

int batch_close(struct batch *batch)
{
    uint32_t last = batch->sequence - 1;
    int result = -ENOMEM;

    nftnl_batch_end(mnl_nlmsg_batch_current(batch->messages), batch->sequence++);
    batch_next(batch);
    if (!batch->failed)
        result = send_all(batch, last);
    mnl_nlmsg_batch_stop(batch->messages);
    free(batch->room);
    return result;
}
