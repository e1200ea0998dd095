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
#define NEED_CONNECT (BIT(PROGRAM_CONNECT4) | BIT(PROGRAM_CONNECT6) | BIT(PROGRAM_SOCK_CREATE))
#define NEED_SENDMSG (BIT(PROGRAM_SENDMSG4) | BIT(PROGRAM_SENDMSG6))
#define NEED_RELEASE BIT(PROGRAM_SOCK_RELEASE)
#define NEED_EGRESS  BIT(PROGRAM_EGRESS)
/* Whoever listens or receives has bound, connected or sent before: those hooks know the owner. */
#define NEED_OWNER   (NEED_BIND | NEED_CONNECT | NEED_SENDMSG)
#define NEED_ACCEPT  (NEED_OWNER | BIT(PROGRAM_INGRESS) | BIT(PROGRAM_SOCKOPS) | BIT(PROGRAM_LOOKUP))

/* Run-time ids of the V4 layers; the V6 twins need the same. */
static const struct {
    uint16_t layer, layer_v6;
    uint64_t needs, other_protocols, udp;
} layer_needs[] = {
    {36, 38, NEED_BIND | NEED_CONNECT | NEED_SENDMSG, 0, 0},
    {40, 42, NEED_ACCEPT, 0, 0},
    {44, 46, NEED_ACCEPT, NEED_EGRESS, 0},
    {48, 50, NEED_CONNECT, NEED_EGRESS, NEED_SENDMSG},
    {52, 54, NEED_OWNER | BIT(PROGRAM_SOCKOPS) | BIT(PROGRAM_INGRESS), NEED_EGRESS, 0},
    {62, 63, NEED_OWNER | NEED_RELEASE, 0, 0},
    {64, 65, NEED_OWNER | NEED_RELEASE | BIT(PROGRAM_SOCKOPS), 0, 0},
};

static uint64_t needs_of_layer(size_t row, const struct classify_element *directory)
{
    uint64_t needs = layer_needs[row].needs;

    if (directory->layer.first == directory->layer.end)
        return 0;
    if (directory->layer.protocols & CLASSIFY_PROTOCOLS_OTHER)
        needs |= layer_needs[row].other_protocols;
    if (directory->layer.protocols & CLASSIFY_PROTOCOLS_UDP)
        needs |= layer_needs[row].udp;
    return needs;
}

uint64_t hooks_needs_of_policy(const struct classify_element *directory)
{
    uint64_t needs = 0;

    for (size_t i = 0; i < sizeof(layer_needs) / sizeof(layer_needs[0]); i++) {
        needs |= needs_of_layer(i, &directory[layer_needs[i].layer]);
        needs |= needs_of_layer(i, &directory[layer_needs[i].layer_v6]);
    }
    return needs;
}

static uint64_t needs_of_collection(uint32_t collect)
{
    uint64_t needs = 0;

    if (collect & SHIM_COLLECT_ALLOWS)
        needs |= NEED_ACCEPT | NEED_EGRESS;
    if (collect & SHIM_COLLECT_LIFECYCLES)
        needs |= NEED_ACCEPT | NEED_RELEASE;
    return needs;
}

uint64_t hooks_needs(const struct shim *shim)
{
    return shim->policy_needs | needs_of_collection(shim->state->collect);
}

static int attach_one(struct shim *shim, enum shim_program program, struct shim_error *error)
{
    const char *name = shim_program_names[program];
    struct bpf_program *code = bpf_object__find_program_by_name(shim->object, name);
    struct bpf_link *link = bpf_program__attach_cgroup(code, shim->cgroup_fd);
    char path[PATH_MAX];
    int result;

    if (!link)
        return shim_fail(error, -errno, "can't attach %s to the cgroup %s: %s", name, shim->cgroup,
                         strerror(errno));
    result = pins_path(shim, name, path);
    if (!result)
        result = bpf_link__pin(link, path);
    if (result) {
        bpf_link__destroy(link);
        return shim_fail(error, result, "can't pin %s in %s: %s", name, shim->pin_dir,
                         strerror(-result));
    }
    shim->links[program] = link;
    return 0;
}

/* Runs the iterator that gives sockets older than the hooks their owners. */
static int adopt_sockets(struct shim *shim, struct shim_error *error)
{
    struct bpf_program *code =
        bpf_object__find_program_by_name(shim->object, shim_program_names[PROGRAM_ADOPT]);
    struct bpf_link *link = bpf_program__attach_iter(code, NULL);
    CLEANUP_FD int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
    char nothing[64];
    int result = fd < 0 ? -errno : 0;

    while (!result && read(fd, nothing, sizeof(nothing)) > 0)
        ;
    bpf_link__destroy(link);
    if (result)
        return shim_fail(error, result, "can't look at the sockets that are open already: %s",
                         strerror(-result));
    return 0;
}

int hooks_attach(struct shim *shim, uint64_t needs, struct shim_error *error)
{
    bool fresh = false;
    int result = 0;

    for (int i = 0; !result && i < PROGRAM_CGROUP_COUNT; i++) {
        if (!(needs & BIT(i)) || shim->links[i])
            continue;
        result = attach_one(shim, i, error);
        fresh = true;
    }
    if (!result && fresh)
        result = adopt_sockets(shim, error);
    if (!result && (needs & BIT(PROGRAM_LOOKUP)))
        result = netns_attach_all(shim, error);
    return result;
}

/* Detaches what is not needed. */
int hooks_detach(struct shim *shim, uint64_t needs)
{
    for (int i = 0; i < PROGRAM_CGROUP_COUNT; i++) {
        if ((needs & BIT(i)) || !shim->links[i])
            continue;
        bpf_link__unpin(shim->links[i]);
        bpf_link__detach(shim->links[i]);
        bpf_link__destroy(shim->links[i]);
        shim->links[i] = NULL;
    }
    return needs & BIT(PROGRAM_LOOKUP) ? 0 : netns_detach_all(shim, NULL);
}

int hooks_open(struct shim *shim, struct shim_error *error)
{
    char path[PATH_MAX];

    for (int i = 0; i < PROGRAM_CGROUP_COUNT; i++) {
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

/* Puts another object's programs behind the links. When one fails, those before it go back. */
int hooks_replace(struct shim *shim, struct bpf_object *object, struct shim_error *error)
{
    for (int i = 0; i < PROGRAM_CGROUP_COUNT; i++) {
        struct bpf_program *code = bpf_object__find_program_by_name(object, shim_program_names[i]);

        if (!shim->links[i])
            continue;
        int result = bpf_link__update_program(shim->links[i], code);
        if (!result)
            continue;
        while (--i >= 0 && shim->object)
            if (shim->links[i])
                bpf_link__update_program(shim->links[i], bpf_object__find_program_by_name(
                                                             shim->object, shim_program_names[i]));
        return shim_fail(error, result, "can't replace a program: %s", strerror(-result));
    }
    return 0;
}
