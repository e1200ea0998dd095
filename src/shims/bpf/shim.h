/*
 * The ALE shim's loader: kernel programs that turn socket events into classify calls, and the
 * user-space handle that loads, feeds and replaces them.
 *
 * Everything is pinned. A shim handle is only a view of the pin directory: closing it, or dying,
 * changes nothing that is enforced; opening it again adopts the pins and swaps in this build's
 * programs by atomic link update. shim_remove() is the only way to stop enforcing.
 *
 * Functions return 0 or a negative errno; struct shim_error then holds a sentence for a person.
 * A handle belongs to one thread.
 */
#ifndef OPENWFP_SHIM_H
#define OPENWFP_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIM_PIN_DIR "/sys/fs/bpf/openwfp"

enum shim_scope {
    SHIM_SCOPE_MACHINE, /* every process of this machine */
    SHIM_SCOPE_CGROUP,  /* processes in options.cgroup and below */
    SHIM_SCOPE_NETNS,   /* sockets of the network namespace options.netns */
};

struct shim_options {
    enum shim_scope scope;
    const char *cgroup;  /* a cgroup v2 directory; NULL = the root of cgroup v2 */
    uint64_t netns;      /* inode number of the network namespace; 0 = all */
    const char *pin_dir; /* NULL = SHIM_PIN_DIR */
    bool afresh;         /* what is pinned is not adopted, but replaced by the first commit */
};

struct classify_image; /* classify/compile.h */

struct shim_error {
    int code; /* negative errno */
    char text[512];
    char log[4096]; /* the verifier's last words, when a program was refused */
};

struct shim;

/* Loads the programs, or adopts what is pinned without a gap in enforcement, also another
 * version's. An adopted set keeps the scope it was made with: asking for another one fails with
 * -EEXIST. */
int shim_open(const struct shim_options *options, struct shim **shim, struct shim_error *error);

/* Frees the handle; enforcement stays. */
void shim_close(struct shim *shim);

/* Whether the process that made the pins held operations, or could have. */
bool shim_held_left(const char *pin_dir);

/* Runs fn in each network namespace in which the process that made the pins held operations. */
void shim_networks_left(const char *pin_dir, int (*fn)(void *ctx), void *ctx);

/* Detaches every program and removes the pins. */
int shim_remove(const char *pin_dir, struct shim_error *error);

/* True when shim_open() found pins of an earlier process. */
bool shim_adopted(const struct shim *shim);

/* Whether shim_open() would find a finished set of pins there. */
bool shim_pinned(const char *pin_dir);

/* Whose policy is in force: whoever commits says so after it. */
enum shim_origin {
    SHIM_ORIGIN_SERVICE, /* bfe's; or none at all */
    SHIM_ORIGIN_BOOT,    /* the boot image's */
    SHIM_ORIGIN_CLOSED,  /* the closed policy that stands in for a damaged one */
};
struct shim_standing {
    uint32_t origin; /* enum shim_origin */
    uint32_t image;  /* of SHIM_ORIGIN_BOOT: the boot image's checksum */
};
struct shim_standing shim_standing(const struct shim *shim);
void shim_set_standing(struct shim *shim, struct shim_standing standing);
/* Without opening what is pinned. 0, or a negative errno: nothing is, or another version's. */
int shim_standing_of(const char *pin_dir, struct shim_standing *standing);

/* True when they are of another version, or were to be made afresh: its programs and policy are in
 * force until the first commit has replaced them, without a gap. */
bool shim_succeeding(const struct shim *shim);

/* Makes the image the policy, in one swap. The hooks that it needs are attached before the swap,
 * those that it no longer needs are detached after it. On failure the old policy stands. The
 * image's memory is the kernel's map from then on. */
int shim_commit(struct shim *shim, struct classify_image *image, struct shim_error *error);

/* Loads one more of the programs that filters of connects need, for which the verifier takes some
 * tenths of a second each: what is loaded ahead, no commit waits for. False: there are no more. */
bool shim_prepare(struct shim *shim);

/* Puts the change that is pending in the committed image in force (classify/change.h). On failure
 * it is cancelled, and the policy is as it was. */
int shim_change(struct shim *shim, struct classify_image *image, struct shim_error *error);

/* What the policy in force permits of the live TCP connections goes on, the others end: to be
 * called when filters at AUTH_CONNECT or AUTH_RECV_ACCEPT have changed. Returns before it is done;
 * closing the shim waits for it. */
int shim_reauthorize(struct shim *shim, struct shim_error *error);

/* The number of a program, the same for the life of the pins; 0 when the table is full or the path
 * is longer than SHIM_PATH - 1. Names in the policy must be interned before they are committed. */
#define SHIM_PATH 256
uint32_t shim_app_number(struct shim *shim, const char *path);

/* ------------------------------------------------------------------ events */

#define SHIM_COLLECT_DROPS      1u /* blocked operations */
#define SHIM_COLLECT_ALLOWS     2u /* permitted operations, where the policy has filters */
#define SHIM_COLLECT_LIFECYCLES 4u /* FLOW_ESTABLISHED, ENDPOINT_CLOSURE, RESOURCE_RELEASE */
#define SHIM_COLLECT_ALL        8u /* with ALLOWS: also where it has none; attaches every hook */

enum shim_action { SHIM_PERMIT, SHIM_BLOCK };
enum shim_direction { SHIM_OUTBOUND, SHIM_INBOUND }; /* FWP_DIRECTION_* */

#define SHIM_EVENT_VETO 1u /* a callout vetoed a hard permit (6.8) */

struct shim_event {
    uint64_t time_ns;    /* realtime clock */
    uint64_t filter_id;  /* whose action stood; 0: no filter matched */
    uint64_t start_time; /* of the process, ns of the boot clock: (pid, start_time) is unique */
    uint64_t cgroup;     /* cgroup v2 id */
    uint64_t flow;       /* the socket's cookie */
    uint8_t local[16], remote[16];    /* network order; IPv4 in the first four bytes */
    uint16_t local_port, remote_port; /* host order; ICMP type and code */
    uint16_t layer;                   /* run-time layer id, FWPS_LAYER_* */
    uint8_t action;                   /* enum shim_action */
    uint8_t protocol;
    uint8_t family;              /* 4 or 6: the layer's */
    uint8_t direction;           /* enum shim_direction */
    uint16_t flags;              /* SHIM_EVENT_* */
    uint16_t reauthorize_reason; /* FWP_CONDITION_REAUTHORIZE_REASON_*; 0: it was asked first */
    uint32_t condition_flags;    /* FWP_CONDITION_FLAG_* as classified */
    uint32_t pid, uid, gid;
    uint32_t netns; /* inode number of the network namespace */
    uint32_t ifindex;
    uint32_t callout_id;
    char comm[16];
    char app[SHIM_PATH]; /* "" when the program is unknown */
};

/* Which events to make; SHIM_COLLECT_*. Attaches the hooks that they need. */
int shim_collect(struct shim *shim, uint32_t mask, struct shim_error *error);

/* Hands over what has happened, and does the chores that the kernel side asks for: destroying
 * refused listeners, attaching the accept hook in network namespaces where somebody listens.
 * Returns the number of events or a negative errno. Call it every 20 ms or so, and when shim_fd()
 * is readable: the kernel wakes the reader only when much is waiting. */
typedef void shim_event_fn(void *ctx, const struct shim_event *event);
int shim_poll(struct shim *shim, shim_event_fn *fn, void *ctx);
int shim_fd(const struct shim *shim);

/* Events that found the ring full, ever. */
uint64_t shim_lost(const struct shim *shim);

/* ------------------------------------------------------------------- flows */

/* A covered socket that has a peer, as the kernel has it now. */
struct shim_flow {
    uint64_t flow; /* the socket's cookie */
    uint64_t cgroup, start_time;
    uint8_t local[16], remote[16];    /* network order; IPv4 in the first four bytes */
    uint16_t local_port, remote_port; /* host order */
    uint8_t family, protocol;
    uint32_t netns, pid, uid; /* of a process that holds the socket */
};

/* Hands over every such socket, once for each process that holds it, in no order. 0 or -errno. */
int shim_flows(struct shim *shim, void (*fn)(void *ctx, const struct shim_flow *), void *ctx);

/* ---------------------------------------------------------------- callouts */

/* Links a callout's object file into the programs and replaces them, without a gap; the callout's
 * maps are pinned by name and keep their content over replacement. On failure nothing changes. */
int shim_callout_load(struct shim *shim, unsigned slot, const char *object_path,
                      struct shim_error *error);

/* Callouts' object files for pins that are new, all at once. The verifier looks at them when a
 * policy needs the programs that they are linked into. */
struct shim_callout {
    unsigned slot;
    const void *bytes;
    size_t size;
};
int shim_callouts_install(struct shim *shim, const struct shim_callout *callouts, size_t count,
                          struct shim_error *error);
int shim_callout_unload(struct shim *shim, unsigned slot, struct shim_error *error);
bool shim_callout_loaded(const struct shim *shim, unsigned slot);
/* Whether it is this object that is loaded. */
bool shim_callout_is(const struct shim *shim, unsigned slot, const void *bytes, size_t size);

/* ------------------------------------------------------------------- probe */

enum shim_hook {
    SHIM_HOOK_SOCK_CREATE,
    SHIM_HOOK_SOCK_RELEASE,
    SHIM_HOOK_BIND,
    SHIM_HOOK_POST_BIND,
    SHIM_HOOK_CONNECT,
    SHIM_HOOK_SENDMSG,
    SHIM_HOOK_SOCKOPS,
    SHIM_HOOK_SKB_INGRESS,
    SHIM_HOOK_SKB_EGRESS,
    SHIM_HOOK_SK_LOOKUP,
    SHIM_HOOK_TASK_STORAGE,
    SHIM_HOOK_ARENA,
    SHIM_HOOK_SK_STORAGE,
    SHIM_HOOK_RINGBUF,
    SHIM_HOOK_BTF,
    SHIM_HOOK_SOCK_DESTROY,
    SHIM_HOOK_NETFILTER,
    SHIM_HOOK_LSM_LISTEN, /* these are optional */
    SHIM_HOOK_LSM_CREATE,
    SHIM_HOOK_LSM_BIND,
    SHIM_HOOKS
};

#define SHIM_GAPS 16

struct shim_probe {
    const char *name;   /* "connect" */
    const char *serves; /* "ALE_AUTH_CONNECT: TCP, connected UDP" */
    bool required;
    bool works;
    int code;         /* negative errno when it does not work */
    char reason[160]; /* one line for a person, "" when it works */
};

struct shim_report {
    struct shim_probe hooks[SHIM_HOOKS];
    bool usable;                 /* every required hook works */
    char cgroup2[256];           /* where cgroup v2 is mounted, "" when it is not */
    char summary[256];           /* one line: what is missing, or "everything works" */
    const char *gaps[SHIM_GAPS]; /* what no hook that works here reaches; ends with NULL */
};

/* Tries every hook by loading a small program; changes nothing. 0 also when hooks are missing. */
int shim_probe(struct shim_report *report);
#endif
