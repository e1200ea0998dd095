/* The command line of bfe, checked and with defaults filled in. */
#ifndef OPENWFP_BFE_OPTIONS_H
#define OPENWFP_BFE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "log.h"

/* Exit codes, also in the usage text and the man page. */
enum bfe_exit {
    BFE_EXIT_OK = 0,
    BFE_EXIT_FAILED = 1,  /* could not do its work; the log says why */
    BFE_EXIT_USAGE = 2,   /* the command line is wrong */
    BFE_EXIT_KERNEL = 3,  /* the kernel or our rights don't allow enforcement */
    BFE_EXIT_RUNNING = 4, /* another bfe serves this socket */
};

struct bfe_options {
    const char *socket;     /* path of the listening socket */
    const char *state;      /* path of the policy journal */
    const char *store;      /* path of the database of what is persistent */
    const char *boot_image; /* path of the boot image */
    const char *pin_dir;    /* NULL = the shim's default */
    const char *cgroup;     /* NULL = not limited to a cgroup subtree */
    uint64_t netns;         /* inode number of the only covered network namespace, 0 = all */
    bool no_kernel;
    bool remove;
    bool forget; /* with remove: the persistent policy too */
    bool remove_on_exit;
    gid_t admin_group;       /* its members count as privileged; (gid_t)-1 = none */
    const char *driver_host; /* program that hosts callout drivers */
    uid_t driver_uid;        /* drivers run as; (uid_t)-1 = as bfe does */
    gid_t driver_gid;
    enum log_target log;
    char *owned_state; /* backs `state` when it is derived from `socket` */
    char *owned_boot;  /* backs `boot_image` likewise */
    char *owned_store; /* the same for `store` */
    char *owned_host;  /* backs `driver_host` */
};

/* Returns -1 to go on, or the enum bfe_exit to leave with (after --help, --version or a mistake).
 */
int bfe_options_parse(struct bfe_options *options, int argc, char **argv);
void bfe_options_free(struct bfe_options *options);

#endif
