/* What the loader's files share. Nothing here is for other rooms. */
#ifndef OPENWFP_SHIM_INTERNAL_H
#define OPENWFP_SHIM_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "classify/abi.h"
#include "shims/bpf/abi.h"
#include "shims/bpf/netns.h"
#include "shims/bpf/policy_arena.h"
#include "shims/bpf/shim.h"

/* One kernel program; its link is pinned under the program's name. */
enum shim_program {
    PROGRAM_SOCK_CREATE,
    PROGRAM_BIND4,
    PROGRAM_BIND6,
    PROGRAM_POST_BIND4,
    PROGRAM_POST_BIND6,
    PROGRAM_CONNECT4,
    PROGRAM_CONNECT6,
    PROGRAM_SENDMSG4,
    PROGRAM_SENDMSG6,
    PROGRAM_SOCK_RELEASE,
    PROGRAM_EGRESS,
    PROGRAM_INGRESS,
    PROGRAM_SOCKOPS,
    PROGRAM_LSM_LISTEN, /* optional, see lsm.c */
    PROGRAM_LSM_CREATE,
    PROGRAM_LSM_BIND,
    PROGRAM_LINK_COUNT,
    PROGRAM_LOOKUP = PROGRAM_LINK_COUNT, /* attached per network namespace, see netns.c */
    PROGRAM_ADOPT,
    PROGRAM_HOLDERS, /* the iterators of a reauthorization, see reauthorize.c */
    PROGRAM_REAUTHORIZE,
    PROGRAM_REAUTHORIZE_UDP,
    PROGRAM_ANSWER, /* run by whoever answers, see ask.c */
    PROGRAM_HELD,   /* matched by netfilter rules */
    PROGRAM_DENIED,
    PROGRAM_HELD_IN, /* likewise, one for each network namespace */
    PROGRAM_DENIED_IN,
    PROGRAM_FORGET, /* run by policy.c, where the kernel has arenas */
    PROGRAM_COUNT
};

enum shim_map {
    MAP_POLICY,
    MAP_STATE,
    MAP_APPS,
    MAP_APP_NAMES,
    MAP_APP_FILES,
    MAP_SOCKETS,
    MAP_FLOWS,
    MAP_ENDPOINTS,
    MAP_NAMESPACES,
    MAP_GROUP_BITS,
    MAP_EVENTS,
    MAP_EVENT_LOG,
    MAP_CALLOUTS,
    MAP_HELD,
    MAP_HELD_APPS,
    MAP_HELD_USERS,
    MAP_HELD_NETWORKS,
    MAP_HELD_WATCHED,
    MAP_LED,
    MAP_ASKS,
    MAP_PINNED_COUNT,
    MAP_PROCESSES = MAP_PINNED_COUNT, /* these are only caches: other programs have others */
    MAP_CALLERS,
    MAP_CALLER_BLANK,
    MAP_ADOPTED,
    MAP_WORKBENCHES,
    MAP_HELD_BLANK,
    MAP_HELD_NEXT,
    MAP_HOLDERS,
    MAP_REAUTHORIZING,
    MAP_COUNT
};

extern const char *const shim_program_names[PROGRAM_COUNT];
extern const char *const shim_map_names[MAP_COUNT];

struct shim_needs {
    uint64_t hooks;    /* bit per enum shim_program */
    uint32_t remember; /* ALE_REMEMBER_* */
};

/* The programs of one linked image. They are loaded when they are needed, as the verifier takes its
 * time, and pinned: the next loader of the same image has them already. */
struct shim_code {
    void *image;
    size_t image_size;
    uint64_t mark;               /* differs where programs would */
    int programs[PROGRAM_COUNT]; /* descriptors; 0 = not loaded */
};

struct classify_group; /* classify/compile.h */

/* What is known to be on a side of the table of groups. */
struct shim_groups {
    bool known;
    uint32_t count;
    struct classify_group *groups;
};

/* The numbers handed out by shim_app_number(), the files of the first `looked_up` are known. */
struct shim_apps {
    uint8_t has[ALE_APPS / 8];
    uint32_t *numbers;
    size_t count, room, looked_up;
};

struct shim_cookies {
    uint64_t *list;
    size_t count;
};

struct shim_asks;    /* ask.h */
struct reauthorizer; /* reauthorize.c */

struct shim {
    struct shim_options options; /* strings point into the two below */
    char pin_dir[PATH_MAX];
    char cgroup[PATH_MAX];
    bool adopted, succeeding; /* succeeding: see succeed.c */
    int cgroup_fd;
    uint64_t scope_cookie; /* 0 = every network namespace */
    int maps[MAP_COUNT];
    struct ale_state *state; /* the map itself */
    struct ale_log *log;     /* the map itself */
    struct ale_path **names; /* app_names.c */
    struct shim_code code;
    struct bpf_link *links[PROGRAM_LINK_COUNT]; /* NULL = not attached */
    struct ring_buffer *ring;
    shim_event_fn *event_fn;
    void *event_ctx;
    int event_count;       /* handed over by this shim_poll() */
    size_t chores_visited; /* done by it */
    uint64_t clock_offset; /* realtime minus boot clock */
    struct shim_needs policy_needs;
    struct policy_arena arena;
    uint64_t generation;          /* of the policy in force; 0: none was ever committed */
    bool lookup_attached;         /* the accept hook may be in some network namespaces */
    struct shim_groups groups[2]; /* by the generation's parity */
    struct shim_apps apps;
    struct shim_asks *asks; /* NULL: nobody answers questions */
    struct reauthorizer *reauthorizer;
    pthread_mutex_t code_lock;   /* the code is also loaded from where questions are answered */
    pthread_mutex_t answer_lock; /* held while the program that takes answers runs: it can sleep */
};

/* probe.c: 0, or why the kernel keeps nothing with a task for programs of cgroups. */
int probe_task_storage(void);
/* 0, or why the programs have to do without arenas and may_goto (classify/verifier.h). */
int probe_arena(void);

/* error.c */
int shim_fail(struct shim_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* What a policy says of itself, copied out of wherever it is. */
struct policy_layers {
    struct classify_version version;
    struct classify_layer layers[CLASSIFY_LAYERS]; /* no filters: all zero */
};

/* pins.c: the pin directory */
int pins_prepare(struct shim *shim, struct shim_error *error);
int pins_path(const struct shim *shim, const char *name, char path[PATH_MAX]);
int pins_remove(const char *pin_dir, struct shim_error *error);
int pins_each(const struct shim *shim, const char *prefix,
              int (*fn)(struct shim *shim, const char *name, struct shim_error *error),
              struct shim_error *error);

/* succeed.c: in the place of another version */
int succession_clear(const char *pin_dir, struct shim_error *error);
bool succession_due(const struct shim *shim);
int succession_begin(struct shim *shim, struct shim_error *error);
/* Ends what the others hold; before their packets go on. */
int succession_end_held(struct shim *shim, struct shim_error *error);
/* Just before the first policy is in force, */
void succession_inherit(const struct shim *shim);
/* and just after it. */
int succession_complete(struct shim *shim, struct shim_error *error);

/* object.c: the programs, linked with the callouts */
int object_build(struct shim *shim, int slot, const void *callout, size_t size, void **image,
                 size_t *image_size, struct shim_error *error);
/* Tells the programs what is covered. */
void object_set_scope(const struct shim *shim, struct bpf_object *object);
/* Loads the programs (bit per enum shim_program) of an image; cookie: for PROGRAM_LOOKUP. */
struct bpf_object *object_load(struct shim *shim, uint64_t programs, uint64_t cookie,
                               struct shim_error *error);

/* -1: none of ours has this name. */
int object_map_named(const char *name);

/* code.c: which programs are loaded */
int code_build(struct shim *shim, struct shim_error *error);
/* The code that an image is; takes it. */
struct shim_code code_of_image(const struct shim *shim, void *image, size_t size);
/* Takes what an earlier loader of the same code has left pinned, with its caches. */
int code_recall(struct shim *shim, struct shim_error *error);
/* Unpins the programs of any other code. */
void code_forget_others(struct shim *shim);
int code_provide(struct shim *shim, uint64_t programs, struct shim_error *error);
/* A descriptor of a program that has a constant of its namespace in it. */
int code_of_namespace(struct shim *shim, enum shim_program program, uint64_t cookie,
                      struct shim_error *error);
void code_forget_namespace(struct shim *shim, enum shim_program program, uint64_t cookie);
void code_free(struct shim_code *code);

/* callout_elf.c: makes a callout's object fit a slot */
#define CALLOUT_SYMBOL "openwfp_callout_N"
int callout_prepare(char *bytes, size_t size, unsigned slot, struct shim_error *error);

/* lsm.c: programs that the shim has only where the kernel lets it */
#define LSM_PROGRAMS                                                                               \
    (1ull << PROGRAM_LSM_LISTEN | 1ull << PROGRAM_LSM_CREATE | 1ull << PROGRAM_LSM_BIND)
/* 0: it works; -ENOSYS: bpf is not among the kernel's security modules; else why it won't load. */
int lsm_probe(enum shim_program program);
/* Without those of the programs that this kernel refuses; loads the others. */
uint64_t lsm_choose(struct shim *shim, uint64_t programs);
/* Attaches the present code's program, in the place of one that is attached already. */
int lsm_attach(struct shim *shim, enum shim_program program);
/* What the kernel's command line should say, for a person. */
void lsm_advice(char *text, size_t size);

/* hooks.c: links of the programs */
int hooks_open(struct shim *shim, struct shim_error *error);
uint64_t hooks_attached(const struct shim *shim);
int hooks_replace(struct shim *shim, struct shim_error *error);
int hooks_attach(struct shim *shim, struct shim_needs needs, bool anew, struct shim_error *error);
void hooks_trim(struct shim *shim);
struct shim_needs hooks_needs(const struct shim *shim);
/* asking: filters may ask user space */
struct shim_needs hooks_needs_of_policy(const struct policy_layers *policy, bool asking);

/* netns.c: the accept hook, one for each network namespace */
int netns_attach_pid(struct shim *shim, uint32_t pid, uint64_t inum, struct shim_error *error);
int netns_attach_all(struct shim *shim, struct shim_error *error);
int netns_detach_all(struct shim *shim, struct shim_error *error);
int netns_replace(struct shim *shim, struct shim_error *error);

/* policy.c */
/* Where the kernel has an arena for policies, maps it. */
int policy_open(struct shim *shim, struct shim_error *error);
int policy_read(const struct shim *shim, struct policy_layers *policy);
void policy_adopt(struct shim *shim);
/* Attaches what the policy in force needs now; something else than the policy has changed. */
int policy_reconsider(struct shim *shim, struct shim_error *error);

/* groups.c */
int groups_write(struct shim *shim, const struct classify_image *image, uint64_t generation);
void groups_begin(struct shim *shim);
void groups_free(struct shim *shim);

/* ask.c: the present code's program answers from now on */
int asks_replace(struct shim *shim, struct shim_error *error);
const struct shim *asks_shim(const struct shim_asks *asks);

/* destroy.c */
int destroy_socket(uint32_t pid, const struct ale_event *event);
int destroy_open(void); /* a netlink socket in the caller's network namespace */
int destroy_live(int fd, const struct ale_live *live);
/* 0, or why the kernel ends no sockets for us. */
int destroy_probe(void);
/* What the kernel answers to a message with NLM_F_ACK. */
int netlink_acknowledged(int fd);

/* netfilter.c: 0, or why packets can't be kept in a queue by a program's word. */
int netfilter_probe(void);

/* listeners.c */
bool cookies_have(const struct shim_cookies *cookies, uint64_t cookie);
/* Ends listeners with these cookies in the caller's network namespace. */
int listeners_end(const struct shim_cookies *cookies);

/* abort.c */
int flows_abort(struct shim *shim, const uint64_t *flows, uint32_t count);

/* reauthorize.c */
/* Destroys these sockets; returns when it is done. */
int reauthorize_end(struct shim *shim, const struct shim_cookies *cookies,
                    struct shim_error *error);
/* Waits for what is going on. */
void reauthorizer_free(struct reauthorizer *all);

/* apps.c */
int apps_refresh_files(struct shim *shim); /* looks all up anew */
int apps_add_files(struct shim *shim);     /* those of programs that are new */

/* app_names.c: from any thread */
int app_names_open(struct shim *shim);
void app_names_close(struct shim *shim);
struct ale_path *app_name(const struct shim *shim, uint32_t number); /* NULL: no memory, no such */

/* mounts.c: what the machine has */
int cgroup2_root(char path[PATH_MAX]);
uint64_t cgroup_id(int cgroup_fd);
int cgroup_level(const char *root, const char *cgroup);
int bpffs_ensure(const char *pin_dir, struct shim_error *error);
uint64_t namespace_inum(const char *path);

static inline void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define CLEANUP_FD __attribute__((cleanup(close_fd)))

#endif
