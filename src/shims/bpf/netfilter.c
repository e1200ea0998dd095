/* Whether this kernel's netfilter can keep the packets of held operations. */
#include "shims/bpf/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

struct question {
    struct nlmsghdr header;
    struct nfgenmsg family;
    struct nlattr name_header;
    char name[8];
    struct nlattr revision_header;
    uint32_t revision;
    struct nlattr type_header;
    uint32_t type;
};

/* A match or a target of xtables; asking for it loads its module. */
static int ask(int fd, const char *name, uint32_t revision, bool target)
{
    struct question question = {
        .header = {sizeof(question), NFNL_SUBSYS_NFT_COMPAT << 8 | NFNL_MSG_COMPAT_GET,
                   NLM_F_REQUEST | NLM_F_ACK},
        .family = {.nfgen_family = AF_INET, .version = NFNETLINK_V0},
        .name_header = {sizeof(struct nlattr) + sizeof(question.name), NFTA_COMPAT_NAME},
        .revision_header = {sizeof(struct nlattr) + sizeof(uint32_t), NFTA_COMPAT_REV},
        .revision = htonl(revision),
        .type_header = {sizeof(struct nlattr) + sizeof(uint32_t), NFTA_COMPAT_TYPE},
        .type = htonl(target),
    };

    memcpy(question.name, name, strlen(name));
    return send(fd, &question, sizeof(question), 0) < 0 ? -errno : netlink_acknowledged(fd);
}

int netfilter_probe(void)
{
    CLEANUP_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    int result = fd < 0 ? -errno : ask(fd, "bpf", 1, false);

    return result ? result : ask(fd, "NFQUEUE", 3, true);
}
