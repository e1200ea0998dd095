/*
 * LSM's programs: whether this kernel lets BPF have them, and their links.
 *
 * A kernel that was not told to have bpf among its security modules loads and attaches such
 * programs all the same, and never runs them. So one is tried.
 *
 * The kernel can't put another program behind such a link. A new link is made beside the old one
 * and takes over its name; in between both run, and a call may be asked about twice, never not at
 * all.
 */
#include "shims/bpf/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/bpf.h>

#define LSM_LIST "/sys/kernel/security/lsm"

/* ---- what works ---- */

/* A protocol that nobody asks for, and an answer that nothing else gives. */
#define MARKED_PROTOCOL 0x4f574650
#define MARKED_ERROR    EXDEV

static const char *const hooks[PROGRAM_LINK_COUNT] = {
    [PROGRAM_LSM_LISTEN] = "socket_listen",
    [PROGRAM_LSM_CREATE] = "socket_create",
    [PROGRAM_LSM_BIND] = "socket_bind",
};

static int load(const char *hook, const struct bpf_insn *instructions, size_t count)
{
    int id = libbpf_find_vmlinux_btf_id(hook, BPF_LSM_MAC);
    LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_LSM_MAC,
                .attach_btf_id = id > 0 ? id : 0);

    if (id <= 0)
        return -ENOENT;
    int fd = bpf_prog_load(BPF_PROG_TYPE_LSM, "probe", "GPL", instructions, count, &options);
    return fd < 0 ? -errno : fd;
}

static int load_empty(const char *hook)
{
    const struct bpf_insn instructions[] = {
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP | BPF_EXIT},
    };

    return load(hook, instructions, sizeof(instructions) / sizeof(instructions[0]));
}

/* Refuses sockets of the marked protocol. */
static int load_marked(void)
{
    const struct bpf_insn instructions[] = {
        {.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_1, .off = 16},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
        {.code = BPF_JMP32 | BPF_JNE | BPF_K,
         .dst_reg = BPF_REG_1,
         .imm = MARKED_PROTOCOL,
         .off = 1},
        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -MARKED_ERROR},
        {.code = BPF_JMP | BPF_EXIT},
    };

    return load("socket_create", instructions, sizeof(instructions) / sizeof(instructions[0]));
}

static int try_running(void)
{
    CLEANUP_FD int program = load_marked();

    if (program < 0)
        return program;
    CLEANUP_FD int link = bpf_raw_tracepoint_open(NULL, program);
    if (link < 0)
        return -errno;
    CLEANUP_FD int marked = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, MARKED_PROTOCOL);
    return marked < 0 && errno == MARKED_ERROR ? 0 : -ENOSYS;
}

/* What is known of each program, 0 or a negative errno; 1: nothing yet. A whole program that the
 * verifier refuses counts as much as a small one. */
static int known[PROGRAM_LINK_COUNT] = {
    [PROGRAM_LSM_LISTEN] = 1, [PROGRAM_LSM_CREATE] = 1, [PROGRAM_LSM_BIND] = 1};

int lsm_probe(enum shim_program program)
{
    static int running = 1; /* not tried yet */

    if (running == 1)
        running = try_running();
    if (running)
        return running;
    if (known[program] == 1) {
        CLEANUP_FD int fd = load_empty(hooks[program]);

        known[program] = fd < 0 ? fd : 0;
    }
    return known[program];
}

void lsm_advice(char *text, size_t size)
{
    CLEANUP_FD int fd = open(LSM_LIST, O_RDONLY | O_CLOEXEC);
    char list[128];
    ssize_t length = fd < 0 ? -1 : read(fd, list, sizeof(list) - 1);

    if (length > 0) {
        list[length] = '\0';
        list[strcspn(list, "\n")] = '\0';
    }
    snprintf(text, size, "in this kernel, but not enabled: put lsm=%s,bpf on its command line",
             length > 0 ? list : "<what " LSM_LIST " says>");
}

uint64_t lsm_choose(struct shim *shim, uint64_t programs)
{
    for (int i = 0; i < PROGRAM_LINK_COUNT; i++) {
        uint64_t bit = 1ull << i;

        if (!(programs & LSM_PROGRAMS & bit) || shim->links[i])
            continue;
        if (!lsm_probe(i))
            known[i] = code_provide(shim, bit, NULL);
        if (lsm_probe(i))
            programs &= ~bit;
    }
    return programs;
}

/* ---- links ---- */

/* Under the final name there is always a link. */
static int pin_over(struct shim *shim, int link, const char *name)
{
    char draft_name[64], draft[PATH_MAX], path[PATH_MAX];
    int result;

    snprintf(draft_name, sizeof(draft_name), "%s_draft", name);
    result = pins_path(shim, name, path);
    if (!result)
        result = pins_path(shim, draft_name, draft);
    if (result)
        return result;
    if ((unlink(draft) && errno != ENOENT) || bpf_obj_pin(link, draft))
        return -errno;
    if (!rename(draft, path))
        return 0;
    result = -errno;
    unlink(draft);
    return result;
}

int lsm_attach(struct shim *shim, enum shim_program program)
{
    CLEANUP_FD int link = bpf_link_create(shim->code.programs[program], 0, BPF_LSM_MAC, NULL);
    char path[PATH_MAX];
    struct bpf_link *pinned;
    int result;

    if (link < 0)
        return link;
    result = pin_over(shim, link, shim_program_names[program]);
    if (!result)
        result = pins_path(shim, shim_program_names[program], path);
    if (result)
        return result;
    pinned = bpf_link__open(path);
    if (!pinned)
        return -errno;
    bpf_link__destroy(shim->links[program]);
    shim->links[program] = pinned;
    return 0;
}
