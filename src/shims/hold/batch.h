/* Messages for nf_tables that take effect together or not at all; all for the table `inet openwfp`.
 */
#ifndef OPENWFP_HOLD_BATCH_H
#define OPENWFP_HOLD_BATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <libmnl/libmnl.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#define BATCH_TABLE "openwfp"

struct batch {
    char *room;
    struct mnl_nlmsg_batch *messages;
    uint32_t sequence;
    bool failed; /* out of memory */
};

int batch_open(struct batch *batch);
/* Sends it and waits for the answers; 0 or a negative errno. In the caller's namespace. */
int batch_close(struct batch *batch);

/* The next message's header, for the payload; batch_next() goes behind it. */
struct nlmsghdr *batch_begin(struct batch *batch, uint16_t type, uint16_t flags);
void batch_next(struct batch *batch);

void batch_table(struct batch *batch, uint16_t type);
void batch_chain(struct batch *batch, const char *name, const char *type, uint32_t hook,
                 int32_t priority);
/* One that others jump to. */
void batch_chain_inner(struct batch *batch, const char *name);

struct nftnl_rule *rule_begin(struct batch *batch, const char *chain);
void rule_end(struct batch *batch, struct nftnl_rule *rule);
/* NULL: out of memory. */
void rule_add(struct nftnl_rule *rule, struct nftnl_expr *expression, struct batch *batch);

struct nftnl_expr *load_meta(uint32_t key, uint32_t to);
/* operation: NFT_CMP_EQ or NFT_CMP_NEQ */
struct nftnl_expr *compare_byte(uint32_t in, uint32_t operation, uint8_t value);
struct nftnl_expr *load_payload(uint32_t base, uint32_t offset, uint32_t size, uint32_t to);
struct nftnl_expr *mask_byte(uint32_t in, uint8_t mask);
struct nftnl_expr *give_verdict(uint32_t verdict);
struct nftnl_expr *jump(const char *chain);

#endif
