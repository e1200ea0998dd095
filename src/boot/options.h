/* The command line of openwfp-boot. */
#ifndef OPENWFP_BOOT_OPTIONS_H
#define OPENWFP_BOOT_OPTIONS_H

#include <stdbool.h>

/* Exit codes, also in the usage text and the man page. */
enum boot_exit {
    BOOT_EXIT_OK = 0,      /* the boot policy is in force, or there is nothing to do */
    BOOT_EXIT_DAMAGED = 1, /* unusable image: the closed policy is in force, or what was before */
    BOOT_EXIT_USAGE = 2,
    BOOT_EXIT_KERNEL = 3, /* nothing is in force */
};

struct boot_options {
    const char *image, *pin_dir, *cgroup, *command_line;
    bool check, kernel_log;
};

/* -1 to go on, or the enum boot_exit to leave with. */
int boot_options_parse(struct boot_options *options, int argc, char **argv);

#endif
