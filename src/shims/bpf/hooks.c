/*
 * Attaching only what a policy needs: a program that is not attached costs nothing. Links are
 * pinned; replacing a program updates its link, so there is no moment without one.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BIT(program) (1ull << (program))

#define NEED_BIND                                                                                  \
    (BIT(PROGRAM_BIND4) | BIT(PROGRAM_BIND6) | BIT(PROGRAM_POST_BIND4) | BIT(PROGRAM_POST_BIND6))
#define NEED_CONNECT    (BIT(PROGRAM_CONNECT4) | BIT(PROGRAM_CONNECT6))
#define NEED_SENDMSG    (BIT(PROGRAM_SENDMSG4) | BIT(PROGRAM_SENDMSG6))
#define NEED_RELEASE    BIT(PROGRAM_SOCK_RELEASE)
/* Whoever sends without a connect or send hook has an owner since the socket was made. */
#define NEED_CREATE     BIT(PROGRAM_SOCK_CREATE)
#define NEED_EGRESS     (NEED_CREATE | BIT(PROGRAM_EGRESS))
/* Whoever listens or receives has bound, connected or sent before: those hooks know the owner. */
#define NEED_OWNER      (NEED_BIND | NEED_CREATE | NEED_CONNECT | NEED_SENDMSG)
#define NEED_ACCEPT     (NEED_OWNER | BIT(PROGRAM_INGRESS) | BIT(PROGRAM_SOCKOPS) | BIT(PROGRAM_LOOKUP))
/* Where the kernel has them. */
#define NEED_LSM_ASSIGN (BIT(PROGRAM_LSM_CREATE) | BIT(PROGRAM_LSM_BIND))
#define NEED_LSM_LISTEN BIT(PROGRAM_LSM_LISTEN)

/* What a layer's filters need: always, and when they can match UDP or neither UDP nor TCP. */
struct layer_needs {
    uint16_t v4, v6; /* run-time ids */
    uint32_t remember;
    uint64_t hooks, hooks_udp, hooks_other;
    struct shim_needs asking; /* when filters may ask user space */
};

static const struct layer_needs layers[] = {
    {36,
     38,
     ALE_REMEMBER_OTHER | ALE_ASSIGN_FILTERED,
     NEED_OWNER | NEED_LSM_ASSIGN,
     0,
     0,
     {NEED_ACCEPT | NEED_RELEASE, ALE_REMEMBER_TCP}},
    {40, 42, 0, NEED_ACCEPT | NEED_LSM_LISTEN, 0, 0, {NEED_RELEASE, 0}},
    {44, 46, ALE_REMEMBER_OTHER, NEED_ACCEPT, 0, NEED_EGRESS, {NEED_RELEASE, 0}},
    {48, 50, 0, NEED_CONNECT, NEED_SENDMSG, NEED_EGRESS, {NEED_EGRESS | NEED_RELEASE, 0}},
    {66, 67, ALE_REDIRECT_FILTERED, NEED_CONNECT, NEED_SENDMSG, 0, {NEED_EGRESS | NEED_RELEASE, 0}},
    {52, 54, ALE_REMEMBER_TCP | ALE_REMEMBER_OTHER, NEED_ACCEPT, 0, NEED_EGRESS, {NEED_RELEASE, 0}},
    {62, 63, ALE_REMEMBER_TCP | ALE_REMEMBER_OTHER, NEED_OWNER | NEED_RELEASE, 0, 0, {0}},
    {64, 65, ALE_REMEMBER_TCP | ALE_REMEMBER_OTHER, NEED_ACCEPT | NEED_RELEASE, 0, 0, {0}},
};

static void needs_of_layer(const struct layer_needs *layer, const struct classify_layer *policy,
                           bool asking, struct shim_needs *needs)
{
    uint32_t protocols = policy->protocols;

    if (!policy->filters)
        return;
    needs->remember |= layer->remember;
    needs->hooks |= layer->hooks;
    if (protocols & CLASSIFY_PROTOCOLS_UDP)
        needs->hooks |= layer->hooks_udp;
    if (protocols & CLASSIFY_PROTOCOLS_OTHER)
        needs->hooks |= layer->hooks_other;
    if (asking) {
        needs->remember |= layer->asking.remember;
        needs->hooks |= layer->asking.hooks;
    }
}

struct shim_needs hooks_needs_of_policy(const struct policy_layers *policy, bool asking)
{
    struct shim_needs needs = {0};

    for (size_t i = 0; i < sizeof(layers) / sizeof(layers[0]); i++) {
        needs_of_layer(&layers[i], &policy->layers[layers[i].v4], asking, &needs);
        needs_of_layer(&layers[i], &policy->layers[layers[i].v6], asking, &needs);
    }
    if (policy->version.group_bits)
        needs.remember |= ALE_REMEMBER_GROUPS;
    return needs;
}

static struct shim_needs needs_of_collection(uint32_t collect)
{
    struct shim_needs needs = {0};

    if (collect & SHIM_COLLECT_ALL) {
        needs.hooks |= NEED_ACCEPT | NEED_EGRESS;
        needs.remember |= ALE_REMEMBER_OTHER;
    }
    if (collect & SHIM_COLLECT_LIFECYCLES) {
        needs.hooks |= NEED_ACCEPT | NEED_RELEASE;
        needs.remember |= ALE_REMEMBER_TCP | ALE_REMEMBER_OTHER;
    }
    return needs;
}

struct shim_needs hooks_needs(const struct shim *shim)
{
    struct shim_needs needs = needs_of_collection(shim->state->collect);

    needs.hooks |= shim->policy_needs.hooks;
    needs.remember |= shim->policy_needs.remember;
    return needs;
}

static const enum bpf_attach_type attach_types[PROGRAM_LINK_COUNT] = {
    [PROGRAM_SOCK_CREATE] = BPF_CGROUP_INET_SOCK_CREATE,
    [PROGRAM_BIND4] = BPF_CGROUP_INET4_BIND,
    [PROGRAM_BIND6] = BPF_CGROUP_INET6_BIND,
    [PROGRAM_POST_BIND4] = BPF_CGROUP_INET4_POST_BIND,
    [PROGRAM_POST_BIND6] = BPF_CGROUP_INET6_POST_BIND,
    [PROGRAM_CONNECT4] = BPF_CGROUP_INET4_CONNECT,
    [PROGRAM_CONNECT6] = BPF_CGROUP_INET6_CONNECT,
    [PROGRAM_SENDMSG4] = BPF_CGROUP_UDP4_SENDMSG,
    [PROGRAM_SENDMSG6] = BPF_CGROUP_UDP6_SENDMSG,
    [PROGRAM_SOCK_RELEASE] = BPF_CGROUP_INET_SOCK_RELEASE,
    [PROGRAM_EGRESS] = BPF_CGROUP_INET_EGRESS,
    [PROGRAM_INGRESS] = BPF_CGROUP_INET_INGRESS,
    [PROGRAM_SOCKOPS] = BPF_CGROUP_SOCK_OPS,
};

static int attach_to_cgroup(struct shim *shim, enum shim_program program, struct shim_error *error)
{
    const char *name = shim_program_names[program];
    CLEANUP_FD int link =
        bpf_link_create(shim->code.programs[program], shim->cgroup_fd, attach_types[program], NULL);
    char path[PATH_MAX];

    if (link < 0)
        return shim_fail(error, link, "can't attach %s to the cgroup %s: %s", name, shim->cgroup,
                         strerror(-link));
    int result = pins_path(shim, name, path);
    if (!result && bpf_obj_pin(link, path))
        result = -errno;
    if (!result && !(shim->links[program] = bpf_link__open(path)))
        result = -errno;
    return result ? shim_fail(error, result, "can't pin %s in %s: %s", name, shim->pin_dir,
                              strerror(-result))
                  : 0;
}

static int attach_one(struct shim *shim, enum shim_program program, struct shim_error *error)
{
    int result;

    if (!(LSM_PROGRAMS & BIT(program)))
        return attach_to_cgroup(shim, program, error);
    result = lsm_attach(shim, program);
    return result ? shim_fail(error, result, "can't attach %s: %s", shim_program_names[program],
                              strerror(-result))
                  : 0;
}

/* Runs the iterator that gives sockets older than the hooks their owners. */
static int adopt_sockets(struct shim *shim, struct shim_error *error)
{
    int result = code_provide(shim, BIT(PROGRAM_ADOPT), error);

    if (result)
        return result;
    CLEANUP_FD int link =
        bpf_link_create(shim->code.programs[PROGRAM_ADOPT], 0, BPF_TRACE_ITER, NULL);
    CLEANUP_FD int fd = link >= 0 ? bpf_iter_create(link) : -1;
    char nothing[64];

    result = fd < 0 ? -errno : 0;

    while (!result && read(fd, nothing, sizeof(nothing)) > 0)
        ;
    if (result)
        return shim_fail(error, result, "can't look at the sockets that are open already: %s",
                         strerror(-result));
    return 0;
}

/* Makes all that is needed work. What is attached but not needed stays for now. Anew: listeners are
 * looked for also when the accept hook is attached, which otherwise is told of each. */
int hooks_attach(struct shim *shim, struct shim_needs needs, bool anew, struct shim_error *error)
{
    bool fresh = needs.remember & ~shim->state->remember;
    int result;

    needs.hooks = lsm_choose(shim, needs.hooks);
    result = code_provide(shim, needs.hooks, error);
    shim->state->remember |= needs.remember;
    for (int i = 0; !result && i < PROGRAM_LINK_COUNT; i++) {
        if (!(needs.hooks & BIT(i)) || shim->links[i])
            continue;
        result = attach_one(shim, i, error);
        fresh = true;
    }
    if (!result && fresh)
        result = adopt_sockets(shim, error);
    if (result || !(needs.hooks & BIT(PROGRAM_LOOKUP)) || (shim->lookup_attached && !anew))
        return result;
    shim->lookup_attached = true;
    return netns_attach_all(shim, error);
}

bool shim_prepare(struct shim *shim)
{
    const uint64_t wanted = NEED_CREATE | NEED_CONNECT | NEED_SENDMSG | BIT(PROGRAM_ADOPT) |
                            BIT(PROGRAM_HOLDERS) | BIT(PROGRAM_REAUTHORIZE) |
                            BIT(PROGRAM_REAUTHORIZE_UDP);
    struct shim_error error = {0};
    int i = 0;

    while (i < PROGRAM_COUNT && (!(wanted & BIT(i)) || shim->code.programs[i]))
        i++;
    return i < PROGRAM_COUNT && code_provide(shim, BIT(i), &error) == 0;
}

/* Not by the link, which knows only the name that its directory had when it was pinned. */
static void unpin(const struct shim *shim, enum shim_program program)
{
    char path[PATH_MAX];

    if (!pins_path(shim, shim_program_names[program], path))
        unlink(path);
}

/* Takes away what is not needed. */
void hooks_trim(struct shim *shim)
{
    struct shim_needs needs = hooks_needs(shim);

    for (int i = 0; i < PROGRAM_LINK_COUNT; i++) {
        if ((needs.hooks & BIT(i)) || !shim->links[i])
            continue;
        unpin(shim, i);
        bpf_link__detach(shim->links[i]);
        bpf_link__destroy(shim->links[i]);
        shim->links[i] = NULL;
    }
    if (!(needs.hooks & BIT(PROGRAM_LOOKUP)) && shim->lookup_attached)
        shim->lookup_attached = netns_detach_all(shim, NULL) != 0;
    shim->state->remember = needs.remember;
}

int hooks_open(struct shim *shim, struct shim_error *error)
{
    char path[PATH_MAX];

    for (int i = 0; i < PROGRAM_LINK_COUNT; i++) {
        int result = pins_path(shim, shim_program_names[i], path);

        if (result)
            return shim_fail(error, result, "the pin directory's name is too long");
        if (access(path, F_OK))
            continue;
        shim->links[i] = bpf_link__open(path);
        if (!shim->links[i])
            return shim_fail(error, -errno, "can't open the pinned link %s: %s", path,
                             strerror(errno));
    }
    return 0;
}

uint64_t hooks_attached(const struct shim *shim)
{
    uint64_t attached = 0;

    for (int i = 0; i < PROGRAM_LINK_COUNT; i++)
        if (shim->links[i])
            attached |= BIT(i);
    return attached;
}

static bool runs_already(const struct bpf_link *link, int program)
{
    struct bpf_link_info behind = {0};
    struct bpf_prog_info ours = {0};
    uint32_t behind_size = sizeof(behind), ours_size = sizeof(ours);

    return !bpf_obj_get_info_by_fd(bpf_link__fd(link), &behind, &behind_size) &&
           !bpf_obj_get_info_by_fd(program, &ours, &ours_size) && behind.prog_id == ours.id;
}

static int replace_one(struct shim *shim, enum shim_program program)
{
    if (!shim->links[program] || runs_already(shim->links[program], shim->code.programs[program]))
        return 0;
    return LSM_PROGRAMS & BIT(program) ? lsm_attach(shim, program)
           : bpf_link_update(bpf_link__fd(shim->links[program]), shim->code.programs[program], NULL)
               ? -errno
               : 0;
}

/* Puts the present code's programs behind the links. */
int hooks_replace(struct shim *shim, struct shim_error *error)
{
    for (int i = 0; i < PROGRAM_LINK_COUNT; i++) {
        int result = replace_one(shim, i);

        if (result)
            return shim_fail(error, result, "can't replace %s: %s", shim_program_names[i],
                             strerror(-result));
    }
    return 0;
}
