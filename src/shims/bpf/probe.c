/* What this kernel and these rights allow, found out by loading the smallest program of a kind. */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <linux/bpf.h>

#include "classify/grace.h"
#include "probe.skel.h"

struct probe_case {
    const char *name, *serves;
    bool required;
    enum bpf_prog_type type;
    enum bpf_attach_type attach;
    int other; /* what to try instead of a program */
    enum bpf_map_type map;
    enum shim_program lsm;
};

enum {
    TRY_PROGRAM,
    TRY_MAP,
    TRY_BTF,
    TRY_DESTROY,
    TRY_NETFILTER,
    TRY_TASK_STORAGE,
    TRY_ARENA,
    TRY_LSM
};

static const struct probe_case cases[SHIM_HOOKS] = {
    [SHIM_HOOK_SOCK_CREATE] = {"sock_create", "ALE_RESOURCE_ASSIGNMENT of raw and ping sockets",
                               true, BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_CREATE},
    [SHIM_HOOK_SOCK_RELEASE] = {"sock_release", "ALE_ENDPOINT_CLOSURE, ALE_RESOURCE_RELEASE", true,
                                BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET_SOCK_RELEASE},
    [SHIM_HOOK_BIND] = {"bind", "ALE_RESOURCE_ASSIGNMENT: the port that was asked for", true,
                        BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_BIND},
    [SHIM_HOOK_POST_BIND] = {"post_bind", "ALE_RESOURCE_ASSIGNMENT: the port that was given", true,
                             BPF_PROG_TYPE_CGROUP_SOCK, BPF_CGROUP_INET4_POST_BIND},
    [SHIM_HOOK_CONNECT] = {"connect", "ALE_AUTH_CONNECT of TCP and connected UDP", true,
                           BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT},
    [SHIM_HOOK_SENDMSG] = {"sendmsg", "ALE_AUTH_CONNECT of unconnected UDP", true,
                           BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_UDP4_SENDMSG},
    [SHIM_HOOK_SOCKOPS] = {"sockops", "ALE_AUTH_LISTEN, ALE_FLOW_ESTABLISHED", true,
                           BPF_PROG_TYPE_SOCK_OPS, BPF_CGROUP_SOCK_OPS},
    [SHIM_HOOK_SKB_INGRESS] = {"skb_ingress", "ALE_AUTH_RECV_ACCEPT", true,
                               BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS},
    [SHIM_HOOK_SKB_EGRESS] = {"skb_egress", "ALE_AUTH_CONNECT of raw and ping sockets", true,
                              BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_EGRESS},
    [SHIM_HOOK_SK_LOOKUP] = {"sk_lookup", "ALE_AUTH_RECV_ACCEPT: refusing peers at once", true,
                             BPF_PROG_TYPE_SK_LOOKUP, BPF_SK_LOOKUP},
    [SHIM_HOOK_TASK_STORAGE] = {"task_storage", "who is calling, kept with each task", false,
                                .other = TRY_TASK_STORAGE},
    [SHIM_HOOK_ARENA] = {"arena", "large policies in the least time and memory", false,
                         .other = TRY_ARENA},
    [SHIM_HOOK_SK_STORAGE] = {"sk_storage", "whose socket it is", true,
                              .map = BPF_MAP_TYPE_SK_STORAGE, .other = TRY_MAP},
    [SHIM_HOOK_RINGBUF] = {"ringbuf", "net events", true, .map = BPF_MAP_TYPE_RINGBUF,
                           .other = TRY_MAP},
    [SHIM_HOOK_BTF] = {"btf", "finding the kernel's structures", true, .other = TRY_BTF},
    [SHIM_HOOK_SOCK_DESTROY] = {"sock_destroy",
                                "ending listeners and live connections that are blocked", false,
                                .other = TRY_DESTROY},
    [SHIM_HOOK_NETFILTER] = {"netfilter", "hold rules, callout drivers that pend or redirect",
                             false, .other = TRY_NETFILTER},
    [SHIM_HOOK_LSM_LISTEN] = {"lsm_listen", "ALE_AUTH_LISTEN: listen() itself fails", false,
                              .other = TRY_LSM, .lsm = PROGRAM_LSM_LISTEN},
    [SHIM_HOOK_LSM_CREATE] = {"lsm_create", "ALE_RESOURCE_ASSIGNMENT of packet sockets", false,
                              .other = TRY_LSM, .lsm = PROGRAM_LSM_CREATE},
    [SHIM_HOOK_LSM_BIND] = {"lsm_bind",
                            "ALE_RESOURCE_ASSIGNMENT: bind() of raw, ping and packet sockets",
                            false, .other = TRY_LSM, .lsm = PROGRAM_LSM_BIND},
};

static int try_program(const struct probe_case *probe)
{
    struct bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
        {.code = BPF_JMP | BPF_EXIT},
    };
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = probe->attach);
    CLEANUP_FD int fd = bpf_prog_load(probe->type, "probe", "GPL", instructions, 2, &options);

    return fd < 0 ? -errno : 0;
}

static int try_map(const struct probe_case *probe)
{
    int works = libbpf_probe_bpf_map_type(probe->map, NULL);

    return works == 1 ? 0 : works < 0 ? works : -EINVAL;
}

int probe_task_storage(void)
{
    static int known = 1; /* not yet */

    if (known == 1) {
        struct probe_bpf *skeleton = probe_bpf__open_and_load();

        known = skeleton ? 0 : -errno;
        probe_bpf__destroy(skeleton);
    }
    return known;
}

/* A program that reads an arena, in a loop that ends by may_goto alone. */
static int try_arena(void)
{
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE,
                .map_extra = policy_arena_address());
    CLEANUP_FD int arena = bpf_map_create((enum bpf_map_type)CLASSIFY_MAP_TYPE_ARENA, "probe", 0, 0,
                                          policy_arena_pages(), &options);
    const struct bpf_insn instructions[] = {
        {.code = BPF_LD | BPF_DW | BPF_IMM,
         .dst_reg = BPF_REG_1,
         .src_reg = BPF_PSEUDO_MAP_FD,
         .imm = arena},
        {0},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1},
        {.code = BPF_ALU64 | BPF_MOV | BPF_X,
         .dst_reg = BPF_REG_1,
         .src_reg = BPF_REG_1,
         .off = 1,
         .imm = 1}, /* addr_space_cast */
        {.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = BPF_REG_0, .src_reg = BPF_REG_1},
        {.code = BPF_JMP | 0xe0 /* BPF_JCOND */, .off = 1},
        {.code = BPF_JMP | BPF_JA, .off = -2},
        {.code = BPF_JMP | BPF_EXIT},
    };

    if (arena < 0)
        return -errno;
    CLEANUP_FD int program =
        bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "probe", "GPL", instructions,
                      sizeof(instructions) / sizeof(*instructions), NULL);
    return program < 0 ? -errno : grace_wait() ? 0 : -ENOSYS;
}

int probe_arena(void)
{
    static int known = 1; /* not yet */

    if (known == 1)
        known = try_arena();
    return known;
}

static int try(enum shim_hook hook)
{
    switch (cases[hook].other) {
    case TRY_TASK_STORAGE:
        return probe_task_storage();
    case TRY_ARENA:
        return probe_arena();
    case TRY_LSM:
        return lsm_probe(cases[hook].lsm);
    case TRY_MAP:
        return try_map(&cases[hook]);
    case TRY_BTF:
        return access("/sys/kernel/btf/vmlinux", R_OK) ? -errno : 0;
    case TRY_DESTROY:
        return destroy_probe();
    case TRY_NETFILTER:
        return netfilter_probe();
    }
    return try_program(&cases[hook]);
}

static void probe_one(enum shim_hook hook, struct shim_probe *probe)
{
    int result = try(hook);

    *probe = (struct shim_probe){
        .name = cases[hook].name,
        .serves = cases[hook].serves,
        .required = cases[hook].required,
        .works = !result,
        .code = result,
    };
    if (result == -EPERM)
        snprintf(probe->reason, sizeof(probe->reason),
                 "not permitted: root or CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON are needed, and a "
                 "kernel that does not forbid it");
    else if (result == -ENOSYS && cases[hook].other == TRY_LSM)
        lsm_advice(probe->reason, sizeof(probe->reason));
    else if (result && hook == SHIM_HOOK_TASK_STORAGE)
        snprintf(probe->reason, sizeof(probe->reason),
                 "not for programs of cgroups in this kernel: the %d tasks that called last are "
                 "kept in a table",
                 ALE_CALLERS);
    else if (result && hook == SHIM_HOOK_ARENA)
        snprintf(probe->reason, sizeof(probe->reason),
                 "not in this kernel, 6.9 and later have it: programs load more slowly, lookups "
                 "among many filters take a third longer, a policy 4 MiB at least");
    else if (result && hook == SHIM_HOOK_SOCK_DESTROY)
        snprintf(probe->reason, sizeof(probe->reason),
                 "%s: CONFIG_INET_DIAG_DESTROY and the modules tcp_diag and udp_diag are needed; "
                 "without them what is connected stays connected",
                 strerror(-result));
    else if (result && hook == SHIM_HOOK_NETFILTER)
        snprintf(probe->reason, sizeof(probe->reason),
                 "%s: the modules nf_tables, nft_compat, xt_bpf and xt_NFQUEUE are needed; without "
                 "them what would have to wait is dropped",
                 strerror(-result));
    else if (result)
        snprintf(probe->reason, sizeof(probe->reason), "this kernel can't: %s", strerror(-result));
}

static void summarize(struct shim_report *report)
{
    size_t length = 0;

    report->usable = true;
    for (int i = 0; i < SHIM_HOOKS; i++) {
        const struct shim_probe *probe = &report->hooks[i];

        if (probe->works || !probe->required)
            continue;
        report->usable = false;
        if (length < sizeof(report->summary))
            length +=
                snprintf(report->summary + length, sizeof(report->summary) - length, "%s%s (%s)",
                         length ? ", " : "missing: ", probe->name, strerror(-probe->code));
    }
    if (!report->cgroup2[0]) {
        report->usable = false;
        snprintf(report->summary, sizeof(report->summary), "cgroup v2 is not mounted");
    }
    if (report->usable)
        snprintf(report->summary, sizeof(report->summary), "everything that is needed works");
}

/* What is not covered, and the hook that would cover it; SHIM_HOOKS: none would. */
static const struct {
    enum shim_hook unless;
    const char *text;
} gaps[] = {
    {SHIM_HOOK_LSM_CREATE, "AF_PACKET and AF_XDP sockets: no hook sees them being made, or their "
                           "frames"},
    {SHIM_HOOK_LSM_BIND, "binding a raw or ping socket to an address: only its creation is seen"},
    {SHIM_HOOK_LSM_LISTEN, "listen() itself does not fail: a refused listener is destroyed, its "
                           "peers are refused"},
    {SHIM_HOOKS, "an established TCP socket passed on by SCM_RIGHTS keeps its verdict and owner"},
    {SHIM_HOOKS, "sockets of the kernel itself (NFS, WireGuard, answers to pings) have no owner "
                 "and are not filtered"},
    {SHIM_HOOKS, "blocked inbound UDP and ICMP is dropped without an answer to the sender"},
    {SHIM_HOOKS,
     "SCTP: bind(), connect() and listen() are not seen, only its packets; the subflows that an "
     "MPTCP peer adds later"},
    {SHIM_HOOKS, "a hook that was attached to a cgroup above or below by somebody else may block "
                 "what is permitted here"},
};
_Static_assert(sizeof(gaps) / sizeof(gaps[0]) < SHIM_GAPS, "the report has room for all gaps");

static void find_gaps(struct shim_report *report)
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++)
        if (gaps[i].unless == SHIM_HOOKS || !report->hooks[gaps[i].unless].works)
            report->gaps[count++] = gaps[i].text;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
    return 0;
}

int shim_probe(struct shim_report *report)
{
    char root[PATH_MAX];

    libbpf_set_print(quiet);
    memset(report, 0, sizeof(*report));
    for (int i = 0; i < SHIM_HOOKS; i++)
        probe_one(i, &report->hooks[i]);
    if (!cgroup2_root(root) && strlen(root) < sizeof(report->cgroup2))
        strcpy(report->cgroup2, root);
    summarize(report);
    find_gaps(report);
    return 0;
}
