/*
 * Connects that go to another peer (CONNECT_REDIRECT). The program's socket keeps the peer that it
 * asked for: the packets are translated, by a map from the flow's ends to the new destination. An
 * entry is needed for the flow's first packet only; conntrack knows the rest.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nfnetlink.h>

#include <libnftnl/set.h>

#include "batch.h"
#include "shims/bpf/netns.h"

#define PRIORITY_DSTNAT (-100)
#define ENTRY_MS        60000u

/* What differs between IPv4 and IPv6. */
struct family {
    const char *map;
    uint32_t id; /* of the map in its batch */
    uint8_t protocol;
    uint32_t address;             /* bytes */
    uint32_t source, destination; /* offsets in the IP header */
    uint32_t type;                /* nft's number for such an address */
};

/* nft's numbers for what maps hold, so that it can list them; joined in steps of six bits. */
#define TYPE_PROTOCOL     12u
#define TYPE_PORT         13u
#define TYPE_JOIN(a, b)   ((a) << 6 | (b))
#define TYPE_END(address) TYPE_JOIN(address, TYPE_PORT)

static const struct family families[] = {
    {"redirect4", 1, NFPROTO_IPV4, 4, 12, 16, 7},
    {"redirect6", 2, NFPROTO_IPV6, 16, 8, 24, 8},
};

/* Protocol, source, source port, destination, destination port; each from a word of its own. */
static uint32_t key_size(const struct family *family)
{
    return 3 * 4 + 2 * family->address;
}

static void batch_map(struct batch *batch, const struct family *family)
{
    struct nftnl_set *set = nftnl_set_alloc();

    if (!set) {
        batch->failed = true;
        return;
    }
    nftnl_set_set_str(set, NFTNL_SET_TABLE, BATCH_TABLE);
    nftnl_set_set_str(set, NFTNL_SET_NAME, family->map);
    nftnl_set_set_u32(set, NFTNL_SET_ID, family->id);
    nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_MAP | NFT_SET_TIMEOUT);
    uint32_t source = TYPE_JOIN(TYPE_JOIN(TYPE_PROTOCOL, family->type), TYPE_PORT);
    nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE,
                      TYPE_JOIN(TYPE_JOIN(source, family->type), TYPE_PORT));
    nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, key_size(family));
    nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, TYPE_END(family->type));
    nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, family->address + 4);
    nftnl_set_set_u64(set, NFTNL_SET_TIMEOUT, ENTRY_MS);
    nftnl_set_nlmsg_build_payload(batch_begin(batch, NFT_MSG_NEWSET, NLM_F_CREATE), set);
    batch_next(batch);
    nftnl_set_free(set);
}

static struct nftnl_expr *look_up(const struct family *family)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("lookup");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SREG, NFT_REG32_00);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_DREG, NFT_REG32_00);
    nftnl_expr_set_str(expression, NFTNL_EXPR_LOOKUP_SET, family->map);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_LOOKUP_SET_ID, family->id);
    return expression;
}

static struct nftnl_expr *translate(const struct family *family)
{
    struct nftnl_expr *expression = nftnl_expr_alloc("nat");

    if (!expression)
        return NULL;
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_FAMILY, family->protocol);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG32_00);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_REG_PROTO_MIN,
                       NFT_REG32_00 + family->address / 4);
    nftnl_expr_set_u32(expression, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
    return expression;
}

static void batch_translation(struct batch *batch, const struct family *family)
{
    struct nftnl_rule *rule = rule_begin(batch, "redirect");
    uint32_t words = family->address / 4, at = NFT_REG32_00 + 1;

    if (!rule)
        return;
    rule_add(rule, load_meta(NFT_META_NFPROTO, NFT_REG32_00), batch);
    rule_add(rule, compare_byte(NFT_REG32_00, NFT_CMP_EQ, family->protocol), batch);
    rule_add(rule, load_meta(NFT_META_L4PROTO, NFT_REG32_00), batch);
    rule_add(rule, load_payload(NFT_PAYLOAD_NETWORK_HEADER, family->source, family->address, at),
             batch);
    at += words;
    rule_add(rule, load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, at++), batch);
    rule_add(rule,
             load_payload(NFT_PAYLOAD_NETWORK_HEADER, family->destination, family->address, at),
             batch);
    at += words;
    rule_add(rule, load_payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, at), batch);
    rule_add(rule, look_up(family), batch);
    rule_add(rule, translate(family), batch);
    rule_end(batch, rule);
}

void redirect_rules(struct batch *batch)
{
    for (size_t i = 0; i < 2; i++)
        batch_map(batch, &families[i]);
    batch_chain(batch, "redirect", "nat", NF_INET_LOCAL_OUT, PRIORITY_DSTNAT);
    for (size_t i = 0; i < 2; i++)
        batch_translation(batch, &families[i]);
}

/* ---- entries ---- */

static bool is_v4(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    return !memcmp(address, mapped, sizeof(mapped));
}

static uint32_t put_address(uint8_t *to, const uint8_t address[16], const struct family *family)
{
    memcpy(to, address + 16 - family->address, family->address);
    return family->address;
}

static uint32_t put_port(uint8_t *to, uint16_t port)
{
    to[0] = (uint8_t)(port >> 8);
    to[1] = (uint8_t)port;
    return 4;
}

struct entry {
    const struct operation *operation;
    const struct family *family;
};

static void fill(const struct entry *entry, uint8_t key[44], uint8_t data[20])
{
    const struct ale_ask_packet *ends = &entry->operation->ends;
    const struct driver_redirect *redirect = &entry->operation->redirect;
    uint32_t at = 4;

    memset(key, 0, 44);
    memset(data, 0, 20);
    key[0] = ends->protocol;
    at += put_address(key + at, ends->source, entry->family);
    at += put_port(key + at, ends->source_port);
    at += put_address(key + at, ends->destination, entry->family);
    put_port(key + at, ends->destination_port);
    at = put_address(data, redirect->address, entry->family);
    put_port(data + at, redirect->port);
}

static int add_entry(void *ctx)
{
    const struct entry *entry = ctx;
    struct nftnl_set *set = nftnl_set_alloc();
    struct nftnl_set_elem *element = nftnl_set_elem_alloc();
    uint8_t key[44], data[20];
    struct batch batch;
    int result = set && element ? batch_open(&batch) : -ENOMEM;

    if (!result) {
        fill(entry, key, data);
        nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key, key_size(entry->family));
        nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, data, entry->family->address + 4);
        nftnl_set_set_str(set, NFTNL_SET_TABLE, BATCH_TABLE);
        nftnl_set_set_str(set, NFTNL_SET_NAME, entry->family->map);
        nftnl_set_elem_add(set, element); /* it is the set's */
        element = NULL;
        nftnl_set_elems_nlmsg_build_payload(batch_begin(&batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE),
                                            set);
        batch_next(&batch);
        result = batch_close(&batch);
    }
    if (element)
        nftnl_set_elem_free(element);
    if (set)
        nftnl_set_free(set);
    return result == -EEXIST ? 0 : result;
}

int redirect_operation(struct hold *hold, const struct operation *operation)
{
    struct network *network = operation->first ? operation->first->network : NULL;
    const struct driver_redirect *redirect = &operation->redirect;
    struct entry entry = {operation, &families[!is_v4(operation->ends.destination)]};

    if (!network || !network->redirect || is_v4(redirect->address) != (entry.family == families))
        return -EAFNOSUPPORT;
    led_remember(hold, network, redirect);
    return netns_run(network->netns, add_entry, &entry);
}

/* ---- going round in circles ---- */

/* In clock ticks since boot; 0: there is no such process. */
static uint64_t start_of(uint32_t pid)
{
    unsigned long long start = 0;
    char path[32], line[1024];
    const char *behind_name = NULL;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    file = fopen(path, "re");
    if (file && fgets(line, sizeof(line), file))
        behind_name = strrchr(line, ')');
    if (!behind_name ||
        sscanf(behind_name,
               ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
               "%*d %*d %llu",
               &start) != 1)
        start = 0;
    if (file)
        fclose(file);
    return start;
}

uint32_t redirect_history(const struct hold *hold, const struct ale_ask *ask,
                          const struct host *host)
{
    uint64_t start = ask->start_time / (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
    uint32_t flags = 0;

    for (unsigned i = 0; ask->pid && i < HOLD_TARGETS; i++)
        if (hold->targets[i].pid == ask->pid && hold->targets[i].start == start)
            flags |= hold->targets[i].host == host->number ? DRIVER_REDIRECTED_BY_SELF
                                                           : DRIVER_REDIRECTED_BY_OTHER;
    return flags;
}

void redirect_remember(struct hold *hold, uint32_t pid, const struct host *host)
{
    struct target target = {pid, host->number, pid ? start_of(pid) : 0};

    if (!target.start)
        return;
    for (unsigned i = 0; i < HOLD_TARGETS; i++)
        if (!memcmp(&hold->targets[i], &target, sizeof(target)))
            return;
    hold->targets[hold->next_target++ % HOLD_TARGETS] = target;
}
