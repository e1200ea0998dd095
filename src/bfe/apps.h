/*
 * The numbers of the programs that the policy names. They come from the kernel's table, so that
 * both sides use the same; without a kernel they are counted here.
 */
#ifndef OPENWFP_BFE_APPS_H
#define OPENWFP_BFE_APPS_H

#include "shims/bpf/shim.h"

#define APP_UNNAMED UINT32_MAX /* a program that the policy does not name */

struct apps {
    struct shim *shim; /* NULL: no kernel */
    void *tree;
    uint32_t count;
};

/* The number of a program that the policy names; 0: no numbers are left. */
uint32_t apps_number(struct apps *apps, const char *path);
/* The same without giving out a number: APP_UNNAMED for a program without one. */
uint32_t apps_find(const struct apps *apps, const char *path);
void apps_free(struct apps *apps);

#endif
