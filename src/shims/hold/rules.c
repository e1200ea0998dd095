/*
 * The table `inet openwfp`. What is held waits in the queue, what was denied is rejected, so that
 * its program knows at once. Of everything else, a first packet meets one program that looks at one
 * number, and TCP's other packets none.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter/xt_NFQUEUE.h>
#include <linux/netfilter/xt_bpf.h>

#include "batch.h"

/* What goes out, before anybody translates its addresses: it is known by those that were asked
 * about. What comes in, behind everybody: by those that its socket will see. */
#define PRIORITY_OUT (-190)
#define PRIORITY_IN  300

#define TCP_FLAGS 13 /* offset in the header */
#define TCP_SYN   0x02
#define TCP_ACK   0x10

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

static void match_tcp(struct batch *batch, struct nftnl_rule *rule, bool tcp)
{
    rule_add(rule, load_meta(NFT_META_L4PROTO, NFT_REG32_00), batch);
    rule_add(rule, compare_byte(NFT_REG32_00, tcp ? NFT_CMP_EQ : NFT_CMP_NEQ, IPPROTO_TCP), batch);
}

/* Most packets are TCP's, and no first ones: they have nothing to do with what follows. */
static void batch_pass(struct batch *batch, const char *chain)
{
    struct nftnl_rule *rule = rule_begin(batch, chain);

    if (!rule)
        return;
    match_tcp(batch, rule, true);
    rule_add(rule, load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS, 1, NFT_REG32_00), batch);
    rule_add(rule, mask_byte(NFT_REG32_00, TCP_SYN | TCP_ACK), batch);
    rule_add(rule, compare_byte(NFT_REG32_00, NFT_CMP_NEQ, TCP_SYN), batch);
    rule_add(rule, give_verdict(NF_ACCEPT), batch);
    rule_end(batch, rule);
}

static void batch_reject(struct batch *batch, const char *chain, const char *denied, bool tcp)
{
    struct nftnl_rule *rule = rule_begin(batch, chain);

    if (!rule)
        return;
    match_tcp(batch, rule, tcp);
    rule_add(rule, matches(denied), batch);
    rule_add(rule,
             tcp ? reject(NFT_REJECT_TCP_RST, 0)
                 : reject(NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH),
             batch);
    rule_end(batch, rule);
}

/* Those that are asked about, or that were denied, go to a chain of their own. */
static void batch_jump(struct batch *batch, const char *chain, const char *held, const char *to)
{
    struct nftnl_rule *rule = rule_begin(batch, chain);

    if (!rule)
        return;
    rule_add(rule, matches(held), batch);
    rule_add(rule, jump(to), batch);
    rule_end(batch, rule);
}

static void batch_queue(struct batch *batch, const char *chain)
{
    struct nftnl_rule *rule = rule_begin(batch, chain);

    if (!rule)
        return;
    rule_add(rule, queue(), batch);
    rule_end(batch, rule);
}

/* Where a hook's packets go: its chain, and the one for those that don't just pass. */
struct chains {
    const char *all, *held;
    uint32_t hook;
};
static const struct chains outbound = {"output", "held_output", NF_INET_LOCAL_OUT};
static const struct chains inbound = {"input", "held_input", NF_INET_LOCAL_IN};

static void batch_hook(struct batch *batch, const struct chains *chains, int32_t priority,
                       const char *held, const char *denied)
{
    batch_chain_inner(batch, chains->held);
    batch_reject(batch, chains->held, denied, true);
    batch_reject(batch, chains->held, denied, false);
    batch_queue(batch, chains->held);
    batch_chain(batch, chains->all, "filter", chains->hook, priority);
    batch_pass(batch, chains->all);
    batch_jump(batch, chains->all, held, chains->held);
}

static void batch_rules(struct batch *batch, const struct rules *rules)
{
    batch_table(batch, NFT_MSG_NEWTABLE);
    if (rules->held)
        batch_hook(batch, &outbound, PRIORITY_OUT, rules->held, rules->denied);
    if (rules->held_in)
        batch_hook(batch, &inbound, PRIORITY_IN, rules->held_in, rules->denied_in);
    if (rules->redirect)
        redirect_rules(batch);
}

static int explain(int result, struct shim_error *error)
{
    if (result && error) {
        error->code = result;
        snprintf(error->text, sizeof(error->text),
                 "can't put the rules that hold packets into nftables' table inet " BATCH_TABLE
                 ": %s%s",
                 strerror(-result),
                 result == -ENOENT || result == -EOPNOTSUPP
                     ? " (the kernel needs nf_tables, nft_compat, nft_reject_inet, xt_bpf and "
                       "xt_NFQUEUE, and nft_nat to redirect)"
                     : "");
    }
    return result;
}

/* The table may be there or not, so it is made before it is deleted. */
int rules_put(const struct rules *rules, struct shim_error *error)
{
    struct batch batch;
    int result = batch_open(&batch);

    if (!result) {
        batch_table(&batch, NFT_MSG_NEWTABLE);
        batch_table(&batch, NFT_MSG_DELTABLE);
        if (rules)
            batch_rules(&batch, rules);
        result = batch_close(&batch);
    }
    return explain(result, error);
}
